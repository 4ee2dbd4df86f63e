// FASTA text -> sequences of codes. Refuses what is not plain, ungapped FASTA, by name of the record that is wrong.
import { codeOf, codesOfLetters, PADDING } from './matrix';

/** Residues lie in blocks of this many, the last one padded, so that a search can read whole blocks. */
export const BLOCK = 4;

/** Bytes that are read at a time. */
const VECTOR = 16;
/** What codesOfLetters gives where all of them are letters. */
const ALL_LETTERS = 0xffff;

/** Bytes of a name and of a description that are shown. */
export const HEADER_BYTES_MAX = 200;

/** One record: where its header lies in the text, and its residues as codes. */
export class Sequence {
  /** Bytes of the text: the name, and what follows it on its line. */
  nameFrom: i32 = 0;
  nameTo: i32 = 0;
  descriptionFrom: i32 = 0;
  descriptionTo: i32 = 0;
  /** Address of `length` codes, then padding up to a whole block. */
  codes: usize = 0;
  length: i32 = 0;
}

/** The records of a FASTA text, in its order. `source` names the text in messages. Throws for text that is not FASTA. */
export function parseFasta(text: Uint8Array, source: string): Sequence[] {
  const records: Sequence[] = [];
  const size = text.length;
  // A header takes at least as many bytes as the padding of its record, so codes never need more room than text, but for the vector
  // that is written last.
  let codes = heap.alloc(size + VECTOR);
  let at = 0;
  while (at < size && isBlank(text[at])) at++;
  if (at === size) throw new Error(`${source}: holds no FASTA record`);
  if (text[at] !== 62) throw new Error(`${source}: a FASTA record begins with ">", not with ${show(text[at])}`);

  while (at < size) {
    const record = new Sequence();
    at = readHeader(text, at + 1, record);
    if (record.nameFrom === record.nameTo) {
      throw new Error(`${source}: record ${(records.length + 1).toString()} has no name after ">"`);
    }
    record.codes = codes;
    at = readResidues(text, at, record, source);
    codes += record.length;
    for (let n = record.length; n % BLOCK !== 0; n++) store<u8>(codes++, PADDING);
    records.push(record);
  }
  return records;
}

function readHeader(text: Uint8Array, from: i32, record: Sequence): i32 {
  const start = text.dataStart;
  const end = <i32>(lineEnd(start + from, start + text.length) - start);
  let to = end;
  while (to > from && isBlank(load<u8>(start + to - 1))) to--;
  record.nameFrom = from;
  let at = from;
  while (at < to && !isBlank(load<u8>(start + at))) at++;
  record.nameTo = at;
  while (at < to && isBlank(load<u8>(start + at))) at++;
  record.descriptionFrom = at;
  record.descriptionTo = to;
  return end;
}

/** Where the line ends, at a line feed or with the text. */
function lineEnd(at: usize, end: usize): usize {
  for (; at + VECTOR <= end; at += VECTOR) {
    const feeds = i8x16.bitmask(i8x16.eq(v128.load(at), i8x16.splat(10)));
    if (feeds !== 0) return at + ctz(feeds);
  }
  while (at < end && load<u8>(at) !== 10) at++;
  return at;
}

/** The record's codes, and where the next record begins. Raw addresses, since every byte of the input comes by here. */
function readResidues(text: Uint8Array, from: i32, record: Sequence, source: string): i32 {
  const end = text.dataStart + text.length;
  let at = text.dataStart + from;
  let to = record.codes;
  for (; at < end; at++) {
    // After a vector of letters, where the next one is does not depend on what was read, so processors need not wait.
    while (at + VECTOR <= end) {
      const letters = codesOfLetters(at, to);
      if (letters !== ALL_LETTERS) {
        const count = ctz(~letters);
        to += count;
        at += count;
        break;
      }
      to += VECTOR;
      at += VECTOR;
    }
    if (at === end) break;
    const byte = load<u8>(at);
    const code = codeOf(byte);
    if (code >= 0) {
      store<u8>(to++, <u8>code);
      continue;
    }
    if (byte === 62 && load<u8>(at - 1) === 10) break;
    if (!isBlank(byte)) {
      const hint =
        byte === 45 || byte === 46 ? ': an aligned sequence has to be ungapped first' : ', which is no residue';
      throw new Error(`${source}: record "${nameOf(text, record)}" contains ${show(byte)}${hint}`);
    }
  }
  record.length = <i32>(to - record.codes);
  if (record.length === 0) throw new Error(`${source}: record "${nameOf(text, record)}" has no residues`);
  return <i32>(at - text.dataStart);
}

/** For messages; cut like every header. */
function nameOf(text: Uint8Array, record: Sequence): string {
  const size = min(record.nameTo - record.nameFrom, HEADER_BYTES_MAX);
  return String.UTF8.decodeUnsafe(text.dataStart + record.nameFrom, size);
}

function isBlank(byte: u8): bool {
  // Nearly all bytes are greater.
  return byte <= 32 && (byte === 32 || (byte >= 9 && byte <= 13));
}

function show(byte: u8): string {
  if (byte > 32 && byte < 127) return `"${String.fromCharCode(byte)}"`;
  return `byte 0x${byte.toString(16)}`;
}
