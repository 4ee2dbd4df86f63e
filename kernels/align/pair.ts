// One query and one sequence, a pair: the score in 32 bits, where lanes of i16 cannot hold it, and the alignment itself.
// Gotoh, "An improved algorithm for matching biological sequences", J. Mol. Biol. 162 (1982), 705.
import { Sequence } from './fasta';
import { ALPHABET, BLOSUM62, GAP_EXTEND, GAP_OPEN, PADDING, ROW_BYTES, scoreOf } from './matrix';

/** Cells of query x target up to which an alignment is traced, at one byte a cell. */
export const TRACE_CELLS_MAX: u64 = 8388608;

const OPEN = GAP_OPEN + GAP_EXTEND;

// How the best score of a cell came about; `START` ends the way back.
const START: u8 = 0;
const PAIR: u8 = 1;
const GAP_IN_QUERY: u8 = 2;
const GAP_IN_TARGET: u8 = 3;
const WAY: u8 = 3;
// Whether a gap that leaves this cell has begun before it.
const LONGER_IN_QUERY: u8 = 4;
const LONGER_IN_TARGET: u8 = 8;

/** Rows of the matrix that are filled at a time. */
const ROWS: usize = 8;
/** What all lanes are set to in turn; the last is less than any score can be. */
const CONSTANTS = memory.data<i16>([<i16>OPEN, 1, 2, 4, GAP_IN_TARGET, LONGER_IN_QUERY, LONGER_IN_TARGET, -16384]);

/** The Smith-Waterman score. */
export function scoreOfPair(query: Sequence, target: Sequence): i32 {
  const size = <usize>query.length;
  // H and E of each row.
  const cells = heap.alloc(size * 8);
  memory.fill(cells, 0, size * 8);
  let score = 0;
  for (let j: usize = 0; j < <usize>target.length; j++) {
    const row = rowOf(target, j);
    let diagonal = 0;
    let f = 0;
    for (let i: usize = 0; i < size; i++) {
      const at = cells + i * 8;
      const gap = load<i32>(at, 4);
      const best = max(max(diagonal + load<i8>(row + load<u8>(query.codes + i)), 0), max(gap, f));
      score = max(score, best);
      diagonal = load<i32>(at);
      store<i32>(at, best);
      store<i32>(at, max(gap - GAP_EXTEND, best - OPEN), 4);
      f = max(f - GAP_EXTEND, best - OPEN);
    }
  }
  heap.free(cells);
  return score;
}

/** The matrix is symmetric: the row of the target's residue has its scores with each of the query's. */
function rowOf(target: Sequence, j: usize): usize {
  return BLOSUM62 + <usize>load<u8>(target.codes + j) * ROW_BYTES;
}

/** An optimal local alignment; positions count from 1, both ends included. */
export class Alignment {
  score: i32 = 0;
  queryFrom: i32 = 0;
  queryTo: i32 = 0;
  targetFrom: i32 = 0;
  targetTo: i32 = 0;
  /** Three lines of one length: residues or `-`, and between them the letter of an identity, `+` for a positive score, or a space. */
  query: string = '';
  match: string = '';
  target: string = '';
}

/**
 * The alignment of the best score, which is known and above 0, that ends first in the target, then in the query. null where the pair has
 * more than TRACE_CELLS_MAX cells.
 */
export function alignPair(query: Sequence, target: Sequence, score: i32): Alignment | null {
  const cells = <u64>query.length * <u64>target.length;
  if (cells > TRACE_CELLS_MAX) return null;
  const ways = heap.alloc(<usize>cells + ROWS);
  const alignment = new Alignment();
  alignment.score = score;
  fill(query, target, ways, alignment);
  trace(query, target, ways, alignment);
  heap.free(ways);
  return alignment;
}

/**
 * Fills the matrix column by column, until one has the alignment's score, and says where that is; `ways` takes a byte a cell, and up to
 * ROWS more. Lanes of i16 suffice: up to TRACE_CELLS_MAX, the shorter sequence has no more than 2896 residues of SCORE_MAX each.
 */
function fill(query: Sequence, target: Sequence, ways: usize, alignment: Alignment): void {
  const size = <usize>query.length;
  // Whole vectors: what pads the query never has a score as good as a cell before it.
  const padded = (size + ROWS - 1) & ~(ROWS - 1);
  const codes = heap.alloc(padded);
  memory.fill(codes, PADDING, padded);
  memory.copy(codes, query.codes, size);
  // H and E of ROWS rows at a time.
  const cells = heap.alloc(padded * 4);
  memory.fill(cells, 0, padded * 4);
  const wanted = i16x8.splat(<i16>alignment.score);
  const zero = i16x8.splat(0);
  // Variables rather than constants, which V8 would make anew at every use.
  const open = v128.load16_splat(CONSTANTS);
  const one = v128.load16_splat(CONSTANTS, 2);
  const two = v128.load16_splat(CONSTANTS, 4);
  const four = v128.load16_splat(CONSTANTS, 6);
  const gapInTarget = v128.load16_splat(CONSTANTS, 8);
  const longInQuery = v128.load16_splat(CONSTANTS, 10);
  const longInTarget = v128.load16_splat(CONSTANTS, 12);
  const least = v128.load16_splat(CONSTANTS, 14);

  let j: usize = 0;
  let most = zero;
  do {
    const row = rowOf(target, j);
    const low = v128.load(row);
    const high = v128.load(row, 16);
    const column = ways + j * size;
    let left = zero;
    let next = zero;
    most = zero;
    for (let i: usize = 0; i < padded; i += ROWS) {
      const at = cells + i * 4;
      const code = v128.load64_zero(codes + i);
      const scores = v128.or(v128.swizzle(low, code), v128.swizzle(high, i8x16.sub(code, i8x16.splat(16))));
      const h = v128.load(at);
      const gap = v128.load(at, 16);
      const paired = i16x8.add(
        v128.shuffle<i16>(left, h, 7, 8, 9, 10, 11, 12, 13, 14),
        i16x8.extend_low_i8x16_s(scores),
      );
      left = h;
      const ungapped = i16x8.max_s(i16x8.max_s(paired, zero), gap);

      // F of a row is the best of all rows above, each less what the way down costs.
      let f = v128.shuffle<i16>(next, i16x8.sub(ungapped, open), 7, 8, 9, 10, 11, 12, 13, 14);
      f = i16x8.max_s(f, i16x8.sub(v128.shuffle<i16>(least, f, 7, 8, 9, 10, 11, 12, 13, 14), one));
      f = i16x8.max_s(f, i16x8.sub(v128.shuffle<i16>(least, f, 6, 7, 8, 9, 10, 11, 12, 13), two));
      f = i16x8.max_s(f, i16x8.sub(v128.shuffle<i16>(least, f, 4, 5, 6, 7, 8, 9, 10, 11), four));
      const best = i16x8.max_s(ungapped, f);
      most = i16x8.max_s(most, best);

      const opened = i16x8.sub(best, open);
      const longerInQuery = i16x8.sub(gap, one);
      const longerInTarget = i16x8.sub(f, one);
      next = i16x8.max_s(longerInTarget, opened);
      v128.store(at, best);
      v128.store(at, i16x8.max_s(longerInQuery, opened), 16);

      // Comparisons give 0 or -1.
      let way = i16x8.add(gapInTarget, i16x8.eq(best, gap));
      const isPair = i16x8.eq(best, paired);
      way = i16x8.sub(v128.andnot(way, isPair), isPair);
      way = v128.andnot(way, i16x8.eq(best, zero));
      way = v128.or(way, v128.and(i16x8.gt_s(longerInQuery, opened), longInQuery));
      way = v128.or(way, v128.and(i16x8.gt_s(longerInTarget, opened), longInTarget));
      v128.store64_lane(column + i, i8x16.narrow_i16x8_u(way, way), 0);
    }
    j++;
  } while (j < <usize>target.length && !v128.any_true(i16x8.eq(most, wanted)));

  let i: usize = 0;
  while (load<i16>(cells + (i / ROWS) * 32 + (i % ROWS) * 2) !== alignment.score) i++;
  alignment.queryTo = <i32>i + 1;
  alignment.targetTo = <i32>j;
  heap.free(cells);
  heap.free(codes);
}

function trace(query: Sequence, target: Sequence, ways: usize, alignment: Alignment): void {
  const lines = new Lines(query.length + target.length);
  let i = alignment.queryTo - 1;
  let j = alignment.targetTo - 1;
  while (i >= 0 && j >= 0) {
    const way = wayAt(ways, query.length, i, j) & WAY;
    if (way === START) break;
    if (way === PAIR) {
      lines.pair(load<u8>(query.codes + i--), load<u8>(target.codes + j--));
    } else if (way === GAP_IN_QUERY) {
      do lines.gapInQuery(load<u8>(target.codes + j--));
      while (wayAt(ways, query.length, i, j) & LONGER_IN_QUERY);
    } else {
      do lines.gapInTarget(load<u8>(query.codes + i--));
      while (wayAt(ways, query.length, i, j) & LONGER_IN_TARGET);
    }
  }
  alignment.queryFrom = i + 2;
  alignment.targetFrom = j + 2;
  lines.writeTo(alignment);
}

/** The LONGER bits of a cell are about the gaps that leave it, so a gap is followed back while the cell before says so. */
function wayAt(ways: usize, rows: i32, i: i32, j: i32): u8 {
  return load<u8>(ways + <usize>j * <usize>rows + <usize>i);
}

/** The three lines, written from their end. */
class Lines {
  private query: Uint8Array;
  private match: Uint8Array;
  private target: Uint8Array;
  private at: i32;

  constructor(lengthMax: i32) {
    this.query = new Uint8Array(lengthMax);
    this.match = new Uint8Array(lengthMax);
    this.target = new Uint8Array(lengthMax);
    this.at = lengthMax;
  }

  pair(a: u8, b: u8): void {
    this.put(letter(a), a === b ? letter(a) : scoreOf(a, b) > 0 ? 43 : 32, letter(b));
  }

  gapInQuery(b: u8): void {
    this.put(45, 32, letter(b));
  }

  gapInTarget(a: u8): void {
    this.put(letter(a), 32, 45);
  }

  writeTo(alignment: Alignment): void {
    alignment.query = this.text(this.query);
    alignment.match = this.text(this.match);
    alignment.target = this.text(this.target);
  }

  private put(query: u8, match: u8, target: u8): void {
    const at = --this.at;
    this.query[at] = query;
    this.match[at] = match;
    this.target[at] = target;
  }

  private text(line: Uint8Array): string {
    return String.UTF8.decodeUnsafe(line.dataStart + this.at, line.length - this.at);
  }
}

function letter(code: u8): u8 {
  return <u8>ALPHABET.charCodeAt(code);
}
