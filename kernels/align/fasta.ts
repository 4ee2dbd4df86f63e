// FASTA text -> sequences of codes. Refuses what is not plain, ungapped FASTA, by name of the record that is wrong.
import { codeOf, PADDING } from './matrix';

/** Residues lie in blocks of this many, the last one padded, so that a search can read whole blocks. */
export const BLOCK = 4;

/** Bytes of a name and of a description that are shown. */
const HEADER_BYTES_MAX = 200;

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
  // A header takes at least as many bytes as the padding of its record, so codes never need more room than text.
  let codes = heap.alloc(size + BLOCK);
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

/** The first word of a header; of a longer one the first HEADER_BYTES_MAX bytes. What is not UTF-8 comes out as some other character. */
export function nameOf(text: Uint8Array, record: Sequence): string {
  return textOf(text, record.nameFrom, record.nameTo);
}

/** What follows the name in a header, cut like it. Empty where nothing does. */
export function descriptionOf(text: Uint8Array, record: Sequence): string {
  return textOf(text, record.descriptionFrom, record.descriptionTo);
}

function textOf(text: Uint8Array, from: i32, to: i32): string {
  return String.UTF8.decodeUnsafe(text.dataStart + from, min(to - from, HEADER_BYTES_MAX));
}

function readHeader(text: Uint8Array, from: i32, record: Sequence): i32 {
  let end = from;
  while (end < text.length && text[end] !== 10) end++;
  let to = end;
  while (to > from && isBlank(text[to - 1])) to--;
  record.nameFrom = from;
  let at = from;
  while (at < to && !isBlank(text[at])) at++;
  record.nameTo = at;
  while (at < to && isBlank(text[at])) at++;
  record.descriptionFrom = at;
  record.descriptionTo = to;
  return end;
}

function readResidues(text: Uint8Array, from: i32, record: Sequence, source: string): i32 {
  let at = from;
  let lineStart = true;
  for (; at < text.length; at++) {
    const byte = text[at];
    if (byte === 62 && lineStart) break;
    lineStart = byte === 10;
    if (isBlank(byte)) continue;
    const code = codeOf(byte);
    if (code < 0) {
      const hint =
        byte === 45 || byte === 46 ? ': an aligned sequence has to be ungapped first' : ', which is no residue';
      throw new Error(`${source}: record "${nameOf(text, record)}" contains ${show(byte)}${hint}`);
    }
    store<u8>(record.codes + record.length++, <u8>code);
  }
  if (record.length === 0) throw new Error(`${source}: record "${nameOf(text, record)}" has no residues`);
  return at;
}

function isBlank(byte: u8): bool {
  return byte === 32 || (byte >= 9 && byte <= 13);
}

function show(byte: u8): string {
  if (byte > 32 && byte < 127) return `"${String.fromCharCode(byte)}"`;
  return `byte 0x${byte.toString(16)}`;
}
