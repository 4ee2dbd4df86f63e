// Where an encoder or decoder is within a value, so that a refusal can name the field. Text is made only when it is needed.
import { LodgerError } from '../base/errors.ts';
import { PAYLOAD } from '../base/reading.ts';

type Fields = readonly { readonly name: string }[];

/** For each level the fields of an object, or none of an array; and the place among them or in it, -1 before the first. */
export class Path {
  readonly fields: (Fields | undefined)[] = [];
  readonly places: number[] = [];
  depth = -1;
  readonly #root: string;

  constructor(root: 'input' | 'output') {
    this.#root = root;
  }

  start(): void {
    this.depth = -1;
  }

  /** Goes into an object of such fields, or into an array. */
  enter(fields?: Fields): void {
    this.depth++;
    this.fields[this.depth] = fields;
    this.places[this.depth] = -1;
    if (this.depth < PAYLOAD.depth.max) return;
    this.depth--;
    throw this.refusal('less deeply nested');
  }

  leave(): void {
    this.depth--;
  }

  /** Is now at this field or element; at -1, at the object or array itself. */
  at(place: number): void {
    this.places[this.depth] = place;
  }

  /** `ERR_OPTION_INVALID`: the path, and what the value there must be. `more` is what the path goes on with. */
  refusal(wanted: string, more = ''): LodgerError {
    let text: string = this.#root;
    for (let level = 0; level <= this.depth; level++) {
      const place = this.places[level] as number;
      const fields = this.fields[level];
      if (place >= 0) text += fields ? `.${fields[place]?.name}` : `[${place}]`;
    }
    return new LodgerError('ERR_OPTION_INVALID', [text + more, wanted]);
  }
}
