// Counts requests in windows of time, by the clock that never goes back: set back by an hour, the one on the wall would make a window an hour long.
import type { FastifyRateLimitStore } from '@fastify/rate-limit';
import { now } from '../../platform/node.ts';
import { DOOR } from '../ceilings.ts';

interface Window {
  readonly since: number;
  count: number;
}

/** The store of the server's limits; all routes count together. Who was there longest ago is forgotten first. */
export class Windows implements FastifyRateLimitStore {
  readonly #windows = new Map<string, Window>();

  incr(key: string, done: (error: Error | null, found?: { current: number; ttl: number }) => void, windowMs = 0): void {
    const at = now();
    const known = this.#windows.get(key);
    const window = known && at - known.since < windowMs ? known : { since: at, count: 0 };
    window.count++;
    this.#windows.delete(key);
    this.#windows.set(key, window);
    if (this.#windows.size > DOOR.addresses.max)
      for (const oldest of this.#windows.keys()) if (this.#windows.delete(oldest)) break;
    done(null, { current: window.count, ttl: Math.ceil(window.since + windowMs - at) });
  }

  child(): this {
    return this;
  }
}
