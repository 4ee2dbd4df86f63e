// Looks at the machine and at its owner's policy, again and again, and says when it may work and when not.
import type { Pause } from '../wire/site.ts';
import { decide, type Facts, type Verdict } from './decide.ts';
import { createLoad } from './load.ts';
import type { Memory } from './memory.ts';
import type { OwnerPolicy } from './policy.ts';
import type { PolicyFile } from './policy-file.ts';
import type { Sources } from './sources.ts';

/** Between two looks: one costs about 0.25 ms. While guests run that are to be gone as soon as somebody is there, they are closer. */
const LOOK_MS = { usual: 250, forUser: 30 } as const;

export interface WatchOptions {
  readonly sources: Sources;
  readonly file: PolicyFile;
  readonly memory: Memory;
  /** The folder whose disk is looked at. */
  readonly folder: string;
  readonly pids: () => readonly number[];
  /** Milliseconds that never go back. */
  readonly now: () => number;
  /** Called on every look. */
  readonly onVerdict: (verdict: Verdict, load: number | null) => void;
  /** The policy in the file has changed, or what is wrong with it. */
  readonly onPolicy: (policy: OwnerPolicy, error: string | null) => Promise<void>;
  /** What a look could not do. */
  readonly onFault: (error: unknown) => void;
}

export interface Watch {
  readonly verdict: Verdict;
  readonly facts: Facts;
  /** At once: its owner has said something. */
  look(): void;
  close(): Promise<void>;
}

export function startWatch(options: WatchOptions): Watch {
  const { sources, file, memory, folder, pids, now, onVerdict, onPolicy, onFault } = options;
  const load = createLoad();
  let paused: Pause | null = null;
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;

  const gather = (): Facts => {
    const wall = sources.wallClock();
    const local = new Date(wall);
    const { onBattery, charge } = sources.battery() ?? { onBattery: null, charge: null };
    load.take(sources.cpuTimes(pids()), now());
    return {
      ...{ now: wall, day: local.getDay(), minute: local.getHours() * 60 + local.getMinutes() },
      ...{ askedUntil: memory.askedUntil, load: load.over(file.policy.windowMs), userIdleMs: sources.userIdleMs() },
      ...{ onBattery, charge, networkBytesToday: memory.networkBytesToday(wall), paused },
      diskBytesFree: sources.diskBytesFree(folder),
      memoryBytesFree: sources.memoryBytesFree(),
    };
  };
  let facts = gather();
  let verdict = decide(file.policy, facts);
  const look = () => {
    facts = gather();
    verdict = decide(file.policy, facts);
    paused = verdict.work ? null : verdict.reason;
    onVerdict(verdict, facts.load);
  };
  const round = async () => {
    if (await file.look()) await onPolicy(file.policy, file.error);
    if (!isClosed) look();
    await memory.save();
  };
  let running: Promise<void> = Promise.resolve();
  const begin = () => {
    running = round()
      .catch(onFault)
      .finally(() => {
        const isForUser = verdict.work && file.policy.userIdleMs !== undefined;
        if (!isClosed) timer = setTimeout(begin, isForUser ? LOOK_MS.forUser : LOOK_MS.usual);
      });
  };
  begin();
  return {
    get verdict() {
      return verdict;
    },
    get facts() {
      return facts;
    },
    look,
    close: async () => {
      isClosed = true;
      clearTimeout(timer);
      await running;
    },
  };
}
