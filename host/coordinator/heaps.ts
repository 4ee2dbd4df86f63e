// What comes of a blob, written at the end of a file in heaps, with its digest on the way.
import type { Hash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { LodgerError } from '../../runtime/base/errors.ts';

/** What comes is written so much at a time: a write for each packet costs as much as all else. */
const HEAP_BYTES = 1024 * 1024;
/** The disk is asked to keep what there is whenever so much more is written. */
const SYNC_BYTES = 32 * HEAP_BYTES;

/**
 * Writes what comes, up to `total`, in heaps: while one is written, the next comes in and is hashed. The disk is set to work long before the
 * end, which then waits for little. A heap that the disk did not take whole is cut off again, so that the next one fits.
 */
export async function appendTo(
  handle: FileHandle,
  hash: Hash,
  source: AsyncIterable<Uint8Array>,
  { at, total }: { readonly at: number; readonly total: number },
): Promise<number> {
  let end = at;
  let [heap, heapBytes, unsynced]: [Uint8Array[], number, number] = [[], 0, 0];
  let writing: Promise<void> = Promise.resolve();
  let syncing: Promise<void> | undefined;
  const flush = async () => {
    await writing;
    const [pieces, from] = [heap, end];
    [heap, end, unsynced] = [[], end + heapBytes, unsynced + heapBytes];
    heapBytes = 0;
    writing = writeAll(handle, pieces, from);
    writing.catch(() => undefined);
    if (unsynced < SYNC_BYTES || syncing) return;
    unsynced = 0;
    // That it could not is said by the last one.
    const over = () => {
      syncing = undefined;
    };
    syncing = handle.datasync().then(over, over);
  };
  try {
    for await (const piece of source) {
      if (end + heapBytes + piece.byteLength > total)
        throw new LodgerError('ERR_OPTION_INVALID', ['total', `the number of its bytes: more than ${total} have come`]);
      heap.push(piece);
      heapBytes += piece.byteLength;
      hash.update(piece);
      if (heapBytes >= HEAP_BYTES) await flush();
    }
  } finally {
    // Whatever ended it, what came is there.
    if (heapBytes > 0) await flush();
    await writing;
    await syncing;
  }
  return end;
}

async function writeAll(handle: FileHandle, pieces: Uint8Array[], from: number): Promise<void> {
  try {
    for (let left = pieces; left.length > 0; ) {
      const { bytesWritten } = await handle.writev(left);
      left = behind(left, bytesWritten);
    }
  } catch (error) {
    await handle.truncate(from);
    throw error;
  }
}

/** What is left of pieces behind so many bytes of them. */
function behind(pieces: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let skip = bytes;
  return pieces.flatMap((piece) => {
    const from = Math.min(skip, piece.byteLength);
    skip -= from;
    return from < piece.byteLength ? [piece.subarray(from)] : [];
  });
}
