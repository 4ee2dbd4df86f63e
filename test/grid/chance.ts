// Chance of a simulation: one seed, and the distributions that machines and tasks follow.
import { createDice } from '../fuzz/dice.ts';

export interface Chance {
  /** In [0, 1). */
  share(): number;
  below(count: number): number;
  /** A time until something that happens once in `mean` on average. */
  wait(mean: number): number;
  /** Log-normal with the median 1. */
  spread(sigma: number): number;
}

export function createChance(seed: number): Chance {
  const dice = createDice(seed);
  const share = () => (dice.bits() * 2 ** 21 + (dice.bits() >>> 11)) / 2 ** 53;
  return {
    share,
    below: (count) => dice.below(count),
    wait: (mean) => -mean * Math.log(1 - share()),
    spread: (sigma) => Math.exp(sigma * Math.sqrt(-2 * Math.log(1 - share())) * Math.cos(2 * Math.PI * share())),
  };
}

/** The draws of a site: a number in [0, 1) for each task and place, the same whenever it is asked for. */
export function createDraw(seed: number): (task: number, nth: number) => number {
  return (task, nth) => {
    let mixed =
      Math.imul(task ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(nth + 0x3c6ef372, 0xc2b2ae35) ^ Math.imul(seed, 0x27d4eb2f);
    for (let round = 0; round < 2; round += 1) {
      mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
      mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
      mixed = (mixed ^ (mixed >>> 16)) + seed;
    }
    return (mixed >>> 0) / 2 ** 32;
  };
}
