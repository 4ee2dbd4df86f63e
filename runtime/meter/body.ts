// Writes metered function bodies: the author's bytes with the edits of their plan, and the meter's own locals.
import type { Body, Module } from '../wasm/module.ts';
import { type Outline, pastNumber, u32At } from '../wasm/outline.ts';
import { Writer } from '../wasm/writer.ts';
import type { OwnLocals } from './chunk.ts';
import { CodeWriter, type Places } from './code.ts';
import type { Loops } from './loops.ts';
import { NanWriter } from './nan-code.ts';
import { type Deferred, type Fix, FORM } from './nan-fixes.ts';
import type { NanFlow } from './nan-flow.ts';
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
  readonly #nans: NanWriter;
  /** Up to where the author's bytes have been written. */
  #at = 0;

  constructor(module: Module, places: Places, planner: Planner, loops: Loops, outline: Outline, offsets: OffsetMap) {
    this.#module = module;
    this.#planner = planner;
    this.#places = places;
    this.#code = new CodeWriter(this.#body, places, planner.edits, loops, outline);
    this.#offsets = offsets;
    this.#nans = new NanWriter(this.#body);
  }

  get places(): Places {
    return this.#places;
  }

  /**
   * Writes the body that has just been planned, behind its size. `blockType` is that of a block with the function's results, `nans`
   * has found where NaNs are made canonical.
   */
  write(w: Writer, source: Body, blockType: (w: Writer) => void, nans?: NanFlow): void {
    const body = this.#body.clear();
    const { edits } = this.#planner;
    const fixes = nans?.fixes.sorted() ?? [];
    this.#code.begin(source, this.#writeLocals(source, fixes, nans));
    this.#at = source.code;
    this.#offsets.add(0, source.start, 'author');
    let fixed = 0;
    for (const edit of edits.joined()) {
      if (this.#code.isIdle(edit)) continue;
      const place = edits.at[edit] as number;
      // What an edit puts behind an instruction closes it: it comes before a fix, all others after.
      for (const until = edits.closes(edit) ? place : place + 1; (fixes[fixed]?.at ?? until) < until; fixed++) {
        this.#fix(fixes[fixed] as Fix);
      }
      this.#goTo(place);
      this.#code.write(edit, blockType);
      this.#at = Math.max(this.#at, edits.end[edit] as number);
    }
    for (const fix of fixes.slice(fixed)) this.#fix(fix);
    this.#offsets.add(body.length, this.#at, 'author');
    body.copy(this.#module.bytes, this.#at, source.end);
    this.#offsets.endBody();
    w.u32(body.length).copy(body.view(), 0, body.length);
  }

  #fix(fix: Fix): void {
    this.#goTo(fix.at);
    this.#nans.write(fix, this.#writeStore);
    const store = fix.form === FORM.defer ? fix.group?.stores[fix.local] : undefined;
    if (store !== undefined) this.#at = store.end;
  }

  /** A store that was put off. If it traps, it does so where the author has it. */
  readonly #writeStore = ({ at, end }: Deferred): void => {
    const body = this.#body;
    this.#offsets.add(body.length, at, 'author');
    body.copy(this.#module.bytes, at, end);
    this.#offsets.add(body.length, end, 'meter');
  };

  /** The author's bytes up to a place where the meter's follow. */
  #goTo(place: number): void {
    const body = this.#body;
    if (place > this.#at) {
      this.#offsets.add(body.length, this.#at, 'author');
      body.copy(this.#module.bytes, this.#at, place);
    }
    this.#offsets.add(body.length, place, 'meter');
    this.#at = Math.max(this.#at, place);
  }

  /** The author's locals, and behind them the meter's: those of i64 first. */
  #writeLocals({ start, code, locals, height }: Body, fixes: readonly Fix[], nans: NanFlow | undefined): OwnLocals {
    const { bytes } = this.#module;
    const { fuel, chunks, stack } = this.#planner.needs;
    const counter = locals;
    const trips = counter + (fuel ? 1 : 0);
    const weight = trips + (chunks ? 1 : 0);
    const limit = weight + (stack ? 1 : 0);
    const more = nans === undefined ? [] : this.#nans.begin(fixes, nans.fixes, limit + (chunks ? 1 : 0), height);
    const runs = u32At(bytes, start) + (limit > locals ? 1 : 0) + (chunks ? 1 : 0) + more.length;
    this.#body.u32(runs).copy(bytes, pastNumber(bytes, start), code);
    if (limit > locals) this.#body.u32(limit - locals).byte(I64);
    if (chunks) this.#body.u32(1).byte(I32);
    for (const type of more) this.#body.u32(1).byte(type);
    return { fuel: counter, trips, stack: weight, limit };
  }
}
