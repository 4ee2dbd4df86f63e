// How far a job is: a bar with rate and remaining time on a terminal, nothing elsewhere.
import process from 'node:process';
import { SingleBar } from 'cli-progress';
import { formatDuration, short } from '../../runtime/base/units.ts';

export interface Progress {
  /** One more task is over; `share` of the whole input is behind us. */
  step(tasks: number, share: number): void;
  stop(): void;
}

/**
 * A bar on standard error. The remaining time is told from the share of input bytes, since tasks differ in size. `stream` and `now`,
 * a clock of milliseconds, are for tests.
 */
export function createProgress(
  stream: NodeJS.WriteStream = process.stderr,
  now: () => number = () => performance.now(),
): Progress {
  if (!stream.isTTY) return { step: () => undefined, stop: () => undefined };
  const begun = now();
  const bar = new SingleBar({
    format: '{bar} {percentage}%  {tasks} tasks  {rate}/s  {left} left',
    barsize: 30,
    fps: 10,
    clearOnComplete: true,
    hideCursor: true,
    stream,
  });
  bar.start(1, 0, { tasks: 0, rate: '0', left: '?' });
  return {
    step: (tasks, share) => {
      const ms = now() - begun;
      const left = share > 0 ? formatDuration((ms / share) * (1 - share)) : '?';
      bar.update(Math.min(share, 1), { tasks, rate: short((tasks / ms) * 1000), left });
    },
    stop: () => bar.stop(),
  };
}
