// A frame as bytes: the length of all that follows and that of the message in it, four bytes each with the lowest first, then the message,
// then bytes that belong to it. In Node and in browsers.
import { decode, encode } from './codec.ts';
import { joined } from './joined.ts';

export const HEAD_BYTES = 8;

/** A message and the bytes behind it, in one piece. */
export function frameOf(message: unknown, ...data: readonly Uint8Array[]): Uint8Array {
  const bytes = data.reduce((sum, { byteLength }) => sum + byteLength, 0);
  return joined([frontOf(message, bytes), ...data]);
}

/** A frame up to the bytes that belong to it, of which there will be so many. */
export function frontOf(message: unknown, bytes: number): Uint8Array {
  const body = encode(message);
  const front = new Uint8Array(HEAD_BYTES + body.byteLength);
  const view = new DataView(front.buffer);
  view.setUint32(0, body.byteLength + bytes, true);
  view.setUint32(4, body.byteLength, true);
  front.set(body, HEAD_BYTES);
  return front;
}

/** The frame that bytes begin with, once all of it is there: its message, what is behind that, and how many bytes it has. */
export function frameIn(
  bytes: Uint8Array,
): { readonly message: unknown; readonly data: Uint8Array; readonly size: number } | undefined {
  if (bytes.byteLength < HEAD_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const size = HEAD_BYTES + view.getUint32(0, true);
  if (bytes.byteLength < size) return undefined;
  const end = HEAD_BYTES + view.getUint32(4, true);
  return { message: decode(bytes.subarray(HEAD_BYTES, end)), data: bytes.subarray(end, size), size };
}
