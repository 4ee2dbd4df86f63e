// Inputs on their way to a site: gathered into frames as they come, the large ones sent as blobs before.
import { SITE } from '../wire/ceilings.ts';
import { frameOf } from '../wire/frame.ts';
import type { Datum } from '../wire/site.ts';
import type { Batch } from './site.ts';

const BATCH_BYTES = 2 ** 20;
const BATCH_TASKS = 4_096;

/** A batch as the one frame of a request. */
export function inputsFrame({ from, inputs, last }: Batch): Uint8Array {
  const sizes = inputs.map((input) => (typeof input === 'string' ? input : input.byteLength));
  return frameOf({ from, inputs: sizes, last }, ...inputs.filter((input) => typeof input !== 'string'));
}

/**
 * Inputs in batches, the last of which says so. What is there goes together; nothing waits for an input that is not there yet, since its
 * maker may wait for an outcome.
 */
export async function* batchesOf(
  inputs: AsyncIterable<Uint8Array>,
  putBlob: (bytes: Uint8Array) => Promise<string>,
): AsyncGenerator<Batch> {
  const iterator = inputs[Symbol.asyncIterator]();
  let from = 0;
  let batch: Datum[] = [];
  let bytes = 0;
  let over: Promise<undefined> | undefined;
  try {
    let next = iterator.next();
    for (;;) {
      if (batch.length > 0) over ??= turn();
      const input = await (over ? Promise.race([next, over]) : next);
      const isFull = batch.length >= BATCH_TASKS || bytes >= BATCH_BYTES;
      if (input === undefined || input.done || isFull) {
        const last = input?.done === true;
        if (batch.length > 0 || last) yield { from, inputs: batch, last };
        if (last) return;
        from += batch.length;
        [batch, bytes, over] = [[], 0, undefined];
        continue;
      }
      // The caller may use its buffer again, of which `slice` is no copy where it is a Buffer.
      const isLarge = input.value.byteLength > SITE.inlineBytes.max;
      const datum = isLarge ? await putBlob(input.value) : new Uint8Array(input.value);
      if (isLarge) over = undefined;
      batch.push(datum);
      bytes += typeof datum === 'string' ? datum.length : datum.byteLength;
      next = iterator.next();
    }
  } finally {
    await iterator.return?.();
  }
}

function turn(): Promise<undefined> {
  return new Promise((resolve) => setImmediate(resolve, undefined));
}
