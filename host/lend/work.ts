// The leases of a host and their life: run, reported in batches as they end, given back, cancelled.
import { LodgerError } from '../../runtime/base/errors.ts';
import type { Grant } from '../../runtime/policy/grant.ts';
import { permits } from '../../runtime/policy/policy.ts';
import { SITE } from '../wire/ceilings.ts';
import { type Fence, type FromHost, HELD_MAX, type Lease, type Pause, type WireTerms } from '../wire/site.ts';
import type { Clock, Event, Terms } from './contracts.ts';
import { type Assigned, type Held, heldOf, keyOf } from './held.ts';
import { type Batch, bytesOf, type Ran } from './report.ts';

/** Tasks that end within this time are reported together. */
const GATHER_MS = 250;
/** Jobs whose terms are kept. */
const TERMS_MAX = 1_000;

export interface WorkOptions {
  readonly clock: Clock;
  /** How a task ends; undefined when it was stopped. Rejects with what the owner's quota or disk says. */
  readonly run: (assigned: Assigned) => Promise<Ran | undefined>;
  readonly send: (message: FromHost) => boolean;
  readonly report: (batch: Batch, isLast: boolean) => void;
  readonly tell: (event: Event) => void;
  /** Something ended without a report: there is room for more. */
  readonly onFreed: () => void;
}

export interface Work {
  /** A lease, under what owner and site allow now. Throws a RangeError for one that makes no sense. */
  take(lease: Lease, allowed: Allowed): void;
  cancel(fence: Fence, tasks: readonly number[] | null): void;
  /** Stops everything and gives it back. Resolves when no guest of it runs. */
  yield(reason: Pause): Promise<void>;
  /** Gives back what is not allowed any more. */
  restrict(allowed: Allowed): void;
  /** The site forgets terms with the connection, and says them again. */
  forgetTerms(): void;
  /** What it has of each lease: tasks that have not ended, and those that have and are not reported. */
  held(): Iterable<Held>;
  progress(): readonly (readonly [Fence, number, number])[];
  /** Tasks that have not ended. */
  readonly tasksHeld: number;
  readonly isEmpty: boolean;
}

/** What may run; or why nothing may. */
export interface Allowed {
  readonly paused: Pause | null;
  readonly terms: Terms;
}

export function createWork({ clock, run, send, report, tell, onFreed }: WorkOptions): Work {
  const leases = new Map<string, Held>();
  const known = new Map<string, WireTerms>();
  /** Tasks whose guests have not come to rest. */
  const running = new Set<Promise<unknown>>();
  let tasksHeld = 0;

  const flush = (held: Held) => {
    held.unplan?.();
    held.unplan = undefined;
    const isLast = held.tasks.size === 0;
    if (isLast) leases.delete(keyOf(held.fence));
    if (held.ended.length === 0) return;
    const { fence, job, terms, ended: rows } = held;
    held.ended = [];
    held.endedBytes = 0;
    report({ fence, job, terms, rows }, isLast);
  };

  const drop = (assigned: Assigned): boolean => {
    if (!assigned.held.tasks.delete(assigned.index)) return false;
    tasksHeld--;
    return true;
  };

  const ended = (assigned: Assigned, ran: Ran) => {
    const { held } = assigned;
    if (!drop(assigned)) return;
    held.ended.push(ran);
    held.endedBytes += bytesOf(ran);
    if (held.tasks.size === 0 || held.endedBytes >= SITE.batchBytes.default) flush(held);
    else held.unplan ??= clock.after(GATHER_MS, () => flush(held));
  };

  /** Back to the site, without a word on how far they got. */
  const giveBack = (held: Held, tasks: readonly Assigned[], reason: Pause) => {
    const gone = tasks.filter(drop).map(({ index }) => index);
    if (gone.length > 0) {
      send({ type: 'release', fence: held.fence, tasks: gone, reason });
      tell({ event: 'released', job: held.job, tasks: gone.length, reason });
    }
    flush(held);
  };

  /** Kernels at once, with one message a lease; steppers each when its image is at the site. */
  const stop = async (held: Held, reason: Pause): Promise<void> => {
    const tasks = [...held.tasks.values()];
    const steppers = tasks.filter(({ leave }) => leave !== undefined);
    const others = tasks.filter(({ leave }) => leave === undefined);
    for (const { control } of others) control.abort();
    giveBack(held, others, reason);
    await Promise.all(
      steppers.map(async (assigned) => {
        await assigned.leave?.();
        giveBack(held, [assigned], reason);
      }),
    );
  };

  const begin = (assigned: Assigned) => {
    const { held } = assigned;
    const done = run(assigned)
      .then((ran) => ran && ended(assigned, ran))
      .catch((error: unknown) => giveBack(held, [assigned], isQuota(error) ? 'quota' : 'disk'))
      .finally(() => {
        running.delete(done);
        onFreed();
      });
    running.add(done);
  };

  return {
    take: (lease, allowed) => {
      const terms = lease.terms ?? known.get(lease.job);
      if (!terms) throw new RangeError(`the first lease of job ${lease.job} has no terms`);
      // What all tasks of the job share cannot change: whoever runs them need not look at it again and again.
      Object.freeze(terms.grants);
      for (const grant of terms.grants) Object.freeze(grant);
      known.delete(lease.job);
      known.set(lease.job, terms);
      if (known.size > TERMS_MAX) known.delete(known.keys().next().value as string);
      const held = heldOf(lease, terms);
      if (leases.has(keyOf(held.fence))) throw new RangeError('a lease comes twice');
      if (tasksHeld + held.tasks.size > HELD_MAX) throw new RangeError(`more than ${HELD_MAX} tasks`);
      leases.set(keyOf(held.fence), held);
      tasksHeld += held.tasks.size;
      tell({ event: 'lease', job: held.job, tasks: held.tasks.size });
      const refusal = refusalOf(terms, allowed);
      if (refusal !== null) giveBack(held, [...held.tasks.values()], refusal);
      else for (const assigned of [...held.tasks.values()]) begin(assigned);
    },
    cancel: (fence, tasks) => {
      const held = leases.get(keyOf(fence));
      if (!held) return;
      const named = tasks === null ? [...held.tasks.values()] : tasks.flatMap((index) => held.tasks.get(index) ?? []);
      for (const assigned of named) {
        drop(assigned);
        assigned.control.abort();
      }
      if (named.length > 0) tell({ event: 'cancelled', tasks: named.length });
      flush(held);
    },
    yield: async (reason) => {
      await Promise.all([...leases.values()].map((held) => stop(held, reason)));
      await Promise.allSettled(running);
    },
    restrict: (allowed) => {
      for (const held of [...leases.values()]) {
        const refusal = refusalOf(held.terms, allowed);
        if (refusal !== null) void stop(held, refusal);
      }
    },
    forgetTerms: () => known.clear(),
    held: () => leases.values(),
    progress: () =>
      [...leases.values()].flatMap(({ fence, tasks }) =>
        [...tasks.values()].flatMap(({ index, share, leave }) =>
          leave === undefined ? [] : [[fence, index, share] as const],
        ),
      ),
    get tasksHeld() {
      return tasksHeld;
    },
    get isEmpty() {
      return leases.size === 0 && running.size === 0;
    },
  };
}

/** Why tasks of these terms may not run here now; null if they may. */
function refusalOf(job: WireTerms, { paused, terms }: Allowed): Pause | null {
  const { limits, grants, kernel, account, priceMax = Number.MAX_VALUE } = job;
  if (paused !== null && paused !== 'finishing') return paused;
  const isLetIn = ({ allowed, refused }: { allowed?: readonly string[]; refused: readonly string[] }, name: string) =>
    !refused.includes(name) && (allowed === undefined || allowed.includes(name));
  if (!isLetIn(terms.kernels, kernel) || !isLetIn(terms.accounts, account)) return 'nothing allowed';
  if (priceMax < terms.priceFloor) return 'nothing allowed';
  try {
    permits(terms.policy, limits, grants as readonly Grant[]);
    return null;
  } catch {
    return 'nothing allowed';
  }
}

function isQuota(error: unknown): boolean {
  return error instanceof LodgerError && error.code === 'ERR_QUOTA_SPENT';
}
