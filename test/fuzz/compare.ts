// Two endings of one task, held against each other: what must be the same on every engine, and what need not.
import type { Outcome, Receipt } from '../../runtime/job/outcome.ts';

/** How a task ended on one engine. */
export interface Ending {
  readonly outcome: Outcome;
  /** The memory as the guest left it, also after a failure; absent where nobody could look. */
  readonly memory?: Uint8Array;
}

/** The ending of every task of a kernel that an engine did not compile. */
export function refusal(reason: unknown): Ending {
  const message = `not compiled: ${reason instanceof Error ? reason.message : String(reason)}`;
  const log = { lines: [], linesDropped: 0 };
  // Nothing was run that a receipt could tell of.
  return { outcome: { state: 'failed', code: 'ERR_HOST_FAULT', fault: 'host', message, log, receipt: {} as Receipt } };
}

/** What both runs have in common. */
export interface Pair {
  /** Whether both counted the stack: a recursion then ends at the same depth. */
  readonly metered: boolean;
}

/** What differs between two endings, in words; nothing if they are the same as far as they must be. */
export function difference(one: Ending, other: Ending, { metered }: Pair): string | undefined {
  if (areLate(one.outcome, other.outcome) || (!metered && hasSpentStack(one.outcome, other.outcome))) return undefined;
  const [first, second] = [factsOf(one.outcome), factsOf(other.outcome)];
  for (const name of Object.keys(first) as (keyof Facts)[]) {
    const [a, b] = [JSON.stringify(first[name]), JSON.stringify(second[name])];
    if (a !== b) return `${name}: ${a} and ${b}`;
  }
  const outputs = one.outcome.state === 'done' && other.outcome.state === 'done';
  const inOutput = outputs ? byteDifference(one.outcome.output, other.outcome.output) : undefined;
  if (inOutput !== undefined) return `output: ${inOutput}`;
  const inMemory = one.memory && other.memory ? byteDifference(one.memory, other.memory) : undefined;
  return inMemory === undefined ? undefined : `memory: ${inMemory}`;
}

/** Whether one of two endings came too late, so that a longer wall limit could tell. */
export function isLate(one: Ending, other: Ending): boolean {
  return wasLate(one.outcome) !== wasLate(other.outcome);
}

function wasLate(outcome: Outcome): boolean {
  return outcome.state === 'failed' && outcome.code === 'ERR_WALL_SPENT';
}

/** Where a wall limit ends a guest depends on the machine. */
function areLate(one: Outcome, other: Outcome): boolean {
  return wasLate(one) && wasLate(other);
}

/** Where a recursion ends that nobody counts depends on the engine's frames. */
function hasSpentStack(one: Outcome, other: Outcome): boolean {
  return [one, other].some((each) => each.state === 'failed' && each.code === 'ERR_STACK_SPENT');
}

type Facts = ReturnType<typeof factsOf>;

/** What fits into a line of text. */
function factsOf(outcome: Outcome) {
  return {
    ending: outcome.state === 'done' ? 'done' : `${outcome.code}, ${outcome.message}`,
    log: outcome.log,
    calls: outcome.receipt.calls,
    memoryBytesPeak: outcome.receipt.memoryBytesPeak,
    bytesOut: outcome.receipt.bytesOut,
    fuel: outcome.receipt.fuel,
    fuelAtLeast: outcome.receipt.fuelAtLeast,
  };
}

function byteDifference(one: Uint8Array, other: Uint8Array): string | undefined {
  if (Buffer.from(one.buffer, one.byteOffset, one.byteLength).equals(other)) return undefined;
  if (one.length !== other.length) return `${one.length} and ${other.length} bytes`;
  const at = one.findIndex((byte, index) => byte !== other[index]);
  const hex = (bytes: Uint8Array) => Buffer.from(bytes.subarray(at, at + 16)).toString('hex');
  return `${hex(one)} and ${hex(other)} at ${at}`;
}
