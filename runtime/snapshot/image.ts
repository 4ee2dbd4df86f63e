// Takes images of a task between its steps, and makes one again from its stored form and the image before it.
import { PAGE } from '../base/limits.ts';
import { toHex } from '../base/platform.ts';
import { IMAGE } from './bounds.ts';
import { type Decoded, decodeDifference, encodeDifference, type ImageForm } from './difference.ts';
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

/** What an image is made of beside the memory. */
export interface Moment {
  /** The image before it; `undefined` for a task's first. */
  readonly previous: Image | undefined;
  readonly task: TaskIdentity;
  readonly step: number;
  readonly share: number;
  readonly fuel: number;
  /** As `saveState` gave it. */
  readonly state: Uint8Array;
  readonly host: HostState;
  readonly limits: Readonly<Record<string, number>>;
  /** How it is stored: as a difference to `previous`, unless `whole` is asked for or there is none. */
  readonly form?: ImageForm;
}

export interface Taken {
  readonly image: Image;
  readonly form: ImageForm;
  /** What an `ImageStore` keeps under the image's digest. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * Takes an image. `copy` holds the memory of `previous`, or nothing, and afterwards that of this image. Throws `ERR_IMAGE_INVALID`
 * where this cannot follow `previous`; `copy` may then be used no more.
 */
export function takeImage(copy: MemoryCopy, memory: Uint8Array, moment: Moment): Taken {
  const { previous, task, step, share, fuel, state, host, limits } = moment;
  const { stateBytes } = IMAGE;
  if (state.byteLength > stateBytes.default) throw invalid(`its state has ${state.byteLength} bytes`);
  if (previous !== undefined && copy.root() !== previous.manifest.memory) {
    throw invalid('the copy holds the memory of another one');
  }
  const form = previous === undefined ? 'whole' : (moment.form ?? 'difference');
  const changed = copy.update(memory);
  const manifest: Manifest = {
    ...{ version: IMAGE_VERSION, task, step, share, fuel },
    ...{ memoryPages: memory.byteLength / PAGE, memory: copy.root(), state: toHex(state) },
    ...{ host: { ...host, calls: { ...host.calls } }, limits: { ...limits }, parent: previous?.digest ?? null },
  };
  checkLink(previous, manifest);
  const text = encodeManifest(manifest);
  if (text.byteLength > IMAGE.manifestBytes.default) throw invalid(`its manifest has ${text.byteLength} bytes`);
  const image = { digest: toHex(copy.platform.digest(text)), manifest };
  const pages = form === 'whole' ? filledPages(copy) : changed;
  return { image, form, bytes: encodeDifference(image, copy, { form, pages }) };
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
