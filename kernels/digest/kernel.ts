// A manifest of a file: SHA-256 of the whole, and of each piece of 64 KiB, so that a piece can be checked without the others.
// Room for a file of a megabyte, so that its memory is kept for the next one.
// @memory 1088KiB
import { Writer } from 'lodger/kernel';
import { digest, digestFour } from './sha256';

const PIECE_BYTES: usize = 65536;
const DIGESTS = memory.data(128);

/** Input: any bytes. Output: lines of text, see README.md. */
export function run(input: Uint8Array): Uint8Array {
  const length = <usize>input.length;
  const writer = new Writer(256 + 72 * <i32>(length / PIECE_BYTES));
  digest(input.dataStart, length, DIGESTS);
  line(writer, 'sha256 ', DIGESTS);
  text(writer, 'bytes ' + length.toString() + '\npiece ' + PIECE_BYTES.toString() + '\n');
  let at: usize = 0;
  for (; at + 4 * PIECE_BYTES <= length; at += 4 * PIECE_BYTES) {
    digestFour(input.dataStart + at, PIECE_BYTES, DIGESTS);
    for (let lane: usize = 0; lane < 4; lane++) line(writer, '', DIGESTS + lane * 32);
  }
  for (; at < length; at += PIECE_BYTES) {
    digest(input.dataStart + at, min(PIECE_BYTES, length - at), DIGESTS);
    line(writer, '', DIGESTS);
  }
  return writer.finish();
}

function line(writer: Writer, before: string, digest: usize): void {
  text(writer, before);
  for (let i: usize = 0; i < 32; i++) {
    const byte = load<u8>(digest + i);
    writer.u8(digit(byte >> 4));
    writer.u8(digit(byte & 15));
  }
  writer.u8(0x0a);
}

function digit(value: u8): u8 {
  return value < 10 ? 0x30 + value : 0x57 + value;
}

function text(writer: Writer, words: string): void {
  writer.bytes(Uint8Array.wrap(String.UTF8.encode(words)));
}
