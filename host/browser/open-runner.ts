// The kernel workers of a tab, wherever they have no network: behind a header of their own, or else in frames whose policy shuts it off.
import { LodgerError } from '../../runtime/base/errors.ts';
import type { Frames } from './framed.ts';
import type { Reach } from './reach.ts';
import { createTabRunner, type TabOptions, type TabRunner } from './runner.ts';
import type { KernelPort } from './thread.ts';

export interface Opened {
  readonly runner: TabRunner;
  readonly framed: boolean;
  /** Whether memory is shared with kernel workers: a task that runs then hears of wishes at once. */
  readonly isolated: boolean;
}

type Given = Omit<TabOptions, 'open' | 'isolated' | 'wayOut' | 'form' | 'onError'> & {
  /** The address of the script of kernel workers. */
  readonly kernelWorker: string;
  readonly frames: Frames;
  /** A kernel worker's script could not be loaded. */
  readonly onError: (error: LodgerError) => void;
};

/**
 * Opens a runner whose kernel workers have shown that they have no network. A server of plain files sends no header with their script; there they
 * live in frames. Throws `ERR_ISOLATION_MISSING` where neither holds.
 */
export async function openRunner({ kernelWorker, frames, onError, ...given }: Given): Promise<Opened> {
  const wayOut = new URL('way-out.js', kernelWorker).href;
  const isolated = globalThis.crossOriginIsolated === true;
  /** Beside the one for plain kernels lies the one for all. */
  const scriptOf = (reach: Reach) =>
    reach === 'plain' ? kernelWorker : new URL('whole-kernel-worker.js', kernelWorker).href;
  const openPlain = (reach: Reach) => openWorker(scriptOf(reach), onError);
  const plain = createTabRunner({ ...given, wayOut, isolated, onError, open: openPlain });
  try {
    await plain.ready;
    return { runner: plain, framed: false, isolated };
  } catch (error) {
    await plain.close();
    if (!(error instanceof LodgerError && error.code === 'ERR_ISOLATION_MISSING')) throw error;
  }
  const { openFramedRunner } = await import('./framed.ts');
  return {
    runner: await openFramedRunner({ ...given, wayOut, onError, scriptOf, frames }),
    framed: true,
    isolated: false,
  };
}

function openWorker(url: string, onError: (error: LodgerError) => void): KernelPort {
  const worker = new Worker(url, { type: 'module' });
  worker.onerror = ({ message }) =>
    onError(new LodgerError('ERR_HOST_FAULT', [`a kernel worker could not be started: ${message || 'no script'}`]));
  return {
    post: (message, transfer = []) => worker.postMessage(message, transfer),
    hear: (listener) => {
      worker.onmessage = ({ data }) => listener(data);
    },
    terminate: () => worker.terminate(),
  };
}
