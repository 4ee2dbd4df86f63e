// Smith-Waterman scores of a query against many sequences, eight at a time: one sequence a lane, as in
// Rognes, "Faster Smith-Waterman database searches with inter-sequence SIMD parallelisation", BMC Bioinformatics 12 (2011), 221.
// Scores are kept as i16 with an offset: FLOOR stands for 0, so that saturation is the "or start anew" of the recurrence.
import { BLOCK, Sequence } from './fasta';
import { BLOSUM62, GAP_EXTEND, GAP_OPEN, PADDING, ROW_BYTES } from './matrix';
import { scoreOfPair } from './pair';

/** Scores from here on do not fit a lane: such a pair is scored again in 32 bits. */
export const LANE_SCORE_MAX = 65535;

const LANES: usize = 8;
const FLOOR: i16 = -32768;
/** A cell of the column at hand: H and E of eight lanes. */
const CELL_BYTES: usize = 32;
/** Scores of one residue against a block of columns, eight lanes each. */
const PROFILE_BYTES: usize = 64;
const CODES = 25;

/** Sequence at `AT`, blocks left to read, and which record it is, for each lane. */
const AT = memory.data(32, 16);
const LEFT = memory.data(32, 16);
const RECORD = memory.data(32, 16);
const BEST = memory.data(16, 16);
const KEEP = memory.data(16, 16);
const PROFILE = memory.data(1600, 16);
/** What the first and each further residue of a gap costs. Read from here, since V8 makes a constant anew at every use in a loop. */
const PENALTIES = memory.data(32, 16);
/** Written, never read: see scoreBlock. */
const PINNED = memory.data(16, 16);
/** Codes of the block as indices into the halves of a row of the matrix: columns 0 and 1, then 2 and 3; low half, then high half. */
const INDICES = memory.data(64, 16);

/** Score of each record, in their order. */
export function searchAll(query: Sequence, records: Sequence[]): StaticArray<i32> {
  const scores = new StaticArray<i32>(records.length);
  const order = longestFirst(records);
  const cells = heap.alloc(<usize>query.length * CELL_BYTES);
  const rows = profileRows(query);
  const letters = lettersOf(query);
  const idle = paddingOf(records[order[0]].length);

  v128.store(PENALTIES, i16x8.splat(<i16>(GAP_OPEN + GAP_EXTEND)));
  v128.store(PENALTIES, i16x8.splat(<i16>GAP_EXTEND), 16);
  for (let lane: usize = 0; lane < LANES; lane++) {
    store<i32>(RECORD + lane * 4, -1);
    store<i32>(LEFT + lane * 4, 0);
  }
  let next = 0;
  let running = 0;
  do {
    let started = false;
    v128.store(KEEP, i8x16.splat(-1));
    for (let lane: usize = 0; lane < LANES; lane++) {
      if (load<i32>(LEFT + lane * 4) !== 0) continue;
      if (load<i32>(RECORD + lane * 4) >= 0) {
        finish(lane, query, records, scores);
        running--;
      }
      if (next < records.length) {
        const index = order[next++];
        const record = records[index];
        begin(lane, record.codes, (record.length + BLOCK - 1) / BLOCK, index);
        started = true;
        running++;
      } else {
        begin(lane, idle.codes, (idle.length + BLOCK - 1) / BLOCK, -1);
      }
    }
    if (started) clearLanes(cells, query.length);
    if (running > 0) advance(rows, query.length, cells, letters);
  } while (running > 0);
  return scores;
}

/** Reads on until the first lane has no block left, or all the lanes that run have. */
function advance(rows: usize, length: i32, cells: usize, letters: StaticArray<u8>): void {
  let blocks = i32.MAX_VALUE;
  for (let lane: usize = 0; lane < LANES; lane++) blocks = min(blocks, load<i32>(LEFT + lane * 4));

  const end = rows + <usize>length * 4;
  const open = v128.load(PENALTIES);
  const extend = v128.load(PENALTIES, 16);
  let best = v128.load(BEST);
  for (let shift: usize = 0; shift < <usize>(blocks * BLOCK); shift += BLOCK) {
    writeProfile(shift, changetype<usize>(letters), letters.length);
    best = scoreBlock(rows, end, cells, best, open, extend);
  }
  v128.store(BEST, best);
  for (let lane: usize = 0; lane < LANES; lane++) {
    store<u32>(AT + lane * 4, load<u32>(AT + lane * 4) + blocks * BLOCK);
    store<i32>(LEFT + lane * 4, load<i32>(LEFT + lane * 4) - blocks);
  }
}

/**
 * The recurrence for one block of four columns, down all rows of the query. F and the H above stay in registers; H of the last column
 * and E go through `cells`. Each of the nine operations of a cell counts: no "or 0" is among them, since subtraction stops at FLOOR.
 * V8 computes a value as late as it can. For F that is the end of the row, and what it is made of would by then have overflowed the
 * 15 registers; a store of two of the four makes V8 compute them in their place (0.94 of the speed of C instead of 0.80).
 */
function scoreBlock(rows: usize, end: usize, cells: usize, best: v128, open: v128, extend: v128): v128 {
  const floor = i16x8.splat(FLOOR);
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
    const left = v128.load(cells);
    let e = v128.load(cells, 16);

    above0 = i16x8.add_sat_s(above0, v128.load(profile));
    above0 = i16x8.max_s(i16x8.max_s(above0, f0), e);
    best = i16x8.max_s(best, above0);
    let opened = i16x8.sub_sat_s(above0, open);
    e = i16x8.max_s(i16x8.sub_sat_s(e, extend), opened);
    f0 = i16x8.max_s(i16x8.sub_sat_s(f0, extend), opened);
    v128.store(PINNED, f0);

    above1 = i16x8.add_sat_s(above1, v128.load(profile, 16));
    above1 = i16x8.max_s(i16x8.max_s(above1, f1), e);
    best = i16x8.max_s(best, above1);
    opened = i16x8.sub_sat_s(above1, open);
    e = i16x8.max_s(i16x8.sub_sat_s(e, extend), opened);
    f1 = i16x8.max_s(i16x8.sub_sat_s(f1, extend), opened);
    v128.store(PINNED, f1);

    above2 = i16x8.add_sat_s(above2, v128.load(profile, 32));
    above2 = i16x8.max_s(i16x8.max_s(above2, f2), e);
    best = i16x8.max_s(best, above2);
    opened = i16x8.sub_sat_s(above2, open);
    e = i16x8.max_s(i16x8.sub_sat_s(e, extend), opened);
    f2 = i16x8.max_s(i16x8.sub_sat_s(f2, extend), opened);

    above3 = i16x8.add_sat_s(above3, v128.load(profile, 48));
    above3 = i16x8.max_s(i16x8.max_s(above3, f3), e);
    best = i16x8.max_s(best, above3);
    opened = i16x8.sub_sat_s(above3, open);
    e = i16x8.max_s(i16x8.sub_sat_s(e, extend), opened);
    f3 = i16x8.max_s(i16x8.sub_sat_s(f3, extend), opened);

    v128.store(cells, above3);
    v128.store(cells, e, 16);
    above3 = above2;
    above2 = above1;
    above1 = above0;
    above0 = left;
    cells += CELL_BYTES;
    rows += 4;
  } while (rows < end);
  return best;
}

/** Scores of each letter of the query against the next four codes of every lane, widened to i16. */
function writeProfile(shift: usize, letters: usize, lettersSize: usize): void {
  let a = i8x16.splat(0);
  a = v128.load_lane<u32>(<usize>load<u32>(AT, 0) + shift, a, 0);
  a = v128.load_lane<u32>(<usize>load<u32>(AT, 4) + shift, a, 1);
  a = v128.load_lane<u32>(<usize>load<u32>(AT, 8) + shift, a, 2);
  a = v128.load_lane<u32>(<usize>load<u32>(AT, 12) + shift, a, 3);
  let b = i8x16.splat(0);
  b = v128.load_lane<u32>(<usize>load<u32>(AT, 16) + shift, b, 0);
  b = v128.load_lane<u32>(<usize>load<u32>(AT, 20) + shift, b, 1);
  b = v128.load_lane<u32>(<usize>load<u32>(AT, 24) + shift, b, 2);
  b = v128.load_lane<u32>(<usize>load<u32>(AT, 28) + shift, b, 3);

  // A row of the matrix has 32 entries: a swizzle gives 0 for the half that a code is not in. The indices go through memory because
  // V8 otherwise makes them anew for every letter.
  const codes01 = v128.shuffle<i8>(a, b, 0, 4, 8, 12, 16, 20, 24, 28, 1, 5, 9, 13, 17, 21, 25, 29);
  const codes23 = v128.shuffle<i8>(a, b, 2, 6, 10, 14, 18, 22, 26, 30, 3, 7, 11, 15, 19, 23, 27, 31);
  v128.store(INDICES, codes01);
  v128.store(INDICES, i8x16.sub(codes01, i8x16.splat(16)), 16);
  v128.store(INDICES, codes23, 32);
  v128.store(INDICES, i8x16.sub(codes23, i8x16.splat(16)), 48);
  for (const end = letters + lettersSize; letters < end; letters++) {
    const letter = <usize>load<u8>(letters);
    const low = v128.load(BLOSUM62 + letter * ROW_BYTES);
    const high = v128.load(BLOSUM62 + letter * ROW_BYTES, 16);
    const scores01 = v128.or(v128.swizzle(low, v128.load(INDICES)), v128.swizzle(high, v128.load(INDICES, 16)));
    const scores23 = v128.or(v128.swizzle(low, v128.load(INDICES, 32)), v128.swizzle(high, v128.load(INDICES, 48)));
    const to = PROFILE + letter * PROFILE_BYTES;
    v128.store(to, i16x8.extend_low_i8x16_s(scores01));
    v128.store(to, i16x8.extend_high_i8x16_s(scores01), 16);
    v128.store(to, i16x8.extend_low_i8x16_s(scores23), 32);
    v128.store(to, i16x8.extend_high_i8x16_s(scores23), 48);
  }
}

/** Puts a record into a lane, which has to be cleared before the next block; record -1 keeps an idle lane busy with padding. */
function begin(lane: usize, codes: usize, blocks: i32, record: i32): void {
  store<u32>(AT + lane * 4, <u32>codes);
  store<i32>(LEFT + lane * 4, blocks);
  store<i32>(RECORD + lane * 4, record);
  store<i16>(KEEP + lane * 2, 0);
}

/** Takes the score out of a lane whose record is read to its end. */
function finish(lane: usize, query: Sequence, records: Sequence[], scores: StaticArray<i32>): void {
  const record = load<i32>(RECORD + lane * 4);
  const score = <i32>load<i16>(BEST + lane * 2) - FLOOR;
  scores[record] = score < LANE_SCORE_MAX ? score : scoreOfPair(query, records[record]);
}

/** Sets H, E and the best score of the lanes that begin anew to 0. */
function clearLanes(cells: usize, length: i32): void {
  const keep = v128.load(KEEP);
  const floor = i16x8.splat(FLOOR);
  v128.store(BEST, v128.bitselect(v128.load(BEST), floor, keep));
  for (const end = cells + <usize>length * CELL_BYTES; cells < end; cells += 16) {
    v128.store(cells, v128.bitselect(v128.load(cells), floor, keep));
  }
}

/** Addresses of the profile, one a residue of the query. */
function profileRows(query: Sequence): usize {
  const rows = heap.alloc(<usize>query.length * 4);
  for (let i: usize = 0; i < <usize>query.length; i++) {
    store<u32>(rows + i * 4, <u32>(PROFILE + <usize>load<u8>(query.codes + i) * PROFILE_BYTES));
  }
  return rows;
}

/** Codes that occur in the query: the profile needs no others. */
function lettersOf(query: Sequence): StaticArray<u8> {
  const found = new StaticArray<bool>(CODES);
  for (let i: usize = 0; i < <usize>query.length; i++) found[load<u8>(query.codes + i)] = true;
  let count = 0;
  for (let code = 0; code < CODES; code++) count += <i32>found[code];
  const letters = new StaticArray<u8>(count);
  for (let code = CODES - 1; code >= 0; code--) if (found[code]) letters[--count] = <u8>code;
  return letters;
}

/** Indices of the records, the longest first, so that lanes run out at nearly the same time. */
function longestFirst(records: Sequence[]): StaticArray<i32> {
  const keys = new Array<u64>(records.length);
  for (let i = 0; i < records.length; i++) keys[i] = ((<u64>records[i].length) << 32) | <u64>(records.length - 1 - i);
  keys.sort();
  const order = new StaticArray<i32>(records.length);
  for (let i = 0; i < records.length; i++)
    order[i] = records.length - 1 - <i32>(keys[records.length - 1 - i] & 0xffffffff);
  return order;
}

/** Padding as long as a sequence. */
function paddingOf(length: i32): Sequence {
  const padding = new Sequence();
  padding.length = length;
  padding.codes = heap.alloc(length + BLOCK);
  memory.fill(padding.codes, PADDING, length + BLOCK);
  return padding;
}
