// Writes MessagePack for typed kernels, into one buffer that grows. The code that the transform writes calls this.
// Each type has one form, whatever the value, so that equal outputs are equal bytes.
// @ts-nocheck: editors take AssemblyScript for TypeScript, and do not know all of it.
import { giveBytes } from './abi';
import { bad, startAt } from './path';
import { inputEnd, inputStart } from './unpack';

const FIRST: usize = 256;
/** No block of the runtime is larger. */
const LENGTH_MAX: u64 = 0x3fffffe0;

@lazy let buffer: ArrayBuffer = changetype<ArrayBuffer>(0);
@lazy let cursor: usize = 0;
@lazy let end: usize = 0;

/** From this size of an input on, its block is used for the output: touching new memory costs more than all else of a large task. */
const REUSED_BYTES_MIN: usize = 65536;
/** Arrays of the output that lie in the input's block, and where one of them begins. */
@lazy let shared: u32 = 0;
@lazy let sharedStart: usize = 0;
@lazy let reused: bool = false;

/**
 * Whether the output may go where the input was. An instance runs one task, so nobody reads the input once the output is written,
 * except for arrays of the output that are views of it: `noteView` must be told of all arrays. Runtimes that collect are left alone.
 */
export function mayReuse(): bool {
  shared = 0;
  reused = ASC_RUNTIME == 0 && inputEnd() - inputStart() >= REUSED_BYTES_MIN;
  return reused;
}

/** An array of the output. One view of the input can move down in its block; with more of them, one could be overwritten by another. */
export function noteView(view: ArrayBufferView): void {
  if (changetype<usize>(view) == 0) return;
  const from = view.dataStart;
  if (view.byteLength == 0 || from >= inputEnd() || from + view.byteLength <= inputStart()) return;
  sharedStart = from;
  if (++shared > 1) reused = false;
}

/** Begins an output. */
export function start(): void {
  startAt('output');
  if (reused) {
    buffer = changetype<ArrayBuffer>(inputStart());
    cursor = inputStart();
    end = shared == 1 ? sharedStart : inputEnd();
    return;
  }
  buffer = changetype<ArrayBuffer>(__new(FIRST, idof<ArrayBuffer>()));
  cursor = changetype<usize>(buffer);
  end = cursor + FIRST;
}

/** Ends it, and gives the host what was written. */
export function finish(): usize {
  const length = <i32>(cursor - changetype<usize>(buffer));
  const answer = giveBytes(Uint8Array.wrap(buffer, 0, length));
  buffer = changetype<ArrayBuffer>(0);
  return answer;
}

function grow(size: usize): void {
  const old = changetype<usize>(buffer);
  const used = cursor - old;
  const wanted = <u64>used + size;
  if (wanted > LENGTH_MAX) bad('makes the output too large: over 1 GiB');
  const room = <usize>min<u64>(max<u64>(wanted, <u64>(end - old) * 2), LENGTH_MAX);
  if (ASC_RUNTIME == 0 && !reused) {
    // Runtime.Stub never frees, and grows its newest block where it lies.
    buffer = changetype<ArrayBuffer>(__renew(old, room));
  } else {
    const next = __new(room, idof<ArrayBuffer>());
    memory.copy(next, old, used);
    buffer = changetype<ArrayBuffer>(next);
    reused = false;
  }
  cursor = changetype<usize>(buffer) + used;
  end = changetype<usize>(buffer) + room;
}

/** Room for `size` more bytes. Their address, until the next call; `pass` puts them behind the cursor. */
@inline
export function reserve(size: usize): usize {
  if (end - cursor < size) grow(size);
  return cursor;
}

@inline
export function pass(size: usize): void {
  cursor += size;
}

/** A number's bits in the order of the wire; every NaN is the same one. */
@inline
export function bitsOfF64(value: f64): u64 {
  return bswap<u64>(value == value ? reinterpret<u64>(value) : 0x7ff8000000000000);
}

@inline
export function bitsOfF32(value: f32): u32 {
  return bswap<u32>(value == value ? reinterpret<u32>(value) : 0x7fc00000);
}

/** A length of 16 bits behind its tag, or of 32 behind the next one. There is room for it. */
function long(tag: u32, length: u32): void {
  if (length < 0x10000) {
    store<u8>(cursor, tag);
    store<u16>(cursor, bswap<u16>(<u16>length), 1);
    cursor += 3;
  } else {
    store<u8>(cursor, tag + 1);
    store<u32>(cursor, bswap<u32>(length), 1);
    cursor += 5;
  }
}

export function writeNil(): void {
  store<u8>(reserve(1), 0xc0);
  cursor++;
}

export function writeArray(count: u32): void {
  reserve(5);
  if (count >= 16) return long(0xdc, count);
  store<u8>(cursor, 0x90 | count);
  cursor++;
}

export function writeBinary(from: usize, length: u32): void {
  // The one array that lies in this block moves down to its place: nothing was written into it yet, and then the whole block is free.
  if (reused && shared == 1 && from == sharedStart && length > 0 && cursor + 5 <= from) {
    shared = 0;
    end = inputEnd();
  }
  reserve(<usize>length + 5);
  if (length >= 0x100) long(0xc5, length);
  else {
    store<u8>(cursor, 0xc4);
    store<u8>(cursor, length, 1);
    cursor += 2;
  }
  memory.copy(cursor, from, length);
  cursor += length;
}

/** A lone surrogate becomes U+FFFD. */
export function writeString(text: string): void {
  const units: usize = text.length;
  const from = changetype<usize>(text);
  let ascii: usize = 0;
  while (ascii < units && load<u16>(from + (ascii << 1)) < 0x80) ascii++;
  const length: u32 = ascii == units ? <u32>units : String.UTF8.byteLength(text);
  reserve(<usize>length + 5);
  if (length < 32) {
    store<u8>(cursor, 0xa0 | length);
    cursor++;
  } else if (length < 0x100) {
    store<u8>(cursor, 0xd9);
    store<u8>(cursor, length, 1);
    cursor += 2;
  } else long(0xda, length);
  if (ascii == units) for (let i: usize = 0; i < units; i++) store<u8>(cursor + i, load<u16>(from + (i << 1)));
  else String.UTF8.encodeUnsafe(from, <i32>units, cursor, false, String.UTF8.ErrorMode.REPLACE);
  cursor += length;
}
