// What tasks need from the site before they run: kernels, admitted here and not before, and blobs, which wait while the site is away.
import { admit } from '../../runtime/admit/admit.ts';
import { LodgerError } from '../../runtime/base/errors.ts';
import { type Digest, type Platform, toHex } from '../../runtime/base/platform.ts';
import type { Kernel } from '../../runtime/job/kernel.ts';
import type { Blobs, Clock } from './contracts.ts';

const KERNELS_MAX = 32;
/** Between two attempts to reach the site. */
const AGAIN_MS = 1_000;

export interface Fetching {
  /** Throws what `admit` throws. */
  kernel(digest: Digest, signal: AbortSignal): Promise<Kernel>;
  /** Bytes that have this digest. Throws `ERR_HOST_FAULT` for others. */
  blob(digest: Digest, signal: AbortSignal): Promise<Uint8Array>;
  /** Brings bytes to the site, under the digest that it gives. */
  store(bytes: Uint8Array, signal: AbortSignal): Promise<Digest>;
}

export interface FetchingOptions {
  readonly blobs: Blobs;
  readonly clock: Clock;
  readonly digest: Platform['digest'];
}

export function createFetching({ blobs, clock, digest }: FetchingOptions): Fetching {
  const kernels = new Map<Digest, Promise<Kernel>>();
  const platform = { digest, now: clock.now };

  /** Again and again while the site is away: whoever waits may be stopped meanwhile. */
  const patiently = async <T>(act: () => Promise<T>, signal: AbortSignal): Promise<T> => {
    for (;;) {
      if (signal.aborted) throw new LodgerError('ERR_ABORTED');
      try {
        return await act();
      } catch (error) {
        if (!(error instanceof LodgerError) || error.code !== 'ERR_SITE_UNREACHABLE') throw error;
      }
      await new Promise<void>((resolve) => {
        const takeBack = clock.after(AGAIN_MS, resolve);
        signal.addEventListener('abort', () => [takeBack(), resolve()], { once: true });
      });
    }
  };

  const blob = async (name: Digest, signal: AbortSignal): Promise<Uint8Array> => {
    const bytes = await patiently(() => blobs.get(name), signal);
    if (toHex(digest(bytes)) !== name)
      throw new LodgerError('ERR_HOST_FAULT', [`what came as blob ${name} is another`]);
    return bytes;
  };

  return {
    blob,
    store: async (bytes, signal) => {
      const name = toHex(digest(bytes));
      await patiently(() => blobs.put(name, bytes), signal);
      return name;
    },
    kernel: (name, signal) => {
      const known = kernels.get(name) ?? blob(name, signal).then((bytes) => admit(bytes, { platform }));
      kernels.delete(name);
      kernels.set(name, known);
      if (kernels.size > KERNELS_MAX) kernels.delete(kernels.keys().next().value as Digest);
      known.catch(() => kernels.get(name) === known && kernels.delete(name));
      return known;
    },
  };
}
