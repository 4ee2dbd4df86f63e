// Smith-Waterman scores of a query against many sequences: one sequence a lane, sixteen at a time in i8; what does not fit is scored again
// eight at a time in i16, and at last alone in 32 bits. After
// Rognes, "Faster Smith-Waterman database searches with inter-sequence SIMD parallelisation", BMC Bioinformatics 12 (2011), 221.
import { BLOCK, Sequence } from './fasta';
import {
  AT,
  BEST,
  CELL_BYTES,
  floorOf,
  LANES,
  laneScoreMax,
  Letters,
  lettersOf,
  mostOf,
  scoreBlock,
  writeConstants,
  writeProfile,
} from './lanes';
import { PADDING } from './matrix';
import { scoreOfPair } from './pair';

/** Lengths that are told apart when lanes are given out, in blocks. */
const BUCKETS = 1024;

/** Blocks left to read, and which record it is, for each lane. */
const LEFT = memory.data(64, 16);
const RECORD = memory.data(64, 16);
/** What scores are lowered to: 0 in the lanes that begin anew, in the others more than any is. */
const LIMIT = memory.data(16, 16);

/** What one search has for all its passes. */
class Search {
  query!: Sequence;
  records!: Sequence[];
  scores!: StaticArray<i32>;
  /** Indices of the records to score; those of the ones that did not fit take their place. */
  order!: StaticArray<i32>;
  cells: usize = 0;
  letters!: Letters;
  /** Padding as long as the longest record, for lanes that have none. */
  idle!: Sequence;
}

/** Score of each record, in their order. */
export function searchAll(query: Sequence, records: Sequence[]): StaticArray<i32> {
  const search = new Search();
  search.query = query;
  search.records = records;
  search.scores = new StaticArray<i32>(records.length);
  search.order = longestFirst(records);
  search.cells = heap.alloc(<usize>query.length * CELL_BYTES);
  search.letters = lettersOf(query);
  search.idle = paddingFor(records);

  let count = scoreInLanes<i8>(search, records.length);
  if (count > 0) count = scoreInLanes<i16>(search, count);
  for (let i = 0; i < count; i++) {
    const record = search.order[i];
    search.scores[record] = scoreOfPair(query, records[record]);
  }
  return search.scores;
}

/** Scores the first `count` records of the order. How many did not fit: they are the first of the order now. */
function scoreInLanes<T>(search: Search, count: i32): i32 {
  writeConstants<T>();
  // Any scores will do, as limits only lower them.
  memory.fill(BEST, 0, 16);
  memory.fill(search.cells, 0, <usize>search.query.length * CELL_BYTES);
  for (let lane: usize = 0; lane < LANES; lane++) {
    store<i32>(RECORD + lane * 4, -1);
    store<i32>(LEFT + lane * 4, 0);
  }
  const order = search.order;
  let next = 0;
  let running = 0;
  let unfit = 0;
  do {
    let started = false;
    v128.store(LIMIT, v128.splat<T>(mostOf<T>()));
    for (let lane: usize = 0; lane < LANES; lane++) {
      if (load<i32>(LEFT + lane * 4) !== 0) continue;
      const record = load<i32>(RECORD + lane * 4);
      if (record >= 0) {
        const score = <i32>load<T>(BEST + lane * sizeof<T>()) - <i32>floorOf<T>();
        search.scores[record] = score;
        if (score >= laneScoreMax<T>()) order[unfit++] = record;
        running--;
      }
      // Wider lanes are fewer.
      if (next < count && lane < LANES / sizeof<T>()) {
        const index = order[next++];
        begin<T>(lane, search.records[index], index);
        started = true;
        running++;
      } else {
        begin<T>(lane, search.idle, -1);
      }
    }
    if (started) clearLanes<T>(search);
    if (running > 0) advance<T>(search);
  } while (running > 0);
  return unfit;
}

/** Reads on until the first lane has no block left. */
function advance<T>(search: Search): void {
  let least = v128.load(LEFT);
  for (let at: usize = 16; at < LANES * 4; at += 16) least = i32x4.min_s(least, v128.load(LEFT + at));
  least = i32x4.min_s(least, v128.shuffle<i32>(least, least, 2, 3, 0, 1));
  const blocks = min(i32x4.extract_lane(least, 0), i32x4.extract_lane(least, 1));

  const letters = search.letters;
  const rows = letters.rows;
  const end = rows + <usize>search.query.length * 4;
  const cells = search.cells;
  for (let shift: usize = 0; shift < <usize>(blocks * BLOCK); shift += BLOCK) {
    writeProfile(shift, letters);
    scoreBlock<T>(rows, end, cells);
  }
  for (let at: usize = 0; at < LANES * 4; at += 16) {
    v128.store(AT + at, i32x4.add(v128.load(AT + at), i32x4.splat(blocks * BLOCK)));
    v128.store(LEFT + at, i32x4.sub(v128.load(LEFT + at), i32x4.splat(blocks)));
  }
}

/** Puts a record into a lane, which has to be cleared before the next block; record -1 keeps an idle lane busy with padding. */
function begin<T>(lane: usize, sequence: Sequence, record: i32): void {
  store<u32>(AT + lane * 4, <u32>sequence.codes);
  store<i32>(LEFT + lane * 4, blocksOf(sequence));
  store<i32>(RECORD + lane * 4, record);
  if (lane < LANES / sizeof<T>()) store<T>(LIMIT + lane * sizeof<T>(), floorOf<T>());
}

/** Sets H, E and the best score of the lanes that begin anew to 0, which none is below. */
function clearLanes<T>(search: Search): void {
  const limit = v128.load(LIMIT);
  v128.store(BEST, v128.min<T>(v128.load(BEST), limit));
  let cells = search.cells;
  for (const end = cells + <usize>search.query.length * CELL_BYTES; cells < end; cells += CELL_BYTES) {
    v128.store(cells, v128.min<T>(v128.load(cells), limit));
    v128.store(cells, v128.min<T>(v128.load(cells, 16), limit), 16);
  }
}

function blocksOf(sequence: Sequence): i32 {
  return (sequence.length + BLOCK - 1) / BLOCK;
}

/** Indices of the records, the longest first, so that lanes run out at nearly the same time: sorted by counting their blocks. */
function longestFirst(records: Sequence[]): StaticArray<i32> {
  const counts = new StaticArray<i32>(BUCKETS + 1);
  for (let i = 0; i < records.length; i++) counts[bucketOf(records[i])]++;
  let before = 0;
  for (let bucket = BUCKETS; bucket >= 0; bucket--) {
    const count = counts[bucket];
    counts[bucket] = before;
    before += count;
  }
  const order = new StaticArray<i32>(records.length);
  for (let i = 0; i < records.length; i++) order[counts[bucketOf(records[i])]++] = i;
  return order;
}

function bucketOf(sequence: Sequence): i32 {
  return min(blocksOf(sequence), BUCKETS);
}

function paddingFor(records: Sequence[]): Sequence {
  const padding = new Sequence();
  for (let i = 0; i < records.length; i++) padding.length = max(padding.length, records[i].length);
  padding.codes = heap.alloc(padding.length + BLOCK);
  memory.fill(padding.codes, PADDING, padding.length + BLOCK);
  return padding;
}
