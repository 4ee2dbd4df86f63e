// A host that had no room for what it was given asks for nothing for a while, each time longer: else it would be given the same at once.
import type { Clock } from './contracts.ts';

/** The first rest, doubled each time up to the most. */
const FIRST_MS = 1_000;
const MOST_MS = 60_000;

export interface Rest {
  /** Something went back for want of room. */
  begin(): void;
  /** Something was done: the next rest is a first one. */
  reset(): void;
  /** It asks for nothing any more. */
  end(): void;
  readonly isOn: boolean;
}

/** `over` is called whenever it may ask again. */
export function createRest(clock: Clock, over: () => void): Rest {
  let ms = FIRST_MS;
  let takeBack: (() => void) | undefined;
  return {
    begin: () => {
      if (takeBack) return;
      takeBack = clock.after(ms, () => {
        takeBack = undefined;
        over();
      });
      ms = Math.min(2 * ms, MOST_MS);
    },
    reset: () => {
      ms = FIRST_MS;
    },
    end: () => takeBack?.(),
    get isOn() {
      return takeBack !== undefined;
    },
  };
}
