// How far a job is: a bar with rate and remaining time on a terminal, nothing elsewhere.
import process from 'node:process';
import { SingleBar } from 'cli-progress';
import { formatDuration, short } from '../../runtime/base/units.ts';
import type { StepProgress } from '../../runtime/job/steps.ts';
import { note } from './say.ts';

export interface Progress {
  /** Whether somebody sees it. */
  readonly isShown: boolean;
  /** One more task is over; `share` of the whole input is behind us. */
  step(tasks: number, share: number): void;
  /** A line above the bar; it is written where there is no bar, too. */
  say(line: string): void;
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
  if (!stream.isTTY) return { isShown: false, step: () => undefined, say: note, stop: () => undefined };
  const begun = now();
  const bar = barOn(stream, '{bar} {percentage}%  {tasks} tasks  {rate}/s  {left} left');
  bar.start(1, 0, { tasks: 0, rate: '0', left: '?' });
  return {
    isShown: true,
    step: (tasks, share) => {
      const ms = now() - begun;
      const left = share > 0 ? formatDuration((ms / share) * (1 - share)) : '?';
      bar.update(Math.min(share, 1), { tasks, rate: short((tasks / ms) * 1000), left });
    },
    // The bar is drawn again below it.
    say: (line) => stream.write(`\r\u001b[K${line}\n`),
    stop: () => bar.stop(),
  };
}

/** What is shown of one task of a stepper. */
export interface StepsShown {
  step(progress: StepProgress): void;
  stop(): void;
}

/**
 * The same for the steps of one task; `undefined` where nobody sees it, so that nothing is asked of the task. One that goes on from an image
 * begins with the share it has, and the remaining time is told from what was added since.
 */
export function createStepProgress(
  stream: NodeJS.WriteStream = process.stderr,
  now: () => number = () => performance.now(),
): StepsShown | undefined {
  if (!stream.isTTY) return undefined;
  const bar = barOn(stream, '{bar} {percentage}%  step {step}  {left} left');
  let first: { readonly at: number; readonly share: number } | undefined;
  return {
    step: ({ step, share }) => {
      if (!first) bar.start(1, share, { step, left: '?' });
      first ??= { at: now(), share };
      const added = share - first.share;
      const left = added > 0 ? formatDuration(((now() - first.at) / added) * (1 - share)) : '?';
      bar.update(Math.min(share, 1), { step, left });
    },
    stop: () => bar.stop(),
  };
}

function barOn(stream: NodeJS.WriteStream, format: string): SingleBar {
  return new SingleBar({ format, barsize: 30, fps: 10, clearOnComplete: true, hideCursor: true, stream });
}
