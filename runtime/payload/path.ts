// Where an encoder or decoder is within a value, so that a refusal can name the field. Text is made only when it is needed.
import { LodgerError } from '../base/errors.ts';
import { PAYLOAD } from '../base/reading.ts';

/** One step for each level: a field's name, an element's index, or nothing yet. */
export class Path {
  readonly steps: (string | number | undefined)[] = [];
  depth = -1;
  readonly #root: string;

  constructor(root: 'input' | 'output') {
    this.#root = root;
  }

  start(): void {
    this.depth = -1;
  }

  /** Goes into an object or array. */
  enter(): void {
    this.steps[++this.depth] = undefined;
    if (this.depth < PAYLOAD.depth.max) return;
    this.depth--;
    throw this.refusal('less deeply nested');
  }

  leave(): void {
    this.depth--;
  }

  /** Is now at this field or element. */
  at(step: string | number): void {
    this.steps[this.depth] = step;
  }

  /** Is at the object or array itself. */
  atWhole(): void {
    this.steps[this.depth] = undefined;
  }

  /** `ERR_OPTION_INVALID`: the path, and what the value there must be. */
  refusal(wanted: string): LodgerError {
    let text: string = this.#root;
    for (const step of this.steps.slice(0, this.depth + 1)) {
      if (step !== undefined) text += typeof step === 'number' ? `[${step}]` : `.${step}`;
    }
    return new LodgerError('ERR_OPTION_INVALID', [text, wanted]);
  }
}
