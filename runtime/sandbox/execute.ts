// One task in this thread: imports from its grants, a fresh instance, one call, an outcome with its receipt. Nothing is thrown out of it.
import { callKernel } from '../abi/exports.ts';
import { importsOf, type TaskRoom } from '../abi/imports.ts';
import { type Limits, PAGE } from '../base/limits.ts';
import { type Platform, toHex } from '../base/platform.ts';
import type { Engine, Guest, Ready } from '../engine/engine.ts';
import type { KernelFacts } from '../job/kernel.ts';
import { faultOf, type Outcome, type Receipt, type TaskFailure, type TaskLog } from '../job/outcome.ts';
import { WORLD } from '../job/world.ts';
import { REWRITER_VERSION } from '../prepare/prepare.ts';

/** One call of a kernel, with everything filled in and checked. Plain data, so that a thread can be told. */
export interface Call {
  readonly input: Uint8Array;
  readonly limits: Limits;
  /** Granted blobs by name; their digests were checked. */
  readonly blobs: Readonly<Record<string, Uint8Array>>;
  readonly seed: number;
  readonly index: number;
  readonly digests: boolean;
  /** By this number an engine with a stopper can be told to end it. */
  readonly job?: number;
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
  let guest: Guest | undefined;
  let output: Uint8Array | undefined;
  let failure: TaskFailure | undefined;
  let memoryBytesPeak = 0;
  try {
    guest = engine.instantiate(ready, importsOf(room), Math.floor(limits.memoryBytesMax / PAGE), {
      wallMsMax: limits.wallMsMax,
      job: call.job,
    });
    room.guest = guest;
    output = callKernel(guest, ready.facts, call.input, limits.outputBytesMax);
  } catch (thrown) {
    failure = engine.explain(thrown);
  }
  if (guest) memoryBytesPeak = guest.end();
  const { version, kernel, rewriter, deterministicGrants } = receiptHead(ready.facts, engine);
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
  if (cpuBefore !== undefined) receipt.cpuMs = (platform.cpuMs?.() ?? cpuBefore) - cpuBefore;
  if (call.digests) receipt.inputDigest = toHex(platform.digest(call.input));
  if (call.digests && output) receipt.outputDigest = toHex(platform.digest(output));
  const log: TaskLog = { lines: room.lines, linesDropped: room.linesDropped };
  if (output) return { state: 'done', output, log, receipt };
  const { code, message } = failure as TaskFailure;
  return { state: 'failed', code, fault: faultOf(code), message, log, receipt };
}

/** What the receipts of all tasks of a kernel on an engine have in common. */
export type ReceiptHead = Pick<Receipt, 'version' | 'kernel' | 'engine' | 'rewriter' | 'deterministicGrants'>;

export function receiptHead({ digest, imports }: KernelFacts, { name, version }: Receipt['engine']): ReceiptHead {
  const deterministicGrants = imports.every((wanted) => WORLD[wanted.interface].deterministic);
  return { version: 1, kernel: digest, engine: { name, version }, rewriter: REWRITER_VERSION, deterministicGrants };
}

/** What the imports of one task see; nothing of it is shared with another. */
export function openRoom(platform: Platform, ready: Ready, call: Call): TaskRoom {
  let key: Uint8Array | undefined;
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
    startedAt: platform.now(),
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
