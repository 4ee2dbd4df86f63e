// Frames on a stream of bytes: the length of all that follows and that of the message in it, four bytes each with the lowest first, then
// the message, then bytes that belong to it. Those are not packed: to copy inputs and outputs would cost more than all the rest.
import { Buffer } from 'node:buffer';
import type { Writable } from 'node:stream';
import { decode, encode } from './codec.ts';

const HEAD_BYTES = 8;
const NOTHING = new Uint8Array();

/** Streams that hold back what is written until the turn is over: each write that goes out wakes whoever reads. */
const corked = new WeakSet<Writable>();

/** Writes a message as one frame. The bytes must not change until the stream has written them. */
export function writeFrame(stream: Writable, message: unknown, bytes: Uint8Array = NOTHING): void {
  const body = encode(message);
  const front = Buffer.allocUnsafe(HEAD_BYTES + body.byteLength);
  front.writeUInt32LE(body.byteLength + bytes.byteLength, 0);
  front.writeUInt32LE(body.byteLength, 4);
  front.set(body, HEAD_BYTES);
  if (!corked.has(stream)) {
    corked.add(stream);
    stream.cork();
    setImmediate(() => {
      corked.delete(stream);
      stream.uncork();
    });
  }
  stream.write(front);
  if (bytes.byteLength > 0) stream.write(bytes);
}

/** Where the bytes of a message go: as many as it says. */
export type Room = (message: unknown, bytes: number) => Uint8Array;

/** Memory of its own, which is not cleared first. */
export const roomFor: Room = (_, bytes) => new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer);

/**
 * Takes the pieces that a stream gives, whose buffers may be used again, and hands on the messages in them with their bytes, which are the
 * hearer's own. Throws a RangeError for a frame of more than `bytesMax()` bytes as soon as its length is read, and for what is no message.
 */
export function createReader(
  bytesMax: () => number,
  hear: (message: unknown, bytes: Uint8Array) => void,
  room: Room = roomFor,
): (piece: Uint8Array) => void {
  const head = Buffer.alloc(HEAD_BYTES);
  let part: 'head' | 'body' | 'bytes' = 'head';
  let target: Uint8Array = head;
  let filled = 0;
  let message: unknown;

  const turnTo = (next: typeof part, into: Uint8Array) => {
    part = next;
    target = into;
    filled = 0;
  };
  const begin = () => {
    const [whole, size] = [head.readUInt32LE(0), head.readUInt32LE(4)];
    if (whole > bytesMax()) throw new RangeError(`a frame of ${whole} bytes is longer than any that is expected`);
    if (size === 0 || size > whole) throw new RangeError('a frame holds no message');
    turnTo('body', Buffer.allocUnsafeSlow(size));
  };
  const end = (bytes: Uint8Array) => {
    turnTo('head', head);
    hear(message, bytes);
  };
  const goOn = () => {
    if (part === 'head') return begin();
    if (part === 'bytes') return end(target);
    message = decode(target);
    const rest = head.readUInt32LE(0) - head.readUInt32LE(4);
    if (rest === 0) end(NOTHING);
    else turnTo('bytes', room(message, rest));
  };
  return (piece) => {
    for (let at = 0; at < piece.byteLength; ) {
      const count = Math.min(target.byteLength - filled, piece.byteLength - at);
      target.set(piece.subarray(at, at + count), filled);
      at += count;
      filled += count;
      if (filled === target.byteLength) goOn();
    }
  };
}
