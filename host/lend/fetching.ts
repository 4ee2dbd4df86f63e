// What tasks need from the site before they run: kernels, admitted here and not before, and blobs, which wait while the site is away.
import { admit } from '../../runtime/admit/admit.ts';
import { LodgerError } from '../../runtime/base/errors.ts';
import { type Digest, type Platform, toHex } from '../../runtime/base/platform.ts';
import type { Kernel } from '../../runtime/job/kernel.ts';
import type { Blobs, Clock } from './contracts.ts';

const KERNELS_MAX = 32;
const SHARED_MAX = 32;
const SETS_MAX = 8;
/** Between two attempts to reach the site. */
const AGAIN_MS = 1_000;

export interface Fetching {
  /** Throws what `admit` throws. */
  kernel(digest: Digest): Promise<Kernel>;
  /** All blobs of a job, by name: the same frozen object for all of its tasks, so that they are checked once. Throws like `blob`. */
  blobsOf(names: Readonly<Record<string, Digest>>): Promise<Readonly<Record<string, Uint8Array>>>;
  /** Bytes that have this digest. Throws `ERR_HOST_FAULT` for others. */
  blob(digest: Digest, signal: AbortSignal): Promise<Uint8Array>;
  /** Brings bytes to the site, under the digest that it gives. */
  store(bytes: Uint8Array, signal: AbortSignal): Promise<Digest>;
}

export interface FetchingOptions {
  readonly blobs: Blobs;
  readonly clock: Clock;
  readonly digest: Platform['digest'];
  /** Aborts when the host leaves. */
  readonly closing: AbortSignal;
}

export function createFetching({ blobs, clock, digest, closing }: FetchingOptions): Fetching {
  const kernels = new Map<Digest, Promise<Kernel>>();
  const shared = new Map<Digest, Promise<Uint8Array>>();
  const sets = new Map<string, Promise<Readonly<Record<string, Uint8Array>>>>();
  const platform = { digest, now: clock.now };

  const pause = (signal: AbortSignal) =>
    new Promise<void>((resolve) => {
      const end = () => {
        takeBack();
        signal.removeEventListener('abort', end);
        resolve();
      };
      const takeBack = clock.after(AGAIN_MS, end);
      signal.addEventListener('abort', end);
    });

  /** Again and again while the site is away: whoever waits may be stopped meanwhile. */
  const patiently = async <T>(act: () => Promise<T>, signal: AbortSignal): Promise<T> => {
    for (;;) {
      if (signal.aborted) throw new LodgerError('ERR_ABORTED');
      try {
        return await act();
      } catch (error) {
        if (!(error instanceof LodgerError) || error.code !== 'ERR_SITE_UNREACHABLE') throw error;
      }
      await pause(signal);
    }
  };

  const blob = async (name: Digest, signal: AbortSignal): Promise<Uint8Array> => {
    const bytes = await patiently(() => blobs.get(name), signal);
    if (toHex(digest(bytes)) !== name)
      throw new LodgerError('ERR_HOST_FAULT', [`what came as blob ${name} is another`]);
    return bytes;
  };

  const sharedBlob = (name: Digest) => keep(shared, { name, most: SHARED_MAX }, () => blob(name, closing));

  return {
    blob,
    store: async (bytes, signal) => {
      const name = toHex(digest(bytes));
      await patiently(() => blobs.put(name, bytes), signal);
      return name;
    },
    // Several tasks wait for these: none of them may stop it for the others.
    kernel: (name) =>
      keep(kernels, { name, most: KERNELS_MAX }, () => blob(name, closing).then((bytes) => admit(bytes, { platform }))),
    blobsOf: (names) =>
      keep(sets, { name: JSON.stringify(names), most: SETS_MAX }, async () => {
        const blobs: Record<string, Uint8Array> = {};
        for (const [name, digest] of Object.entries(names)) blobs[name] = await sharedBlob(digest);
        return Object.freeze(blobs);
      }),
  };
}

/** What is there, or what `bring` gives; the least recently used is dropped, and what failed is not kept. */
function keep<T>(
  kept: Map<string, Promise<T>>,
  { name, most }: { readonly name: string; readonly most: number },
  bring: () => Promise<T>,
): Promise<T> {
  const known = kept.get(name) ?? bring();
  kept.delete(name);
  kept.set(name, known);
  if (kept.size > most) kept.delete(kept.keys().next().value as string);
  known.catch(() => kept.get(name) === known && kept.delete(name));
  return known;
}
