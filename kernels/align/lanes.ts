// The lanes of the search: the recurrence for four columns of sixteen sequences in i8 (or of eight in i16), and the profile it reads.
// Scores are kept with an offset, MARGIN above the least number of a lane.
import { Sequence } from './fasta';
import { BLOSUM62, GAP_EXTEND, GAP_OPEN, ROW_BYTES, SCORE_MAX } from './matrix';

export const LANES: usize = 16;
/** A cell of the column at hand: H and E of all lanes. */
export const CELL_BYTES: usize = 32;
/** Sequence that is read, for each lane. */
export const AT = memory.data(64, 16);
/** The best score of each lane. */
export const BEST = memory.data(16, 16);

/** No score of two residues is lower than this below 0, so that none wraps around. */
const MARGIN = 4;
/** Scores of one residue against a block of columns, sixteen lanes each. */
const PROFILE_BYTES: usize = 64;
const CODES = 25;
const PROFILE = memory.data(1600, 16);
/** See scoreBlock. Read from here, since V8 makes a constant anew at every use in a loop. */
const CONSTANTS = memory.data(48, 16);
/** Written, never read: see scoreBlock. */
const PINNED = memory.data(16, 16);
/** Codes of the block as indices into the halves of a row of the matrix: for each column the low half, then the high half. */
const INDICES = memory.data(128, 16);

/** What stands for the score 0. */
export function floorOf<T>(): T {
  return <T>(<i32>(sizeof<T>() === 1 ? i8.MIN_VALUE : i16.MIN_VALUE) + MARGIN);
}

/** The greatest number of a lane. */
export function mostOf<T>(): T {
  return <T>(<i32>(sizeof<T>() === 1 ? i8.MAX_VALUE : i16.MAX_VALUE));
}

/** Scores from here on may have wrapped around: the greatest number of a lane less what one more residue may add. */
export function laneScoreMax<T>(): i32 {
  return <i32>mostOf<T>() - SCORE_MAX - <i32>floorOf<T>() + 1;
}

/** Before the first block in lanes of this type. */
export function writeConstants<T>(): void {
  v128.store(CONSTANTS, v128.splat<T>(<T>(GAP_OPEN + GAP_EXTEND + MARGIN)));
  v128.store(CONSTANTS, v128.splat<T>(<T>MARGIN), 16);
  v128.store(CONSTANTS, v128.splat<T>(<T>GAP_EXTEND), 32);
}

/**
 * The recurrence for one block of four columns, down all rows of the query. F and the H above stay in registers; H of the last column
 * and E go through `cells`. Processors do comparisons and saturating sums in two places a cycle, others in three, so that of the ten
 * operations of a cell only six are of the first kind. No "or 0" is among them: what opens a gap stops at the least number of a lane and
 * is MARGIN above it then, so that E and F are never below 0, and H with them.
 * V8 computes a value as late as it can. For F that is the end of the row, and what it is made of would by then have overflowed the
 * 15 registers; a store of each makes V8 compute it in its place.
 */
export function scoreBlock<T>(rows: usize, end: usize, cells: usize): void {
  let best = v128.load(BEST);
  const open = v128.load(CONSTANTS);
  const margin = v128.load(CONSTANTS, 16);
  const extend = v128.load(CONSTANTS, 32);
  const floor = v128.splat<T>(floorOf<T>());
  let f0 = floor;
  let f1 = floor;
  let f2 = floor;
  let f3 = floor;
  let above0 = floor;
  let above1 = floor;
  let above2 = floor;
  let above3 = floor;
  do {
    const profile = <usize>load<u32>(rows);
    let e = v128.load(cells, 16);

    above0 = v128.add<T>(above0, scoresAt<T>(profile, 0));
    above0 = v128.max<T>(v128.max<T>(above0, f0), e);
    best = v128.max<T>(best, above0);
    let opened = v128.add<T>(v128.sub_sat<T>(above0, open), margin);
    e = v128.max<T>(v128.sub<T>(e, extend), opened);
    f0 = v128.max<T>(v128.sub<T>(f0, extend), opened);
    v128.store(PINNED, f0);

    above1 = v128.add<T>(above1, scoresAt<T>(profile, 1));
    above1 = v128.max<T>(v128.max<T>(above1, f1), e);
    best = v128.max<T>(best, above1);
    opened = v128.add<T>(v128.sub_sat<T>(above1, open), margin);
    e = v128.max<T>(v128.sub<T>(e, extend), opened);
    f1 = v128.max<T>(v128.sub<T>(f1, extend), opened);
    v128.store(PINNED, f1);

    above2 = v128.add<T>(above2, scoresAt<T>(profile, 2));
    above2 = v128.max<T>(v128.max<T>(above2, f2), e);
    best = v128.max<T>(best, above2);
    opened = v128.add<T>(v128.sub_sat<T>(above2, open), margin);
    e = v128.max<T>(v128.sub<T>(e, extend), opened);
    f2 = v128.max<T>(v128.sub<T>(f2, extend), opened);
    v128.store(PINNED, f2);

    above3 = v128.add<T>(above3, scoresAt<T>(profile, 3));
    above3 = v128.max<T>(v128.max<T>(above3, f3), e);
    best = v128.max<T>(best, above3);
    opened = v128.add<T>(v128.sub_sat<T>(above3, open), margin);
    e = v128.max<T>(v128.sub<T>(e, extend), opened);
    f3 = v128.max<T>(v128.sub<T>(f3, extend), opened);
    v128.store(PINNED, f3);

    const left = v128.load(cells);
    v128.store(cells, above3);
    v128.store(cells, e, 16);
    above3 = above2;
    above2 = above1;
    above1 = above0;
    above0 = left;
    cells += CELL_BYTES;
    rows += 4;
  } while (rows < end);
  v128.store(BEST, best);
}

/** Scores of a letter for one column. Lanes of i16 are widened, and are those of the first eight sequences. */
function scoresAt<T>(profile: usize, column: usize): v128 {
  return sizeof<T>() === 1 ? v128.load(profile + column * 16) : v128.load8x8_s(profile + column * 16);
}

/** Scores of each letter of the query against the next four codes of every lane. */
export function writeProfile(shift: usize, letters: Letters): void {
  const a = codesOf(AT, shift);
  const b = codesOf(AT + 16, shift);
  const c = codesOf(AT + 32, shift);
  const d = codesOf(AT + 48, shift);
  const ab01 = v128.shuffle<i32>(a, b, 0, 4, 1, 5);
  const ab23 = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
  const cd01 = v128.shuffle<i32>(c, d, 0, 4, 1, 5);
  const cd23 = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
  writeIndices(0, v128.shuffle<i64>(ab01, cd01, 0, 2));
  writeIndices(32, v128.shuffle<i64>(ab01, cd01, 1, 3));
  writeIndices(64, v128.shuffle<i64>(ab23, cd23, 0, 2));
  writeIndices(96, v128.shuffle<i64>(ab23, cd23, 1, 3));
  // A row of the matrix has 32 entries: a swizzle gives 0 for the half that a code is not in.
  const low0 = v128.load(INDICES);
  const low1 = v128.load(INDICES, 32);
  const low2 = v128.load(INDICES, 64);
  const low3 = v128.load(INDICES, 96);
  const high0 = v128.load(INDICES, 16);
  const high1 = v128.load(INDICES, 48);
  const high2 = v128.load(INDICES, 80);
  const high3 = v128.load(INDICES, 112);
  const end = letters.end;
  let to = PROFILE;
  for (let row = letters.from; row < end; row += ROW_BYTES) {
    const low = v128.load(row);
    const high = v128.load(row, 16);
    v128.store(to, v128.or(v128.swizzle(low, low0), v128.swizzle(high, high0)));
    v128.store(to, v128.or(v128.swizzle(low, low1), v128.swizzle(high, high1)), 16);
    v128.store(to, v128.or(v128.swizzle(low, low2), v128.swizzle(high, high2)), 32);
    v128.store(to, v128.or(v128.swizzle(low, low3), v128.swizzle(high, high3)), 48);
    to += PROFILE_BYTES;
  }
}

/** The next four codes of four lanes, column by column. */
function codesOf(at: usize, shift: usize): v128 {
  let codes = v128.load32_zero(<usize>load<u32>(at) + shift);
  codes = v128.load_lane<u32>(<usize>load<u32>(at, 4) + shift, codes, 1);
  codes = v128.load_lane<u32>(<usize>load<u32>(at, 8) + shift, codes, 2);
  codes = v128.load_lane<u32>(<usize>load<u32>(at, 12) + shift, codes, 3);
  return v128.swizzle(codes, i8x16(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
}

/** The indices go through memory because V8 would make them anew for every letter, but does not load them anew. */
function writeIndices(column: usize, codes: v128): void {
  v128.store(INDICES + column, codes);
  v128.store(INDICES + column, i8x16.sub(codes, i8x16.splat(16)), 16);
}

/** The letters that occur in a query: the profile needs no others. */
export class Letters {
  /** Addresses in the profile, one a residue of the query. */
  rows: usize = 0;
  /** The letters' rows of the matrix, one after the other as in the profile. */
  from: usize = 0;
  end: usize = 0;
}

/** Of a query. */
export function lettersOf(query: Sequence): Letters {
  const letters = new Letters();
  letters.rows = heap.alloc(<usize>query.length * 4);
  letters.from = heap.alloc(CODES * ROW_BYTES);
  letters.end = letters.from;
  // Places in the profile by code, 0 where there is none yet.
  const places = new StaticArray<u32>(CODES);
  let next: usize = PROFILE;
  for (let i: usize = 0; i < <usize>query.length; i++) {
    const code = load<u8>(query.codes + i);
    if (places[code] === 0) {
      memory.copy(letters.end, BLOSUM62 + <usize>code * ROW_BYTES, ROW_BYTES);
      letters.end += ROW_BYTES;
      places[code] = <u32>next;
      next += PROFILE_BYTES;
    }
    store<u32>(letters.rows + i * 4, places[code]);
  }
  return letters;
}
