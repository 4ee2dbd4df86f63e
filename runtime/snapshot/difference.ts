// The stored form of an image: its manifest, and the pages that differ from the image before it; or, in a whole one, all pages.
//
//   8 bytes  MAGIC            u32  bytes of the manifest
//   u32      version          u32  number of entries
//   u32      form             32   seal: SHA-256 over the 24 bytes before it, manifest, entries, and the SHA-256 of each stored page
//   the manifest; entries, each page * 2 + (1 if its bytes are stored, 0 if it is all zeros) in ascending order; stored pages
//
// All numbers are little-endian. Equal images after equal images have equal bytes.
import { PAGE } from '../base/limits.ts';
import { type Platform, toHex } from '../base/platform.ts';
import type { Parts } from '../job/steps.ts';
import { IMAGE } from './bounds.ts';
import { encodeManifest, IMAGE_VERSION, type Image, invalid, type Manifest, parseManifest } from './manifest.ts';
import { DIGEST_BYTES, IMAGE_PAGE, type MemoryCopy, ZERO_PAGE } from './memory-copy.ts';
import { rangeOf } from './room.ts';
import { sameBytes } from './same-bytes.ts';

const MAGIC = new TextEncoder().encode('LODGIMG\n');
const SEAL_AT = 24;
const HEAD_BYTES = SEAL_AT + DIGEST_BYTES;
const ENTRY_BYTES = 4;

/** `difference`: to the parent. `whole`: to a memory of zeros, so that nothing before it is needed. */
export type ImageForm = 'difference' | 'whole';
const FORMS: readonly ImageForm[] = ['difference', 'whole'];

/** A difference as read. Pages are views of the bytes that were read. */
export interface Decoded {
  readonly image: Image;
  readonly form: ImageForm;
  /** Indexes of pages, ascending; with each its bytes and their digest. */
  readonly indexes: readonly number[];
  readonly pages: readonly Uint8Array[];
  readonly digests: readonly Uint8Array[];
}

/**
 * The stored form of an image, whose `pages` in `copy` differ from what `form` says, in parts that are to be put one behind the other: the
 * first one ends before the stored pages, which are not copied and change with the next `update` of `copy`.
 */
export function encodeDifference(
  { manifest }: Image,
  copy: MemoryCopy,
  { form, pages }: { readonly form: ImageForm; readonly pages: readonly number[] },
): Parts {
  const text = encodeManifest(manifest);
  const entriesAt = HEAD_BYTES + text.byteLength;
  const head = new Uint8Array(entriesAt + pages.length * ENTRY_BYTES);
  const view = new DataView(head.buffer);
  head.set(MAGIC);
  view.setUint32(8, IMAGE_VERSION, true);
  view.setUint32(12, FORMS.indexOf(form), true);
  view.setUint32(16, text.byteLength, true);
  view.setUint32(20, pages.length, true);
  head.set(text, HEAD_BYTES);
  for (const [place, index] of pages.entries()) {
    view.setUint32(entriesAt + place * ENTRY_BYTES, index * 2 + (copy.isZero(index) ? 0 : 1), true);
  }
  const stored = pages.filter((index) => !copy.isZero(index));
  const digests = stored.map((index) => copy.digestOf(index));
  head.set(sealOf(copy.platform, head, digests), SEAL_AT);
  return [head, ...copy.ranges(stored)];
}

/** Parts as one. */
export function joined(parts: Parts): Uint8Array {
  if (parts.length === 1) return parts[0];
  const bytes = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.byteLength;
  }
  return bytes;
}

/**
 * Reads what `encodeDifference` wrote. Throws `ERR_IMAGE_INVALID` for everything else: cut short, damaged, of another version, or
 * written in another way. Whether it fits the image before it is for `applyDifference` to say. Nothing is allocated beyond a small
 * multiple of the bytes.
 */
export function decodeDifference(bytes: Uint8Array, platform: Platform): Decoded {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { form, manifestBytes, entries } = readHead(bytes, view);
  const entriesAt = HEAD_BYTES + manifestBytes;
  const pagesAt = entriesAt + entries * ENTRY_BYTES;
  if (pagesAt > bytes.byteLength) throw invalid('it is cut short');

  const indexes: number[] = [];
  const pages: Uint8Array[] = [];
  let end = pagesAt;
  for (let at = entriesAt; at < pagesAt; at += ENTRY_BYTES) {
    const entry = view.getUint32(at, true);
    indexes.push(entry >>> 1);
    pages.push(entry % 2 === 0 ? ZERO_PAGE : bytes.subarray(end, end + IMAGE_PAGE));
    end += (entry % 2) * IMAGE_PAGE;
    if (end > bytes.byteLength) throw invalid('it is cut short');
  }
  if (end !== bytes.byteLength) throw invalid('there are bytes behind its end');

  const zero = platform.digest(ZERO_PAGE);
  const digestOf = digestsOf(bytes.subarray(pagesAt), platform);
  let stored = 0;
  const digests = pages.map((page) => (page === ZERO_PAGE ? zero : digestOf(stored++)));
  const seal = sealOf(
    platform,
    bytes.subarray(0, pagesAt),
    digests.filter((_, place) => pages[place] !== ZERO_PAGE),
  );
  if (!sameBytes(seal, bytes.subarray(SEAL_AT, HEAD_BYTES))) throw invalid('it is damaged');
  if (pages.some((page, place) => page !== ZERO_PAGE && sameBytes(digests[place] as Uint8Array, zero))) {
    throw invalid('it stores a page of zeros');
  }

  const text = bytes.subarray(HEAD_BYTES, entriesAt);
  const manifest = parseManifest(text);
  const count = (manifest.memoryPages * PAGE) / IMAGE_PAGE;
  if (indexes.some((index, place) => index >= count || index <= (indexes[place - 1] ?? -1))) {
    throw invalid('its pages are out of order or outside the memory');
  }
  if (form === 'whole' && pages.includes(ZERO_PAGE)) throw invalid('it is whole, and names a page of zeros');
  if (form === 'difference' && manifest.parent === null) throw invalid('it is a difference to nothing');
  return { image: { digest: toHex(platform.digest(text)), manifest }, form, indexes, pages, digests };
}

/** The digests of pages one behind the other: of all of them at once where the platform has a way. */
function digestsOf(bytes: Uint8Array, platform: Platform): (place: number) => Uint8Array {
  const count = bytes.byteLength / IMAGE_PAGE;
  const digests = new Uint8Array(count * DIGEST_BYTES);
  const places = Uint32Array.from({ length: count }, (_, place) => place);
  if (platform.digestPages?.(bytes, places, digests)) {
    return (place) => rangeOf(digests, DIGEST_BYTES, place);
  }
  return (place) => platform.digest(rangeOf(bytes, IMAGE_PAGE, place));
}

/** Whether bytes begin like the stored form of an image. */
export function isImage(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, at) => bytes[at] === byte);
}

/** In which form an image is stored. Throws `ERR_IMAGE_INVALID`. */
export function formOf(bytes: Uint8Array): ImageForm {
  return readHead(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)).form;
}

/** How many bytes from the start `peek` has to see. Throws `ERR_IMAGE_INVALID`. */
export function headBytes(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return HEAD_BYTES + readHead(bytes, view).manifestBytes;
}

/** What a stored form says of itself, without a look at whether it is whole and right. Throws `ERR_IMAGE_INVALID`. */
export function peek(bytes: Uint8Array): { readonly form: ImageForm; readonly manifest: Manifest } {
  const { form, manifestBytes } = readHead(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  return { form, manifest: parseManifest(bytes.subarray(HEAD_BYTES, HEAD_BYTES + manifestBytes)) };
}

function readHead(bytes: Uint8Array, view: DataView) {
  if (bytes.byteLength < HEAD_BYTES) throw invalid('it is cut short');
  if (!isImage(bytes)) throw invalid('it does not begin like one');
  const version = view.getUint32(8, true);
  if (version !== IMAGE_VERSION) throw invalid(`it has version ${version}, and this host reads ${IMAGE_VERSION}`);
  const form = FORMS[view.getUint32(12, true)];
  if (form === undefined) throw invalid('it is neither a difference nor whole');
  const manifestBytes = view.getUint32(16, true);
  if (manifestBytes > IMAGE.manifestBytes.default) throw invalid(`its manifest has ${manifestBytes} bytes`);
  return { form, manifestBytes, entries: view.getUint32(20, true) };
}

function sealOf(platform: Platform, head: Uint8Array, digests: readonly Uint8Array[]): Uint8Array {
  const rest = head.byteLength - HEAD_BYTES;
  const sealed = new Uint8Array(SEAL_AT + rest + digests.length * DIGEST_BYTES);
  sealed.set(head.subarray(0, SEAL_AT));
  sealed.set(head.subarray(HEAD_BYTES), SEAL_AT);
  for (const [place, digest] of digests.entries()) sealed.set(digest, SEAL_AT + rest + place * DIGEST_BYTES);
  return platform.digest(sealed);
}
