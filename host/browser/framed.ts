// Kernel workers in frames, where a server of plain files sends no header with their script: the frame's policy shuts off their network.
import { LodgerError } from '../../runtime/base/errors.ts';
import type { Reach } from './reach.ts';
import { createTabRunner, type TabOptions, type TabRunner } from './runner.ts';
import type { KernelPort } from './thread.ts';

/** A frame of the page: the page alone can make one. */
export interface Frames {
  open(script: string, port: MessagePort): () => void;
}

type Given = Omit<TabOptions, 'open' | 'isolated' | 'form'> & {
  readonly scriptOf: (reach: Reach) => string;
  readonly frames: Frames;
};

/** What the I/O worker takes of the kernel worker's file. A frame of no origin starts classic scripts alone, which export nothing. */
const EXPORTS = /\bexport\s*\{[^{}]*\};?\s*$/;
/** A frame that has not shown its walls after so long is none. */
const FRAME_MS = 15_000;

/** Resolves when the frames have shown their walls; rejects with `ERR_ISOLATION_MISSING`. */
export async function openFramedRunner({ scriptOf, frames, ...given }: Given): Promise<TabRunner> {
  const textOf = async (reach: Reach) => (await (await fetch(scriptOf(reach))).text()).replace(EXPORTS, '');
  const texts: Partial<Record<Reach, Promise<string>>> = {};
  const open = (reach: Reach) => {
    texts[reach] ??= textOf(reach);
    return openFramed(texts[reach], frames);
  };
  const runner = createTabRunner({ ...given, isolated: false, form: 'bytes', open });
  try {
    await Promise.race([runner.ready, late()]);
  } catch (error) {
    await runner.close();
    throw error;
  }
  return runner;
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
