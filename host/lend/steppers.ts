// Steppers of a site: images of them go to the site as they are taken, and whoever is given the task goes on from the last one.
import { LodgerError } from '../../runtime/base/errors.ts';
import type { Digest } from '../../runtime/base/platform.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import type { Steps } from '../../runtime/job/steps.ts';
import type { Mark } from '../wire/ledger.ts';
import type { Clock, Steppers } from './contracts.ts';
import type { Assigned } from './held.ts';
import { createImages, type Images, type StepperTools } from './images.ts';
import type { Prepared } from './running.ts';

/** How often images are taken where the job says nothing. */
const EVERY_MS = 60_000;
/** How long a step may go on, at the least share of a core, when the machine is wanted back; then only what the site has is kept. */
const GRACE_MS = 2_000;
/** How long the last image may take to get to the site. */
const UPLOAD_MS = 10_000;
/** How it ended, and the marks that its result can be checked by. */
export interface Stepped {
  readonly outcome: Outcome;
  readonly marks: readonly Mark[];
}

/** Runs a task from its beginning or its image. Undefined when it was stopped. */
export async function runStepper(
  tools: StepperTools,
  assigned: Assigned,
  task: Prepared,
): Promise<Stepped | undefined> {
  const { control, held, image } = assigned;
  const images = createImages(tools, assigned);
  const from = image === null ? undefined : await images.download(image).catch(() => undefined);
  const { everyMs = EVERY_MS, markFuel } = held.terms;
  // What comes before its image is not this host's, which can answer for the whole or for nothing.
  const marked = from === undefined && markFuel !== undefined;
  const checkpoint = { store: images, everyMs, ...(marked && { markFuel }), onImage: images.onImage };
  const options = {
    ...{ checkpoint, signal: control.signal },
    onProgress: ({ share }: { share: number }) => {
      assigned.share = share;
    },
  };
  const steps = begin(await tools.steppers(), task, { options, from });
  assigned.leave = () => leave({ steps, images, clock: tools.clock, control });
  const outcome = await steps.outcome;
  if (!marked || outcome.state === 'failed') return { outcome, marks: [] };
  await images.settled();
  return { outcome, marks: images.marks() };
}

/** A stepper whose image is of no use is begun anew: nothing of it is believed that is not checked. */
function begin(
  { start, resume }: Steppers,
  task: Prepared,
  { options, from }: { options: Parameters<Steppers['start']>[1]; from: Digest | undefined },
): Steps {
  const { input, index, ...terms } = task;
  if (from !== undefined) {
    try {
      return resume(from, terms, options);
    } catch (error) {
      if (!(error instanceof LodgerError) || error.code !== 'ERR_IMAGE_INVALID') throw error;
    }
  }
  return start(task, options);
}

interface Leaving {
  readonly steps: Steps;
  readonly images: Images;
  readonly clock: Clock;
  readonly control: AbortController;
}

/** Ends a task with its image at the site, if its step and the site are quick enough; otherwise with the last one that is there. */
async function leave({ steps, images, clock, control }: Leaving): Promise<void> {
  const paused = steps.pause().catch(() => undefined);
  await within(GRACE_MS, paused, clock);
  await within(UPLOAD_MS, images.settled(), clock);
  control.abort();
}

async function within(ms: number, act: Promise<unknown>, clock: Clock): Promise<void> {
  let takeBack: () => void = () => undefined;
  const late = new Promise<void>((resolve) => {
    takeBack = clock.after(ms, resolve);
  });
  await Promise.race([act, late]);
  takeBack();
}
