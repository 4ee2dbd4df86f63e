// A host that had no room for what it was given asks for nothing for a while, each time longer: else it would be given the same at once.
import type { Clock } from './contracts.ts';

/** The first rest, doubled each time up to the most. */
const REST_MS = { first: 1_000, most: 60_000 } as const;

export interface Rest {
  /** Something went back for want of room. `over` is called when it may ask again. */
  begin(over: () => void): void;
  /** Something was done: the next rest is a first one. */
  reset(): void;
  /** It asks for nothing any more. */
  end(): void;
  readonly isOn: boolean;
}

export function createRest(clock: Clock): Rest {
  let ms: number = REST_MS.first;
  let isOn = false;
  let takeBack: () => void = () => undefined;
  return {
    begin: (over) => {
      if (isOn) return;
      isOn = true;
      takeBack = clock.after(ms, () => {
        isOn = false;
        over();
      });
      ms = Math.min(2 * ms, REST_MS.most);
    },
    reset: () => {
      ms = REST_MS.first;
    },
    end: () => takeBack(),
    get isOn() {
      return isOn;
    },
  };
}
