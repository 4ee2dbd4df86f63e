// Every ceiling of cells by name, with the reason for it.
import type { Ceiling } from '../../runtime/base/limits.ts';

const KiB = 2 ** 10;
const MiB = 2 ** 20;

/** The processes that strangers' kernels run in. */
export const CELL = {
  memoryBytesMax: {
    default: 0,
    max: 64 * 1024 * MiB,
    unit: 'bytes',
    reason: "0 stands for half of the machine's memory; a cell that takes more is ended",
  },
  startMsMax: { default: 120_000, max: 120_000, unit: 'ms', reason: 'a cell that is not ready then never will be' },
  startsMax: { default: 3, max: 3, unit: 'cells that do not start', reason: 'then what waits for one fails' },
  watchMs: { default: 250, max: 250, unit: 'ms', reason: 'how often memory and time are looked at, from outside' },
  silentRoundsMax: {
    default: 240,
    max: 240,
    unit: 'rounds without an answer',
    reason: 'a minute: a cell is the last in every queue of a machine that others use',
  },
  stoppedRoundsMax: { default: 2, max: 2, unit: 'rounds', reason: 'a process that was stopped does no work' },
  idleCpuMsMax: {
    default: 10_000,
    max: 10_000,
    unit: 'ms of CPU time without a task',
    reason: 'compilers and threads end what they began; nobody else has anything to do there',
  },
  answerMsMax: { default: 60_000, max: 60_000, unit: 'ms', reason: 'how much later than its limit a task may answer' },
  batchMsTarget: {
    default: 25,
    max: 1_000,
    unit: 'ms of work in one message',
    reason:
      'each batch wakes two processes; a task that is aborted still ends at once, the others of its batch are kept',
  },
  endMsMax: {
    default: 5_000,
    max: 5_000,
    unit: 'ms',
    reason: 'what waits for a cell that was killed may have been stopped',
  },
  stderrBytes: { default: 4 * KiB, max: 4 * KiB, unit: 'bytes', reason: 'the last words of a cell, for people' },
  replyBytes: { default: MiB, max: MiB, unit: 'bytes', reason: 'what comes with an output: receipt, names, message' },
} as const satisfies Record<string, Ceiling>;
