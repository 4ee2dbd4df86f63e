// When images of a running stepper are given: what a task that is broken off at any moment can lose.
import { expect, test } from 'vitest';
import type { Platform } from '../../runtime/base/platform.ts';
import { conduct, type Notice, type Schedule, takeStored } from '../../runtime/sandbox/conduct.ts';
import type { Stepping } from '../../runtime/sandbox/stepping.ts';

/** A task of steps that take so many ms each, and use ten times as much fuel; the moments of its images. */
function imagesOf(stepsMs: readonly number[], schedule: Schedule, isClear = () => true): number[] {
  let clock = 1_000;
  let step = 0;
  const begun = clock;
  const moments: number[] = [];
  const stepping = {
    get goesOn() {
      return step < stepsMs.length;
    },
    get fuel() {
      return (clock - begun) * 10;
    },
    share: 0,
    step: 0,
    advance: () => {
      clock += stepsMs[step++] ?? 0;
    },
    take: () => ({ image: { digest: String(step) }, bytes: new Uint8Array() }),
    end: () => ({ state: 'done' }),
  } as unknown as Stepping;
  const tell = ({ images }: Notice) => images.length > 0 && moments.push(clock - begun);
  const desk = { schedule, take: takeStored, next: () => undefined, isClear, tell };
  for (const _ of conduct(stepping, desk, { now: () => clock } as Platform));
  return moments;
}

test.each([
  ['steps that are short', Array.from({ length: 500 }, () => 1), 100, 1],
  ['steps of all lengths', Array.from({ length: 500 }, (_, index) => (index * 37) % 60), 100, 59],
  ['steps that are longer than the interval', Array.from({ length: 50 }, () => 130), 100, 130],
])('with %s, no more is lost than the interval and one step', (_, stepsMs, everyMs, longest) => {
  for (const schedule of [{ everyMs }, { everyFuel: everyMs * 10 }]) {
    const moments = [0, ...imagesOf(stepsMs, schedule)];
    const gaps = moments.slice(1).map((moment, index) => moment - (moments[index] as number));
    expect(gaps.length).toBeGreaterThan(3);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(everyMs + longest);
    const total = stepsMs.reduce((sum, ms) => sum + ms, 0);
    expect(total - (moments.at(-1) as number)).toBeLessThanOrEqual(everyMs + longest);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(everyMs);
  }
});

test('no image is taken while the one before is not stored yet', () => {
  let calls = 0;
  const moments = imagesOf(
    Array.from({ length: 30 }, () => 10),
    { everyMs: 50 },
    () => ++calls > 5,
  );
  expect(moments[0]).toBe(100);
});

test('where nothing is said of images, none is taken', () => {
  expect(imagesOf([1, 2, 3, 1e6, 5], {})).toEqual([]);
});
