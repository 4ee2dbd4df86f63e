// Kernels as a site prepares them for tabs that have their scripts from it: each once, in a thread, kept under the digest and all that it depends on.
import { createHash } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { checkCeiling } from '../../runtime/admit/ceilings.ts';
import { ADMISSION } from '../../runtime/base/admission.ts';
import { defaults } from '../../runtime/base/defaults.ts';
import { LodgerError } from '../../runtime/base/errors.ts';
import type { Digest } from '../../runtime/base/platform.ts';
import type { KernelFacts } from '../../runtime/job/kernel.ts';
import { TARIFF_VERSION } from '../../runtime/meter/tariff.ts';
import { REWRITER_VERSION } from '../../runtime/prepare/form.ts';
import type { StateLayout } from '../../runtime/prepare/prepare.ts';
import { packageFile } from '../platform/version.ts';
import { type NANS, type PreparedAnswer, type Refused, refusalOf } from '../wire/prepared.ts';
import type { BlobFolder } from './blobs.ts';
import { PREPARING } from './ceilings.ts';

/** What the thread is asked for. */
export interface Wanted {
  readonly bytes: Uint8Array;
  readonly nans: (typeof NANS)[number];
}

/** And what it gives. */
export type Made =
  | { readonly facts: KernelFacts; readonly layout?: StateLayout; readonly bytes: Uint8Array<ArrayBuffer> }
  | Refused;

export interface Preparing {
  /**
   * What tabs are told of a kernel whose bytes are here; its module is a blob then. Throws `ERR_NOT_FOUND` where they are not, and
   * `ERR_QUOTA_SPENT` where too many kernels wait.
   */
  prepared(kernel: Digest, nans: Wanted['nans']): Promise<PreparedAnswer>;
  /** Of which kernel that module was prepared. */
  kernelOf(module: Digest): Digest | undefined;
  close(): Promise<void>;
}

const THREAD = packageFile('dist/host/coordinator/prepare-thread.js');

export function createPreparing(blobs: Pick<BlobFolder, 'size' | 'use' | 'read' | 'put'>): Preparing {
  const kept = new Map<string, Promise<PreparedAnswer>>();
  /** Module -> kernel: what tabs say that they hold are modules. */
  const kernels = new Map<Digest, Digest>();
  const thread = createThread();
  let waiting = 0;

  const make = async (kernel: Digest, nans: Wanted['nans']): Promise<PreparedAnswer> => {
    if (waiting >= PREPARING.waiting.max)
      throw new LodgerError('ERR_QUOTA_SPENT', ['kernels', PREPARING.waiting.max, 'others are being prepared']);
    waiting++;
    try {
      const made = await thread.make({ bytes: await bytesOf(blobs, kernel), nans });
      if ('state' in made) return made;
      const { bytes, ...found } = made;
      const module = createHash('sha256').update(bytes).digest('hex');
      await blobs.put(module, bytes);
      kernels.set(module, kernel);
      if (kernels.size > PREPARING.kept.max) kernels.delete(kernels.keys().next().value as Digest);
      return { state: 'prepared', rewriter: REWRITER_VERSION, tariff: TARIFF_VERSION, nans, ...found, module };
    } catch (error) {
      if (error instanceof LodgerError && error.code === 'ERR_KERNEL_CEILING') return refusalOf(error);
      throw error;
    } finally {
      waiting--;
    }
  };
  /** One whose module was swept away, and one that this machine could not make, is made anew. */
  const isGood = async (known: Promise<PreparedAnswer>) => {
    const answer = await known.catch(() => undefined);
    if (answer?.state === 'prepared') return (await blobs.use(answer.module)) !== null;
    return answer !== undefined && answer.code !== 'ERR_HOST_FAULT';
  };

  return {
    prepared: async (kernel, nans) => {
      const key = [kernel, nans, TARIFF_VERSION, REWRITER_VERSION].join('.');
      const known = kept.get(key);
      if (known && (await isGood(known))) return known;
      // Whoever came while it was looked at may have begun already.
      const current = kept.get(key);
      if (current && current !== known) return current;
      const made = make(kernel, nans);
      kept.delete(key);
      kept.set(key, made);
      made.catch(() => kept.get(key) === made && kept.delete(key));
      if (kept.size > PREPARING.kept.max) kept.delete(kept.keys().next().value as string);
      return made;
    },
    kernelOf: (module) => kernels.get(module),
    close: thread.close,
  };
}

/** Throws what `admit` would throw of bytes that are too many, before they are read. */
async function bytesOf(blobs: Pick<BlobFolder, 'size' | 'read'>, kernel: Digest): Promise<Uint8Array> {
  const size = await blobs.size(kernel);
  if (size === null) throw new LodgerError('ERR_NOT_FOUND', ['blob', kernel]);
  checkCeiling('moduleBytes', size, defaults(ADMISSION));
  const parts: Uint8Array[] = [];
  for await (const part of blobs.read(kernel)) parts.push(part);
  return Buffer.concat(parts);
}

/** One kernel after the other in a thread of its own, which is ended when it has had nothing to do, or does not come to an end. */
function createThread() {
  let worker: Worker | undefined;
  let turn: Promise<unknown> = Promise.resolve();
  let idle: NodeJS.Timeout | undefined;
  /** Whoever waits for the thread. */
  let tell: (made: Made) => void = () => undefined;

  const end = async () => {
    const ended = worker;
    worker = undefined;
    await ended?.terminate();
  };
  const fail = (message: string) => {
    tell(refusalOf(message));
    void end();
  };
  const open = (): Worker => {
    const opened = new Worker(THREAD, { resourceLimits: { maxOldGenerationSizeMb: PREPARING.heapMiB.max } });
    // Of one that was ended, nothing is heard any more.
    const heard =
      <T>(act: (given: T) => void) =>
      (given: T) =>
        void (worker === opened && act(given));
    opened.on(
      'message',
      heard((made: Made) => tell(made)),
    );
    opened.on(
      'error',
      heard(({ message }: Error) => fail(`the kernel could not be prepared: ${message}`)),
    );
    opened.on(
      'exit',
      heard(() => fail('the thread that prepares kernels has ended')),
    );
    return opened;
  };
  const run = async (wanted: Wanted): Promise<Made> => {
    clearTimeout(idle);
    worker ??= open();
    const { max } = PREPARING.ms;
    const timer = setTimeout(() => fail(`the kernel was not prepared within ${max} ms`), max);
    const made = await new Promise<Made>((resolve) => {
      tell = resolve;
      worker?.postMessage(wanted);
    });
    clearTimeout(timer);
    idle = setTimeout(end, PREPARING.idleMs.max).unref();
    return made;
  };
  return {
    make: (wanted: Wanted): Promise<Made> => {
      const made = turn.then(() => run(wanted));
      turn = made.catch(() => undefined);
      return made;
    },
    close: async () => {
      clearTimeout(idle);
      tell(refusalOf('the site is closed'));
      await end();
    },
  };
}
