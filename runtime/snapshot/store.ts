// The way back from stored images to a memory, and the simplest place to keep them.
import type { Digest, Platform } from '../base/platform.ts';
import type { ImageStore } from '../job/steps.ts';
import { IMAGE } from './bounds.ts';
import { type Decoded, decodeDifference, peek } from './difference.ts';
import { applyDecoded, applyWhole } from './image.ts';
import { type Image, invalid } from './manifest.ts';
import { MemoryCopy } from './memory-copy.ts';

/** A store in memory. */
export function memoryStore(): ImageStore {
  const kept = new Map<Digest, Uint8Array>();
  return {
    put: (digest, bytes) => void kept.set(digest, bytes),
    get: (digest) => kept.get(digest),
    delete: (digest) => void kept.delete(digest),
  };
}

/** The stored forms that it takes to open an image: a whole one, and the differences since. Throws `ERR_IMAGE_INVALID`. */
export function linksTo(store: ImageStore, digest: Digest): ReadonlyMap<Digest, Uint8Array> {
  const links = new Map<Digest, Uint8Array>();
  for (let wanted: Digest | null = digest; wanted !== null; ) {
    if (links.has(wanted) || links.size > IMAGE.links.default) throw invalid(`image ${wanted} comes after itself`);
    const bytes = store.get(wanted);
    if (bytes === undefined) throw invalid(`image ${wanted} is missing`);
    links.set(wanted, bytes);
    const { form, manifest } = peek(bytes);
    wanted = form === 'whole' ? null : manifest.parent;
  }
  return links;
}

/** An image with its memory. */
export interface OpenImage {
  readonly image: Image;
  readonly copy: MemoryCopy;
  /** How many differences it took to open it, and their bytes; absent where it was not opened from a store. */
  readonly since?: { readonly links: number; readonly bytes: number };
}

/**
 * Opens an image: the last whole one before it, and the differences since. Throws `ERR_IMAGE_INVALID` where one of them is missing or
 * not valid, where there are more than `IMAGE.links`, or for a memory of more than `memoryBytesMax`.
 */
export function openImage(
  store: ImageStore,
  digest: Digest,
  { platform, memoryBytesMax }: { readonly platform: Platform; readonly memoryBytesMax: number },
): OpenImage {
  const links: Decoded[] = [];
  let linkBytes = 0;
  let whole: Decoded | undefined;
  for (let wanted: Digest | null = digest; whole === undefined; ) {
    const bytes: Uint8Array | undefined = wanted === null ? undefined : store.get(wanted);
    if (bytes === undefined) throw invalid(`image ${wanted} is missing`);
    const decoded: Decoded = decodeDifference(bytes, platform);
    if (decoded.image.digest !== wanted) throw invalid(`what is kept as image ${wanted} is another one`);
    if (decoded.form === 'whole') whole = decoded;
    else {
      links.push(decoded);
      linkBytes += bytes.byteLength;
    }
    if (links.length > IMAGE.links.default) throw invalid(`it has over ${IMAGE.links.default} images before it`);
    wanted = decoded.image.manifest.parent;
  }
  const copy = new MemoryCopy(platform, memoryBytesMax);
  applyWhole(copy, whole);
  let image = whole.image;
  for (const link of links.reverse()) image = applyDecoded(copy, image, link);
  return { image, copy, since: { links: links.length, bytes: linkBytes } };
}
