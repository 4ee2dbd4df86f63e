// Keeps a thread to a share of its core: it works, and then sleeps for as long as that share takes.
import { CONTROL, newsOf, sleep, WHOLE } from './control.ts';

/** Shorter sleeps are put together: waking up takes about 0.1 ms. */
const SLEEP_MS_MIN = 1;

/** How much rest is remembered that was not asked for: a thread that waited for work may catch up that much. */
const CREDIT_MS_MAX = 20;

/** The clocks by which a pace is kept, in ms. */
export interface Clocks {
  now(): number;
  /** CPU time of this thread. Without it, waiting for a core counts as work, and the thread gets less than its share on a busy machine. */
  cpuMs?(): number;
  /** Sleeps for so many ms, or until there are other news than those known. */
  sleep?(control: Int32Array, known: number, ms: number): void;
}

export interface Pace {
  /** A batch begins: the time since the last one was rest. */
  begin(control: Int32Array): void;
  /** Called between tasks, and by a task whenever it asks for fuel: sleeps if it is time to. News end the sleep. */
  rest(control: Int32Array): void;
}

/** One a thread. */
export function createPace({ now, cpuMs, sleep: wait = sleep }: Clocks): Pace {
  /** What it still has to sleep; below zero, what it has rested more than it had to. */
  let debtMs = 0;
  let at = now();
  let cpuAt = cpuMs?.() ?? 0;

  /** The share by which it was marked. What was done at another one is not reckoned with any more. */
  let shareAt = 1;
  /** The news that are known: others end a sleep before it begins. */
  let news = 0;

  const mark = (share: number) => {
    at = now();
    cpuAt = cpuMs?.() ?? 0;
    shareAt = share;
  };
  const owe = (ms: number) => {
    debtMs = Math.max(debtMs + ms, -CREDIT_MS_MAX);
  };
  const isOther = (share: number): boolean => {
    if (share === shareAt) return share === 1;
    debtMs = 0;
    mark(share);
    return true;
  };
  return {
    begin: (control) => {
      news = newsOf(control);
      const share = shareOf(control);
      if (isOther(share)) return;
      owe(at - now());
      mark(share);
    },
    rest: (control) => {
      const share = shareOf(control);
      if (isOther(share)) return;
      const wallMs = now() - at;
      const busyMs = cpuMs ? cpuMs() - cpuAt : wallMs;
      owe(busyMs / share - wallMs);
      if (debtMs >= SLEEP_MS_MIN) {
        const from = now();
        wait(control, news, debtMs);
        owe(from - now());
        news = newsOf(control);
      }
      mark(share);
    },
  };
}

function shareOf(control: Int32Array): number {
  return Atomics.load(control, CONTROL.share) / WHOLE;
}
