// Looks at a cell from outside: what it holds of memory, what it uses of the processor, whether it answers.
import { readFileSync } from 'node:fs';
import { formatSize } from '../../runtime/base/units.ts';
import { CELL } from './ceilings.ts';

/** What is known of a cell at one look. */
export interface Look {
  /** Absent where the system does not tell. */
  readonly process?: { readonly memoryBytes: number; readonly cpuMs: number; readonly stopped: boolean };
  /** Whether it has tasks. */
  readonly busy: boolean;
  /** Rounds since it answered last. */
  readonly silentRounds: number;
  /** How much later than all its tasks' limits the next answer is. */
  readonly lateMs: number;
}

/** What is remembered from one look to the next. */
export interface Memory {
  readonly stoppedRounds: number;
  /** CPU time when it last had a task. */
  readonly cpuMsBusy: number;
}

export const NOTHING_SEEN: Memory = { stoppedRounds: 0, cpuMsBusy: 0 };

/** Why a cell has to be ended, if it has to. Pure. */
export function judge(
  look: Look,
  before: Memory,
  memoryBytesMax: number,
): { readonly reason?: string; readonly memory: Memory } {
  const { process, busy, silentRounds, lateMs } = look;
  const stoppedRounds = process?.stopped ? before.stoppedRounds + 1 : 0;
  const cpuMsBusy = process && busy ? process.cpuMs : before.cpuMsBusy;
  const memory = { stoppedRounds, cpuMsBusy };
  const because = (reason: string) => ({ reason, memory });
  if (process && process.memoryBytes > memoryBytesMax) {
    return because(
      `it took ${formatSize(process.memoryBytes)} of memory, the ceiling is ${formatSize(memoryBytesMax)}`,
    );
  }
  if (stoppedRounds >= CELL.stoppedRoundsMax.default) return because('it was stopped from outside');
  if (process && process.cpuMs - cpuMsBusy > CELL.idleCpuMsMax.default) return because('it computed without a task');
  if (silentRounds >= CELL.silentRoundsMax.default) return because('it did not answer');
  if (lateMs > CELL.answerMsMax.default) return because('it gave no outcome in time');
  return { memory };
}

/** Clock ticks of /proc are hundredths of a second on every Linux that Node runs on. */
const TICK_MS = 10;

/** What Linux tells of a process; undefined elsewhere, and when it is gone. */
export function lookAt(pid: number): Look['process'] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name in parentheses may hold anything; what follows is state, then numbers.
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [user = 0, system = 0] = fields.slice(10, 12).map(Number);
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    const memoryBytes = Number(/^VmRSS:\s*(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
    return { memoryBytes, cpuMs: (user + system) * TICK_MS, stopped: state === 'T' || state === 't' };
  } catch {
    return undefined;
  }
}
