// Steppers of a site: images of them go to the site as they are taken, and whoever is given the task goes on from the last one.
import { LodgerError } from '../../runtime/base/errors.ts';
import type { Digest } from '../../runtime/base/platform.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import type { Steps } from '../../runtime/job/steps.ts';
import type { Mark } from '../wire/ledger.ts';
import type { Clock, Steppers } from './contracts.ts';
import type { Assigned, Stop } from './held.ts';
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
  const { control, held, image, said } = assigned;
  const images = createImages(tools, assigned);
  const found = said ? images.goOn(said) : image === null ? undefined : images.download(image);
  const from = await found?.catch(() => undefined);
  const { everyMs = EVERY_MS, markFuel } = held.terms;
  // Who knows nothing of an image but that it is there answers for the whole.
  const marked = markFuel !== undefined && (from === undefined || said !== null);
  const checkpoint = { store: images, everyMs, ...(marked && { markFuel }), onImage: images.onImage };
  const options = {
    ...{ checkpoint, signal: control.signal },
    onProgress: ({ share }: { share: number }) => {
      assigned.share = share;
    },
  };
  const tell = (given: object) => tools.whose(given, held.terms.account, assigned.number);
  const steps = begin(await tools.steppers(), task, { options, from, tell, anew: images.beginAnew });
  assigned.leave = () => leave({ steps, images, clock: tools.clock, control });
  const outcome = await steps.outcome;
  if (!marked) return { outcome, marks: [] };
  await images.settled();
  return { outcome, marks: images.marks() };
}

interface Beginning {
  readonly options: Parameters<Steppers['start']>[1];
  readonly from: Digest | undefined;
  /** Told what the crew is given. */
  readonly tell: (given: object) => void;
  readonly anew: () => void;
}

/** A stepper whose image is of no use is begun anew: nothing of it is believed that is not checked. */
function begin({ start, resume }: Steppers, task: Prepared, { options, from, tell, anew }: Beginning): Steps {
  const { input, index, ...terms } = task;
  if (from !== undefined) {
    tell(terms);
    try {
      return resume(from, terms, options);
    } catch (error) {
      if (!(error instanceof LodgerError) || error.code !== 'ERR_IMAGE_INVALID') throw error;
      anew();
    }
  }
  tell(task);
  return start(task, options);
}

interface Leaving {
  readonly steps: Steps;
  readonly images: Images;
  readonly clock: Clock;
  readonly control: Stop;
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
