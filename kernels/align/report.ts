// What a task says about its records: one line of JSON.
import { descriptionOf, nameOf, Sequence } from './fasta';
import { alignPair, TRACE_CELLS_MAX } from './pair';

/** Hits a task reports. */
export const HITS_MAX = 25;

/**
 * `{"records","residues","cells","hits":[{"name","description"?,"length","score"}],"best"?:{"name","score",
 * "queryFrom","queryTo","targetFrom","targetTo","query","match","target"},"bestSkipped"?}`. Hits: the best HITS_MAX with a score above 0,
 * by score, then name. `best` is the alignment of the first; `bestSkipped` says why there is none.
 */
export function report(text: Uint8Array, query: Sequence, records: Sequence[], scores: StaticArray<i32>): string {
  const top = topOf(text, records, scores);
  let residues: u64 = 0;
  for (let i = 0; i < records.length; i++) residues += records[i].length;

  const hits = new Array<string>(top.length);
  for (let i = 0; i < top.length; i++) hits[i] = hit(text, records[top[i]], scores[top[i]]);
  let line = `{"records":${records.length.toString()},"residues":${residues.toString()}`;
  line += `,"cells":${(residues * query.length).toString()},"hits":[${hits.join(',')}]`;
  if (top.length > 0) line += `,${best(text, query, records[top[0]])}`;
  return `${line}}`;
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

function hit(text: Uint8Array, record: Sequence, score: i32): string {
  let json = `{"name":${quoted(nameOf(text, record))}`;
  const description = descriptionOf(text, record);
  if (description.length > 0) json += `,"description":${quoted(description)}`;
  return `${json},"length":${record.length.toString()},"score":${score.toString()}}`;
}

function best(text: Uint8Array, query: Sequence, record: Sequence): string {
  const found = alignPair(query, record);
  if (found === null) {
    return `"bestSkipped":"query x target exceeds ${TRACE_CELLS_MAX.toString()} cells"`;
  }
  let json = `"best":{"name":${quoted(nameOf(text, record))},"score":${found.score.toString()}`;
  json += `,"queryFrom":${found.queryFrom.toString()},"queryTo":${found.queryTo.toString()}`;
  json += `,"targetFrom":${found.targetFrom.toString()},"targetTo":${found.targetTo.toString()}`;
  json += `,"query":"${found.query}","match":"${found.match}","target":"${found.target}"}`;
  return json;
}

/** A JSON string: quotes, backslashes and control characters escaped. */
function quoted(text: string): string {
  let json = '"';
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === 34 || unit === 92) json += `\\${text.charAt(i)}`;
    else if (unit < 32 || unit === 127) json += `\\u00${unit < 16 ? '0' : ''}${unit.toString(16)}`;
    else json += text.charAt(i);
  }
  return `${json}"`;
}
