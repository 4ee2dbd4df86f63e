// A stepper's task in a cell, seen from inside: what comes of it goes out, and its images are kept there.
import type { Digest } from '../../runtime/base/platform.ts';
import type { Wish } from '../../runtime/sandbox/conduct.ts';
import { joined } from '../../runtime/snapshot/difference.ts';
import type { Started } from '../pool/start.ts';
import type { Keeper } from '../pool/steps.ts';
import type { FromCell, WireSteps } from '../wire/cell.ts';

export interface Spoken {
  readonly keeper: Keeper;
  /** Fires when the task is taken back. */
  readonly signal: AbortSignal;
  cancel(): void;
  /** The task has begun: it hears what was wished so far. */
  begin(started: Started): void;
  wish(wish: Wish): void;
  /** The images of the earliest notice are stored. */
  stored(): void;
}

export interface SpokenOptions {
  readonly task: number;
  readonly steps: WireSteps;
  readonly links: ReadonlyMap<Digest, Uint8Array>;
  say(message: FromCell, bytes?: Uint8Array): void;
}

export function createSpoken({ task, steps, links, say }: SpokenOptions): Spoken {
  const { schedule, from } = steps;
  const control = new AbortController();
  const { signal } = control;
  const early: Wish[] = [];
  let started: Started | undefined;
  let stored: () => void = () => undefined;
  const tell = (to: Started, wish: Wish) => void to.wish(wish).catch(() => undefined);
  return {
    signal,
    cancel: () => {
      control.abort();
      // Whoever takes a task back may not store anything any more.
      stored();
    },
    keeper: {
      schedule,
      take: async ({ images, ...notice }) => {
        for (const { digest, parts } of images) say({ type: 'image', task, digest }, joined(parts));
        say({ type: 'notice', task, ...notice });
        if (images.length > 0 && !signal.aborted)
          await new Promise<void>((resolve) => {
            stored = resolve;
          });
        return undefined;
      },
      // A task that loses its thread goes out, and comes back with its last image.
      hasImage: false,
      lends: false,
      opening: () => (from === undefined ? undefined : { digest: from, links: () => links }),
    },
    begin: (given) => {
      started = given;
      for (const wish of early) tell(given, wish);
    },
    wish: (wish) => {
      if (started) tell(started, wish);
      else early.push(wish);
    },
    stored: () => stored(),
  };
}
