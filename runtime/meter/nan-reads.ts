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
export function constantKind(bytes: Uint8Array, row: number, end: number): number {
  if (row === F32_CONST) return isNan32(bytes, end - 4) ? KIND.keep : 0;
  if (row === F64_CONST) return isNan64(bytes, end - 8) ? KIND.keep : 0;
  const lanes = [16, 12, 8, 4].some((at) => isNan32(bytes, end - at)) || [16, 8].some((at) => isNan64(bytes, end - at));
  return KIND.vector | (lanes ? KIND.keep : 0);
}

function isNan32(bytes: Uint8Array, at: number): boolean {
  const high = (bytes[at + 3] as number) & 0x7f;
  const next = bytes[at + 2] as number;
  return high === 0x7f && next >= 0x80 && ((next & 0x7f) | (bytes[at + 1] as number) | (bytes[at] as number)) !== 0;
}

function isNan64(bytes: Uint8Array, at: number): boolean {
  if (((bytes[at + 7] as number) & 0x7f) !== 0x7f || (bytes[at + 6] as number) < 0xf0) return false;
  let rest = (bytes[at + 6] as number) & 0x0f;
  for (let index = 0; index < 6; index++) rest |= bytes[at + index] as number;
  return rest !== 0;
}

/** How wide the parts are, 8, 4 or 1 byte, that a shuffle whose immediate ends at `end` moves whole. */
export function shuffleWidth(bytes: Uint8Array, end: number): number {
  const lanes = bytes.subarray(end - 16, end);
  const moves = (width: number) =>
    lanes.every((from, to) => (to % width === 0 ? from % width === 0 : from === (lanes[to - 1] as number) + 1));
  return moves(8) ? 8 : moves(4) ? 4 : 1;
}
