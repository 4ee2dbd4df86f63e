// Reads and writes a guest's memory. Every pointer, length and string that a guest hands out is checked here before it is used.
import { TASK } from '../base/limits.ts';
import type { StringEncoding } from '../job/kernel.ts';
import { TaskFailure } from '../job/outcome.ts';

/** What the ABI needs of a guest: its memory as it is now, and its exports. */
export interface GuestMemory {
  bytes(): Uint8Array<ArrayBuffer>;
  /** Calls an export with up to four i32 arguments; what an export does not take is ignored. */
  call(name: string, a?: number, b?: number, c?: number, d?: number): number;
  /** Copies bytes to a place in that memory, where the host has a faster way for some than `set`. */
  copyIn?(memory: Uint8Array<ArrayBuffer>, bytes: Uint8Array, at: number): void;
  /** False while the host runs `cabi_realloc` or a `cabi_post_` function: the ABI forbids imports there. */
  mayLeave: boolean;
  /**
   * The whole call of a kernel of one function at once, where an engine has a shorter way than `call` after `call`; asked for before
   * anything else. The output if all that the guest hands out is as it must be, and it has fuel left; how far it came where that has to
   * be looked at, with the guest as it is then; `undefined` if nothing was begun.
   */
  callWhole?(input: Uint8Array, outputBytesMax: number): Uint8Array<ArrayBuffer> | Halt | undefined;
}

/** The function of the guest's that returned last, and what it gave. */
export interface Halt {
  readonly after: '_initialize' | 'cabi_realloc' | 'run';
  readonly gave: number;
}

const utf8 = new TextEncoder();
const DECODERS = { utf8: decoderOf('utf8'), utf16: decoderOf('utf16') } as const;
const ALIGN = { utf8: 1, utf16: 2 } as const;

/** Fails the task: the kernel did what the canonical ABI forbids. */
export function violation(what: string): never {
  throw new TaskFailure('ERR_ABI', what);
}

/** The range as unsigned numbers, if it lies inside the memory and starts at the right alignment. The sum cannot overflow: both are below 2^32. */
export function range(memory: Uint8Array, pointer: number, length: number, align: number, what: string): number {
  const start = pointer >>> 0;
  if (start % align !== 0) violation(`${what} at ${start} is not aligned to ${align}`);
  if (start + length > memory.byteLength) violation(`${what} of ${length} bytes at ${start} lies outside the memory`);
  return start;
}

/** Asks the guest for room with `cabi_realloc`, and checks what it answers. */
export function allocate(guest: GuestMemory, align: number, length: number): number {
  guest.mayLeave = false;
  const pointer = guest.call('cabi_realloc', 0, 0, align, length);
  guest.mayLeave = true;
  return allocated(guest, pointer, align, length);
}

/** Checks what `cabi_realloc` answered. */
function allocated(guest: GuestMemory, pointer: number, align: number, length: number): number {
  return range(guest.bytes(), pointer, length, align, 'what cabi_realloc gave');
}

/** Copies bytes into the guest once; the pointer. */
export function lowerBytes(guest: GuestMemory, bytes: Uint8Array): number {
  if (bytes.byteLength > TASK.inputBytesMax.max) throw new TaskFailure('ERR_HOST_FAULT', 'a list of over 2 GiB');
  return put(guest, allocate(guest, 1, bytes.byteLength), bytes);
}

/** Copies bytes to where `cabi_realloc` gave room for them; the pointer. */
export function placeBytes(guest: GuestMemory, gave: number, bytes: Uint8Array): number {
  return put(guest, allocated(guest, gave, 1, bytes.byteLength), bytes);
}

function put(guest: GuestMemory, pointer: number, bytes: Uint8Array): number {
  if (guest.copyIn) guest.copyIn(guest.bytes(), bytes, pointer);
  else guest.bytes().set(bytes, pointer);
  return pointer;
}

/** Copies a text into the guest in its own encoding; the pointer and the length that the ABI counts (bytes, or code units). */
export function lowerString(guest: GuestMemory, encoding: StringEncoding, text: string): readonly [number, number] {
  if (encoding === 'utf8') {
    const bytes = utf8.encode(text);
    return [lowerBytes(guest, bytes), bytes.byteLength];
  }
  const pointer = allocate(guest, 2, text.length * 2);
  const memory = guest.bytes();
  for (let i = 0; i < text.length; i++) setU16(memory, pointer + i * 2, text.charCodeAt(i));
  return [pointer, text.length];
}

/** The bytes of a list, as a copy that is the caller's own. */
export function liftBytes(memory: Uint8Array<ArrayBuffer>, pointer: number, length: number): Uint8Array<ArrayBuffer> {
  const start = range(memory, pointer, length >>> 0, 1, 'a list');
  return memory.slice(start, start + (length >>> 0));
}

/** The size in bytes of a string of `length` as the ABI counts it. */
export function stringBytes(encoding: StringEncoding, length: number): number {
  return (length >>> 0) * ALIGN[encoding];
}

/**
 * A string of the guest. What is longer than `bytesMax` is cut there, so that a guest cannot make the host hold a copy of its whole
 * memory as text; what is not well-formed is a violation.
 */
export function liftString(
  memory: Uint8Array,
  encoding: StringEncoding,
  pointer: number,
  length: number,
  bytesMax: number,
): string {
  const size = stringBytes(encoding, length);
  const start = range(memory, pointer, size, ALIGN[encoding], 'a string');
  const cut = size > bytesMax;
  // A decoder that streams keeps an incomplete last character for a next piece that never comes: it is used once.
  const decoder = cut ? decoderOf(encoding) : DECODERS[encoding];
  try {
    const text = decoder.decode(memory.subarray(start, start + Math.min(size, bytesMax)), { stream: cut });
    return cut ? `${text}... (${size} bytes)` : text;
  } catch (thrown) {
    // What is not well-formed is a TypeError. Anything else is the host's: a stack that the guest has all but spent, say.
    if (!(thrown instanceof TypeError)) throw thrown;
    return violation(`a string is not well-formed ${encoding}`);
  }
}

function decoderOf(encoding: StringEncoding): TextDecoder {
  return new TextDecoder(encoding === 'utf8' ? 'utf-8' : 'utf-16le', { fatal: true, ignoreBOM: true });
}

/** Little-endian reads and writes at a checked place. */
export function getU32(memory: Uint8Array, at: number): number {
  return (
    ((memory[at] as number) |
      ((memory[at + 1] as number) << 8) |
      ((memory[at + 2] as number) << 16) |
      ((memory[at + 3] as number) << 24)) >>>
    0
  );
}

export function setU32(memory: Uint8Array, at: number, value: number): void {
  memory[at] = value;
  memory[at + 1] = value >>> 8;
  memory[at + 2] = value >>> 16;
  memory[at + 3] = value >>> 24;
}

export function setU64(memory: Uint8Array, at: number, value: bigint): void {
  const number = Number(BigInt.asUintN(64, value));
  // Of a number that is exact the halves need no further bigints.
  const isExact = number <= Number.MAX_SAFE_INTEGER;
  setU32(memory, at, isExact ? number : Number(BigInt.asUintN(32, value)));
  setU32(memory, at + 4, isExact ? number / 2 ** 32 : Number(BigInt.asUintN(32, value >> 32n)));
}

function setU16(memory: Uint8Array, at: number, value: number): void {
  memory[at] = value;
  memory[at + 1] = value >>> 8;
}
