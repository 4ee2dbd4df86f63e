// The threads under the pool: Piscina, one batch a thread at a time, a spare one kept warm. The only importer of Piscina beside batch.ts.
import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { Piscina } from 'piscina';
import type { Batch, Report } from './message.ts';

/** Idle threads beyond those that work: one takes over at once when another had to be ended, which takes about 100 ms to replace. */
const SPARES = 1;

/** A batch that a thread has. */
export interface Lease {
  readonly report: Promise<Report>;
  /** Ends the thread that has the batch; resolves when it is gone. The report then rejects. */
  end(): Promise<void>;
}

export interface Threads {
  lease(batch: Batch, transfer: readonly ArrayBuffer[]): Lease;
  /** How many threads had to be ended or died so far. */
  restarts(): number;
  /** Ends all threads; resolves when none is left. */
  close(): Promise<void>;
}

/** `filename`: a module whose default export takes a Batch and gives a Report. */
export function startThreads(filename: string, count: number): Threads {
  const size = count + SPARES;
  // Leases are never more than `count`, so Piscina's own queue stays empty.
  const piscina = new Piscina({ filename, minThreads: size, maxThreads: size, maxQueue: count, recordTiming: false });
  let restarts = 0;
  let closing = false;
  piscina.on('error', () => undefined);
  return {
    lease: (batch, transfer) => {
      const control = new AbortController();
      const before = new Set<Worker>();
      const report = piscina.run(batch, {
        signal: control.signal,
        transferList: transfer as ArrayBuffer[],
      }) as Promise<Report>;
      report.catch(() => restarts++);
      return {
        report,
        end: async () => {
          for (const worker of piscina.threads) before.add(worker);
          control.abort();
          const left = new Set(piscina.threads);
          const ended = [...before].filter((worker) => !left.has(worker) && worker.threadId !== -1);
          await Promise.all(ended.map((worker) => once(worker, 'exit')));
        },
      };
    },
    restarts: () => restarts,
    close: async () => {
      if (closing) return;
      closing = true;
      await piscina.destroy();
    },
  };
}
