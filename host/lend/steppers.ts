// Steppers of a site: images of them go to the site as they are taken, and whoever is given the task goes on from the last one.
import { LodgerError } from '../../runtime/base/errors.ts';
import { type Digest, type Platform, toHex } from '../../runtime/base/platform.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import type { ImageNotice, ImageStore, Steps } from '../../runtime/job/steps.ts';
import { peek } from '../../runtime/snapshot/difference.ts';
import { encodeManifest } from '../../runtime/snapshot/manifest.ts';
import { packImage, unpackImage } from '../wire/image.ts';
import type { FromHost } from '../wire/site.ts';
import type { Clock, Steppers } from './contracts.ts';
import type { Fetching } from './fetching.ts';
import type { Assigned } from './held.ts';
import type { Prepared } from './running.ts';

/** How often images are taken where the job says nothing. */
const EVERY_MS = 60_000;
/** How long a step may go on, at the least share of a core, when the machine is wanted back; then only what the site has is kept. */
const GRACE_MS = 2_000;
/** How long the last image may take to get to the site. */
const UPLOAD_MS = 10_000;
/** Blobs of one image; a host makes a whole one after 256 differences. */
const LINKS_MAX = 1_000;

export interface StepperTools {
  readonly steppers: () => Promise<Steppers>;
  readonly fetching: Fetching;
  readonly clock: Clock;
  readonly digest: Platform['digest'];
  readonly send: (message: FromHost) => boolean;
}

/** The images of one task: here, and at the site. */
interface Images extends ImageStore {
  /** The image that it begins with. */
  readonly from: Digest | undefined;
  readonly onImage: (image: ImageNotice) => void;
  /** Resolves when all that there were are at the site, or cannot be. */
  settled(): Promise<void>;
}

/** Runs a task from its beginning or its image. Undefined when it was stopped. */
export async function runStepper(
  tools: StepperTools,
  assigned: Assigned,
  task: Prepared,
): Promise<Outcome | undefined> {
  const { control, held } = assigned;
  const images = await openImages(tools, assigned);
  const checkpoint = { store: images, everyMs: held.terms.everyMs ?? EVERY_MS, onImage: images.onImage };
  const options = {
    ...{ checkpoint, signal: control.signal },
    onProgress: ({ share }: { share: number }) => {
      assigned.share = share;
    },
  };
  const steps = begin(await tools.steppers(), task, { options, from: images.from });
  assigned.leave = () => leave({ steps, images, clock: tools.clock, control });
  return steps.outcome;
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

async function openImages(tools: StepperTools, assigned: Assigned): Promise<Images> {
  const { fetching, send, digest } = tools;
  const { control, held, index } = assigned;
  const forms = new Map<Digest, Uint8Array>();
  /** The blob of each image that is at the site. */
  const blobs = new Map<Digest, Digest>();
  const from = assigned.image === null ? undefined : await download(assigned.image).catch(() => undefined);
  let uploads: Promise<void> = Promise.resolve();

  async function download(last: Digest): Promise<Digest> {
    let newest: Digest | undefined;
    for (let wanted: Digest | null = last; wanted !== null; ) {
      if (forms.size === LINKS_MAX) throw new RangeError('an image has too many before it');
      const { parent, form } = unpackImage(await fetching.blob(wanted, control.signal));
      // Whether it is whole and right is seen when the task goes on from it.
      const name = toHex(digest(encodeManifest(peek(form).manifest)));
      forms.set(name, form);
      blobs.set(name, wanted);
      newest ??= name;
      wanted = parent;
    }
    return newest as Digest;
  }

  /** Those before it that did not get there go first. */
  const blobOf = async (name: Digest): Promise<{ image: Digest; parent: Digest | null } | undefined> => {
    const form = forms.get(name);
    if (form === undefined) return undefined;
    const { form: kind, manifest } = peek(form);
    const before = kind === 'whole' ? null : (manifest.parent as Digest);
    const parent = before === null ? null : (blobs.get(before) ?? (await blobOf(before))?.image);
    if (parent === undefined) return undefined;
    const image = blobs.get(name) ?? (await fetching.store(packImage({ parent, form }), control.signal));
    blobs.set(name, image);
    return { image, parent };
  };
  const upload = async ({ digest: name, step, share, fuel }: ImageNotice): Promise<void> => {
    const blob = await blobOf(name);
    if (blob) send({ type: 'image', fence: held.fence, task: index, ...blob, step, share, fuel });
  };

  return {
    from,
    put: (name, bytes) => {
      // Nothing before a whole one is needed any more.
      if (peek(bytes).form === 'whole') forms.clear();
      forms.set(name, bytes);
    },
    get: (name) => forms.get(name),
    delete: (name) => void forms.delete(name),
    onImage: (notice) => {
      // One that does not get there now goes with the next one.
      uploads = uploads.then(() => upload(notice)).catch(() => undefined);
    },
    settled: () => uploads,
  };
}
