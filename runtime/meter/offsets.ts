// Where the code of a metered module comes from: offsets of its bodies, as they appear in traps and profiles, back to offsets in the
// module that was submitted.
import type { Body } from '../wasm/module.ts';

/** Grows while bodies are written, in their order. */
export class OffsetMap {
  /** For every body, where its pieces begin in the lists; one more at the end. */
  readonly #first: number[] = [0];
  #count = 0;
  /** Of every piece: where it begins in the metered body, and twice the offset it comes from, plus 1 if it is the author's. */
  #from = new Uint32Array(1024);
  #to = new Uint32Array(1024);

  /** A piece of a body begins at `offset` bytes from the body's first; it comes from `submitted`, or stands before that. */
  add(offset: number, submitted: number, origin: 'author' | 'meter'): void {
    if (this.#count === this.#from.length) {
      this.#from = twice(this.#from);
      this.#to = twice(this.#to);
    }
    this.#from[this.#count] = offset;
    this.#to[this.#count++] = submitted * 2 + (origin === 'author' ? 1 : 0);
  }

  endBody(): void {
    this.#first.push(this.#count);
  }

  /**
   * The offset in the submitted module of what lies `offset` bytes into the body of a function, counted without imported ones. What
   * the meter added is said to be the instruction that it stands before. Undefined in functions that are all the meter's.
   */
  submitted(body: number, offset: number): number | undefined {
    const [first, end] = [this.#first[body], this.#first[body + 1]];
    if (first === undefined || end === undefined || first === end) return undefined;
    let [low, high] = [first, end];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((this.#from[middle] as number) <= offset) low = middle;
      else high = middle;
    }
    const to = this.#to[low] as number;
    return (to >>> 1) + (to & 1 ? Math.max(0, offset - (this.#from[low] as number)) : 0);
  }

  /** The same for an offset into a whole module that has these bodies, which may have been rewritten around them. */
  submittedOf(bodies: readonly Body[], at: number): number | undefined {
    let [low, high] = [0, bodies.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((bodies[middle] as Body).start <= at) low = middle;
      else high = middle;
    }
    const body = bodies[low];
    return body === undefined || at < body.start || at >= body.end ? undefined : this.submitted(low, at - body.start);
  }
}

function twice(array: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const grown = new Uint32Array(array.length * 2);
  grown.set(array);
  return grown;
}
