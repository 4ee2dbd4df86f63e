// The threads under the pool: Piscina, one batch a thread at a time, a spare one kept warm. The only importer of Piscina beside batch.ts.
import { EventEmitter, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { MessagePort } from 'node:worker_threads';
import { Piscina } from 'piscina';
import type { Batch, HEAD_MISSING, Report } from './message.ts';

/** Idle threads beyond those that work: one takes over at once when another had to be ended, which takes about 100 ms to replace. */
const SPARES = 1;

/**
 * How long the end of a thread is waited for. Usually it takes 1 ms, but V8 looks for a wish to stop only when a loop has used up its
 * tiering budget: some 2,500 rounds, which take seconds if each round fills megabytes. Such a thread burns on beside its replacement.
 */
const ENDING_MS_MAX = 100;

/** A batch that a thread has. */
export interface Lease {
  readonly report: Promise<Report | typeof HEAD_MISSING>;
  /** Ends the thread that has the batch. The report then rejects. Resolves when the thread is gone, or replaced while it still ends. */
  end(): Promise<void>;
  /** Whether `end` was called. */
  isEnding(): boolean;
}

export interface Threads {
  lease(batch: Batch, transfer: readonly (ArrayBuffer | MessagePort)[]): Lease;
  /** How many threads had to be ended or died so far. */
  restarts(): number;
  /** Ends all threads; resolves when none is left. */
  close(): Promise<void>;
}

/** `filename`: the URL of a module whose default export takes a Batch and gives a Report. */
export function startThreads(filename: string, count: number): Threads {
  const size = count + SPARES;
  // Leases are never more than `count`, so Piscina's own queue stays empty.
  const piscina = new Piscina({
    filename: fileURLToPath(new URL('./load.cjs', import.meta.url)),
    workerData: filename,
    minThreads: size,
    maxThreads: size,
    maxQueue: count,
    recordTiming: false,
  });
  const ending = new Set<Promise<unknown>>();
  let restarts = 0;
  piscina.on('error', () => undefined);
  return {
    lease: (batch, transfer) => {
      // Piscina takes an emitter for an AbortSignal; making one costs far less.
      const signal = new EventEmitter();
      const options = { signal, transferList: transfer as never };
      const report = piscina.run(batch, options) as Lease['report'];
      report.catch(() => restarts++);
      let isEnding = false;
      return {
        report,
        isEnding: () => isEnding,
        end: async () => {
          isEnding = true;
          const before = piscina.threads;
          signal.emit('abort');
          const left = new Set(piscina.threads);
          const exits = before.filter((worker) => !left.has(worker)).map((worker) => once(worker, 'exit'));
          const ended = Promise.all(exits);
          ending.add(ended);
          ended.finally(() => ending.delete(ended));
          await Promise.race([ended, sleep(ENDING_MS_MAX, undefined, { ref: false })]);
        },
      };
    },
    restarts: () => restarts,
    close: async () => {
      await piscina.destroy();
      await Promise.all(ending);
    },
  };
}
