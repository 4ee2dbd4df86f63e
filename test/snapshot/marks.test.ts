// Marks: which steps of a task they are, whatever the task's length.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createMarks, MARKS_MAX } from '../../runtime/snapshot/marks.ts';

const steps = fc.array(fc.integer({ min: 0, max: 5_000 }), { maxLength: 2_000 });

/** Fuel at the end of each step. */
const fuelsOf = (each: readonly number[]) => {
  let fuel = 0;
  return each.map((spent) => (fuel += spent));
};

test('marks are the first steps behind multiples of one distance, few enough, and no fewer than half as many where there are so many steps', () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 2_000 }), (each, apart) => {
      const fuels = fuelsOf(each);
      const marks = createMarks(apart);
      for (const fuel of fuels) marks.meets(fuel);
      const at = (distance: number) =>
        fuels.filter((fuel, step) => Math.floor(fuel / distance) > Math.floor((fuels[step - 1] ?? 0) / distance));
      let distance = apart;
      while (at(distance).length > MARKS_MAX) distance *= 2;
      expect(marks.kept).toEqual(at(distance));
    }),
  );
});

test('whoever sees only the images of marks finds the same ones, with other images among them or not', () => {
  fc.assert(
    fc.property(steps, fc.array(fc.boolean()), (each, others) => {
      const ours = createMarks(100);
      const theirs = createMarks(100);
      for (const [step, fuel] of fuelsOf(each).entries()) {
        const isMark = ours.meets(fuel);
        if (isMark || others[step]) theirs.meets(fuel);
      }
      expect(theirs.kept).toEqual(ours.kept);
    }),
  );
});
