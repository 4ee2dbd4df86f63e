// Takes images of a task between its steps, and makes one again from its stored form and the image before it.
import { PAGE } from '../base/limits.ts';
import { toHex } from '../base/platform.ts';
import type { Parts } from '../job/steps.ts';
import { IMAGE } from './bounds.ts';
import { type Decoded, decodeDifference, encodeDifference, type ImageForm, joined } from './difference.ts';
import {
  checkLink,
  encodeManifest,
  type HostState,
  IMAGE_VERSION,
  type Image,
  invalid,
  type Manifest,
  type TaskIdentity,
} from './manifest.ts';
import { DIGEST_BYTES, IMAGE_PAGE, type MemoryCopy, ZERO_PAGE } from './memory-copy.ts';

/** Pages that are digested before others have their turn: 0.1 to 0.4 ms. */
const PAGES_AT_ONCE = 128;

/** What an image is made of beside the memory and the image before it. */
interface Facts {
  readonly task: TaskIdentity;
  readonly step: number;
  readonly share: number;
  readonly fuel: number;
  /** As `saveState` gave it. */
  readonly state: Uint8Array;
  readonly host: HostState;
  readonly limits: Readonly<Record<string, number>>;
}

export interface Moment extends Facts {
  /** The image before it; `undefined` for a task's first. */
  readonly previous: Image | undefined;
  /** How it is stored: as a difference to `previous`, unless `whole` is asked for or there is none. */
  readonly form?: ImageForm;
}

/**
 * An image of which all but the digests is there: what the guest's own thread has to do for it. Plain data, so that another thread can do
 * the rest: `base` can be looked at by both, and must not change before that is done.
 */
export interface Snapshot extends Facts {
  readonly memoryPages: number;
  /** Pages that differ from the image before it. */
  readonly changed: Uint32Array<ArrayBuffer>;
  readonly form: ImageForm;
  readonly base: Uint8Array | undefined;
  /** Where the chain goes on from an image that was taken elsewhere: that one, and the digests of its pages. */
  readonly origin?: { readonly image: Image; readonly digests: Uint8Array } | undefined;
}

export interface Taken {
  readonly image: Image;
  readonly form: ImageForm;
  /** What an `ImageStore` keeps under the image's digest. */
  readonly bytes: Uint8Array;
}

/** The same with the parts of these bytes, which change with the next image. */
export interface Sealed extends Pick<Taken, 'image' | 'form'> {
  readonly parts: Parts;
}

/**
 * Takes an image. `copy` holds the memory of `previous`, or nothing, and afterwards that of this image. Throws `ERR_IMAGE_INVALID`
 * where this cannot follow `previous`; `copy` may then be used no more.
 */
export function takeImage(copy: MemoryCopy, memory: Uint8Array, { previous, ...moment }: Moment): Taken {
  const form = previous === undefined ? 'whole' : (moment.form ?? 'difference');
  const changed = copy.copyFrom(memory);
  return seal(copy, { ...moment, form, changed, memoryPages: memory.byteLength / PAGE, base: undefined }, previous);
}

/** The image of a snapshot that follows `previous`. `copy` has the snapshot's pages, and digests of those before it. */
export function seal(copy: MemoryCopy, snapshot: Snapshot, previous: Image | undefined): Taken {
  const steps = sealing(copy, snapshot, previous);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return { image: value.image, form: value.form, bytes: joined(value.parts) };
  }
}

/** The same, bit by bit: it yields after some 0.2 ms, so that a thread that does other things beside can do them. */
export function* sealing(
  copy: MemoryCopy,
  { task, step, share, fuel, state, host, limits, memoryPages, changed, form }: Snapshot,
  previous: Image | undefined,
): Generator<void, Sealed> {
  if (state.byteLength > IMAGE.stateBytes.default) throw invalid(`its state has ${state.byteLength} bytes`);
  if (
    previous !== undefined &&
    copy.rootOf((previous.manifest.memoryPages * PAGE) / IMAGE_PAGE) !== previous.manifest.memory
  ) {
    throw invalid('the copy holds the memory of another one');
  }
  for (let place = 0; place < changed.length; place += PAGES_AT_ONCE) {
    copy.digestPages(changed.subarray(place, place + PAGES_AT_ONCE));
    if (place + PAGES_AT_ONCE < changed.length) yield;
  }
  const manifest: Manifest = {
    ...{ version: IMAGE_VERSION, task, step, share, fuel },
    ...{ memoryPages, memory: copy.root(), state: toHex(state) },
    ...{ host: { ...host, calls: { ...host.calls } }, limits: { ...limits }, parent: previous?.digest ?? null },
  };
  checkLink(previous, manifest);
  const text = encodeManifest(manifest);
  if (text.byteLength > IMAGE.manifestBytes.default) throw invalid(`its manifest has ${text.byteLength} bytes`);
  const image = { digest: toHex(copy.platform.digest(text)), manifest };
  const pages = form === 'whole' ? filledPages(copy) : [...changed];
  return { image, form, parts: encodeDifference(image, copy, { form, pages }) };
}

/**
 * The image whose stored form this is. `copy` holds the memory of `previous`, and afterwards that of the image. Throws
 * `ERR_IMAGE_INVALID`, and leaves `copy` as it is, for what is damaged, or a difference to another image than `previous`.
 */
export function applyDifference(copy: MemoryCopy, previous: Image | undefined, bytes: Uint8Array): Image {
  return applyDecoded(copy, previous, decodeDifference(bytes, copy.platform));
}

/** The same, of what was decoded already. */
export function applyDecoded(copy: MemoryCopy, previous: Image | undefined, decoded: Decoded): Image {
  checkLink(previous, decoded.image.manifest);
  if (decoded.form === 'whole') applyWhole(copy, decoded);
  else applyPages(copy, decoded);
  return decoded.image;
}

/** The memory of an image in a form that is whole, whatever image came before it. */
export function applyWhole(copy: MemoryCopy, decoded: Decoded): void {
  if (decoded.form !== 'whole') throw invalid('it is a difference to another image');
  const named = new Set(decoded.indexes);
  const zeros = filledPages(copy).filter((index) => !named.has(index));
  const zero = copy.platform.digest(ZERO_PAGE);
  applyPages(copy, {
    ...decoded,
    indexes: [...decoded.indexes, ...zeros],
    pages: [...decoded.pages, ...zeros.map(() => ZERO_PAGE)],
    digests: [...decoded.digests, ...zeros.map(() => zero)],
  });
}

/** The digest of the memory is compared first, so that nothing is allocated or written for a difference that does not fit. */
function applyPages(copy: MemoryCopy, { image, indexes, pages, digests }: Decoded): void {
  const { memory, memoryPages } = image.manifest;
  const count = (memoryPages * PAGE) / IMAGE_PAGE;
  const all = copy.digestsOf(count);
  for (const [place, index] of indexes.entries()) all.set(digests[place] as Uint8Array, index * DIGEST_BYTES);
  if (toHex(copy.platform.digest(all)) !== memory) throw invalid('its memory is another one');
  copy.resize(count);
  copy.expect(indexes.length);
  for (const [place, index] of indexes.entries()) {
    copy.write(index, pages[place] as Uint8Array, digests[place] as Uint8Array);
  }
}

function filledPages(copy: MemoryCopy): number[] {
  return Array.from({ length: copy.count }, (_, index) => index).filter((index) => !copy.isZero(index));
}
