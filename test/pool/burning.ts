// Whether threads of this process burn. How much of a processor they get says little on a busy machine; that they always want one does.
import { readdirSync, readFileSync } from 'node:fs';
import process from 'node:process';

/** Others rest within that long, however busy the machine is. */
const SAMPLES = 300;
const SAMPLE_MS = 10;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** How many threads beside this one were never seen at rest. Of Linux alone. */
export async function burning(): Promise<number> {
  let suspects = readdirSync('/proc/self/task').filter((thread) => Number(thread) !== process.pid);
  for (let sample = 0; sample < SAMPLES && suspects.length > 0; sample++) {
    suspects = suspects.filter(isRunnable);
    await pause(SAMPLE_MS);
  }
  return suspects.length;
}

function isRunnable(thread: string): boolean {
  try {
    // Behind the name, which can hold anything, comes the state.
    return /.*\) (.)/s.exec(readFileSync(`/proc/self/task/${thread}/stat`, 'latin1'))?.[1] === 'R';
  } catch {
    return false;
  }
}

/** Waits until this process has used so much more of the processor, as it does when a guest runs. */
export async function burnt(ms: number): Promise<void> {
  const used = () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000;
  };
  const until = used() + ms;
  while (used() < until) await pause(5);
}
