// Frames on a stream of bytes: the length of all that follows and that of the message in it, four bytes each with the lowest first, then
// the message, then bytes that belong to it. Those are not packed: to copy inputs and outputs would cost more than all the rest.
import { Buffer } from 'node:buffer';
import type { Writable } from 'node:stream';
import { decode, encode } from './codec.ts';

const HEAD_BYTES = 8;
const NOTHING = new Uint8Array();

/** Writes a message as one frame. The bytes must not change until the stream has written them. */
export function writeFrame(stream: Writable, message: unknown, bytes: Uint8Array = NOTHING): void {
  const body = encode(message);
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32LE(body.byteLength + bytes.byteLength, 0);
  head.writeUInt32LE(body.byteLength, 4);
  stream.cork();
  stream.write(head);
  stream.write(body);
  if (bytes.byteLength > 0) stream.write(bytes);
  stream.uncork();
}

/**
 * Takes the pieces that a stream gives, whose buffers may be used again, and hands on the messages in them with their bytes. Throws a
 * RangeError for a frame of more than `bytesMax()` bytes as soon as its length is read, and for what is no message.
 */
export function createReader(
  bytesMax: () => number,
  hear: (message: unknown, bytes: Uint8Array) => void,
): (piece: Uint8Array) => void {
  const head = Buffer.alloc(HEAD_BYTES);
  let frame: Buffer | undefined;
  let filled = 0;
  return (piece) => {
    for (let at = 0; at < piece.byteLength; ) {
      const target = frame ?? head;
      const count = Math.min(target.byteLength - filled, piece.byteLength - at);
      target.set(piece.subarray(at, at + count), filled);
      at += count;
      filled += count;
      if (filled < target.byteLength) return;
      filled = 0;
      if (frame) {
        const whole = frame;
        frame = undefined;
        const size = head.readUInt32LE(4);
        hear(decode(whole.subarray(0, size)), whole.subarray(size));
        continue;
      }
      const size = head.readUInt32LE(0);
      if (size > bytesMax()) throw new RangeError(`a frame of ${size} bytes is longer than any that is expected`);
      if (size === 0 || head.readUInt32LE(4) > size) throw new RangeError('a frame holds no message');
      frame = Buffer.allocUnsafeSlow(size);
    }
  };
}
