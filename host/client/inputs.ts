// Inputs on their way to a site: gathered into frames as they come, the large ones sent as blobs before.
import { hash } from 'node:crypto';
import { CALLER, SITE } from '../wire/ceilings.ts';
import { frontOf } from '../wire/frame.ts';
import { joined } from '../wire/joined.ts';
import type { Datum } from '../wire/site.ts';
import type { Batch } from './site.ts';

/** The first request is small, so that hosts begin soon; each after it has twice as much: what a request costs beside its bytes is more than they do. */
const BATCH_BYTES = { first: 2 ** 20, most: CALLER.inputsBytes.default } as const;
const BATCH_TASKS = 4_096;
/** Room that a job begins with, since many have but a few small inputs; and what the last of a full batch goes up to. */
const ROOM_BYTES = { first: 4_096, most: BATCH_BYTES.most + CALLER.groupBytes.max } as const;

/** A batch as the one frame of a request, in pieces. */
export function inputsFrame({ from, inputs, last }: Batch): readonly Uint8Array[] {
  const sizes = inputs.map((input) => (typeof input === 'string' ? input : input.byteLength));
  const bytes = joined(inputs.filter((input) => typeof input !== 'string'));
  return [frontOf({ from, inputs: sizes, last }, bytes.byteLength), bytes];
}

/** What is sent at once: inputs, and before them those that are blobs. */
export interface Sending extends Batch {
  /** By their digests. They stay as they are until `free` is called, and other memory is taken for those that follow. */
  readonly blobs: ReadonlyMap<string, Uint8Array>;
  readonly free: () => void;
}

export interface Sender {
  /** Sends an input of over `CALLER.groupBytes`, which goes alone. */
  putBlob(bytes: Uint8Array): Promise<string>;
  /** Resolves when all is sent that is on its way: so long may what is there wait for more. Undefined where nothing is. */
  busy?(): Promise<unknown> | undefined;
}

/**
 * Inputs in batches, the last of which says so. What is there goes together; nothing waits for an input that is not there yet, since its
 * maker may wait for an outcome. Their bytes lie one behind the other, in memory that the next batch uses again where there are no blobs.
 */
export async function* batchesOf(
  inputs: AsyncIterable<Uint8Array>,
  { putBlob, busy = () => undefined }: Sender,
): AsyncGenerator<Sending> {
  const iterator = inputs[Symbol.asyncIterator]();
  let from = 0;
  let batch: Datum[] = [];
  let bytes = 0;
  let most: number = BATCH_BYTES.first;
  let blobs = new Map<string, Uint8Array>();
  let room = createRoom();
  /** Rooms that were used and are free again. */
  const rooms: Room[] = [];
  let over: Promise<undefined> | undefined;
  try {
    let next = iterator.next();
    for (;;) {
      if (batch.length > 0) over ??= busy()?.then(turn) ?? turn();
      const input = await (over ? Promise.race([next, over]) : next);
      const isFull = batch.length >= BATCH_TASKS || bytes >= most;
      if (input === undefined || input.done || isFull) {
        const last = input?.done === true;
        const used = blobs.size > 0 ? room : undefined;
        const free = () => void (used && rooms.push(used));
        if (batch.length > 0 || last) yield { from, inputs: batch, last, blobs, free };
        if (last) return;
        from += batch.length;
        if (bytes >= most) most = Math.min(2 * most, BATCH_BYTES.most);
        if (used) room = rooms.pop() ?? createRoom();
        room.clear();
        [batch, bytes, blobs, over] = [[], 0, new Map(), undefined];
        continue;
      }
      const { value } = input;
      if (value.byteLength > CALLER.groupBytes.max) {
        batch.push(await putBlob(value));
        over = undefined;
      } else if (value.byteLength > SITE.inlineBytes.max) {
        const digest = hash('sha256', value);
        if (!blobs.has(digest)) blobs.set(digest, room.add(value, blobs.size > 0 ? Math.max(0, most - bytes) : 0));
        batch.push(digest);
      } else batch.push(room.add(value));
      bytes += Math.min(value.byteLength, CALLER.groupBytes.max);
      next = iterator.next();
    }
  } finally {
    await iterator.return?.();
  }
}

type Room = ReturnType<typeof createRoom>;

/** Memory for the inputs of a batch, whose callers may use their buffers again: the same for all batches, once it has their size. */
function createRoom() {
  let memory = new Uint8Array(ROOM_BYTES.first);
  let used = 0;
  return {
    /** A copy of an input, where at least so many bytes more are to come. Those that are there already stay where they are. */
    add: (input: Uint8Array, coming = 0): Uint8Array => {
      const end = used + input.byteLength;
      if (end > memory.byteLength) {
        const wanted = Math.max(2 * memory.byteLength, end + coming);
        const larger = new Uint8Array(Math.max(end, Math.min(wanted, ROOM_BYTES.most)));
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
