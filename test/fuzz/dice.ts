// Chance with a seed: the same seed rolls the same dice on every machine.

/** Seeded dice. */
export interface Dice {
  /** 32 random bits, as an unsigned integer. */
  bits(): number;
  /** An integer from 0 to `count - 1`. */
  below(count: number): number;
  /** True once in `times` rolls. */
  oneIn(times: number): boolean;
  /** One of a list that is not empty. */
  pick<T>(list: ArrayLike<T>): T;
}

/** Dice for any integer seed (mulberry32). Neighbouring seeds have nothing in common. */
export function createDice(seed: number): Dice {
  let state = Math.imul(seed ^ Math.floor(seed / 2 ** 32), 0x9e3779b1);
  const bits = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const below = (count: number) => Math.floor((bits() / 2 ** 32) * count);
  return { bits, below, oneIn: (times) => below(times) === 0, pick: (list) => list[below(list.length)] as never };
}
