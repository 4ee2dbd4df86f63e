// The kernel workers of a tab: which of them gets a task, how many there are, and what becomes of tasks whose worker has to go.
import { LodgerError } from '../../runtime/base/errors.ts';
import type { Platform } from '../../runtime/base/platform.ts';
import type { Ready } from '../../runtime/engine/engine.ts';
import type { Kernel } from '../../runtime/job/kernel.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import type { Notice, Wish } from '../../runtime/sandbox/conduct.ts';
import type { Permit } from '../../runtime/sandbox/permit.ts';
import type { Code, TaskMessage } from './message.ts';
import { type Reach, reachOf } from './reach.ts';
import { type Flight, type KernelPort, KernelThread } from './thread.ts';

export interface CrewOptions {
  readonly open: (reach: Reach) => KernelPort;
  readonly threads: number;
  readonly share: number;
  readonly isolated: boolean;
  readonly platform: Platform;
  readonly engineVersion: string;
  /** The address of a script, which kernel workers must not reach. */
  readonly wayOut: string;
  compile(permit: Permit): Promise<Ready<Code>>;
  /** Where memory is not shared: told of a kernel whose task has run for `LONG_MS`, and is no stepper's. Nothing else will stop it. */
  readonly onLong?: (kernel: Kernel) => void;
  /** Told of a kernel worker that was opened later and may run nothing. */
  readonly onError?: (error: LodgerError) => void;
}

/** One task to run. */
export interface Errand {
  readonly permit: Permit;
  readonly input: Uint8Array;
  readonly index: number;
  readonly signal?: AbortSignal;
  readonly steps?: TaskMessage['steps'];
  readonly onNotice?: (notice: Notice) => Promise<void>;
  /** Called when it is on a worker: how it is told a wish. */
  readonly onBegin?: (wish: (wish: Wish) => void) => void;
}

export interface Crew {
  readonly ready: Promise<void>;
  /** Rejects with `ERR_ABORTED` for a task that was cancelled or paused. */
  run(errand: Errand): Promise<Outcome>;
  setShare(share: number): void;
  setThreads(threads: number): void;
  readonly busy: number;
  close(reason: LodgerError): void;
}

interface Waiting {
  readonly flight: Flight;
  readonly onBegin?: Errand['onBegin'];
}

/** A worker that was told to stop and does not is ended after so long. In Chromium its guest burns a core for 2 s more, which are counted as lent. */
const STOP_MS_MAX = 2_000;
const BURN_MS = 2_000;
/** What nobody can speak to is short, or is given back. */
const LONG_MS = 2_000;
const LOOK_MS = 250;

export function createCrew(options: CrewOptions): Crew {
  const { platform, isolated, engineVersion, wayOut, onLong } = options;
  const compiled = new WeakMap<Kernel, Map<boolean, Promise<Ready<Code>>>>();
  const waiting: Waiting[] = [];
  const threads: KernelThread[] = [];
  let wanted = options.threads;
  let share = options.share;
  let closed: LodgerError | undefined;
  /** What workers that are opened from now on can run: everything, once anybody needs that. */
  let reach: Reach = 'plain';
  let isOpen = false;
  /** Workers that were ended in the middle of a task, and may still use a core. */
  let burning = 0;

  const readyOf = (permit: Permit) => {
    const builds = compiled.get(permit.kernel) ?? new Map();
    compiled.set(permit.kernel, builds);
    const known = builds.get(permit.deterministic) ?? options.compile(permit);
    builds.set(permit.deterministic, known);
    known.catch(() => builds.delete(permit.deterministic));
    return known as Promise<Ready<Code>>;
  };
  const open = () => {
    const now = () => platform.now();
    const given = { reach, isolated, engineVersion, wayOut, share, now, onFree: () => feed() };
    const thread = new KernelThread(options.open(reach), given);
    thread.ready.catch((error: LodgerError) => isOpen && options.onError?.(error));
    return thread;
  };
  const drop = (thread: KernelThread) => {
    thread.terminate();
    threads.splice(threads.indexOf(thread), 1);
  };
  const feed = () => {
    // Those that cannot run everything go when they have nothing to do, and so do those that are too many.
    const isLess = (thread: KernelThread) => thread.reach !== reach;
    for (const thread of threads.filter(isLess)) if (thread.flights.length === 0) drop(thread);
    while (threads.length + burning < wanted && !closed) threads.push(open());
    for (const thread of threads.slice(0, wanted)) {
      while (waiting.length > 0 && !isLess(thread) && thread.hasRoom) {
        const { flight, onBegin } = waiting.shift() as Waiting;
        thread.begin(flight);
        onBegin?.((wish) => thread.wish(flight, wish));
      }
    }
    for (const thread of threads.slice(wanted)) if (thread.flights.length === 0) drop(thread);
  };
  /** Ends a worker; the tasks behind the one that did not stop are begun on another. */
  const replace = (thread: KernelThread, stubborn: Flight) => {
    const at = threads.indexOf(thread);
    if (at < 0 || !thread.flights.includes(stubborn)) return;
    threads.splice(at, 1);
    thread.terminate();
    burning++;
    setTimeout(() => {
      burning--;
      feed();
    }, BURN_MS);
    for (const flight of thread.flights) {
      if (flight === stubborn) flight.settle(undefined);
      else waiting.unshift({ flight });
    }
    feed();
  };
  const cancel = (flight: Flight) => {
    const place = waiting.findIndex((each) => each.flight === flight);
    if (place >= 0) {
      waiting.splice(place, 1);
      flight.settle(undefined);
      return;
    }
    const thread = threads.find((each) => each.flights.includes(flight));
    if (!thread) return;
    thread.cancel(flight);
    setTimeout(() => replace(thread, flight), STOP_MS_MAX);
  };

  const look = () => {
    for (const thread of threads) {
      const long = thread.overdue(LONG_MS);
      if (long) onLong?.(long);
    }
  };
  const looking = isolated ? undefined : setInterval(look, LOOK_MS);

  feed();
  return {
    ready: Promise.all(threads.map((thread) => thread.ready)).then(() => {
      isOpen = true;
    }),
    run: async ({ permit, input, index, signal, steps, onNotice, onBegin }) => {
      if (closed) throw closed;
      if (steps || reachOf(permit) === 'whole') reach = 'whole';
      const ready = await readyOf(permit);
      if (signal?.aborted) throw new LodgerError('ERR_ABORTED', [], { cause: signal.reason });
      const { limits, args, seed, digests, blobs, outside } = permit;
      return new Promise<Outcome>((resolve, reject) => {
        const abort = () => cancel(flight);
        // A copy of its own: as a part of a frame it would take all of that with it.
        const call = { input: new Uint8Array(input), index, limits, args, seed, digests, outside };
        const flight: Flight = {
          ...{ kernel: permit.kernel, ready, blobs, call },
          ...(steps && { steps }),
          ...(onNotice && { onNotice }),
          settle: (outcome) => {
            signal?.removeEventListener('abort', abort);
            if (outcome && !signal?.aborted) resolve(outcome);
            else reject(closed ?? new LodgerError('ERR_ABORTED', [], { cause: signal?.reason }));
          },
        };
        signal?.addEventListener('abort', abort, { once: true });
        waiting.push({ flight, ...(onBegin && { onBegin }) });
        feed();
      });
    },
    setShare: (next) => {
      share = next;
      for (const thread of threads) thread.setShare(next);
    },
    setThreads: (next) => {
      wanted = next;
      feed();
    },
    get busy() {
      return threads.filter((thread) => thread.flights.length > 0).length;
    },
    close: (reason) => {
      closed = reason;
      clearInterval(looking);
      const flights = [...waiting.splice(0).map(({ flight }) => flight), ...threads.flatMap(({ flights: all }) => all)];
      for (const thread of threads.splice(0)) thread.terminate();
      for (const flight of flights) flight.settle(undefined);
    },
  };
}
