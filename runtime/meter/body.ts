// Writes metered function bodies: the author's bytes with the edits of their plan, and the meter's own locals.
import type { Body, Module } from '../wasm/module.ts';
import { type Outline, pastNumber, u32At } from '../wasm/outline.ts';
import { Writer } from '../wasm/writer.ts';
import type { OwnLocals } from './chunk.ts';
import { CodeWriter, type Places } from './code.ts';
import type { Loops } from './loops.ts';
import type { OffsetMap } from './offsets.ts';
import type { Planner } from './plan.ts';

const [I64, I32] = [0x7e, 0x7f] as const;

/** One body after the other. */
export class BodyWriter {
  readonly #body = new Writer(4096);
  readonly #module: Module;
  readonly #planner: Planner;
  readonly #code: CodeWriter;
  readonly #offsets: OffsetMap;
  readonly #places: Places;

  constructor(module: Module, places: Places, planner: Planner, loops: Loops, outline: Outline, offsets: OffsetMap) {
    this.#module = module;
    this.#planner = planner;
    this.#places = places;
    this.#code = new CodeWriter(this.#body, places, planner.edits, loops, outline);
    this.#offsets = offsets;
  }

  get places(): Places {
    return this.#places;
  }

  /** Writes the body that has just been planned, behind its size. `blockType` is that of a block with the function's results. */
  write(w: Writer, source: Body, blockType: (w: Writer) => void): void {
    const body = this.#body.clear();
    const { bytes } = this.#module;
    const { edits } = this.#planner;
    const offsets = this.#offsets;
    this.#code.begin(source, this.#writeLocals(source));
    let at = source.code;
    offsets.add(0, source.start, 'author');
    for (const edit of edits.joined()) {
      if (this.#code.isIdle(edit)) continue;
      const place = edits.at[edit] as number;
      if (place > at) {
        offsets.add(body.length, at, 'author');
        body.copy(bytes, at, place);
      }
      offsets.add(body.length, place, 'meter');
      this.#code.write(edit, blockType);
      at = edits.end[edit] as number;
    }
    offsets.add(body.length, at, 'author');
    body.copy(bytes, at, source.end);
    offsets.endBody();
    w.u32(body.length).copy(body.view(), 0, body.length);
  }

  /** The author's locals, and behind them the meter's: those of i64 first. */
  #writeLocals({ start, code, locals }: Body): OwnLocals {
    const { bytes } = this.#module;
    const { fuel, chunks, stack } = this.#planner.needs;
    const counter = locals;
    const trips = counter + (fuel ? 1 : 0);
    const weight = trips + (chunks ? 1 : 0);
    const limit = weight + (stack ? 1 : 0);
    const runs = u32At(bytes, start) + (limit > locals ? 1 : 0) + (chunks ? 1 : 0);
    this.#body.u32(runs).copy(bytes, pastNumber(bytes, start), code);
    if (limit > locals) this.#body.u32(limit - locals).byte(I64);
    if (chunks) this.#body.u32(1).byte(I32);
    return { fuel: counter, trips, stack: weight, limit };
  }
}
