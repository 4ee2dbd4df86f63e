// A thread's stay with the pool: batches come and reports go through a port of its own, one after the other, so that the next batch is
// there before the last report has been read. Piscina has the thread back when nothing has come for a while.
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { Batch, HEAD_MISSING, Report } from './message.ts';
import type { Pace } from './pace.ts';

/** How long a thread waits for a batch until its stay ends: a process whose pool has nothing to do can end then. */
const STAY_MS = 5;

/** What a thread is given for its stay. */
export interface Stay {
  readonly port: MessagePort;
  /** How many batches there will be, or GONE; and how many were sent. */
  readonly words: Int32Array;
}

const WORD = { claimed: 0, sent: 1 } as const;
const GONE = -1;

/** A report, and the buffers to move with it. */
export interface Reply {
  readonly report: Report | typeof HEAD_MISSING;
  readonly transfer: readonly ArrayBuffer[];
}

/** The words of a thread that is claimed for a first batch. */
export function newWords(): Int32Array {
  const words = new Int32Array(new SharedArrayBuffer(8));
  words[WORD.claimed] = 1;
  return words;
}

/** Keeps the thread for one more batch, which has to be sent then; false if its stay has ended. */
export function claim(words: Int32Array): boolean {
  // Nobody else claims it, so that nothing but the stay's end can have come in between.
  const claimed = Atomics.load(words, WORD.claimed);
  return claimed !== GONE && Atomics.compareExchange(words, WORD.claimed, claimed, claimed + 1) === claimed;
}

/** Lets nobody claim a thread any more that is ended, or that has gone in another way than by itself. */
export function retire(words: Int32Array): void {
  Atomics.store(words, WORD.claimed, GONE);
}

/** Wakes the thread for a batch that was sent. */
export function tellSent(words: Int32Array): void {
  Atomics.add(words, WORD.sent, 1);
  Atomics.notify(words, WORD.sent);
}

/** In a thread: runs the batches that come, in turn, until none has come for a while. `pace` is told when it works and when it waits. */
export function serve({ port, words }: Stay, run: (batch: Batch) => Reply, pace?: Pick<Pace, 'idle' | 'busy'>): void {
  let answered = 0;
  pace?.busy();
  try {
    for (;;) {
      const come = receiveMessageOnPort(port) as { readonly message: Batch } | undefined;
      if (come) {
        const { report, transfer } = run(come.message);
        port.postMessage(report, transfer as ArrayBuffer[]);
        answered = (answered + 1) | 0;
        continue;
      }
      // Whoever owes rest stays for it: a batch that comes meanwhile would go to a thread that owes none.
      const owedMs = pace?.idle() ?? 0;
      const waited = Atomics.wait(words, WORD.sent, answered, Math.max(STAY_MS, owedMs));
      pace?.busy();
      if (waited !== 'timed-out') continue;
      if (Atomics.compareExchange(words, WORD.claimed, answered, GONE) === answered) return;
    }
  } finally {
    port.close();
    pace?.idle();
  }
}
