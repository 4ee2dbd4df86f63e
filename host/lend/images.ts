// The images of one task of a stepper on a host: those that come from the site, those that go to it, and the marks among them.
import { type Digest, type Platform, toHex } from '../../runtime/base/platform.ts';
import type { ImageNotice, ImageStore } from '../../runtime/job/steps.ts';
import { peek } from '../../runtime/snapshot/difference.ts';
import { encodeManifest, type Manifest, stateDigest } from '../../runtime/snapshot/manifest.ts';
import { createMarks } from '../../runtime/snapshot/marks.ts';
import { packImage, unpackImage } from '../wire/image.ts';
import type { Mark } from '../wire/ledger.ts';
import type { FromHost } from '../wire/site.ts';
import type { Clock, Steppers } from './contracts.ts';
import type { Fetching } from './fetching.ts';
import type { Assigned } from './held.ts';

/** Blobs of one image; a host makes a whole one after 256 differences. */
const LINKS_MAX = 1_000;

export interface StepperTools {
  readonly steppers: () => Promise<Steppers>;
  readonly whose: (given: object, account: string, task: number) => void;
  readonly fetching: Fetching;
  readonly clock: Clock;
  readonly digest: Platform['digest'];
  readonly send: (message: FromHost) => boolean;
}

export interface Images extends ImageStore {
  readonly onImage: (image: ImageNotice) => void;
  /** Brings an image from its blob, and those before it that it takes to open it. Gives its name. Throws a RangeError for what is none. */
  download(blob: Digest): Promise<Digest>;
  /** The same for an image that another host says is `said`. What comes behind it is this host's: it is the first of the marks. */
  goOn(said: Mark): Promise<Digest>;
  /** It goes on from none. */
  beginAnew(): void;
  /** What an image that is here says of itself. */
  manifest(image: Digest): Manifest;
  /** Resolves when all that there were are at the site, or cannot be. */
  settled(): Promise<void>;
  /** The marks whose images are at the site, from the first step to the last. */
  marks(): Mark[];
}

export function createImages(tools: StepperTools, { control, held, index }: Assigned): Images {
  const { fetching, send, digest } = tools;
  const forms = new Map<Digest, Uint8Array>();
  /** The blob of each image that is at the site. */
  const blobs = new Map<Digest, Digest>();
  const { markFuel } = held.terms;
  const marksFrom = (fuel: number) => (markFuel === undefined ? undefined : createMarks(markFuel, fuel));
  let marks = marksFrom(0);
  let since: Mark | undefined;
  /** By the fuel at it. */
  const marked = new Map<number, ImageNotice & { readonly state: Digest }>();
  let uploads: Promise<void> = Promise.resolve();

  const manifest = (image: Digest) => peek(forms.get(image) ?? new Uint8Array()).manifest;
  const stateOf = (name: Digest) => stateDigest(manifest(name), digest);
  const mark = (notice: ImageNotice) => {
    if (marks?.meets(notice.fuel)) marked.set(notice.fuel, { ...notice, state: stateOf(notice.digest) });
  };

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
  const upload = async ({ digest: name, step, share, fuel, state }: ImageNotice & { state: Digest }): Promise<void> => {
    const blob = await blobOf(name);
    if (!blob) return;
    const from = since && { from: since[3] };
    send({ type: 'image', fence: held.fence, task: index, ...blob, step, share, fuel, state, ...from });
  };

  return {
    download,
    goOn: async (said) => {
      const [step, fuel, state, blob] = said;
      const name = await download(blob);
      const found = manifest(name);
      if (found.step !== step || found.fuel !== fuel || stateOf(name) !== state)
        throw new RangeError('an image is not what was said of it');
      since = said;
      marks = marksFrom(fuel);
      return name;
    },
    beginAnew: () => {
      since = undefined;
      marks = marksFrom(0);
    },
    manifest,
    put: (name, bytes) => {
      // Nothing before a whole one is needed any more.
      if (peek(bytes).form === 'whole') forms.clear();
      forms.set(name, bytes);
    },
    get: (name) => forms.get(name),
    delete: (name) => void forms.delete(name),
    onImage: (notice) => {
      mark(notice);
      const state = stateOf(notice.digest);
      // One that does not get there now goes with the next one.
      uploads = uploads.then(() => upload({ ...notice, state })).catch(() => undefined);
    },
    settled: () => uploads,
    marks: () => [
      ...(since ? [since] : []),
      ...(marks?.kept ?? []).flatMap((at): Mark[] => {
        const { step, fuel, state, digest: name } = marked.get(at) as ImageNotice & { state: Digest };
        const blob = blobs.get(name);
        return blob === undefined ? [] : [[step, fuel, state, blob]];
      }),
    ],
  };
}
