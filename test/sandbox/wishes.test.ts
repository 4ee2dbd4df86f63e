// How soon a guest hears that it is not wanted any more: by a clock of the test's own, and in fuel.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SLICE } from '../../runtime/base/limits.ts';
import type { Guest } from '../../runtime/engine/engine.ts';
import { TaskFailure } from '../../runtime/job/outcome.ts';
import { Fuel } from '../../runtime/sandbox/fuel.ts';

const WITHIN_MS = 100;

interface Heard {
  readonly ms: number;
  readonly fuel: number;
}

/** An endless guest whose slices are done at these speeds, in fuel a ms, again and again; and what it does once it is not wanted. */
function stop(speeds: readonly number[], unwantedAt: number): Heard {
  let [now, left, done, doneThen] = [0, 0, 0, 0];
  const wishes = { isWanted: () => now < unwantedAt, pace: () => undefined };
  const platform = { digest: () => new Uint8Array(), now: () => now };
  const fuel = new Fuel(platform, { limits: { fuelMax: Number.MAX_SAFE_INTEGER } as never, wishes }, 0);
  const guest: Pick<Guest, 'getFuel' | 'setFuel'> = {
    getFuel: () => left,
    setFuel: (given) => {
      left = given;
    },
  };
  fuel.serve(guest as Guest);
  const { refill } = fuel.imports();
  for (let slice = 0; ; slice++) {
    const speed = speeds[slice % speeds.length] as number;
    const used = left + 1;
    // What of this slice comes behind the wish.
    if (now < unwantedAt) doneThen = done + Math.min(used, (unwantedAt - now) * speed);
    [now, done, left] = [now + used / speed, done + used, -1];
    try {
      refill();
    } catch (error) {
      expect(error).toBeInstanceOf(TaskFailure);
      return { ms: now - unwantedAt, fuel: done - doneThen };
    }
  }
}

test('a guest is ended within one slice of fuel and 100 ms of the wish, however its speed changes from slice to slice', () => {
  // A slice has 2^23 fuel at most, which is 84 ms at the slowest of these.
  const speed = fc.integer({ min: 100_000, max: 10_000_000 });
  fc.assert(
    fc.property(
      fc.array(speed, { minLength: 1, maxLength: 20 }),
      fc.double({ min: 0, max: 500, noNaN: true }),
      (speeds, at) => {
        const { ms, fuel } = stop(speeds, at);
        expect(ms).toBeLessThanOrEqual(WITHIN_MS);
        expect(fuel).toBeLessThanOrEqual(SLICE.fuelMax.max + 1);
      },
    ),
  );
});

test('at a steady speed it takes no longer than a slice is meant to', () => {
  fc.assert(
    fc.property(fc.integer({ min: 100_000, max: 4_000_000 }), fc.integer({ min: 20, max: 500 }), (speed, at) => {
      expect(stop([speed], at).ms).toBeLessThanOrEqual(SLICE.msTarget.max + 0.1);
    }),
  );
});
