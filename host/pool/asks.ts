// The pool's side of what tasks on a thread ask of the outside: hands it to who holds the right, and wakes the thread with the answer.
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { Answer, Ask } from '../../runtime/job/outside.ts';
import type { Session } from '../grants/session.ts';
import { tellAnswer } from './control.ts';

/** What travels with a batch whose tasks may ask. */
export interface AsksOrder {
  readonly port: MessagePort;
  /** Whether files are asked for, too: in a jail, which has none. */
  readonly files: boolean;
}

/** A question of the task at that place of its batch. */
export interface Question {
  readonly number: number;
  readonly place: number;
  readonly ask: Ask;
}

export interface Reply {
  readonly number: number;
  readonly answer: Answer;
}

/** Answers for one batch. */
export interface Desk {
  readonly order: AsksOrder;
  /** The batch is over, or a task of it: what is under way for it ends. */
  leave(place?: number): void;
}

export interface DeskOptions {
  /** Of the task at a place. */
  readonly sessionOf: (place: number) => Session | undefined;
  readonly control: Int32Array;
  readonly files: boolean;
}

export function openDesk({ sessionOf, control, files }: DeskOptions): Desk {
  const { port1, port2 } = new MessageChannel();
  const underWay = new Map<number, AbortController>();
  let open = true;
  const hear = async ({ number, place, ask }: Question) => {
    if (!open) return;
    const ending = new AbortController();
    underWay.set(place, ending);
    try {
      const answer = await sessionOf(place)?.answer(ask, ending.signal);
      if (!open || !answer) return;
      port1.postMessage({ number, answer } satisfies Reply, moved(answer));
      tellAnswer(control);
    } catch {
      // Nobody waits for it any more.
    } finally {
      if (underWay.get(place) === ending) underWay.delete(place);
    }
  };
  port1.on('message', hear);
  port1.unref();
  return {
    order: { port: port2, files },
    leave: (place) => {
      for (const [of, ending] of underWay) if (place === undefined || of === place) ending.abort();
      if (place !== undefined) return;
      open = false;
      port1.close();
    },
  };
}

/** Buffers that are an answer's alone go with it. */
function moved(answer: Answer): ArrayBuffer[] {
  if ('refused' in answer || !answer.bytes) return [];
  const { buffer, byteLength } = answer.bytes;
  return buffer instanceof ArrayBuffer && buffer.byteLength === byteLength && byteLength > 0 ? [buffer] : [];
}
