// The bodies of the functions that move state between globals and memory.
import type { Writer } from '../wasm/writer.ts';

/** One value of a module's state. */
export interface StateField {
  readonly global: number;
  /** Its type as a letter: i = i32, I = i64, f = f32, F = f64, v = v128. */
  readonly type: string;
  /** Where it stands in the state. */
  readonly at: number;
  /** The data segment whose drop it remembers; absent for a global of the module's own. */
  readonly segment?: number;
}

const LOADS: Readonly<Record<string, readonly number[]>> = {
  ...{ i: [0x28], I: [0x29], f: [0x2a], F: [0x2b], v: [0xfd, 0x00] },
};
const STORES: Readonly<Record<string, readonly number[]>> = {
  ...{ i: [0x36], I: [0x37], f: [0x38], F: [0x39], v: [0xfd, 0x0b] },
};
const [LOCAL_GET, GLOBAL_GET, GLOBAL_SET, IF, END] = [0x20, 0x23, 0x24, 0x04, 0x0b] as const;
const DATA_DROP = [0xfc, 0x09] as const;
const MEMORY_GROW = [0x40, 0x00] as const;
const EMPTY = 0x40;

/** `(at)`: every field is stored. A load or store of a float moves its bits as they are, those of a NaN included. */
export function writeSave(w: Writer, fields: readonly StateField[]): void {
  w.sized((body) => {
    body.u32(0);
    for (const { global, type, at } of fields) {
      body.raw([LOCAL_GET, 0, GLOBAL_GET]).u32(global);
      // The place may be at any address.
      body
        .raw(STORES[type] as readonly number[])
        .u32(0)
        .u32(at);
    }
    body.byte(END);
  });
}

/** `(at)`: every field is loaded, and segments that were dropped are dropped again. */
export function writeLoad(w: Writer, fields: readonly StateField[]): void {
  w.sized((body) => {
    body.u32(0);
    for (const { global, type, at, segment } of fields) {
      body
        .raw([LOCAL_GET, 0])
        .raw(LOADS[type] as readonly number[])
        .u32(0)
        .u32(at);
      body.byte(GLOBAL_SET).u32(global);
      if (segment !== undefined) {
        body.byte(GLOBAL_GET).u32(global).raw([IF, EMPTY]);
        body.raw(DATA_DROP).u32(segment).byte(END);
      }
    }
    body.byte(END);
  });
}

/** `(pages)`: grows the memory. */
export function writeGrow(w: Writer): void {
  w.sized((body) => body.u32(0).raw([LOCAL_GET, 0]).raw(MEMORY_GROW).byte(END));
}
