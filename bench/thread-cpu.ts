// CPU time of the threads of this process, where the system tells it: how much of a run's price its own thread pays.
import { readdirSync, readFileSync } from 'node:fs';
import { loadAddon } from '../host/platform/native.ts';

const TASKS = '/proc/self/task';

/** Milliseconds of CPU time by thread, so far; none where it is not Linux. */
function threadTimes(): Map<string, number> {
  const times = new Map<string, number>();
  try {
    for (const thread of readdirSync(TASKS)) {
      const [nanoseconds] = readFileSync(`${TASKS}/${thread}/schedstat`, 'utf8').split(' ');
      times.set(thread, Number(nanoseconds) / 1e6);
    }
  } catch {
    // A thread may end while it is looked at; without /proc there is nothing to look at.
  }
  return times;
}

/** Does work, and says how many milliseconds the thread took that did most of it, of all but this one. */
export async function busiestThread(work: () => Promise<unknown>): Promise<number> {
  const before = threadTimes();
  await work();
  let most = 0;
  for (const [thread, ms] of threadTimes()) {
    if (thread !== String(process.pid)) most = Math.max(most, ms - (before.get(thread) ?? 0));
  }
  return most;
}

/** Microseconds of CPU time of this thread so far; `undefined` where the system does not tell. */
export function threadUs(): number | undefined {
  const ms = loadAddon().threadCpuMs();
  return ms === null ? undefined : ms * 1e3;
}
