// What two residues are worth side by side, and what a gap costs: BLOSUM62 and the penalties that BLASTP uses with it.

/** Letters in the order of their codes. `*` is a stop; U, O and J, which BLOSUM62 does not know, count as X. */
export const ALPHABET = 'ARNDCQEGHILKMFPSTWYVBZX*';

/** Code that pads sequences: scores `P` with every residue, so an alignment never gains by running into it. */
export const PADDING: u8 = 24;

/** A gap of k residues costs GAP_OPEN + k * GAP_EXTEND. */
export const GAP_OPEN = 11;
export const GAP_EXTEND = 1;

/** The greatest score of two residues. */
export const SCORE_MAX = 11;

/** Bytes from one row of BLOSUM62 to the next: 24 codes, then the padding. */
export const ROW_BYTES = 32;

/** Letters a to z, and as many bytes more as make two vectors; see ALPHABET. */
// biome-ignore format: one line is one table
const CODES = memory.data<u8>([
  0, 20, 4, 3, 6, 13, 7, 8, 9, 22, 11, 10, 12, 2, 22, 14, 5, 1, 15, 16, 22, 19, 17, 22, 18, 21, 0, 0, 0, 0, 0, 0,
]);

const P: i8 = -4;

/** Half bits, as NCBI distributes it (public domain): Henikoff and Henikoff, PNAS 89 (1992), 10915. Row and column order: ALPHABET. */
// biome-ignore format: one line is one row
export const BLOSUM62 = memory.data<i8>([
  4, -1, -2, -2, 0, -1, -1, 0, -2, -1, -1, -1, -1, -2, -1, 1, 0, -3, -2, 0, -2, -1, 0, -4, P, P, P, P, P, P, P, P, // A
  -1, 5, 0, -2, -3, 1, 0, -2, 0, -3, -2, 2, -1, -3, -2, -1, -1, -3, -2, -3, -1, 0, -1, -4, P, P, P, P, P, P, P, P, // R
  -2, 0, 6, 1, -3, 0, 0, 0, 1, -3, -3, 0, -2, -3, -2, 1, 0, -4, -2, -3, 3, 0, -1, -4, P, P, P, P, P, P, P, P, // N
  -2, -2, 1, 6, -3, 0, 2, -1, -1, -3, -4, -1, -3, -3, -1, 0, -1, -4, -3, -3, 4, 1, -1, -4, P, P, P, P, P, P, P, P, // D
  0, -3, -3, -3, 9, -3, -4, -3, -3, -1, -1, -3, -1, -2, -3, -1, -1, -2, -2, -1, -3, -3, -2, -4, P, P, P, P, P, P, P, P, // C
  -1, 1, 0, 0, -3, 5, 2, -2, 0, -3, -2, 1, 0, -3, -1, 0, -1, -2, -1, -2, 0, 3, -1, -4, P, P, P, P, P, P, P, P, // Q
  -1, 0, 0, 2, -4, 2, 5, -2, 0, -3, -3, 1, -2, -3, -1, 0, -1, -3, -2, -2, 1, 4, -1, -4, P, P, P, P, P, P, P, P, // E
  0, -2, 0, -1, -3, -2, -2, 6, -2, -4, -4, -2, -3, -3, -2, 0, -2, -2, -3, -3, -1, -2, -1, -4, P, P, P, P, P, P, P, P, // G
  -2, 0, 1, -1, -3, 0, 0, -2, 8, -3, -3, -1, -2, -1, -2, -1, -2, -2, 2, -3, 0, 0, -1, -4, P, P, P, P, P, P, P, P, // H
  -1, -3, -3, -3, -1, -3, -3, -4, -3, 4, 2, -3, 1, 0, -3, -2, -1, -3, -1, 3, -3, -3, -1, -4, P, P, P, P, P, P, P, P, // I
  -1, -2, -3, -4, -1, -2, -3, -4, -3, 2, 4, -2, 2, 0, -3, -2, -1, -2, -1, 1, -4, -3, -1, -4, P, P, P, P, P, P, P, P, // L
  -1, 2, 0, -1, -3, 1, 1, -2, -1, -3, -2, 5, -1, -3, -1, 0, -1, -3, -2, -2, 0, 1, -1, -4, P, P, P, P, P, P, P, P, // K
  -1, -1, -2, -3, -1, 0, -2, -3, -2, 1, 2, -1, 5, 0, -2, -1, -1, -1, -1, 1, -3, -1, -1, -4, P, P, P, P, P, P, P, P, // M
  -2, -3, -3, -3, -2, -3, -3, -3, -1, 0, 0, -3, 0, 6, -4, -2, -2, 1, 3, -1, -3, -3, -1, -4, P, P, P, P, P, P, P, P, // F
  -1, -2, -2, -1, -3, -1, -1, -2, -2, -3, -3, -1, -2, -4, 7, -1, -1, -4, -3, -2, -2, -1, -2, -4, P, P, P, P, P, P, P, P, // P
  1, -1, 1, 0, -1, 0, 0, 0, -1, -2, -2, 0, -1, -2, -1, 4, 1, -3, -2, -2, 0, 0, 0, -4, P, P, P, P, P, P, P, P, // S
  0, -1, 0, -1, -1, -1, -1, -2, -2, -1, -1, -1, -1, -2, -1, 1, 5, -2, -2, 0, -1, -1, 0, -4, P, P, P, P, P, P, P, P, // T
  -3, -3, -4, -4, -2, -2, -3, -2, -2, -3, -2, -3, -1, 1, -4, -3, -2, 11, 2, -3, -4, -3, -2, -4, P, P, P, P, P, P, P, P, // W
  -2, -2, -2, -3, -2, -1, -2, -3, 2, -1, -1, -2, -1, 3, -3, -2, -2, 2, 7, -1, -3, -2, -1, -4, P, P, P, P, P, P, P, P, // Y
  0, -3, -3, -3, -1, -2, -2, -3, -3, 3, 1, -2, 1, -1, -2, -2, 0, -3, -1, 4, -3, -2, -1, -4, P, P, P, P, P, P, P, P, // V
  -2, -1, 3, 4, -3, 0, 1, -1, 0, -3, -4, 0, -3, -3, -2, 0, -1, -4, -3, -3, 4, 1, -1, -4, P, P, P, P, P, P, P, P, // B
  -1, 0, 0, 1, -3, 3, 4, -2, 0, -3, -3, 1, -1, -3, -1, 0, -1, -3, -2, -2, 1, 4, -1, -4, P, P, P, P, P, P, P, P, // Z
  0, -1, -1, -1, -2, -1, -1, -1, -1, -1, -1, -1, -1, -1, -2, 0, 0, -2, -1, -1, -1, -1, -1, -4, P, P, P, P, P, P, P, P, // X
  -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, 1, P, P, P, P, P, P, P, P, // *
]);

/** The code of a letter in either case or `*`; -1 for any other byte. */
export function codeOf(byte: u8): i32 {
  const letter: u32 = (byte | 0x20) - 97;
  if (letter < 26) return load<u8>(CODES + letter);
  return byte === 42 ? 23 : -1;
}

/** For codesOfLetters, sixteen times each: the bit that makes a letter small, a, the number of z, and where the second half of CODES begins. */
// biome-ignore format: one line is one vector
const LETTERS = memory.data<u8>([
  32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32,
  97, 97, 97, 97, 97, 97, 97, 97, 97, 97, 97, 97, 97, 97, 97, 97,
  25, 25, 25, 25, 25, 25, 25, 25, 25, 25, 25, 25, 25, 25, 25, 25,
  16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
], 16);

/** Writes the codes of sixteen bytes; a bit for each of them, set for letters: where it is not, there is no code. */
export function codesOfLetters(from: usize, to: usize): i32 {
  // Numbers from memory: V8 makes a constant anew at each use.
  const letters = i8x16.sub(v128.or(v128.load(from), v128.load(LETTERS)), v128.load(LETTERS, 16));
  const low = v128.swizzle(v128.load(CODES), letters);
  const high = v128.swizzle(v128.load(CODES, 16), i8x16.sub(letters, v128.load(LETTERS, 48)));
  v128.store(to, v128.or(low, high));
  return i8x16.bitmask(i8x16.le_u(letters, v128.load(LETTERS, 32)));
}

/** Half bits for two codes, neither of them padding. */
export function scoreOf(a: i32, b: i32): i32 {
  return load<i8>(BLOSUM62 + a * ROW_BYTES + b);
}
