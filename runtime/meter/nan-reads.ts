// What the bytes of a function say of its floats: the types of its locals, constants that are no NaNs, shuffles that move whole lanes.
import type { Body } from '../wasm/module.ts';
import { pastNumber, u32At } from '../wasm/outline.ts';
import { KIND } from './nan-kinds.ts';

const LETTERS: Readonly<Record<number, string>> = { 123: 'v', 124: 'F', 125: 'f', 126: 'I', 127: 'i' };
const [F32_CONST, F64_CONST] = [0x43, 0x44] as const;

/** The letters of a function's declared locals. */
export function localTypes(bytes: Uint8Array, { start, code }: Body): string {
  let letters = '';
  for (let at = pastNumber(bytes, start); at < code; ) {
    const count = u32At(bytes, at);
    at = pastNumber(bytes, at);
    letters += (LETTERS[bytes[at++] as number] as string).repeat(count);
  }
  return letters;
}

/** The kind of a constant that ends at `end`: a number, or a NaN whose bits are the author's. */
export function constantKind({ buffer, byteOffset }: Uint8Array, row: number, end: number): number {
  const view = new DataView(buffer, byteOffset + end - 16, 16);
  const isNan32 = (at: number) => Number.isNaN(view.getFloat32(at, true));
  const isNan64 = (at: number) => Number.isNaN(view.getFloat64(at, true));
  if (row === F32_CONST) return isNan32(12) ? KIND.keep : 0;
  if (row === F64_CONST) return isNan64(8) ? KIND.keep : 0;
  return KIND.vector | ([0, 4, 8, 12].some(isNan32) || [0, 8].some(isNan64) ? KIND.keep : KIND.constant);
}

/** How wide the parts are, 8, 4 or 1 byte, that a shuffle whose immediate ends at `end` moves whole. */
export function shuffleWidth(bytes: Uint8Array, end: number): number {
  const lanes = bytes.subarray(end - 16, end);
  const moves = (width: number) =>
    lanes.every((from, to) => (to % width === 0 ? from % width === 0 : from === (lanes[to - 1] as number) + 1));
  return moves(8) ? 8 : moves(4) ? 4 : 1;
}
