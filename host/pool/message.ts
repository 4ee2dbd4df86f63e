// What travels between the pool and its threads: a batch of tasks with the same terms, and its report. Small bytes are packed into one
// buffer a message, since a structured clone of one object a task would cost more than the tasks.
import { Buffer } from 'node:buffer';
import type { MessagePort } from 'node:worker_threads';
import type { FailureCode } from '../../runtime/base/errors.ts';
import { type Limits, POOL } from '../../runtime/base/limits.ts';
import type { Ready } from '../../runtime/engine/engine.ts';
import {
  type EngineName,
  type Frame,
  faultOf,
  type LogLine,
  type Outcome,
  type Receipt,
} from '../../runtime/job/outcome.ts';
import type { OutsideReport } from '../../runtime/job/outside.ts';
import type { Permit } from '../../runtime/sandbox/permit.ts';
import type { ReceiptHead } from '../../runtime/sandbox/running.ts';
import type { AsksOrder } from './asks.ts';
import type { StepsOrder } from './steps-thread.ts';

/** One task on its way. `bytes` is packed with its neighbours', `shared` lies once in memory that every attempt reads. */
export interface Parcel {
  readonly index: number;
  readonly input: Uint8Array;
}

/** What the tasks of a lane have in common. Sending it costs more than the tasks, so threads keep it. */
export interface Head extends Ready {
  /** Whose form `compiled` has: as `Engine.share` gives it, and in a thread as `Engine.adopt` does. */
  readonly engine: EngineName;
  readonly limits: Limits;
  readonly blobs: Permit['blobs'];
  readonly args?: readonly string[];
  readonly seed: number;
  readonly digests: boolean;
  readonly outside?: Permit['outside'];
}

export interface Batch {
  /** The lane's number; a thread that was not told its head before asks for it with HEAD_MISSING. */
  readonly lane: number;
  readonly head?: Head;
  /** Index and length of each input, in order, pairwise; those in `large` are not in `packed`. */
  readonly inputs: Float64Array;
  readonly packed: Uint8Array;
  readonly large?: ReadonlyMap<number, Uint8Array>;
  readonly control: Int32Array;
  /** The number of the first task, by which it can be cancelled; the next ones follow. */
  readonly job: number;
  /** Of a stepper's task that can be spoken to, which is alone in its batch. */
  readonly steps?: StepsOrder;
  /** Of tasks that may ask for something outside. */
  readonly asks?: AsksOrder;
}

/** A thread's answer to a batch whose head it does not know. Nothing of the batch was run. */
export const HEAD_MISSING = 'head missing';

/** Packed bytes from this size on are moved with the message; fewer are cheaper to copy. */
const MOVED_BYTES_MIN = 4096;

/** Columns of `Report.numbers`. */
const COLUMNS = {
  state: 0,
  wallMs: 1,
  cpuMs: 2,
  memoryBytesPeak: 3,
  inputBytes: 4,
  outputBytes: 5,
  fuel: 6,
  fuelAtLeast: 7,
} as const;
const WIDTH = 8;
const STATE = { done: 0, failed: 1, unwanted: 2 } as const;

export interface Report {
  /** What the thread took for the whole batch. */
  readonly ms: number;
  readonly numbers: Float64Array;
  readonly packed: Uint8Array;
  readonly large?: ReadonlyMap<number, Uint8Array>;
  /** What only some tasks have, by place in the batch. */
  readonly extras?: ReadonlyMap<number, Extra>;
}

interface Extra {
  readonly code?: FailureCode;
  readonly message?: string;
  readonly trace?: readonly Frame[];
  readonly lines?: readonly LogLine[];
  readonly linesDropped?: number;
  readonly calls?: Readonly<Record<string, number>>;
  readonly inputDigest?: string;
  readonly outputDigest?: string;
  readonly outside?: OutsideReport;
}

/** Packs tasks of one permit; what moves with the message is in `transfer`. */
export function packBatch(
  given: Pick<Batch, 'lane' | 'head' | 'control' | 'job' | 'steps' | 'asks'>,
  tasks: readonly Parcel[],
): { readonly batch: Batch; readonly transfer: readonly (ArrayBuffer | MessagePort)[] } {
  const inputs = new Float64Array(2 * tasks.length);
  const large = new Map<number, Uint8Array>();
  const transfer: (ArrayBuffer | MessagePort)[] = [];
  if (given.steps) transfer.push(given.steps.port);
  if (given.asks) transfer.push(given.asks.port);
  tasks.forEach(({ index, input }, place) => {
    inputs[2 * place] = index;
    inputs[2 * place + 1] = input.byteLength;
    if (input.byteLength < POOL.sharedBytesMin.default) return;
    large.set(place, input);
    if (input.buffer instanceof ArrayBuffer) transfer.push(input.buffer);
  });
  const packed = packSmall(tasks.map(({ input }) => input));
  if (packed.byteLength >= MOVED_BYTES_MIN) transfer.push(packed.buffer);
  return { batch: { ...given, inputs, packed, ...(large.size > 0 && { large }) }, transfer };
}

/** Those that are not large, one behind the other. */
function packSmall(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let size = 0;
  for (const { byteLength } of pieces) if (byteLength < POOL.sharedBytesMin.default) size += byteLength;
  // Of its own, so that it can be moved, and not cleared: all of it is written.
  const packed = new Uint8Array(Buffer.allocUnsafeSlow(size).buffer);
  let at = 0;
  for (const piece of pieces) {
    if (piece.byteLength >= POOL.sharedBytesMin.default) continue;
    packed.set(piece, at);
    at += piece.byteLength;
  }
  return packed;
}

/** The input at a place; the places are asked for in order, `at` is the sum of the packed lengths before it. */
export function inputOf(batch: Batch, place: number, at: number): Uint8Array {
  return batch.large?.get(place) ?? batch.packed.subarray(at, at + (batch.inputs[2 * place + 1] as number));
}

/** Collects outcomes in a thread; `undefined` stands for a task that was not wanted any more. */
export function packReport(
  outcomes: readonly (Outcome | undefined)[],
  ms: number,
): { readonly report: Report; readonly transfer: readonly ArrayBuffer[] } {
  const numbers = new Float64Array(outcomes.length * WIDTH);
  const large = new Map<number, Uint8Array>();
  const extras = new Map<number, Extra>();
  const transfer: ArrayBuffer[] = [];
  const outputs: Uint8Array[] = [];
  outcomes.forEach((outcome, place) => {
    const row = place * WIDTH;
    numbers[row + COLUMNS.state] = outcome ? STATE[outcome.state] : STATE.unwanted;
    if (!outcome) return;
    const { receipt } = outcome;
    numbers[row + COLUMNS.wallMs] = receipt.wallMs;
    numbers[row + COLUMNS.cpuMs] = receipt.cpuMs ?? Number.NaN;
    numbers[row + COLUMNS.fuel] = receipt.fuel ?? Number.NaN;
    numbers[row + COLUMNS.fuelAtLeast] = receipt.fuelAtLeast ?? Number.NaN;
    numbers[row + COLUMNS.memoryBytesPeak] = receipt.memoryBytesPeak ?? 0;
    numbers[row + COLUMNS.inputBytes] = receipt.bytesIn;
    const extra = extraOf(outcome);
    if (extra) extras.set(place, extra);
    if (outcome.state === 'failed') return;
    const { output } = outcome;
    numbers[row + COLUMNS.outputBytes] = output.byteLength;
    outputs.push(output);
    if (output.byteLength < POOL.sharedBytesMin.default) return;
    large.set(place, output);
    transfer.push(output.buffer as ArrayBuffer);
  });
  const packed = packSmall(outputs);
  if (packed.byteLength >= MOVED_BYTES_MIN) transfer.push(packed.buffer);
  return {
    report: { ms, numbers, packed, ...(large.size > 0 && { large }), ...(extras.size > 0 && { extras }) },
    transfer,
  };
}

function extraOf(outcome: Outcome): Extra | undefined {
  const { receipt, log } = outcome;
  const logged = log.lines.length > 0 || log.linesDropped > 0;
  if (outcome.state === 'done' && !logged && isPlain(receipt)) return undefined;
  return {
    ...(outcome.state === 'failed' && { code: outcome.code, message: outcome.message }),
    ...(outcome.state === 'failed' && outcome.trace && { trace: outcome.trace }),
    ...(logged && log),
    ...(!isEmpty(receipt.calls) && { calls: receipt.calls }),
    ...(receipt.inputDigest !== undefined && { inputDigest: receipt.inputDigest }),
    ...(receipt.outputDigest !== undefined && { outputDigest: receipt.outputDigest }),
    ...(receipt.outside && { outside: receipt.outside }),
  };
}

/** Whether a receipt has nothing but numbers. */
function isPlain({ inputDigest, calls, outside }: Receipt): boolean {
  return inputDigest === undefined && outside === undefined && isEmpty(calls);
}

function isEmpty(record: object): boolean {
  for (const _ in record) return false;
  return true;
}

const NO_EXTRA: Extra = {};
const NO_CALLS = Object.freeze({});
const NO_LOG = Object.freeze({ lines: Object.freeze([]), linesDropped: 0 });

/** How many tasks of its batch a report tells of: all, unless one was stopped and the rest not begun. */
export function reported({ numbers }: Report): number {
  return numbers.length / WIDTH;
}

/** Hands out the outcomes of a report, in order; `undefined` for tasks that were not wanted. */
export function unpackReport(
  head: ReceiptHead,
  tasks: readonly { readonly attempts: number }[],
  report: Report,
  each: (place: number, outcome: Outcome | undefined) => void,
): void {
  const { numbers, packed, large, extras } = report;
  let at = 0;
  for (let place = 0; place < reported(report); place++) {
    const row = place * WIDTH;
    const state = numbers[row + COLUMNS.state];
    if (state === STATE.unwanted) {
      each(place, undefined);
      continue;
    }
    const bytesOut = numbers[row + COLUMNS.outputBytes] as number;
    const extra = extras?.get(place) ?? NO_EXTRA;
    const { attempts } = tasks[place] as { attempts: number };
    const cpuMs = numbers[row + COLUMNS.cpuMs] as number;
    const fuel = numbers[row + COLUMNS.fuel] as number;
    const fuelAtLeast = numbers[row + COLUMNS.fuelAtLeast] as number;
    const { calls = NO_CALLS, inputDigest, outputDigest, outside, lines, linesDropped = 0 } = extra;
    // Field by field: objects made by spreading took three times as long as all the rest of a small task.
    const receipt: { -readonly [Name in keyof Receipt]: Receipt[Name] } = {
      version: head.version,
      kernel: head.kernel,
      engine: head.engine,
      rewriter: head.rewriter,
      wallMs: numbers[row + COLUMNS.wallMs] as number,
      memoryBytesPeak: numbers[row + COLUMNS.memoryBytesPeak] as number,
      bytesIn: numbers[row + COLUMNS.inputBytes] as number,
      bytesOut,
      calls,
      deterministic: head.deterministic,
      attempts,
    };
    if (head.tariff !== undefined) receipt.tariff = head.tariff;
    if (!Number.isNaN(fuel)) receipt.fuel = fuel;
    if (!Number.isNaN(fuelAtLeast)) receipt.fuelAtLeast = fuelAtLeast;
    if (!Number.isNaN(cpuMs)) receipt.cpuMs = cpuMs;
    if (inputDigest !== undefined) receipt.inputDigest = inputDigest;
    if (outputDigest !== undefined) receipt.outputDigest = outputDigest;
    if (outside !== undefined) receipt.outside = outside;
    const log = lines ? { lines, linesDropped } : NO_LOG;
    if (state === STATE.failed) {
      const { code = 'ERR_HOST_FAULT', message = '', trace } = extra;
      const failed = { state: 'failed', code, fault: faultOf(code), message, log, receipt } as const;
      each(place, trace ? { ...failed, trace } : failed);
      continue;
    }
    const apart = large?.get(place);
    const output = apart ?? packed.slice(at, at + bytesOut);
    if (!apart) at += bytesOut;
    each(place, { state: 'done', output, log, receipt });
  }
}
