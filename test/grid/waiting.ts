// Machines of a simulated grid that wait for work, in no order; apart from the others whoever the site knows nothing of.
import type { Chance } from './chance.ts';

export function createWaiting(chance: Chance) {
  const known: number[] = [];
  const strangers: number[] = [];
  return {
    clear: () => {
      known.length = 0;
      strangers.length = 0;
    },
    add: (number: number, isStranger: boolean) => void (isStranger ? strangers : known).push(number),
    /**
     * Takes machines out and tries each, until one has got something: `undefined` of one that does not wait any more. What one stranger does not
     * get, no other one gets. Gives those that got nothing.
     */
    tryEach: (attempt: (number: number) => boolean | undefined): readonly number[] => {
      const tried: number[] = [];
      for (const list of [known, strangers]) {
        while (list.length > 0) {
          const at = chance.below(list.length);
          const number = list[at] ?? 0;
          list[at] = list.at(-1) ?? 0;
          list.pop();
          const got = attempt(number);
          if (got) return tried;
          if (got === undefined) continue;
          tried.push(number);
          if (list === strangers) break;
        }
      }
      return tried;
    },
  };
}
