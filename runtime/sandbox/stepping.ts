// A stepper's task between its steps: it can be imaged there, given other limits, left, and gone on with elsewhere.
import type { Exports } from '../abi/exports.ts';
import { type Limits, PAGE, TASK } from '../base/limits.ts';
import { fromHex, type Platform, toHex } from '../base/platform.ts';
import type { Guest, Ready } from '../engine/engine.ts';
import type { Outcome, TaskFailure } from '../job/outcome.ts';
import type { LiveLimits } from '../job/steps.ts';
import { TARIFF_VERSION } from '../meter/tariff.ts';
import { REWRITER_VERSION } from '../prepare/form.ts';
import { growTo, loadState, saveState } from '../snapshot/guest.ts';
import { type Snapshot, seal, type Taken } from '../snapshot/image.ts';
import { type HostState, type Image, invalid, type TaskIdentity } from '../snapshot/manifest.ts';
import { IMAGE_PAGE, MemoryCopy } from '../snapshot/memory-copy.ts';
import type { OpenImage } from '../snapshot/store.ts';
import type { Call, Place } from './call.ts';
import { callsOf, Running } from './running.ts';

/** What the guest's ceilings are, as an image has them: not its time, which no guest sees. */
type Ceilings = Omit<Required<Limits>, 'wallMsMax' | 'inputBytesMax'>;

/** Whoever opens an image reads as many differences at most. */
const LINKS_MAX = 256;

/** One task of a metered stepper. Nothing that the guest does is thrown out of it. */
export class Stepping<Compiled = unknown> {
  readonly #identity: TaskIdentity;
  #running: Running<Compiled>;
  #guest: Guest | undefined;
  #exports: Exports | undefined;
  #ceilings: Ceilings;
  #copy: MemoryCopy | undefined;
  /** The last image that was made here, and the last one of all, whose digest may not be known here. */
  #image: Image | undefined;
  /** The image that it goes on from, until another one follows. */
  #origin: Image | undefined;
  #last: Pick<Snapshot, 'memoryPages' | 'state' | 'host'> | undefined;
  #step = 0;
  #share = 0;
  /** Links and bytes that it takes to open the last image. */
  #since = { links: 0, bytes: 0 };
  #left = false;

  /** Begins a task, up to its first step. Throws `ERR_IMAGE_INVALID` for what is no metered stepper. */
  static begin<Compiled>(place: Place<Compiled>, ready: Ready<Compiled>, call: Call): Stepping<Compiled> {
    const { input, seed, index, limits } = call;
    const { facts, canonicalNaNs: deterministic } = ready;
    const identity = identityOf(place.platform, { kernel: facts.digest, input, seed, index, deterministic });
    const stepping = new Stepping(new Running(place, ready, call), identity, ceilingsOf(limits));
    stepping.#running.attempt(() => stepping.#start().begin(input));
    return stepping;
  }

  /**
   * Goes on from an image, whose memory is the caller's no more. `call` has the task's own terms; its limits are the image's. Throws
   * `ERR_IMAGE_INVALID` for an image of another task or version.
   */
  static resume<Compiled>(
    place: Place<Compiled>,
    ready: Ready<Compiled>,
    { call, open }: { readonly call: Call; readonly open: OpenImage },
  ): Stepping<Compiled> {
    const { task, host, fuel, step, share, limits, state, memoryPages } = open.image.manifest;
    checkIdentity(task, ready, call);
    if (state.length !== 2 * (ready.state?.bytes ?? 0)) throw invalid('its globals are not those of the kernel');
    if (memoryPages * PAGE > (limits.memoryBytesMax ?? 0)) throw invalid('its memory is beyond its limit');
    const ceilings = { ...ceilingsOf(call.limits), ...limits } as Ceilings;
    const before = { elapsedMs: host.elapsedMs, fuel, input: task.input, inputBytes: task.inputBytes };
    const running = new Running(place, ready, { ...call, limits: { ...call.limits, ...ceilings }, before });
    const stepping = new Stepping(running, task, ceilings);
    stepping.#step = step;
    stepping.#share = share;
    stepping.#takeUp(host);
    stepping.#copy = open.copy;
    stepping.#image = open.image;
    stepping.#origin = open.image;
    stepping.#last = { memoryPages, state: fromHex(state), host };
    if (open.since) stepping.#since = open.since;
    running.attempt(() => stepping.#load());
    return stepping;
  }

  private constructor(running: Running<Compiled>, identity: TaskIdentity, ceilings: Ceilings) {
    if (!running.ready.state) throw invalid('its kernel is no stepper that counts its fuel');
    this.#running = running;
    this.#identity = identity;
    this.#ceilings = ceilings;
  }

  /** Steps done. */
  get step(): number {
    return this.#step;
  }

  /** The share of the work that is done. */
  get share(): number {
    return this.#share;
  }

  get fuel(): number {
    return this.#running.room.fuel?.used ?? 0;
  }

  /** Why it has failed, if it has. */
  get failure(): TaskFailure | undefined {
    return this.#running.failure;
  }

  /** Whether there is a step to do. */
  get goesOn(): boolean {
    return !this.#running.hasFailed && this.#share < 1;
  }

  /** Does one step. */
  advance(): void {
    this.#running.attempt(() => {
      this.#share = (this.#exports as Exports).step();
      this.#step++;
    });
  }

  /** An image of it as it is, following the last one; all of them have to be taken by this. */
  take(): Taken {
    const snapshot = this.snap();
    const taken = seal(this.#copy as MemoryCopy, snapshot, this.#image);
    this.#image = taken.image;
    return taken;
  }

  /** The same as far as only the guest's own thread can do it; whoever is given it makes the images, in order. Takes no digests. */
  snap(): Snapshot {
    const guest = this.#guest as Guest;
    const state = saveState(guest, this.#running.ready.state?.bytes ?? 0);
    const memory = guest.bytes();
    const copy = this.#copy ?? new MemoryCopy(this.#running.place.platform, TASK.memoryBytesMax.max);
    this.#copy = copy;
    const changed = copy.copyFrom(memory);
    const { links, bytes } = this.#since;
    // Whoever opens it reads the last whole one and all differences since: they may not become much more than one memory.
    const isWhole = !this.#last || bytes > memory.byteLength || links >= LINKS_MAX;
    this.#since = isWhole ? { links: 0, bytes: 0 } : { links: links + 1, bytes: bytes + changed.length * IMAGE_PAGE };
    const memoryPages = memory.byteLength / PAGE;
    this.#last = { memoryPages, state, host: this.#host() };
    const image = this.#origin;
    this.#origin = undefined;
    return {
      ...{ task: this.#identity, step: this.#step, share: this.#share, fuel: this.fuel, limits: this.#ceilings },
      ...{ ...this.#last, changed, form: isWhole ? 'whole' : 'difference', base: copy.base },
      ...(image && { origin: { image, digests: copy.digests } }),
    };
  }

  /**
   * Other limits from here on, though never less than it has used or holds already. Two images: one before, so that the change stands
   * alone between them, and one with it.
   */
  setLimits<One = Taken>(
    { memoryBytesMax, fuelMax }: LiveLimits,
    take: () => One = () => this.take() as One,
  ): readonly [before: One, after: One] {
    const before = take();
    const { fuel } = this;
    const { memoryPages } = this.#last as Snapshot;
    if (fuelMax !== undefined) {
      this.#ceilings = { ...this.#ceilings, fuelMax: Math.max(fuelMax, fuel) };
      this.#running.room.fuel?.limit(this.#ceilings.fuelMax);
    }
    if (memoryBytesMax !== undefined) {
      this.#ceilings = { ...this.#ceilings, memoryBytesMax: Math.max(memoryBytesMax, memoryPages * PAGE) };
      this.#reload();
    }
    return [before, take()];
  }

  /** Comes to an end, however far it has got, and gives everything back. */
  end(): Outcome {
    const { call } = this.#running;
    if (!this.#running.hasFailed) {
      this.#running.attempt(() => this.#running.give((this.#exports as Exports).finish(call.limits.outputBytesMax)));
    }
    this.#left = true;
    return this.#running.end();
  }

  /** Ends it for something that the host could not do. */
  fail(thrown: unknown): void {
    if (this.#running.hasFailed) return;
    this.#running.attempt(() => {
      throw thrown;
    });
  }

  /** Leaves it as it is and gives everything back: somebody goes on with its image. */
  leave(): void {
    if (!this.#left) this.#running.leave();
    this.#left = true;
  }

  #start(): Exports {
    const { guest, exports } = this.#running.start();
    this.#guest = guest;
    this.#exports = exports;
    return exports;
  }

  #load(): void {
    const { memoryPages, state } = this.#last as Snapshot;
    this.#start();
    const guest = this.#guest as Guest;
    growTo(guest, memoryPages);
    (this.#copy as MemoryCopy).writeInto(guest.bytes());
    loadState(guest, state);
  }

  /** A memory's maximum is fixed when it is made: the task goes on in another instance. */
  #reload(): void {
    const { place, ready, call } = this.#running;
    const host = this.#host();
    const running = new Running(place, ready, {
      ...call,
      limits: { ...call.limits, ...this.#ceilings },
      before: {
        elapsedMs: host.elapsedMs,
        fuel: this.fuel,
        input: this.#identity.input,
        inputBytes: this.#identity.inputBytes,
      },
    });
    this.#running.leave();
    this.#running = running;
    this.#takeUp(host);
    running.attempt(() => this.#load());
  }

  #takeUp(host: HostState): void {
    const { room } = this.#running;
    room.lines.push(...host.log);
    room.linesDropped = host.linesDropped;
    room.logBytes = host.logBytes;
    room.randomBytes = host.randomBytes;
    room.facts.imports.forEach((wanted, index) => {
      const name = `${wanted.interface}.${wanted.function}`;
      const first = room.facts.imports.findIndex((one) => `${one.interface}.${one.function}` === name) === index;
      room.calls[index] = first ? (host.calls[name] ?? 0) : 0;
    });
  }

  #host(): HostState {
    const { room, place } = this.#running;
    return {
      // A difference of two readings may be a rounding less than one of them was.
      elapsedMs: Math.max(this.#last?.host.elapsedMs ?? 0, place.platform.now() - room.startedAt),
      randomBytes: room.randomBytes,
      log: [...room.lines],
      logBytes: room.logBytes,
      linesDropped: room.linesDropped,
      calls: callsOf(room),
    };
  }
}

/** Which task it is, of one that begins with this input. */
export function identityOf(
  { digest }: Platform,
  {
    input,
    ...rest
  }: { readonly input: Uint8Array } & Pick<TaskIdentity, 'kernel' | 'seed' | 'index' | 'deterministic'>,
): TaskIdentity {
  const versions = { tariff: TARIFF_VERSION, rewriter: REWRITER_VERSION };
  return { ...rest, ...versions, input: toHex(digest(input)), inputBytes: input.byteLength };
}

function ceilingsOf({ memoryBytesMax, fuelMax = 0, outputBytesMax, logBytesMax, logLinesMax }: Limits): Ceilings {
  return { memoryBytesMax, fuelMax, outputBytesMax, logBytesMax, logLinesMax };
}

function checkIdentity(task: TaskIdentity, { facts, canonicalNaNs }: Ready, { seed, index }: Call): void {
  const versions = { tariff: TARIFF_VERSION, rewriter: REWRITER_VERSION } as const;
  const wanted = { kernel: facts.digest, ...versions, seed, index, deterministic: canonicalNaNs } as const;
  for (const [name, value] of Object.entries(wanted)) {
    const has = task[name as keyof typeof wanted];
    if (has !== value) throw invalid(`its ${name} is ${has}, not ${value}`);
  }
}
