// The threads under the pool: Piscina has them, one stay a thread at a time, a spare one kept warm. The only importer of Piscina.
import { EventEmitter, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { Piscina } from 'piscina';
import type { Batch, HEAD_MISSING, Report } from './message.ts';
import { claim, newWords, retire, tellSent } from './stay.ts';

/**
 * How long the end of a thread is waited for. Usually it takes 1 ms, but V8 looks for a wish to stop only when a loop has used up its
 * tiering budget: some 2,500 rounds, which take seconds if each round fills megabytes. Such a thread burns on beside its replacement.
 */
const ENDING_MS_MAX = 100;

/** A batch that a thread has. */
export interface Lease {
  readonly berth: Berth;
  readonly report: Promise<Report | typeof HEAD_MISSING>;
  /** Ends the thread that has the batch. The report then rejects. Resolves when the thread is gone, or replaced while it still ends. */
  end(): Promise<void>;
  /** Whether `end` was called. */
  isEnding(): boolean;
}

export interface Threads {
  /** Gives a batch to a thread. `ahead`: the thread that has that one takes it afterwards, if it is still there. */
  lease(batch: Batch, transfer: readonly (ArrayBuffer | MessagePort)[], ahead?: Lease): Lease;
  /** How many threads had to be ended or died so far. */
  restarts(): number;
  /** Ends all threads; resolves when none is left. */
  close(): Promise<void>;
}

/** A thread that stays, as the pool sees it. */
export interface Berth {
  readonly port: MessagePort;
  readonly words: Int32Array;
  /** Piscina takes an emitter for an AbortSignal; making one costs far less. */
  readonly signal: EventEmitter;
  /** Who waits for its reports, in order. */
  readonly waiters: Waiter[];
}

interface Waiter {
  resolve(report: Report | typeof HEAD_MISSING): void;
  reject(error: unknown): void;
}

/** `module`: one whose default export takes a Stay and serves it. `spares`: idle threads beyond those `count` that work. */
export function startThreads(module: URL, count: number, spares: number): Threads {
  const size = count + spares;
  // Stays are hardly ever more than `count`: one that ends at this moment may still be counted.
  const piscina = new Piscina({
    filename: fileURLToPath(module),
    minThreads: size,
    maxThreads: size,
    maxQueue: count,
    recordTiming: false,
  });
  const ending = new Set<Promise<unknown>>();
  /** Those without a batch, whose threads may be there for a while. */
  const free: Berth[] = [];
  let restarts = 0;
  piscina.on('error', () => undefined);

  const open = (): Berth => {
    const { port1: port, port2 } = new MessageChannel();
    const berth: Berth = { port, words: newWords(), signal: new EventEmitter(), waiters: [] };
    const { words, signal, waiters } = berth;
    const take = (report: Report | typeof HEAD_MISSING) => {
      waiters.shift()?.resolve(report);
      if (waiters.length === 0) free.push(berth);
    };
    port.on('message', take);
    // While the thread stays Piscina holds the process.
    port.unref();
    const leave = (error?: unknown) => {
      retire(words);
      // What it has sent came through another port than the news of its end.
      for (let sent = receiveMessageOnPort(port); sent; sent = receiveMessageOnPort(port)) take(sent.message);
      port.close();
      if (waiters.length > 0) restarts++;
      for (const { reject } of waiters.splice(0)) reject(error);
    };
    piscina.run({ port: port2, words }, { signal, transferList: [port2] as never }).then(() => leave(), leave);
    return berth;
  };

  const berthFor = (ahead?: Lease): Berth => {
    if (ahead && ahead.berth.waiters.length > 0 && claim(ahead.berth.words)) return ahead.berth;
    for (let berth = free.pop(); berth; berth = free.pop()) if (claim(berth.words)) return berth;
    return open();
  };

  return {
    lease: (batch, transfer, ahead) => {
      const berth = berthFor(ahead);
      const { port, words, signal, waiters } = berth;
      const report: Lease['report'] = new Promise((resolve, reject) => waiters.push({ resolve, reject }));
      port.postMessage(batch, transfer as never);
      tellSent(words);
      let isEnding = false;
      return {
        berth,
        report,
        isEnding: () => isEnding,
        end: async () => {
          isEnding = true;
          retire(words);
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
