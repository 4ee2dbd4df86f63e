// One query and one sequence, in 32 bits: the score where eight lanes of i16 cannot hold it, and the alignment itself.
// Gotoh, "An improved algorithm for matching biological sequences", J. Mol. Biol. 162 (1982), 705.
import { Sequence } from './fasta';
import { ALPHABET, BLOSUM62, GAP_EXTEND, GAP_OPEN, ROW_BYTES, scoreOf } from './matrix';

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

/** The Smith-Waterman score. */
export function scoreOfPair(query: Sequence, target: Sequence): i32 {
  return fill(query, target, 0, i32.MAX_VALUE).score;
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
 * The alignment of the best score, which is known, that ends first in the target, then in the query. null where the score is 0 or the
 * pair has more than TRACE_CELLS_MAX cells.
 */
export function alignPair(query: Sequence, target: Sequence, score: i32): Alignment | null {
  const cells = <u64>query.length * <u64>target.length;
  if (cells > TRACE_CELLS_MAX) return null;
  const ways = heap.alloc(<usize>cells);
  const alignment = fill(query, target, ways, score);
  if (alignment.score > 0) trace(query, target, ways, alignment);
  heap.free(ways);
  return alignment.score > 0 ? alignment : null;
}

/**
 * Fills the matrix column by column, until one has the score that is `wanted`: what comes behind it is of no use; `ways`, unless 0, takes a byte a cell. Gives the score and, with ways, where it ends. That is kept as
 * the address of the cell's way: the fewer values the loop has, the fewer V8 keeps in memory.
 */
function fill(query: Sequence, target: Sequence, ways: usize, wanted: i32): Alignment {
  const size = <usize>query.length;
  const codesEnd = query.codes + size;
  // H and E of each row.
  const cells = heap.alloc(size * 8);
  memory.fill(cells, 0, size * 8);
  let score = 0;
  let way = ways;
  let found = ways;
  for (let j: usize = 0; j < <usize>target.length && score < wanted; j++) {
    // The matrix is symmetric: the row of the target's residue has its scores with each of the query's.
    const row = BLOSUM62 + <usize>load<u8>(target.codes + j) * ROW_BYTES;
    let diagonal = 0;
    let f = 0;
    let at = cells;
    for (let code = query.codes; code < codesEnd; code++) {
      const gap = load<i32>(at, 4);
      const paired = diagonal + load<i8>(row + load<u8>(code));
      const best = max(max(paired, 0), max(gap, f));
      if (best > score) {
        score = best;
        found = way;
      }
      diagonal = load<i32>(at);
      store<i32>(at, best);
      const opened = best - OPEN;
      if (ways !== 0) store<u8>(way++, wayOf(best, paired, gap) | longerOf(gap, f, opened));
      store<i32>(at, max(gap - GAP_EXTEND, opened), 4);
      f = max(f - GAP_EXTEND, opened);
      at += 8;
    }
  }
  heap.free(cells);
  const alignment = new Alignment();
  alignment.score = score;
  alignment.queryTo = <i32>((found - ways) % size) + 1;
  alignment.targetTo = <i32>((found - ways) / size) + 1;
  return alignment;
}

/** Without branches, which nothing could foretell. */
function wayOf(best: i32, paired: i32, gap: i32): u8 {
  const gapped = select<u8>(GAP_IN_QUERY, GAP_IN_TARGET, best === gap);
  return select<u8>(START, select<u8>(PAIR, gapped, best === paired), best === 0);
}

function longerOf(gap: i32, f: i32, opened: i32): u8 {
  return (<u8>(gap - GAP_EXTEND > opened) * LONGER_IN_QUERY) | (<u8>(f - GAP_EXTEND > opened) * LONGER_IN_TARGET);
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
