// Inputs on their way to a site: gathered into frames as they come, the large ones sent as blobs before.
import { SITE } from '../wire/ceilings.ts';
import { frontOf } from '../wire/frame.ts';
import { joined } from '../wire/joined.ts';
import type { Datum } from '../wire/site.ts';
import type { Batch } from './site.ts';

/** The first request is small, so that hosts begin soon; each after it has twice as much: what a request costs beside its bytes is more than they do. */
const BATCH_BYTES = { first: 2 ** 20, most: SITE.inputsBytes.default } as const;
const BATCH_TASKS = 4_096;
/** Room that a job begins with: many have but a few small inputs. */
const ROOM_BYTES = 4_096;

/** A batch as the one frame of a request, in pieces. */
export function inputsFrame({ from, inputs, last }: Batch): readonly Uint8Array[] {
  const sizes = inputs.map((input) => (typeof input === 'string' ? input : input.byteLength));
  const bytes = joined(inputs.filter((input) => typeof input !== 'string'));
  return [frontOf({ from, inputs: sizes, last }, bytes.byteLength), bytes];
}

/**
 * Inputs in batches, the last of which says so. What is there goes together; nothing waits for an input that is not there yet, since its
 * maker may wait for an outcome. Their bytes lie one behind the other, in memory that the next batch uses again.
 */
export async function* batchesOf(
  inputs: AsyncIterable<Uint8Array>,
  putBlob: (bytes: Uint8Array) => Promise<string>,
): AsyncGenerator<Batch> {
  const iterator = inputs[Symbol.asyncIterator]();
  let from = 0;
  let batch: Datum[] = [];
  let bytes = 0;
  let most: number = BATCH_BYTES.first;
  const room = createRoom();
  let over: Promise<undefined> | undefined;
  try {
    let next = iterator.next();
    for (;;) {
      if (batch.length > 0) over ??= turn();
      const input = await (over ? Promise.race([next, over]) : next);
      const isFull = batch.length >= BATCH_TASKS || bytes >= most;
      if (input === undefined || input.done || isFull) {
        const last = input?.done === true;
        if (batch.length > 0 || last) yield { from, inputs: batch, last };
        if (last) return;
        from += batch.length;
        if (bytes >= most) most = Math.min(2 * most, BATCH_BYTES.most);
        room.clear();
        [batch, bytes, over] = [[], 0, undefined];
        continue;
      }
      const isLarge = input.value.byteLength > SITE.inlineBytes.max;
      const datum = isLarge ? await putBlob(input.value) : room.add(input.value);
      if (isLarge) over = undefined;
      batch.push(datum);
      bytes += typeof datum === 'string' ? datum.length : datum.byteLength;
      next = iterator.next();
    }
  } finally {
    await iterator.return?.();
  }
}

/** Memory for the inputs of a batch, whose callers may use their buffers again: the same for all batches, once it has their size. */
function createRoom() {
  let memory = new Uint8Array(ROOM_BYTES);
  let used = 0;
  return {
    /** A copy of an input. Those that are there already stay where they are. */
    add: (input: Uint8Array): Uint8Array => {
      const end = used + input.byteLength;
      if (end > memory.byteLength) {
        const larger = new Uint8Array(Math.max(2 * memory.byteLength, end));
        larger.set(memory.subarray(0, used));
        memory = larger;
      }
      memory.set(input, used);
      used = end;
      return memory.subarray(end - input.byteLength, end);
    },
    clear: () => {
      used = 0;
    },
  };
}

function turn(): Promise<undefined> {
  return new Promise((resolve) => setImmediate(resolve, undefined));
}
