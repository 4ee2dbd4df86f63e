// The guest's half of the canonical ABI. Blocks that the host fills are pinned ArrayBuffers, so bytes come in and go out uncopied.
// Layouts follow the component model's Python reference (definitions.py): a result is its tag, then its payload, aligned.
// @ts-nocheck: editors take AssemblyScript for TypeScript, and do not know all of it.

/** What the host calls for room: every block is an ArrayBuffer, pinned until the guest has taken it over. */
export function cabi_realloc(old: usize, oldSize: usize, align: usize, size: usize): usize {
  if (oldSize == 0) return size == 0 ? align : __pin(__new(size, idof<ArrayBuffer>()));
  if (size <= oldSize) return old;
  const next = __new(size, idof<ArrayBuffer>());
  memory.copy(next, old, oldSize);
  __unpin(old);
  return __pin(next);
}

/** Takes over a `list<u8>` that the host has written. No copy: the view looks at the host's block itself. */
export function takeBytes(block: usize, length: usize): Uint8Array {
  if (length == 0) return new Uint8Array(0);
  const bytes = Uint8Array.wrap(changetype<ArrayBuffer>(block), 0, <i32>length);
  __unpin(block);
  return bytes;
}

/** Takes over a `string` that the host has written; its length is in UTF-16 code units. */
export function takeString(block: usize, units: usize): string {
  if (units == 0) return '';
  const text = String.UTF16.decodeUnsafe(block, units << 1);
  __unpin(block);
  return text;
}

/** Where an imported function puts what does not fit a WebAssembly value; the largest (`result<response, string>`) has 16 bytes. */
export const AREA = memory.data(16, 8);

const ANSWER = memory.data(16, 8);
let held: usize = 0;

/** `ok(bytes)` for the host. They stay where they are until `release`. */
export function giveBytes(bytes: Uint8Array): usize {
  held = __pin(changetype<usize>(bytes.buffer));
  store<u8>(ANSWER, 0);
  store<usize>(ANSWER, bytes.dataStart, 4);
  store<i32>(ANSWER, bytes.byteLength, 8);
  return ANSWER;
}

/** `ok` without a value. */
export function giveNothing(): usize {
  store<u8>(ANSWER, 0);
  return ANSWER;
}

/** `ok(value)`, as `step` gives it. No frame of the author's is live here, so the runtime that never collects by itself may. */
export function giveF64(value: f64): usize {
  collect();
  store<u8>(ANSWER, 0);
  store<f64>(ANSWER, value, 8);
  return ANSWER;
}

/** The host has copied the output out. */
export function release(): void {
  if (held != 0) __unpin(held);
  held = 0;
  collect();
}

@inline
function collect(): void {
  if (ASC_RUNTIME == 1) __collect(); // Runtime.Minimal
}
