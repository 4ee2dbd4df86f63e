// Leases: who has which tasks. In memory alone: after a start of the site nobody has any, and fences of the start before are old.
import type { Fence } from '../wire/site.ts';

/** Leases that are over and still known, so that a result that comes late can be told from one that nobody asked for. */
const PAST_MAX = 10_000;

export interface Lease<Holder> {
  readonly fence: Fence;
  holder: Holder;
  readonly job: string;
  readonly tasks: readonly number[];
  /** Those that were not reported, given back or cancelled; none once it is over. */
  readonly left: Set<number>;
  /** By the clock that never goes back. */
  readonly since: number;
  /** Share done, of steppers. */
  readonly progress: Map<number, number>;
}

export interface Leases<Holder> {
  grant(holder: Holder, job: string, tasks: readonly number[], now: number): Lease<Holder>;
  /** Throws a RangeError for a fence that was never given; `undefined` for one of an earlier start, or long over. */
  find(fence: Fence): Lease<Holder> | undefined;
  /** One that is not over; nothing for any other fence. */
  current(fence: Fence): Lease<Holder> | undefined;
  /** Somebody else has it from now on. */
  move(lease: Lease<Holder>, to: Holder): void;
  /** A task is no longer on lease. */
  drop(lease: Lease<Holder>, task: number): void;
  /** Ends it and gives what was left of it. */
  end(lease: Lease<Holder>): number[];
  of(holder: Holder): ReadonlySet<Lease<Holder>>;
  /** Whether somebody has a task on lease. */
  isOut(job: string, task: number): boolean;
  /** Those of a job, or all. */
  held(job?: string): Iterable<Lease<Holder>>;
}

export function createLeases<Holder>(epoch: number): Leases<Holder> {
  const held = new Map<number, Lease<Holder>>();
  const past = new Map<number, Lease<Holder>>();
  const byHolder = new Map<Holder, Set<Lease<Holder>>>();
  const byJob = new Map<string, Set<Lease<Holder>>>();
  const out = new Map<string, Set<number>>();
  const none: ReadonlySet<Lease<Holder>> = new Set();
  let issued = 0;
  const over = (lease: Lease<Holder>) => {
    const [, number] = lease.fence;
    if (!held.delete(number)) return;
    leave(byHolder, lease.holder, lease);
    leave(byJob, lease.job, lease);
    past.set(number, lease);
    if (past.size > PAST_MAX) for (const oldest of past.keys()) if (past.delete(oldest)) break;
  };
  return {
    grant: (holder, job, tasks, now) => {
      const fence: Fence = [epoch, ++issued];
      const lease = { fence, holder, job, tasks, left: new Set(tasks), since: now, progress: new Map() };
      held.set(issued, lease);
      enter(byHolder, holder, lease);
      enter(byJob, job, lease);
      for (const task of tasks) enter(out, job, task);
      return lease;
    },
    find: ([start, number]) => {
      if (start > epoch || (start === epoch && (number > issued || number === 0)))
        throw new RangeError(`there was no lease ${start}.${number}`);
      return start === epoch ? (held.get(number) ?? past.get(number)) : undefined;
    },
    current: ([start, number]) => (start === epoch ? held.get(number) : undefined),
    move: (lease, to) => {
      leave(byHolder, lease.holder, lease);
      lease.holder = to;
      enter(byHolder, to, lease);
    },
    drop: (lease, task) => {
      if (!lease.left.delete(task)) return;
      leave(out, lease.job, task);
      if (lease.left.size === 0) over(lease);
    },
    end: (lease) => {
      const left = [...lease.left];
      for (const task of left) leave(out, lease.job, task);
      lease.left.clear();
      over(lease);
      return left;
    },
    isOut: (job, task) => out.get(job)?.has(task) === true,
    of: (holder) => byHolder.get(holder) ?? none,
    held: (job) => (job === undefined ? held.values() : (byJob.get(job) ?? none)),
  };
}

function enter<K, T>(sets: Map<K, Set<T>>, key: K, value: T): void {
  const set = sets.get(key);
  if (set) set.add(value);
  else sets.set(key, new Set([value]));
}

function leave<K, T>(sets: Map<K, Set<T>>, key: K, value: T): void {
  const set = sets.get(key);
  set?.delete(value);
  if (set?.size === 0) sets.delete(key);
}
