// Frames on a stream of bytes: four bytes of length, the lowest first, then a message.
import { Buffer } from 'node:buffer';
import type { Writable } from 'node:stream';
import { decode, encode } from './codec.ts';

const HEAD_BYTES = 4;

/** Writes a message as one frame. */
export function writeFrame(stream: Writable, message: unknown): void {
  const body = encode(message);
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32LE(body.byteLength);
  stream.cork();
  stream.write(head);
  stream.write(body);
  stream.uncork();
}

/**
 * Takes the pieces that a stream gives, and hands on the messages in them. Throws a RangeError for a frame of more than `bytesMax()` bytes
 * as soon as its length is read, and for what is no message.
 */
export function createReader(bytesMax: () => number, hear: (message: unknown) => void): (piece: Buffer) => void {
  let pieces: Buffer[] = [];
  let held = 0;
  let wanted = HEAD_BYTES;
  return (piece) => {
    pieces.push(piece);
    held += piece.byteLength;
    if (held < wanted) return;
    const bytes = pieces.length === 1 ? piece : Buffer.concat(pieces);
    let at = 0;
    wanted = HEAD_BYTES;
    while (bytes.byteLength - at >= HEAD_BYTES) {
      const size = bytes.readUInt32LE(at);
      if (size > bytesMax()) throw new RangeError(`a frame of ${size} bytes is longer than any that is expected`);
      wanted = HEAD_BYTES + size;
      if (bytes.byteLength - at < wanted) break;
      hear(decode(bytes.subarray(at + HEAD_BYTES, at + wanted)));
      at += wanted;
      wanted = HEAD_BYTES;
    }
    const rest = bytes.subarray(at);
    pieces = rest.byteLength > 0 ? [rest] : [];
    held = rest.byteLength;
  };
}
