// Open work as ranges: whatever is taken and given back, no task is lost and none is there twice.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Range } from '../../host/coordinator/contracts.ts';
import { drop, reopen, runsOpen, take } from '../../host/coordinator/open.ts';

const TASKS = 60;
const range = (from: number, to: number, not: readonly string[] = []): Range => ({
  ...{ from, to, not, check: not.length > 0, trusted: false },
});

const tasksOf = (open: readonly Range[]): number[] =>
  open.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, at) => from + at)).sort((a, b) => a - b);

test('whatever is taken, given back and dropped in any order, each task is either open once or out', () => {
  const step = fc.record({
    at: fc.nat(),
    size: fc.integer({ min: 1, max: 9 }),
    what: fc.constantFrom('take', 'back', 'drop'),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      let open: readonly Range[] = [range(0, TASKS)];
      const out = new Set<number>();
      const gone = new Set<number>();
      for (const { at, size, what } of steps) {
        const place = open.length === 0 ? 0 : at % open.length;
        const picked = open[place];
        if (what === 'take' && picked) {
          const to = Math.min(picked.to, picked.from + size);
          open = take(open, [{ job: 'j', range: place, from: picked.from, to }]);
          for (let task = picked.from; task < to; task += 1) out.add(task);
        } else if (what === 'back' && out.size > 0) {
          const task = [...out][at % out.size] as number;
          out.delete(task);
          open = reopen(open, range(task, task + 1, at % 3 === 0 ? ['a'] : []));
        } else if (what === 'drop') {
          const from = at % TASKS;
          for (const task of tasksOf(open)) if (task >= from && task < from + size) gone.add(task);
          open = drop(open, from, from + size);
        }
        const all = [...tasksOf(open), ...out, ...gone].sort((a, b) => a - b);
        expect(all).toEqual(Array.from({ length: TASKS }, (_, task) => task));
        expect(open.every(({ from, to }) => from < to)).toBe(true);
      }
    }),
  );
});

test('what is given back one by one is one range again, in whatever order it comes', () => {
  fc.assert(
    fc.property(
      fc.shuffledSubarray(
        Array.from({ length: 20 }, (_, task) => task),
        { minLength: 20 },
      ),
      (order) => {
        let open: readonly Range[] = [];
        for (const task of order) open = reopen(open, range(task, task + 1));
        expect(open).toEqual([range(0, 20)]);
      },
    ),
  );
});

test('runs that check others come behind tasks that nobody has run, and in the order in which they were asked for', () => {
  let open: readonly Range[] = [range(0, 10)];
  open = reopen(open, range(15, 16, ['a']));
  open = reopen(open, range(12, 13, ['b']));
  open = reopen(open, range(20, 30));
  expect(open).toEqual([range(0, 10), range(20, 30), range(15, 16, ['a']), range(12, 13, ['b'])]);
});

test('neighbours that other owners may run, or that only trusted hosts help, stay apart', () => {
  const trusted = { ...range(2, 3, ['a']), trusted: true };
  const open = [range(0, 1, ['a']), range(1, 2, ['b']), trusted].reduce(reopen, [] as readonly Range[]);
  expect(open).toHaveLength(3);
});

test('a take that is not of the list is refused', () => {
  expect(() => take([range(0, 5)], [{ job: 'j', range: 0, from: 3, to: 9 }])).toThrow(RangeError);
  expect(() => take([], [{ job: 'j', range: 0, from: 0, to: 1 }])).toThrow(RangeError);
});

test('counting what is open stops as soon as there is enough', () => {
  const open = [range(0, 10), range(20, 30), range(40, 50)];
  expect(runsOpen(open)).toBe(30);
  expect(runsOpen(open, 15)).toBe(20);
});
