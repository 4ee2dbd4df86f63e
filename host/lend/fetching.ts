// What tasks need from the site before they run: kernels, admitted here unless the site does that, and blobs, which wait while the site is away.
import { LodgerError } from '../../runtime/base/errors.ts';
import { type Digest, type Platform, toHex } from '../../runtime/base/platform.ts';
import type { Kernel } from '../../runtime/job/kernel.ts';
import type { Task } from '../../runtime/job/task.ts';
import type { WireTerms } from '../wire/site.ts';
import type { Blobs, Clock, KernelSource } from './contracts.ts';

const KERNELS_MAX = 32;
const SHARED_MAX = 32;
const SETS_MAX = 8;
const READY_MAX = 8;
/** Between two attempts to reach the site. */
const AGAIN_MS = 1_000;
/** A certificate may be renewed, too. */
const AWAY: ReadonlySet<string> = new Set(['ERR_SITE_UNREACHABLE', 'ERR_CONNECTION_UNSAFE']);

/** What the tasks of a job are run with, but for their inputs. */
export type Shared = Omit<Task, 'input' | 'index'> & { readonly kernel: Kernel };

export interface Fetching {
  /**
   * What the tasks of a job have in common: at once, where all of it is here. Blobs are the same frozen object for all of them, so that
   * they are checked once. Throws what `admit` throws, and like `blob`.
   */
  terms(terms: WireTerms): Shared | Promise<Shared>;
  /** Bytes that have this digest. Throws `ERR_HOST_FAULT` for others. */
  blob(digest: Digest, signal: AbortSignal): Promise<Uint8Array>;
  /** Brings bytes to the site, under the digest that it gives; `known` is theirs, where somebody has it. */
  store(bytes: Uint8Array, signal: AbortSignal, known?: Digest): Promise<Digest>;
}

export interface FetchingOptions {
  readonly blobs: Blobs;
  readonly clock: Clock;
  readonly digest: Platform['digest'];
  readonly kernels?: KernelSource | undefined;
  /** Whether receipts are to name inputs and outputs by digest. */
  readonly digests: boolean;
  /** Aborts when the host leaves. */
  readonly closing: AbortSignal;
}

export function createFetching({ blobs, clock, digest, digests, kernels: source, closing }: FetchingOptions): Fetching {
  const kernels = new Map<Digest, Promise<Kernel>>();
  const shared = new Map<Digest, Promise<Uint8Array>>();
  const sets = new Map<string, Promise<Readonly<Record<string, Uint8Array>>>>();
  const ready = new Map<WireTerms, Shared>();
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
        if (!(error instanceof LodgerError) || !AWAY.has(error.code)) throw error;
      }
      await pause(signal);
    }
  };

  const blob = async (name: Digest, signal: AbortSignal): Promise<Uint8Array> => {
    const bytes = await patiently(() => blobs.get(name), signal);
    if (!blobs.areChecked && toHex(digest(bytes)) !== name)
      throw new LodgerError('ERR_HOST_FAULT', [`what came as blob ${name} is another`]);
    return bytes;
  };

  const sharedBlob = (name: Digest) => keep(shared, { name, most: SHARED_MAX }, () => blob(name, closing));

  /** What admits is loaded with the first: a tab whose site does that has nothing of it. */
  const admitHere = async (name: Digest): Promise<Kernel> => {
    const bytes = await blob(name, closing);
    const { admit } = await import('../../runtime/admit/admit.ts');
    return admit(bytes, { platform });
  };
  // Several tasks wait for these: none of them may stop it for the others.
  const kernelOf = ({ kernel, ...terms }: WireTerms) =>
    keep(kernels, { name: kernel, most: KERNELS_MAX }, () =>
      source ? patiently(() => source(kernel, terms), closing) : admitHere(kernel),
    );
  const blobsOf = (names: Readonly<Record<string, Digest>>) =>
    keep(sets, { name: JSON.stringify(names), most: SETS_MAX }, async () => {
      const blobs: Record<string, Uint8Array> = {};
      for (const [name, digest] of Object.entries(names)) blobs[name] = await sharedBlob(digest);
      return Object.freeze(blobs);
    });
  const bring = async (terms: WireTerms): Promise<Shared> => {
    const { limits, grants, args, seed, deterministic } = terms;
    const kernel = await kernelOf(terms);
    const blobs = await blobsOf(terms.blobs);
    const shared = { kernel, limits, ...(args && { args }), seed, deterministic, digests };
    const brought: Shared = grants.length > 0 ? { ...shared, grants, blobs } : shared;
    ready.set(terms, brought);
    if (ready.size > READY_MAX) ready.delete(ready.keys().next().value as WireTerms);
    return brought;
  };

  return {
    blob,
    store: async (bytes, signal, known) => {
      const name = known ?? toHex(digest(bytes));
      await patiently(() => blobs.put(name, bytes), signal);
      return name;
    },
    terms: (terms) => ready.get(terms) ?? bring(terms),
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
