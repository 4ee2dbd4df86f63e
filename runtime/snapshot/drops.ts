// Dropped data segments are state that nobody can read: behind each `data.drop`, a global of ours remembers it.
import type { Body, Module } from '../wasm/module.ts';
import { pastNumber, rowAt, stepOver, u32At } from '../wasm/outline.ts';
import { Writer } from '../wasm/writer.ts';

/** Row of the opcode table. */
const DATA_DROP = 256 + 9;
const [I32_CONST, GLOBAL_SET] = [0x41, 0x24] as const;

interface Drop {
  /** The byte behind the instruction. */
  readonly at: number;
  readonly segment: number;
}

/** Where a module drops passive data segments. An active one is gone before any code runs, so to drop it changes nothing. */
export class Drops {
  /** The segments that are dropped somewhere, in ascending order. */
  readonly segments: readonly number[];
  readonly #module: Module;
  readonly #found = new Map<Body, readonly Drop[]>();

  constructor(module: Module) {
    this.#module = module;
    const segments = new Set<number>();
    // Nearly all modules have no passive data, and their code is not looked at.
    if (module.data.some(({ mode }) => mode === 'passive')) {
      for (const body of module.bodies) {
        const drops = this.#read(body);
        if (drops.length > 0) this.#found.set(body, drops);
        for (const { segment } of drops) segments.add(segment);
      }
    }
    this.segments = [...segments].sort((a, b) => a - b);
  }

  /** Writes a body behind its size; `globals` counts those before the first one that remembers. */
  write(w: Writer, body: Body, globals: number): void {
    const { bytes } = this.#module;
    const inner = new Writer(body.end - body.start + 64);
    let at = body.start;
    for (const drop of this.#found.get(body) ?? []) {
      inner.copy(bytes, at, drop.at).byte(I32_CONST).byte(1);
      inner.byte(GLOBAL_SET).u32(globals + this.segments.indexOf(drop.segment));
      at = drop.at;
    }
    inner.copy(bytes, at, body.end);
    w.u32(inner.length).copy(inner.view(), 0, inner.length);
  }

  /** Where what lies `offset` bytes into a body that was written lay before. */
  before(body: Body, offset: number, globals: number): number {
    let added = 0;
    for (const { at, segment } of this.#found.get(body) ?? []) {
      const from = at - body.start + added;
      if (offset < from) break;
      const bytes = new Writer(8).u32(globals + this.segments.indexOf(segment)).length + 3;
      if (offset < from + bytes) return at - body.start;
      added += bytes;
    }
    return offset - added;
  }

  #read({ code, end }: Body): Drop[] {
    const { bytes, data } = this.#module;
    const drops: Drop[] = [];
    for (let at = code; at < end; ) {
      const next = stepOver(bytes, at);
      if (rowAt(bytes, at) === DATA_DROP) {
        const segment = u32At(bytes, pastNumber(bytes, at + 1));
        if (data[segment]?.mode === 'passive') drops.push({ at: next, segment });
      }
      at = next;
    }
    return drops;
  }
}
