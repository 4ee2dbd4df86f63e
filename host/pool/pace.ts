// Keeps a thread to a share of its core: it works, and then sleeps for as long as that share takes. One account has all that the thread
// does, guests and what is done for them: what was worked too long or slept too short is made up for next time.
import { CONTROL, newsOf, sleep, WHOLE } from './control.ts';

/** Shorter sleeps are put together. */
const SLEEP_MS_MIN = 1;

/** So are sleeps after less work: each takes some CPU time by itself, and would take a good part of a small share. */
const WORK_MS_MIN = 1;

/** CPU time of a sleep, which ends a thread's work and begins it anew: 0.03 to 0.05 ms by the thread's own clock. */
const WAKE_MS = 0.04;

/** How much rest is remembered that was not asked for: a thread that waited for work may catch up that much. */
const CREDIT_MS_MAX = 20;

/** The clocks by which a pace is kept, in ms. */
export interface Clocks {
  now(): number;
  /**
   * CPU time of this thread, asked for where it may not have a whole core. Where nobody tells, waiting for a core counts as work, and the
   * thread gets less than its share on a busy machine.
   */
  cpuMs?(): number | undefined;
  /** Sleeps for so many ms, or until there are other news than those known. */
  sleep?(control: Int32Array, known: number, ms: number): void;
}

export interface Pace {
  /** A batch begins, or a wait is over that ended by news: others, from now on, end a sleep. */
  begin(control: Int32Array): void;
  /** Called before each task, and by a task whenever it asks for fuel: sleeps if it is time to. News end the sleep. */
  rest(control: Int32Array): void;
  /** From here on the thread waits for something else, which is rest. Tells how many ms it has to rest, if any. */
  idle(): number;
  /** From here on it works again. */
  busy(): void;
}

/** One a thread, which works when it is made. */
export function createPace({ now, cpuMs, sleep: wait = sleep }: Clocks): Pace {
  /** What it still has to sleep; below zero, what it has rested more than it had to. */
  let debtMs = 0;
  let at = 0;
  let cpuAt: number | undefined;

  /** The share by which the account is kept. What was done at another one is not reckoned with any more. */
  let share = 1;
  /** The news that are known: others end a sleep before it begins. */
  let news = 0;

  const mark = () => {
    at = now();
    cpuAt = cpuMs?.();
  };
  /** Enters the time since the last entry; `guess` says how much of it was work where no clock does. */
  const enter = (guess: (ms: number) => number) => {
    const [from, cpuFrom] = [at, cpuAt];
    mark();
    const wallMs = at - from;
    const busyMs = cpuAt === undefined || cpuFrom === undefined ? guess(wallMs) : cpuAt - cpuFrom;
    debtMs = Math.max(debtMs + busyMs / share - wallMs, -CREDIT_MS_MAX);
  };
  return {
    begin: (control) => {
      news = newsOf(control);
    },
    rest: (control) => {
      const asked = Atomics.load(control, CONTROL.share) / WHOLE;
      if (asked !== share) {
        [share, debtMs] = [asked, 0];
        mark();
      }
      if (share === 1) return;
      const restPerWork = 1 / share - 1;
      const worthIt = Math.max(SLEEP_MS_MIN, WORK_MS_MIN * restPerWork);
      // A thread cannot have worked for longer than it took; the clock that tells how long it did takes as long as a small task.
      if (debtMs + (now() - at) * restPerWork < worthIt) return;
      enter(asWork);
      if (debtMs < worthIt) return;
      wait(control, news, debtMs);
      enter(asRest);
      news = newsOf(control);
    },
    idle: () => {
      if (share < 1) enter(asWork);
      return debtMs;
    },
    busy: () => {
      if (share < 1) enter(asRest);
    },
  };
}

const asWork = (ms: number): number => ms;
const asRest = (): number => WAKE_MS;
