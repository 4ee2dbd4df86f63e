// The types of a metered module: the author's, and behind them what the meter needs that is not there.
import type { FunctionType, Module } from '../wasm/module.ts';
import type { Writer } from '../wasm/writer.ts';

/** The bytes of value types by letter. */
export const TYPE_BYTES: Readonly<Record<string, number>> = { i: 0x7f, I: 0x7e, f: 0x7d, F: 0x7c, v: 0x7b };
const FUNCTION = 0x60;
const EMPTY = 0x40;

export class Types {
  readonly #known = new Map<string, number>();
  readonly #added: FunctionType[] = [];
  readonly #count: number;

  /** `wanted` are added where they are missing, and a block's type for every list of results. */
  constructor({ types }: Module, wanted: readonly FunctionType[]) {
    this.#count = types.length;
    for (const [index, { params, results }] of types.entries()) {
      const key = `${params}>${results}`;
      if (!this.#known.has(key)) this.#known.set(key, index);
    }
    const blocks = types.filter(({ results }) => results.length > 1).map(({ results }) => ({ params: '', results }));
    for (const type of [...wanted, ...blocks]) this.#add(type);
  }

  /** The index of a type that is there. */
  index({ params, results }: FunctionType): number {
    const index = this.#known.get(`${params}>${results}`);
    if (index === undefined) throw new Error(`no type ${params}>${results}`);
    return index;
  }

  /** The type section's payload; `rest` writes the author's types without their number. */
  write(w: Writer, rest: (w: Writer) => void): void {
    w.u32(this.#count + this.#added.length);
    rest(w);
    for (const { params, results } of this.#added) {
      w.byte(FUNCTION);
      for (const letters of [params, results]) {
        w.u32(letters.length).raw([...letters].map((letter) => TYPE_BYTES[letter] as number));
      }
    }
  }

  /** The type of a block with these results. */
  writeBlock(w: Writer, results: string): void {
    if (results.length === 0) w.byte(EMPTY);
    else if (results.length === 1) w.byte(TYPE_BYTES[results] as number);
    else w.s32(this.index({ params: '', results }));
  }

  #add(type: FunctionType): void {
    const key = `${type.params}>${type.results}`;
    if (this.#known.has(key)) return;
    this.#known.set(key, this.#count + this.#added.push(type) - 1);
  }
}
