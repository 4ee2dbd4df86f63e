// One task in this thread: imports from its grants, a fresh instance, one call, an outcome with its receipt. Nothing is thrown out of it.
import { callKernel } from '../abi/exports.ts';
import { importsOf, type TaskRoom } from '../abi/imports.ts';
import { type Limits, PAGE } from '../base/limits.ts';
import { type Platform, toHex } from '../base/platform.ts';
import type { Engine, Guest, Ready } from '../engine/engine.ts';
import { faultOf, type Outcome, type Receipt, TaskFailure, type TaskLog } from '../job/outcome.ts';
import { WORLD } from '../job/world.ts';
import { METER_IMPORTS } from '../meter/names.ts';
import { TARIFF_VERSION } from '../meter/tariff.ts';
import { REWRITER_VERSION } from '../prepare/prepare.ts';
import { Fuel, type Wishes } from './fuel.ts';

/** One call of a kernel, with everything filled in and checked. Plain data, so that a thread can be told. */
export interface Call {
  readonly input: Uint8Array;
  readonly limits: Limits;
  /** Granted blobs by name; their digests were checked. */
  readonly blobs: Readonly<Record<string, Uint8Array>>;
  readonly seed: number;
  readonly index: number;
  readonly digests: boolean;
  /** By this number an engine with a stopper can be told to end it, where it is not metered. */
  readonly job?: number;
  /** What the host wants of it while it runs, where it is metered. */
  readonly wishes?: Wishes;
}

/** Where tasks run: an engine and what the runtime gets from its host. */
export interface Place<Compiled = unknown> {
  readonly engine: Engine<Compiled>;
  readonly platform: Platform;
}

/** Runs one task to its end. Instances are never used twice. */
export function execute<Compiled>(place: Place<Compiled>, ready: Ready<Compiled>, call: Call): Outcome {
  const { engine, platform } = place;
  const { limits } = call;
  const cpuBefore = platform.cpuMs?.();
  const room = openRoom(platform, ready, call);
  const { fuel } = room;
  let guest: Guest | undefined;
  let output: Uint8Array | undefined;
  let failure: TaskFailure | undefined;
  let memoryBytesPeak = 0;
  try {
    const imports = importsOf(room);
    if (fuel) imports[METER_IMPORTS.module] = fuel.imports();
    const stops = ready.metered ? undefined : { wallMsMax: limits.wallMsMax, job: call.job };
    guest = engine.instantiate(ready, imports, Math.floor(limits.memoryBytesMax / PAGE), stops);
    room.guest = guest;
    fuel?.serve(guest);
    output = callKernel(guest, ready.facts, call.input, limits.outputBytesMax, fuel);
  } catch (thrown) {
    failure = engine.explain(thrown);
    if (fuel?.isSpent && isExact(failure)) failure = new TaskFailure('ERR_FUEL_SPENT', limits.fuelMax as number);
  }
  const used = fuel && fuelOf(fuel, failure);
  if (guest) {
    memoryBytesPeak = guest.bytes().byteLength;
    guest.end();
  }
  const { version, kernel, rewriter, tariff, deterministicGrants } = receiptHead(ready, engine);
  // Field by field: an object made by spreading takes as long as all the rest of a small task.
  const receipt: { -readonly [Name in keyof Receipt]: Receipt[Name] } = {
    version,
    kernel,
    engine: { name: engine.name, version: engine.version },
    rewriter,
    wallMs: platform.now() - room.startedAt,
    memoryBytesPeak,
    bytesIn: call.input.byteLength,
    bytesOut: output?.byteLength ?? 0,
    calls: callsOf(room),
    deterministicGrants,
    attempts: 1,
  };
  if (tariff !== undefined) receipt.tariff = tariff;
  if (used?.fuel !== undefined) receipt.fuel = used.fuel;
  if (used?.fuelAtLeast !== undefined) receipt.fuelAtLeast = used.fuelAtLeast;
  if (cpuBefore !== undefined) receipt.cpuMs = (platform.cpuMs?.() ?? cpuBefore) - cpuBefore;
  if (call.digests) receipt.inputDigest = toHex(platform.digest(call.input));
  if (call.digests && output) receipt.outputDigest = toHex(platform.digest(output));
  const log: TaskLog = { lines: room.lines, linesDropped: room.linesDropped };
  if (output) return { state: 'done', output, log, receipt };
  const { code, message } = failure as TaskFailure;
  return { state: 'failed', code, fault: faultOf(code), message, log, receipt };
}

/** These end a task where its fuel is exact: in a host call, or between calls. */
const EXACT: readonly string[] = ['ERR_EXIT', 'ERR_ABI', 'ERR_OUTPUT_TOO_LARGE', 'ERR_FUEL_SPENT'];

function isExact({ code }: TaskFailure): boolean {
  return EXACT.includes(code);
}

/** What a task has used. Where it was stopped in the middle, the counter means nothing, and what it had used before counts. */
function fuelOf(fuel: Fuel, failure: TaskFailure | undefined): Pick<Receipt, 'fuel' | 'fuelAtLeast'> {
  if (failure && !isExact(failure)) return { fuelAtLeast: fuel.observed };
  return { fuel: fuel.total };
}

/** What the receipts of all tasks of a kernel on an engine have in common. */
export type ReceiptHead = Pick<
  Receipt,
  'version' | 'kernel' | 'engine' | 'rewriter' | 'tariff' | 'deterministicGrants'
>;

export function receiptHead({ facts, metered }: Ready, { name, version }: Receipt['engine']): ReceiptHead {
  const { digest, imports } = facts;
  const deterministicGrants = imports.every((wanted) => WORLD[wanted.interface].deterministic);
  const head = { version: 1, kernel: digest, engine: { name, version }, rewriter: REWRITER_VERSION } as const;
  return metered ? { ...head, tariff: TARIFF_VERSION, deterministicGrants } : { ...head, deterministicGrants };
}

/** What the imports of one task see; nothing of it is shared with another. */
export function openRoom(platform: Platform, ready: Ready, call: Call): TaskRoom & { readonly fuel?: Fuel } {
  let key: Uint8Array | undefined;
  const startedAt = platform.now();
  return {
    facts: ready.facts,
    limits: call.limits,
    platform,
    blobs: call.blobs,
    key: () => {
      key ??= taskKey(platform, call.seed, call.index);
      return key;
    },
    guest: undefined,
    startedAt,
    ...(ready.metered && { fuel: new Fuel(platform, call, startedAt) }),
    bytesMoved: 0,
    calls: [],
    lines: [],
    linesDropped: 0,
    logBytes: 0,
    randomBytes: 0,
  };
}

/** Task seed = SHA-256(job seed, task index), both as 64-bit little-endian: the same for replicas and retries. */
export function taskKey(platform: Platform, seed: number, index: number): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(16));
  bytes.setBigUint64(0, BigInt(seed), true);
  bytes.setBigUint64(8, BigInt(index), true);
  return platform.digest(new Uint8Array(bytes.buffer));
}

function callsOf(room: TaskRoom): Record<string, number> {
  const calls: Record<string, number> = {};
  room.facts.imports.forEach((wanted, index) => {
    const count = room.calls[index] ?? 0;
    const name = `${wanted.interface}.${wanted.function}`;
    // A kernel may import one function under several versions of its interface.
    if (count > 0) calls[name] = (calls[name] ?? 0) + count;
  });
  return calls;
}
