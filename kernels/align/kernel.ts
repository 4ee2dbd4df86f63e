// Protein search: the records of a task's input, as FASTA, against the one sequence of the blob `query`.
// Local alignment by Smith and Waterman with affine gaps (11 + k for a gap of k residues) and BLOSUM62.
// Room for a task of 256 KiB, so that its memory is kept for the next one.
// @memory 704KiB
import { blobs } from 'lodger/kernel';
import { parseFasta } from './fasta';
import { report } from './report';
import { searchAll } from './search';

/** Input: FASTA, at least one record. Output: one line of JSON, see report.ts. Fails for text that is not plain, ungapped FASTA. */
export function run(input: Uint8Array): Uint8Array {
  const queries = parseFasta(blobs.readAll('query'), 'blob "query"');
  if (queries.length !== 1) {
    throw new Error(`blob "query": holds ${queries.length.toString()} records, one is wanted`);
  }
  const records = parseFasta(input, 'input');
  return report(input, queries[0], records, searchAll(queries[0], records));
}
