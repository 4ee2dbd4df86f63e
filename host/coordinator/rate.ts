// How many a second, over the last minute: a ring of seconds.
const SECONDS = 60;

export interface Rate {
  add(count: number, nowMs: number): void;
  /** A second, over the last minute or since the first one, whichever is shorter. */
  perSecond(nowMs: number): number;
}

export function createRate(): Rate {
  /** Made when it is first needed: most jobs of a long list have not begun. */
  let ring: Float64Array | undefined;
  let newest = 0;
  let first = 0;
  /** Seconds that have gone by are empty. */
  const turn = (counts: Float64Array, second: number) => {
    for (let at = Math.max(newest + 1, second - SECONDS + 1); at <= second; at++) counts[at % SECONDS] = 0;
    newest = Math.max(newest, second);
  };
  return {
    add: (count, nowMs) => {
      const second = Math.floor(nowMs / 1000);
      if (!ring) {
        ring = new Float64Array(SECONDS);
        newest = second;
        first = nowMs;
      }
      turn(ring, second);
      const at = second % SECONDS;
      ring[at] = (ring[at] as number) + count;
    },
    perSecond: (nowMs) => {
      if (!ring) return 0;
      turn(ring, Math.floor(nowMs / 1000));
      const seconds = Math.min(SECONDS, Math.max(1, (nowMs - first) / 1000));
      return ring.reduce((sum, count) => sum + count, 0) / seconds;
    },
  };
}
