// The side of a site that works for others: it takes offered batches as far as it has room, and works on each until it is settled.
import type { Bus, Handed, Self } from './contracts.ts';
import { type Offer, parseOffer } from './messages.ts';
import { leaseKey } from './names.ts';

/** Batches that it works on at once: while one ends, the next has begun. */
const BATCHES_MAX = 2;
/** A batch that was handed out so often has ended the site each time, or never came to an end. */
const DELIVERIES_MAX = 5;
const AGAIN_MS = 500;

/** A batch under way. */
export interface Batch {
  readonly offer: Offer;
  /** The fencing number: whoever takes the batch later has a higher one. */
  readonly revision: number;
  /** Aborted when nobody needs the batch any more. */
  readonly ended: AbortSignal;
  /** Aborted then, and when the site closes. */
  readonly signal: AbortSignal;
}

export interface RunnerParts {
  readonly self: Self;
  readonly bus: Bus;
  /** Whether a host of this site could work. */
  readonly hasRoom: () => boolean;
  /** Does a batch and hands in its results. Resolves when it needs no more attention; rejects where it is to be tried again. */
  readonly work: (batch: Batch) => Promise<void>;
  /** Says that a batch is given up as dead. */
  readonly bury: (batch: Batch) => Promise<void>;
}

export interface Runner {
  /** Says of every batch that it is being worked on. */
  beat(): void;
  /** Keys of the batches under way. */
  readonly batches: readonly string[];
  /** Stops. What is not settled is handed out again, to this site when it is back. */
  close(): Promise<void>;
}

export function createRunner({ self, bus, hasRoom, work, bury }: RunnerParts): Runner {
  const closing = new AbortController();
  const under = new Map<string, { readonly handed: Handed; readonly stop: AbortController }>();
  const running = new Set<Promise<void>>();
  bus.onEnded(self.name, (key) => under.get(key)?.stop.abort());

  const take = async (handed: Handed): Promise<void> => {
    const offer = parsed(handed.bytes);
    if (!offer) return handed.settle();
    const key = leaseKey(self.name, offer.asker, offer.fence);
    // Handed out again while the server was away: it goes on, and the first acknowledgement counts.
    if (under.has(key)) return;
    const seen = await bus.leases.find(key);
    // Withdrawn before it was begun.
    if (seen === null) return handed.settle();
    const revision = await bus.leases.move(key, seen);
    // Somebody moved it in between: it is handed out again, and looked at again.
    if (revision === null) return;
    const stop = new AbortController();
    under.set(key, { handed, stop });
    const batch = { offer, revision, ended: stop.signal, signal: AbortSignal.any([stop.signal, closing.signal]) };
    try {
      await (handed.deliveries > DELIVERIES_MAX ? bury(batch) : work(batch));
      await settle(handed, key);
    } catch (error) {
      if (!stop.signal.aborted) throw error;
      await settle(handed, key);
    } finally {
      under.delete(key);
    }
  };
  const settle = async (handed: Handed, key: string) => {
    if (closing.signal.aborted) return;
    await handed.settle();
    await bus.leases.forget(key);
  };
  const loop = async () => {
    await bus.ready;
    while (!closing.signal.aborted) {
      try {
        if (running.size >= BATCHES_MAX || !hasRoom()) {
          await Promise.race([pause(AGAIN_MS), ...running]);
          continue;
        }
        const handed = await bus.next();
        if (!handed || closing.signal.aborted) continue;
        const one: Promise<void> = take(handed)
          .catch((error: unknown) => self.log('warn', `a batch is left for later: ${String(error)}`))
          .finally(() => running.delete(one));
        running.add(one);
      } catch {
        await pause(AGAIN_MS);
      }
    }
  };
  void loop();
  return {
    beat: () => {
      for (const { handed } of under.values()) handed.working();
    },
    get batches() {
      return [...under.keys()];
    },
    close: async () => {
      closing.abort();
      await Promise.allSettled(running);
    },
  };
}

/** What is no offer is taken out of the stream: nobody could do anything with it. */
function parsed(bytes: Uint8Array): Offer | undefined {
  try {
    return parseOffer(bytes);
  } catch {
    return undefined;
  }
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
