// The kernel workers of a tab, wherever they have no network: behind a header of their own, or else in frames whose policy shuts it off.
import { LodgerError } from '../../runtime/base/errors.ts';
import type { Reach } from './reach.ts';
import { createTabRunner, type TabOptions, type TabRunner } from './runner.ts';
import type { KernelPort } from './thread.ts';

/** A frame of the page: the page alone can make one. */
export interface Frames {
  open(script: string, port: MessagePort): () => void;
}

export interface Opened {
  readonly runner: TabRunner;
  readonly framed: boolean;
  /** Whether memory is shared with kernel workers: a task that runs then hears of wishes at once. */
  readonly isolated: boolean;
}

type Given = Omit<TabOptions, 'open' | 'isolated' | 'wayOut' | 'framed' | 'onError'> & {
  /** The address of the script of kernel workers. */
  readonly kernelWorker: string;
  readonly frames: Frames;
  /** A kernel worker's script could not be loaded. */
  readonly onError: (error: LodgerError) => void;
};

/** What the I/O worker takes of the kernel worker's file. A frame of no origin starts classic scripts alone, which export nothing. */
const EXPORTS = /\bexport\s*\{[^{}]*\};?\s*$/;
/** A frame that has not shown its walls after so long is none. */
const FRAME_MS = 15_000;

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
  const textOf = async (reach: Reach) => (await (await fetch(scriptOf(reach))).text()).replace(EXPORTS, '');
  const texts: Partial<Record<Reach, Promise<string>>> = {};
  const open = (reach: Reach) => {
    texts[reach] ??= textOf(reach);
    return openFramed(texts[reach], frames);
  };
  const runner = createTabRunner({ ...given, wayOut, onError, isolated: false, framed: true, open });
  try {
    await Promise.race([runner.ready, late()]);
  } catch (error) {
    await runner.close();
    throw error;
  }
  return { runner, framed: true, isolated: false };
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

/** What is said to it before its script is there is heard afterwards. */
function openFramed(script: Promise<string>, frames: Frames): KernelPort {
  const { port1, port2 } = new MessageChannel();
  let isOver = false;
  let close = () => {
    isOver = true;
  };
  // One whose script does not come does not answer.
  const opened = (text: string) => {
    if (!isOver) close = frames.open(text, port2);
  };
  script.then(opened, () => undefined);
  return {
    post: (message, transfer = []) => port1.postMessage(message, transfer),
    hear: (listener) => {
      port1.onmessage = ({ data }) => listener(data);
    },
    terminate: () => {
      port1.close();
      close();
    },
  };
}

function late(): Promise<never> {
  return new Promise((_, reject) => {
    const error = new LodgerError('ERR_ISOLATION_MISSING', ['a kernel worker in a frame does not answer']);
    setTimeout(reject, FRAME_MS, error);
  });
}
