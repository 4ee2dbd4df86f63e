// Progress: a bar with tasks, rate and remaining time on a terminal, and not one byte elsewhere.
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { createProgress } from '../../host/cli/progress.ts';

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
