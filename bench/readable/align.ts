// Smith and Waterman with affine gaps: AssemblyScript and JavaScript, as an author writes it. Input: lengths of the query and count of the
// records as i32, the length of each record as i32, 24 x 24 scores as i8, then all residues as codes. Output: the 25 best scores, i32.
const OPEN: i32 = 12;
const EXTEND: i32 = 1;
const HITS: i32 = 25;
const CODES: i32 = 24;

export function run(input: Uint8Array): Uint8Array {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  const length: i32 = view.getInt32(0, true);
  const records: i32 = view.getInt32(4, true);
  const matrix = new Int32Array(CODES * CODES);
  let at: i32 = 8 + 4 * records;
  for (let i: i32 = 0; i < matrix.length; i++) matrix[i] = view.getInt8(at + i);
  at += matrix.length;
  const query = new Int32Array(length);
  for (let i: i32 = 0; i < length; i++) query[i] = input[at + i];
  at += length;
  const best = new Int32Array(HITS);
  for (let record: i32 = 0; record < records; record++) {
    const size: i32 = view.getInt32(8 + 4 * record, true);
    put(best, score(query, input, at, size, matrix));
    at += size;
  }
  const output = new Uint8Array(4 * HITS);
  const out = new DataView(output.buffer);
  for (let i: i32 = 0; i < HITS; i++) out.setInt32(4 * i, best[i], true);
  return output;
}

function score(query: Int32Array, input: Uint8Array, from: i32, size: i32, matrix: Int32Array): i32 {
  const length: i32 = query.length;
  const column = new Int32Array(length);
  const gaps = new Int32Array(length);
  let best: i32 = 0;
  for (let j: i32 = 0; j < size; j++) {
    const row: i32 = i32(input[from + j]) * CODES;
    let diagonal: i32 = 0;
    let above: i32 = 0;
    let gap: i32 = 0;
    for (let i: i32 = 0; i < length; i++) {
      gaps[i] = max(gaps[i] - EXTEND, column[i] - OPEN);
      gap = max(gap - EXTEND, above - OPEN);
      above = max(max(0, diagonal + matrix[row + query[i]]), max(gaps[i], gap));
      diagonal = column[i];
      column[i] = above;
      best = max(best, above);
    }
  }
  return best;
}

/** Into its place among the best, which are in order. */
function put(best: Int32Array, score: i32): void {
  let at: i32 = HITS;
  while (at > 0 && score > best[at - 1]) {
    if (at < HITS) best[at] = best[at - 1];
    at--;
  }
  if (at < HITS) best[at] = score;
}
