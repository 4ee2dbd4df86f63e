// Writes metered function bodies: the author's bytes with the edits of their plan, and the meter's own locals.
import type { Body, Module } from '../wasm/module.ts';
import { type Outline, pastNumber, u32At } from '../wasm/outline.ts';
import { Writer } from '../wasm/writer.ts';
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

  /** Places of branch hints in the body that was written last. */
  get hints(): readonly number[] {
    return this.#code.hints;
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
    this.#writeLocals(source);
    this.#code.begin(source.locals);
    let at = source.code;
    offsets.add(0, source.start, 'author');
    for (const edit of edits.sorted()) {
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

  #writeLocals({ start, code }: Body): void {
    const { bytes } = this.#module;
    const runs = u32At(bytes, start);
    const added = this.#planner.locals;
    this.#body.u32(runs + added).copy(bytes, pastNumber(bytes, start), code);
    if (added > 0) this.#body.u32(added).byte(I64);
    if (added > 1) this.#body.u32(1).byte(I32);
  }
}
