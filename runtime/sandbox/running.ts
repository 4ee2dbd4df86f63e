// One task in its instance, from the grants it is given to the receipt that it leaves.
import { Exports } from '../abi/exports.ts';
import { type HostImports, importsOf, type TaskRoom } from '../abi/imports.ts';
import { describe } from '../base/errors.ts';
import { PAGE, TASK } from '../base/limits.ts';
import { type Platform, toHex } from '../base/platform.ts';
import type { Engine, Guest, Ready } from '../engine/engine.ts';
import type { KernelFacts } from '../job/kernel.ts';
import { faultOf, type Outcome, type Receipt, TaskFailure } from '../job/outcome.ts';
import type { OutsideTerms } from '../job/outside.ts';
import { METER_IMPORTS } from '../meter/names.ts';
import { TARIFF_VERSION } from '../meter/tariff.ts';
import { REWRITER_VERSION } from '../prepare/form.ts';
import type { Program } from '../wasi/program.ts';
import type { Beyond, Waiting } from './beyond.ts';
import type { Call, Place } from './call.ts';
import { Fuel } from './fuel.ts';
import { isRepeatable } from './repeatable.ts';
import { openBeyond, openProgram, programImports } from './wider.ts';

/** A task between its start and its end. Nothing is thrown out of it: what goes wrong is kept for the outcome. */
export class Running<Compiled = unknown> {
  readonly ready: Ready<Compiled>;
  readonly call: Call;
  readonly room: Room;
  readonly place: Place<Compiled>;
  readonly #cpuBefore: number | undefined;
  #guest: Guest | undefined;
  #output: Uint8Array | undefined;
  #failure: TaskFailure | undefined;

  constructor(place: Place<Compiled>, ready: Ready<Compiled>, call: Call) {
    this.place = place;
    this.ready = ready;
    this.call = call;
    this.#cpuBefore = place.platform.cpuMs?.();
    this.room = openRoom(place, ready, call);
  }

  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  get failure(): TaskFailure | undefined {
    return this.#failure;
  }

  /** A fresh instance, and its exports. Throws what `attempt` understands. */
  start(): { readonly guest: Guest; readonly exports: Exports } {
    const { ready, room, call } = this;
    const { fuel } = room;
    const stops = ready.metered ? undefined : { wallMsMax: call.limits.wallMsMax, job: call.job };
    const pagesMax = Math.floor(call.limits.memoryBytesMax / PAGE);
    const guest = this.place.engine.instantiate(ready, () => taskImports(room), pagesMax, stops);
    this.#guest = guest;
    room.guest = guest;
    fuel?.serve(guest, call.before?.fuel);
    return { guest, exports: new Exports(guest, ready.facts, fuel) };
  }

  /** Does something with the guest; what it throws ends the task. */
  attempt(act: () => void): void {
    try {
      act();
    } catch (thrown) {
      const failure = this.place.engine.explain(thrown);
      const { fuel } = this.room;
      this.#failure = fuel && isExact(failure) && fuel.isSpent ? new TaskFailure('ERR_FUEL_SPENT', fuel.max) : failure;
    }
  }

  give(output: Uint8Array): void {
    this.#output = output;
  }

  /** Leaves the task, wherever it is: nothing of it is open any more. The bytes that its memory had. `done`: see Guest. */
  leave(how?: 'done'): number {
    this.room.outside?.close();
    return this.#guest?.end(how) ?? 0;
  }

  /** Gives everything back; how the task ended. */
  end(): Outcome {
    const failure = this.#failure;
    const { room, call } = this;
    const { engine, platform } = this.place;
    const used = room.fuel && fuelOf(room.fuel, failure);
    // A program may have ended within a call.
    const memoryBytesPeak = this.leave(failure || room.program ? undefined : 'done');
    const output = failure ? undefined : this.#output;
    const { version, kernel, rewriter, tariff, deterministic } = receiptHead(this.ready, engine, call.outside);
    // Field by field: an object made by spreading takes as long as all the rest of a small task.
    const receipt: { -readonly [Name in keyof Receipt]: Receipt[Name] } = {
      version,
      kernel,
      engine: { name: engine.name, version: engine.version },
      rewriter,
      wallMs: platform.now() - room.startedAt,
      memoryBytesPeak,
      bytesIn: call.before?.inputBytes ?? call.input.byteLength,
      bytesOut: output?.byteLength ?? 0,
      calls: callsOf(room),
      deterministic,
      attempts: 1,
    };
    if (tariff !== undefined) receipt.tariff = tariff;
    if (used?.fuel !== undefined) receipt.fuel = used.fuel;
    if (used?.fuelAtLeast !== undefined) receipt.fuelAtLeast = used.fuelAtLeast;
    const cpuBefore = this.#cpuBefore;
    if (cpuBefore !== undefined) receipt.cpuMs = (platform.cpuMs?.() ?? cpuBefore) - cpuBefore;
    if (room.outside) receipt.outside = room.outside.report();
    if (call.digests) receipt.inputDigest = call.before?.input ?? toHex(platform.digest(call.input));
    if (call.digests && output) receipt.outputDigest = toHex(platform.digest(output));
    const log = { lines: room.lines, linesDropped: room.linesDropped };
    if (output) return { state: 'done', output, log, receipt };
    const { code, message, places = [] } = failure as TaskFailure;
    const failed = { state: 'failed', code, fault: faultOf(code), message, log, receipt } as const;
    return places.length > 0 ? { ...failed, trace: places } : failed;
  }
}

/** Everything that a guest may call. */
function taskImports(room: Room): HostImports {
  const imports = room.program ? programImports(room) : importsOf(room);
  if (room.fuel) imports[METER_IMPORTS.module] = room.fuel.imports();
  return imports;
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
export type ReceiptHead = Pick<Receipt, 'version' | 'kernel' | 'engine' | 'rewriter' | 'tariff' | 'deterministic'>;

/** Made once for each, since it takes as long as a tenth of a small task. */
const heads = new WeakMap<Ready, ReceiptHead>();

export function receiptHead(
  ready: Ready,
  engine: Pick<Engine, 'name' | 'version'>,
  outside?: OutsideTerms,
): ReceiptHead {
  if (outside) return newHead(ready, engine, outside);
  const known = heads.get(ready);
  if (known) return known;
  const made = newHead(ready, engine);
  heads.set(ready, made);
  return made;
}

/** One for a kernel that was compiled elsewhere. */
export function newHead(
  { facts, metered, canonicalNaNs }: Omit<Ready, 'compiled'>,
  { name, version }: Pick<Engine, 'name' | 'version'>,
  outside?: OutsideTerms,
): ReceiptHead {
  const { digest } = facts;
  const deterministic = canonicalNaNs && isRepeatable(facts, outside);
  const head = { version: 1, kernel: digest, engine: { name, version }, rewriter: REWRITER_VERSION } as const;
  return metered ? { ...head, tariff: TARIFF_VERSION, deterministic } : { ...head, deterministic };
}

/** What the imports see, and what ends with the task. */
type Room = TaskRoom & { readonly fuel?: Fuel; readonly outside?: Beyond; readonly program?: Program };

/** What the imports of one task see; nothing of it is shared with another. */
export function openRoom({ platform, doors }: Pick<Place, 'platform' | 'doors'>, ready: Ready, call: Call): Room {
  let key: Uint8Array | undefined;
  const startedAt = platform.now() - (call.before?.elapsedMs ?? 0);
  const fuel = ready.metered ? new Fuel(platform, call, startedAt) : undefined;
  const { outside: terms, blobs, limits } = call;
  const waiting = terms && waitingOf(platform, call, startedAt);
  const outside = waiting && openBeyond(terms, { blobs, waiting, hold: platform.hold, ...(doors && { doors }) });
  const program = ready.facts.shape === 'command' ? openProgram(platform, call, startedAt, outside) : undefined;
  // Like a receipt, field by field.
  const room: { -readonly [Name in keyof Room]: Room[Name] } = {
    facts: ready.facts,
    limits,
    platform,
    blobs,
    key: () => {
      key ??= taskKey(platform, call.seed, call.index);
      return key;
    },
    guest: undefined,
    startedAt,
    bytesMoved: 0,
    calls: [],
    lines: [],
    linesDropped: 0,
    logBytes: 0,
    randomBytes: 0,
  };
  if (fuel) room.fuel = fuel;
  if (outside) room.outside = outside;
  if (program) room.program = program;
  return room;
}

/** A task that waits for the outside is ended like one that computes, metered or not. */
function waitingOf(platform: Platform, { limits, wishes }: Call, startedAt: number): Waiting {
  const { wallMsMax = TASK.wallMsMax.max } = limits;
  const msLeft = () => wallMsMax - (platform.now() - startedAt);
  return {
    msLeft,
    look: () => {
      if (wishes?.isWanted() === false) throw new TaskFailure('ERR_HOST_FAULT', describe('ERR_ABORTED'));
      if (msLeft() <= 0) throw new TaskFailure('ERR_WALL_SPENT', wallMsMax);
    },
  };
}

/** Task seed = SHA-256(job seed, task index), both as 64-bit little-endian: the same for replicas and retries. */
export function taskKey(platform: Platform, seed: number, index: number): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(16));
  bytes.setBigUint64(0, BigInt(seed), true);
  bytes.setBigUint64(8, BigInt(index), true);
  return platform.digest(new Uint8Array(bytes.buffer));
}

/** Names of imports, put together once a kernel. */
const names = new WeakMap<KernelFacts, readonly string[]>();

function namesOf(facts: KernelFacts): readonly string[] {
  const known = names.get(facts);
  if (known) return known;
  const made = facts.imports.map((wanted) => `${wanted.interface}.${wanted.function}`);
  names.set(facts, made);
  return made;
}

/** Calls by name, of those that were made. A kernel may import one function under several versions of its interface. */
export function callsOf({ facts, calls }: TaskRoom): Record<string, number> {
  const counts: Record<string, number> = {};
  if (calls.length === 0) return counts;
  namesOf(facts).forEach((name, index) => {
    const count = calls[index] ?? 0;
    if (count > 0) counts[name] = (counts[name] ?? 0) + count;
  });
  return counts;
}
