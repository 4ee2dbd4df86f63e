// Messages as bytes and back: MessagePack, of plain data and `Uint8Array` alone. The only importer of msgpackr.
import { Packr, Unpackr } from 'msgpackr';
import { checkShape } from './shape.ts';

/** Without records, which would make functions from what is read. */
const packr = new Packr({ useRecords: false });
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true });

/** Plain data as bytes, which are the caller's: nothing is written over them. Numbers, texts, `Uint8Array`, arrays and objects come back as they were; other views and classes do not. */
export function encode(message: unknown): Uint8Array {
  return packr.pack(message);
}

/**
 * Data from bytes, whoever wrote them; bytes in it are parts of the given ones. Throws a RangeError for what `encode` does not write and
 * for what would take more memory than its length tells. What the data means is for the caller to check.
 */
export function decode(bytes: Uint8Array): unknown {
  checkShape(bytes);
  try {
    return unpackr.unpack(bytes);
  } catch (error) {
    // Such as a list in the place of a name.
    throw error instanceof RangeError ? error : new RangeError('a message is not understood');
  }
}
