// Bytes that lie one behind the other, as one.
const NOTHING = new Uint8Array();

/** Pieces as one: where they lie one behind the other in the same memory, as inputs of one request do, that memory itself, and a copy otherwise. */
export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const [first = NOTHING] = pieces;
  let [end, size] = [first.byteOffset, 0];
  let areOne = true;
  for (const { buffer, byteOffset, byteLength } of pieces) {
    areOne &&= buffer === first.buffer && byteOffset === end;
    end += byteLength;
    size += byteLength;
  }
  if (areOne) return new Uint8Array(first.buffer, first.byteOffset, size);
  const copy = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    copy.set(piece, at);
    at += piece.byteLength;
  }
  return copy;
}
