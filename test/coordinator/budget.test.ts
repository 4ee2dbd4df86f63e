// Budgets and quotas hold what is under way, too: by how much they can be overspent, and that nothing waits for ever.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { costOfTask, mayBegin, reservedFor, within } from '../../host/coordinator/budget.ts';

const CEILING = 1_000;

interface Spent {
  readonly spent: number;
  /** Above what it may be: what tasks that were under way with the last that was begun cost more than they were taken to, or that one alone. */
  readonly excused: number;
  readonly done: number;
}

/** Begins tasks whenever some may be, and ends one of those under way, until none is and none may be begun. */
function spend(most: number, costs: readonly number[], ends: readonly number[]): Spent {
  let [fuel, believed, next] = [0, 0, 0];
  let under: number[] = [];
  let last: { readonly each: number; readonly under: readonly number[] } = { each: 0, under: [] };
  for (let turn = 0; ; turn++) {
    const spending = { fuel, believed, begun: under.length, ceiling: CEILING };
    const each = costOfTask(spending);
    const room = mayBegin({ most, spent: fuel, reserved: reservedFor(spending) }, each);
    const begun = costs.slice(next, next + room);
    next += begun.length;
    under = [...under, ...begun];
    if (begun.length > 0) last = { each, under: [...under] };
    if (under.length === 0) break;
    const [cost = 0] = under.splice((ends[turn % ends.length] ?? 0) % under.length, 1);
    fuel += cost;
    believed++;
  }
  const alone = last.under.length === 1 ? (last.under[0] as number) : 0;
  const more = last.under.reduce((sum, cost) => sum + Math.max(0, cost - last.each), 0);
  return { spent: fuel, excused: Math.max(alone, more), done: believed };
}

const turns = fc.array(fc.nat(100), { minLength: 1, maxLength: 50 });
const most = fc.integer({ min: 1, max: 20_000 });

test('no more is spent over a budget than one task, or what tasks under way cost beyond what they were taken to', () => {
  const costs = fc.array(fc.integer({ min: 0, max: CEILING }), { maxLength: 200 });
  fc.assert(
    fc.property(most, costs, turns, (budget, all, ends) => {
      const { spent, excused } = spend(budget, all, ends);
      expect(spent).toBeLessThanOrEqual(budget + excused);
    }),
  );
});

test('where tasks cost the same, all of a budget is spent, and less than one task over it', () => {
  fc.assert(
    fc.property(most, fc.integer({ min: 1, max: CEILING }), turns, (budget, cost, ends) => {
      const { spent } = spend(budget, new Array(20_001).fill(cost), ends);
      expect([spent >= budget, spent < budget + cost]).toEqual([true, true]);
    }),
  );
});

test('before the first is believed, so many are begun as cost no more than the budget if each takes all that it may; one in any case', () => {
  const first = { fuel: 0, believed: 0, begun: 0, ceiling: CEILING };
  const room = (budget: number) => mayBegin({ most: budget, spent: 0, reserved: 0 }, costOfTask(first));
  expect([0, 1, 999, 1_000, 2_999, 3_000].map(room)).toEqual([0, 1, 1, 1, 2, 3]);
});

test('what is left of open work has so many new tasks at most, and every check', () => {
  const part = fc.record({ size: fc.integer({ min: 1, max: 9 }), check: fc.boolean() });
  fc.assert(
    fc.property(fc.array(part, { maxLength: 20 }), fc.nat(60), (parts, tasks) => {
      const open = parts.map(({ size, check }, at) => ({
        ...{ from: 10 * at, to: 10 * at + size, check, not: [], trusted: false },
      }));
      const { open: left, places } = within(open, tasks);
      const count = (ranges: typeof open, check: boolean) =>
        ranges.filter((range) => range.check === check).reduce((sum, { from, to }) => sum + to - from, 0);
      expect(count(left as typeof open, false)).toBe(Math.min(tasks, count(open, false)));
      expect(count(left as typeof open, true)).toBe(count(open, true));
      for (const [at, { from, to }] of left.entries()) {
        const whole = open[places[at] as number];
        expect([whole?.from, (whole?.to ?? 0) >= to, to > from]).toEqual([from, true, true]);
      }
    }),
  );
});
