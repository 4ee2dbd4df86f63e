// What a task says about its records: one line of JSON, its line feed included.
import { HEADER_BYTES_MAX, Sequence } from './fasta';
import { Line } from './line';
import { alignPair, TRACE_CELLS_MAX } from './pair';

/** Hits a task reports. */
export const HITS_MAX = 25;

/**
 * `{"records","residues","cells","hits":[{"name","description"?,"length","score"}],"best"?:{"name","score",
 * "queryFrom","queryTo","targetFrom","targetTo","query","match","target"},"bestSkipped"?}`. Hits: the best HITS_MAX with a score above 0,
 * by score, then name. `best` is the alignment of the first; `bestSkipped` says why there is none.
 */
export function report(text: Uint8Array, query: Sequence, records: Sequence[], scores: StaticArray<i32>): Uint8Array {
  const top = topOf(text, records, scores);
  let residues: u64 = 0;
  for (let i = 0; i < records.length; i++) residues += records[i].length;

  const line = new Line();
  line.text('{');
  line.number('records', records.length);
  line.text(',');
  line.number('residues', residues);
  line.text(',');
  line.number('cells', residues * query.length);
  line.text(',"hits":[');
  for (let i = 0; i < top.length; i++) {
    if (i > 0) line.text(',');
    writeHit(line, text, records[top[i]], scores[top[i]]);
  }
  line.text(']');
  if (top.length > 0) writeBest(line, text, query, records[top[0]], scores[top[0]]);
  line.text('}\n');
  return line.finish();
}

/** Indices of the best records, in order. */
function topOf(text: Uint8Array, records: Sequence[], scores: StaticArray<i32>): Array<i32> {
  const top: i32[] = [];
  for (let i = 0; i < records.length; i++) {
    if (scores[i] === 0) continue;
    let at = top.length;
    while (at > 0 && comesBefore(text, records, scores, i, top[at - 1])) at--;
    if (at === HITS_MAX) continue;
    if (top.length === HITS_MAX) top.pop();
    top.push(i);
    for (let j = top.length - 1; j > at; j--) top[j] = top[j - 1];
    top[at] = i;
  }
  return top;
}

function comesBefore(text: Uint8Array, records: Sequence[], scores: StaticArray<i32>, a: i32, b: i32): bool {
  if (scores[a] !== scores[b]) return scores[a] > scores[b];
  const first = records[a];
  const second = records[b];
  const firstSize = first.nameTo - first.nameFrom;
  const secondSize = second.nameTo - second.nameFrom;
  const order = memory.compare(
    text.dataStart + first.nameFrom,
    text.dataStart + second.nameFrom,
    min(firstSize, secondSize),
  );
  return order !== 0 ? order < 0 : firstSize < secondSize;
}

function writeHit(line: Line, text: Uint8Array, record: Sequence, score: i32): void {
  line.text('{"name":');
  writeHeader(line, text, record.nameFrom, record.nameTo);
  if (record.descriptionTo > record.descriptionFrom) {
    line.text(',"description":');
    writeHeader(line, text, record.descriptionFrom, record.descriptionTo);
  }
  line.text(',');
  line.number('length', record.length);
  line.text(',');
  line.number('score', score);
  line.text('}');
}

function writeBest(line: Line, text: Uint8Array, query: Sequence, record: Sequence, score: i32): void {
  const found = alignPair(query, record, score);
  if (found === null) {
    line.text(',"bestSkipped":"query x target exceeds ' + TRACE_CELLS_MAX.toString() + ' cells"');
    return;
  }
  line.text(',"best":{"name":');
  writeHeader(line, text, record.nameFrom, record.nameTo);
  line.text(',');
  line.number('score', found.score);
  line.text(',');
  line.number('queryFrom', found.queryFrom);
  line.text(',');
  line.number('queryTo', found.queryTo);
  line.text(',');
  line.number('targetFrom', found.targetFrom);
  line.text(',');
  line.number('targetTo', found.targetTo);
  line.text(',"query":"');
  line.text(found.query);
  line.text('","match":"');
  line.text(found.match);
  line.text('","target":"');
  line.text(found.target);
  line.text('"}');
}

function writeHeader(line: Line, text: Uint8Array, from: i32, to: i32): void {
  line.quoted(text.dataStart + from, min(to - from, HEADER_BYTES_MAX));
}
