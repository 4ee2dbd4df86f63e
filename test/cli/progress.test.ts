// Progress: a bar with tasks, rate and remaining time on a terminal, and not one byte elsewhere.
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { createProgress, createStepProgress } from '../../host/cli/progress.ts';

/** What a job of two seconds, half of it behind us, writes to such a stream. */
function halfway(isTTY: boolean): string {
  const terminal = Object.assign(new PassThrough({ encoding: 'utf8' }), { isTTY, columns: 120, rows: 24 });
  let clock = 5_000;
  const progress = createProgress(terminal as unknown as NodeJS.WriteStream, () => clock);
  clock += 1_000;
  progress.step(3, 0.5);
  progress.stop();
  return String(terminal.read() ?? '');
}

test('a terminal is shown the share, the tasks done, their rate and the time that is left', () => {
  expect(halfway(true)).toMatch(/ 50% {2}3 tasks {2}3\/s {2}1 s left/);
});

test('what is no terminal is written nothing', () => {
  expect(halfway(false)).toBe('');
});

test('of a stepper that goes on from its middle, the share is shown, and the time that is left by what was added since', () => {
  const terminal = Object.assign(new PassThrough({ encoding: 'utf8' }), { isTTY: true, columns: 120, rows: 24 });
  let clock = 5_000;
  const progress = createStepProgress(terminal as unknown as NodeJS.WriteStream, () => clock);
  progress?.step({ step: 50, share: 0.5, fuel: 1 });
  clock += 1_000;
  progress?.step({ step: 60, share: 0.6, fuel: 2 });
  progress?.stop();
  expect(String(terminal.read())).toMatch(/ 60% {2}step 60 {2}4 s left/);
});

test('nothing is asked of a stepper whose progress nobody sees', () => {
  expect(createStepProgress({ isTTY: false } as NodeJS.WriteStream)).toBeUndefined();
});
