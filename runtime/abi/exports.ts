// Calls a kernel's exports: input copied in once, result areas read strictly, output copied out once.
import { GUEST } from '../base/limits.ts';
import type { KernelFacts } from '../job/kernel.ts';
import { TaskFailure } from '../job/outcome.ts';
import {
  type GuestMemory,
  getU32,
  type Halt,
  liftBytes,
  liftString,
  lowerBytes,
  placeBytes,
  range,
  violation,
} from './memory.ts';

/** Who counts what a guest costs. */
export interface Observer {
  /** One of the guest's functions has returned. */
  observe(): void;
  /** The host was asked for something that moves so many bytes. */
  charge(bytes: number): void;
}

/** A kernel's exports, as the canonical ABI has them called. Every function throws what ends the task. */
export class Exports {
  readonly #guest: GuestMemory;
  readonly #facts: KernelFacts;
  readonly #observer: Observer | undefined;

  constructor(guest: GuestMemory, facts: KernelFacts, observer?: Observer) {
    this.#guest = guest;
    this.#facts = facts;
    this.#observer = observer;
  }

  /** Runs `_initialize` if the kernel has one, then the kernel's shape to its end. */
  whole(input: Uint8Array, outputBytesMax: number): Uint8Array<ArrayBuffer> {
    if (this.#facts.shape === 'kernel') return this.#run(input, outputBytesMax);
    this.begin(input);
    while (this.step() < 1);
    return this.finish(outputBytesMax);
  }

  #run(input: Uint8Array, outputBytesMax: number): Uint8Array<ArrayBuffer> {
    const whole = this.#guest.callWhole?.(input, outputBytesMax);
    if (whole instanceof Uint8Array) return this.#told(whole);
    const area =
      whole?.after === 'run' ? this.#told(whole.gave) : this.#call('run', this.#lower(input, whole), input.byteLength);
    return this.#told(bytesOf(this.#guest, this.#facts, 'cabi_post_run', area, outputBytesMax));
  }

  /** A stepper's first call. */
  begin(input: Uint8Array): void {
    const area = this.#call('begin', this.#lower(input), input.byteLength);
    nothingOf(this.#guest, this.#facts, 'cabi_post_begin', area);
    this.#observer?.observe();
  }

  /** One step: the share of the work that is done, from 0 to 1. */
  step(): number {
    // A step is work of the host's, too: a kernel that does nothing in it, for ever, must come to its limit.
    this.#observer?.charge(0);
    return this.#told(shareOf(this.#guest, this.#facts, 'cabi_post_step', this.#call('step')));
  }

  /** A stepper's last call. */
  finish(outputBytesMax: number): Uint8Array<ArrayBuffer> {
    return this.#told(bytesOf(this.#guest, this.#facts, 'cabi_post_finish', this.#call('finish'), outputBytesMax));
  }

  /** `halt`: how far a whole call came before this. */
  #lower(input: Uint8Array, halt?: Halt): number {
    if (halt?.after === 'cabi_realloc') return this.#told(placeBytes(this.#guest, halt.gave, input));
    if (halt) this.#observer?.observe();
    else if (this.#facts.optional.includes('_initialize')) this.#call('_initialize');
    return this.#told(lowerBytes(this.#guest, input));
  }

  #call(name: string, pointer?: number, length?: number): number {
    return this.#told(this.#guest.call(name, pointer, length));
  }

  #told<T>(given: T): T {
    this.#observer?.observe();
    return given;
  }
}

/** `result<list<u8>, string>`: tag at 0, pointer at 4, length at 8. */
function bytesOf(
  guest: GuestMemory,
  facts: KernelFacts,
  postName: string,
  area: number,
  bytesMax: number,
): Uint8Array<ArrayBuffer> {
  const memory = guest.bytes();
  const at = resultArea(memory, facts, area, 12, 4);
  const length = getU32(memory, at + 8);
  const pointer = range(memory, getU32(memory, at + 4), length, 1, 'the output');
  if (length > bytesMax) throw new TaskFailure('ERR_OUTPUT_TOO_LARGE', length, bytesMax);
  const output = liftBytes(memory, pointer, length);
  post(guest, facts, postName, area);
  return output;
}

/** `result<_, string>`: tag at 0, pointer at 4, length at 8. */
function nothingOf(guest: GuestMemory, facts: KernelFacts, postName: string, area: number): void {
  resultArea(guest.bytes(), facts, area, 12, 4);
  post(guest, facts, postName, area);
}

/** `result<f64, string>`: tag at 0, the number or pointer and length at 8. The share must lie within 0 and 1. */
function shareOf(guest: GuestMemory, facts: KernelFacts, postName: string, area: number): number {
  const memory = guest.bytes();
  const at = resultArea(memory, facts, area, 16, 8);
  const share = new DataView(memory.buffer, memory.byteOffset).getFloat64(at + 8, true);
  if (!(share >= 0 && share <= 1)) violation(`step gave a share of ${share}, which is not from 0 to 1`);
  post(guest, facts, postName, area);
  return share;
}

/** Checks the place of a result area and its tag; the `err` branch ends the task with its message. */
function resultArea(memory: Uint8Array, facts: KernelFacts, area: number, size: number, align: 4 | 8): number {
  const at = range(memory, area, size, align, 'the result area');
  const tag = memory[at] as number;
  if (tag > 1) violation(`the result's tag is ${tag}, not 0 or 1`);
  if (tag === 0) return at;
  const message = liftString(
    memory,
    facts.encoding,
    getU32(memory, at + align),
    getU32(memory, at + align + 4),
    GUEST.messageBytesMax.default,
  );
  throw new TaskFailure('ERR_EXIT', message);
}

/** Calls a `cabi_post_*` function if the kernel has it; it may not call imports. */
function post(guest: GuestMemory, facts: KernelFacts, name: string, area: number): void {
  if (!facts.optional.includes(name)) return;
  guest.mayLeave = false;
  guest.call(name, area);
  guest.mayLeave = true;
}
