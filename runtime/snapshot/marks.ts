// Which steps of a task are its marks: those whose images are compared between machines, so that all of them have to find the same ones.

/** Marks of a task; with one more, every second one is no mark any more. */
export const MARKS_MAX = 32;

export interface Marks {
  /** Whether the step that has just ended, with so much fuel in all, is a mark now. To be asked after every step, or every mark. */
  meets(fuel: number): boolean;
  /** The fuel at each mark that is one still. */
  readonly kept: readonly number[];
}

/**
 * A mark is the first step's end at or behind a multiple of `apart`, which doubles where there would be too many: so they are the same on
 * every machine, however long the task is. `from`: the fuel that a task goes on from.
 */
export function createMarks(apart: number, from = 0): Marks {
  let distance = apart;
  let last = from;
  let kept: number[] = [];
  const isBehind = (fuel: number, before: number) => Math.floor(fuel / distance) > Math.floor(before / distance);
  return {
    meets: (fuel) => {
      if (!isBehind(fuel, last)) return false;
      kept.push(fuel);
      last = fuel;
      while (kept.length > MARKS_MAX) {
        distance *= 2;
        const all = kept;
        kept = all.filter((mark, at) => isBehind(mark, all[at - 1] ?? from));
      }
      return true;
    },
    get kept() {
      return kept;
    },
  };
}
