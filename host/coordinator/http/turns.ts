// Work of the event loop that can wait: a little of it a turn, so that whoever asks for a lease meanwhile is answered in between.
import { DOOR } from '../ceilings.ts';

export interface Turns {
  /** Does this behind what waits already; `bytes` is what it keeps in memory until then. */
  add(work: () => void, bytes?: number): void;
}

export interface TurnsOptions {
  readonly turnMs?: number;
  readonly bytesMax?: number;
}

/** What waits goes on for `turnMs` a turn, one piece at least. Where over `bytesMax` would wait, the oldest is done at once. */
export function createTurns(options: TurnsOptions = {}): Turns {
  const { turnMs = DOOR.turnMs.default, bytesMax = DOOR.waitingBytes.max } = options;
  const waiting: { readonly work: () => void; readonly bytes: number }[] = [];
  let bytes = 0;
  let next: NodeJS.Immediate | undefined;
  const one = () => {
    const first = waiting.shift();
    bytes -= first?.bytes ?? 0;
    first?.work();
  };
  const turn = () => {
    const until = performance.now() + turnMs;
    do one();
    while (waiting.length > 0 && performance.now() < until);
    next = waiting.length > 0 ? setImmediate(turn) : undefined;
  };
  return {
    add: (work, size = 0) => {
      waiting.push({ work, bytes: size });
      bytes += size;
      while (bytes > bytesMax) one();
      next ??= setImmediate(turn);
    },
  };
}
