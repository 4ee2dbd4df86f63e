// The outline of a function body: only the instructions that move control, call, or work on ranges of memory, in arrays;
// what lies between them is known by its weight alone. For bodies that the reader has read and an engine has validated.
import type { Body, FunctionType } from './module.ts';
import { IMMEDIATES, type Immediate } from './opcodes.ts';
import { KIND, PREFIX_ROWS, PREFIXED } from './rows.ts';

/** Rows of the opcode table that an outline holds. */
export const ROW = {
  unreachable: 0x00,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  brTable: 0x0e,
  return: 0x0f,
  call: 0x10,
  callIndirect: 0x11,
  memoryGrow: 0x40,
  memoryInit: 256 + 8,
  memoryCopy: 256 + 10,
  memoryFill: 256 + 11,
} as const;

/** How the bytes behind an opcode are passed over: so many LEB128 numbers, then so many bytes. */
const NUMBERS = new Uint8Array(KIND.length);
const BYTES = new Uint8Array(KIND.length);
const HELD = new Uint8Array(KIND.length);

const SHAPES: Partial<Record<Immediate, readonly [numbers: number, bytes: number]>> = {
  ...{ local: [1, 0], global: [1, 0], data: [1, 0], i32: [1, 0], i64: [1, 0], memory: [1, 0] },
  ...{ br: [1, 0], br_if: [1, 0], call: [1, 0], block: [1, 0], if: [1, 0] },
  ...{ memarg: [2, 0], memoryInit: [2, 0], memoryCopy: [2, 0], call_indirect: [2, 0] },
  ...{ memargLane: [2, 1], byte: [0, 1], f32: [0, 4], f64: [0, 8], bytes16: [0, 16] },
};
for (const [row, kind] of KIND.entries()) {
  const shape = SHAPES[IMMEDIATES[kind] ?? 'none'];
  [NUMBERS[row], BYTES[row]] = shape ?? [0, 0];
}
for (const row of Object.values(ROW)) HELD[row] = 1;

const VECTOR = ROW.brTable;
const FIRST = 256;

/** The outline of one body at a time; its arrays are kept from one to the next. Index 0 is the first held instruction. */
export class Outline {
  /** How many instructions it holds. The last is the function's own `end`. */
  count = 0;
  row: Uint16Array = new Uint16Array(FIRST);
  /** Where the instruction begins, and where the next one does. */
  at: Int32Array = new Int32Array(FIRST);
  next: Int32Array = new Int32Array(FIRST);
  /** The first immediate: label, function, type or segment. Of a block: how many values a branch to it takes along. */
  value: Int32Array = new Int32Array(FIRST);
  /** Weight of all instructions before this one, in the order of the bytes. */
  before: Int32Array = new Int32Array(FIRST);
  /** Of a block, loop, if or else: the index of its `end`. Of an `end`: of what it closes. */
  partner: Int32Array = new Int32Array(FIRST);
  /** Of an `if`: the index of its `else`, or 0. */
  other: Int32Array = new Int32Array(FIRST);
  /** Weight of the whole body. */
  weight = 0;
  /** The body's first instruction. */
  start = 0;
  readonly bytes: Uint8Array;
  readonly #types: readonly FunctionType[];
  readonly #weights: ArrayLike<number>;
  #open: Int32Array = new Int32Array(FIRST);

  /** `weights` has one weight for each row of the opcode table. */
  constructor(bytes: Uint8Array, types: readonly FunctionType[], weights: ArrayLike<number>) {
    this.bytes = bytes;
    this.#types = types;
    this.#weights = weights;
  }

  /** Reads one body in place of the last one. */
  read({ code, end }: Body): this {
    const { bytes } = this;
    const weights = this.#weights;
    this.start = code;
    let weight = 0;
    let depth = 0;
    let count = 0;
    let at = code;
    while (at < end) {
      const row = rowAt(bytes, at);
      const next = stepOver(bytes, at);
      if (HELD[row] === 1) {
        if (count === this.row.length) this.#grow();
        this.row[count] = row;
        this.at[count] = at;
        this.next[count] = next;
        this.before[count] = weight;
        this.other[count] = 0;
        this.value[count] = row === ROW.end || row === ROW.else ? 0 : this.#valueOf(row, at);
        depth = this.#nest(count++, row, depth);
      }
      weight += weights[row] as number;
      at = next;
    }
    this.count = count;
    this.weight = weight;
    return this;
  }

  /** Whether nothing follows a call but `unreachable`: what it gives back is never used, and the guest does not go on. */
  ends(call: number): boolean {
    return this.row[call + 1] === ROW.unreachable && this.next[call] === this.at[call + 1];
  }

  #nest(index: number, row: number, depth: number): number {
    if (row >= ROW.block && row <= ROW.if) {
      if (depth === this.#open.length) this.#open = grown(this.#open, Int32Array);
      this.#open[depth] = index;
      return depth + 1;
    }
    if (row === ROW.else) this.other[this.#open[depth - 1] as number] = index;
    if (row !== ROW.end || depth === 0) return depth;
    const opened = this.#open[depth - 1] as number;
    this.partner[opened] = index;
    this.partner[index] = opened;
    if (this.other[opened] !== 0) this.partner[this.other[opened] as number] = index;
    return depth - 1;
  }

  #valueOf(row: number, at: number): number {
    if (row === ROW.unreachable || row === ROW.return || row === VECTOR) return 0;
    if (row > ROW.if) return u32At(this.bytes, row >= FIRST ? pastNumber(this.bytes, at + 1) : at + 1);
    const first = this.bytes[at + 1] as number;
    if (first >= 0x40 && first < 0x80) return first === 0x40 || row === ROW.loop ? 0 : 1;
    const type = this.#types[u32At(this.bytes, at + 1)];
    return (row === ROW.loop ? type?.params.length : type?.results.length) ?? 0;
  }

  #grow(): void {
    this.row = grown(this.row, Uint16Array);
    this.at = grown(this.at, Int32Array);
    this.next = grown(this.next, Int32Array);
    this.value = grown(this.value, Int32Array);
    this.before = grown(this.before, Int32Array);
    this.partner = grown(this.partner, Int32Array);
    this.other = grown(this.other, Int32Array);
  }
}

function grown<T extends Int32Array | Uint16Array>(array: T, Kind: new (length: number) => T): T {
  const twice = new Kind(array.length * 2);
  twice.set(array);
  return twice;
}

/** The row of the opcode table that the instruction at `at` belongs to. */
export function rowAt(bytes: Uint8Array, at: number): number {
  const first = bytes[at] as number;
  return KIND[first] === PREFIXED ? (PREFIX_ROWS[first] as number) + u32At(bytes, at + 1) : first;
}

/** Where the instruction after the one at `at` begins. */
export function stepOver(bytes: Uint8Array, at: number): number {
  const first = bytes[at] as number;
  let row = first;
  let next = at + 1;
  if (KIND[first] === PREFIXED) {
    row = (PREFIX_ROWS[first] as number) + u32At(bytes, next);
    next = pastNumber(bytes, next);
  }
  if (row === VECTOR) {
    let left = u32At(bytes, next) + 1;
    next = pastNumber(bytes, next);
    for (; left > 0; left--) next = pastNumber(bytes, next);
    return next;
  }
  for (let left = NUMBERS[row] as number; left > 0; left--) next = pastNumber(bytes, next);
  return next + (BYTES[row] as number);
}

/** The unsigned LEB128 number at `at`. */
export function u32At(bytes: Uint8Array, at: number): number {
  let byte = bytes[at] as number;
  if (byte < 0x80) return byte;
  let value = byte & 0x7f;
  for (let shift = 7, next = at + 1; byte >= 0x80; shift += 7, next++) {
    byte = bytes[next] as number;
    value |= (byte & 0x7f) << shift;
  }
  return value >>> 0;
}

/** Where the LEB128 number at `at` ends. */
export function pastNumber(bytes: Uint8Array, at: number): number {
  let next = at;
  while ((bytes[next] as number) >= 0x80) next++;
  return next + 1;
}

/** The labels of the `br_table` at `at`, its default last. */
export function labelsOf(bytes: Uint8Array, at: number): number[] {
  const labels: number[] = [];
  let next = pastNumber(bytes, at + 1);
  for (let left = u32At(bytes, at + 1) + 1; left > 0; left--) {
    labels.push(u32At(bytes, next));
    next = pastNumber(bytes, next);
  }
  return labels;
}
