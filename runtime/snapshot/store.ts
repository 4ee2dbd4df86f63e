// Where images are kept: the stored forms by digest, and the way back from one to a memory.

import type { Digest, Platform } from '../base/platform.ts';
import { IMAGE } from './bounds.ts';
import { type Decoded, decodeDifference } from './difference.ts';
import { applyDecoded, applyWhole } from './image.ts';
import { type Image, invalid } from './manifest.ts';
import { MemoryCopy } from './memory-copy.ts';

/** Keeps stored forms. What it gives is checked again, so it need not be trusted. */
export interface ImageStore {
  /** The bytes are the store's from then on. */
  put(digest: Digest, bytes: Uint8Array): void;
  get(digest: Digest): Uint8Array | undefined;
  delete(digest: Digest): void;
}

/** A store in memory. */
export function memoryStore(): ImageStore {
  const kept = new Map<Digest, Uint8Array>();
  return {
    put: (digest, bytes) => void kept.set(digest, bytes),
    get: (digest) => kept.get(digest),
    delete: (digest) => void kept.delete(digest),
  };
}

/** An image with its memory. */
export interface OpenImage {
  readonly image: Image;
  readonly copy: MemoryCopy;
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
  let whole: Decoded | undefined;
  for (let wanted: Digest | null = digest; whole === undefined; ) {
    const bytes: Uint8Array | undefined = wanted === null ? undefined : store.get(wanted);
    if (bytes === undefined) throw invalid(`image ${wanted} is missing`);
    const decoded: Decoded = decodeDifference(bytes, platform);
    if (decoded.image.digest !== wanted) throw invalid(`what is kept as image ${wanted} is another one`);
    if (decoded.form === 'whole') whole = decoded;
    else links.push(decoded);
    if (links.length > IMAGE.links.default) throw invalid(`it has over ${IMAGE.links.default} images before it`);
    wanted = decoded.image.manifest.parent;
  }
  const copy = new MemoryCopy(platform, memoryBytesMax);
  applyWhole(copy, whole);
  let image = whole.image;
  for (const link of links.reverse()) image = applyDecoded(copy, image, link);
  return { image, copy };
}
