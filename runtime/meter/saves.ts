// What a loop keeps in floating-point and vector registers is put into globals around a look at the counter: no engine keeps such
// registers across a call, and Wasmtime would have them in memory for the whole loop, for the sake of a call that seldom happens.
import type { Body } from '../wasm/module.ts';
import { type Outline, pastNumber, stepOver, u32At } from '../wasm/outline.ts';
import type { Writer } from '../wasm/writer.ts';

const [V128, F64, F32] = [0x7b, 0x7c, 0x7d] as const;
/** How a global of each type begins: `const`, and so many bytes of zero. */
const ZEROS: Readonly<Record<number, readonly [opcode: readonly number[], bytes: number]>> = {
  [V128]: [[0xfd, 0x0c], 16],
  [F64]: [[0x44], 8],
  [F32]: [[0x43], 4],
};
const GET = 0x20;
const TEE = 0x22;
const SET_GLOBAL = 0x24;
const GET_GLOBAL = 0x23;
const SET = 0x21;
const END = 0x0b;
/** A loop that keeps more is left as it is: it has no registers for them anyway. */
const SAVED_MAX = 16;

/** The globals of one module, shared by all its loops. */
export class Saves {
  /** The types of the globals, as bytes of the format. */
  readonly types: number[] = [];
  readonly #first: number;

  /** `first` is the index of the first global. */
  constructor(first: number) {
    this.#first = first;
  }

  /** Where the locals of a loop go, in their order. */
  placesOf(types: readonly number[]): number[] {
    const taken = new Set<number>();
    return types.map((type) => {
      let at = this.types.findIndex((one, index) => one === type && !taken.has(index));
      if (at < 0) at = this.types.push(type) - 1;
      taken.add(at);
      return this.#first + at;
    });
  }

  /** The globals themselves. */
  write(w: Writer): void {
    for (const type of this.types) {
      const [opcode, bytes] = ZEROS[type] ?? [[], 0];
      w.byte(type).byte(1).raw(opcode).raw(new Uint8Array(bytes)).byte(END);
    }
  }
}

/** Locals of a loop, and the globals that they are kept in meanwhile. */
export interface Kept {
  readonly locals: readonly number[];
  readonly globals: readonly number[];
}

/** What the loop at `index` brings along from trip to trip or from before; parameters are left out. */
export function keptBy(outline: Outline, index: number, body: Body, saves: Saves): Kept {
  const { bytes, next, at, partner } = outline;
  const seen = new Set<number>();
  const locals: number[] = [];
  const types: number[] = [];
  const end = at[partner[index] as number] as number;
  for (let place = next[index] as number; place < end; place = stepOver(bytes, place)) {
    const row = bytes[place] as number;
    if (row < GET || row > TEE) continue;
    const local = u32At(bytes, place + 1);
    if (seen.has(local)) continue;
    seen.add(local);
    // What is written first is not brought along.
    if (row !== GET) continue;
    const type = typeOf(bytes, body, local);
    if (ZEROS[type] === undefined) continue;
    locals.push(local);
    types.push(type);
  }
  return locals.length > SAVED_MAX ? { locals: [], globals: [] } : { locals, globals: saves.placesOf(types) };
}

/** The type of a declared local as a byte of the format; 0 for a parameter. */
function typeOf(bytes: Uint8Array, { start, locals }: Body, local: number): number {
  const runs: (readonly [count: number, type: number])[] = [];
  let at = pastNumber(bytes, start);
  let declared = 0;
  for (let left = u32At(bytes, start); left > 0; left--) {
    const count = u32At(bytes, at);
    at = pastNumber(bytes, at);
    runs.push([count, bytes[at++] as number]);
    declared += count;
  }
  let first = locals - declared;
  if (local < first) return 0;
  for (const [count, type] of runs) {
    first += count;
    if (local < first) return type;
  }
  return 0;
}

/** Puts them away. */
export function writePut(w: Writer, { locals, globals }: Kept): void {
  for (const [index, local] of locals.entries()) {
    w.byte(GET)
      .u32(local)
      .byte(SET_GLOBAL)
      .u32(globals[index] as number);
  }
}

/** Takes them back. */
export function writeTake(w: Writer, { locals, globals }: Kept): void {
  for (const [index, local] of locals.entries()) {
    w.byte(GET_GLOBAL)
      .u32(globals[index] as number)
      .byte(SET)
      .u32(local);
  }
}
