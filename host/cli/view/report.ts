// What a task of a protein search says, read with distrust: a guest wrote it, and it ends up on somebody's terminal.
import * as v from 'valibot';
import { integer } from '../../../runtime/base/schema.ts';

/** Bytes of one task's output that are looked at. */
export const OUTPUT_BYTES_MAX = 1 << 20;

const HITS_MAX = 100;
const TEXT_MAX = 200;
const ALIGNMENT_MAX = 100_000;

/** Text for a terminal: no control, format (such as right-to-left override) or unassigned characters, no line separators. */
const shown = v.pipe(
  v.string(),
  v.maxLength(TEXT_MAX),
  v.transform((text) => text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '')),
);
const count = integer(0, Number.MAX_SAFE_INTEGER);
const score = integer(1, 0x7fffffff);
const place = integer(1, 0x7fffffff);
const row = (letters: RegExp) => v.pipe(v.string(), v.minLength(1), v.maxLength(ALIGNMENT_MAX), v.regex(letters));

const HitSchema = v.strictObject({
  name: shown,
  description: v.exactOptional(shown),
  length: place,
  score,
});

const BestSchema = v.pipe(
  v.strictObject({
    name: shown,
    score,
    queryFrom: place,
    queryTo: place,
    targetFrom: place,
    targetTo: place,
    query: row(/^[A-Z*-]+$/),
    match: row(/^[A-Z*+ ]+$/),
    target: row(/^[A-Z*-]+$/),
  }),
  v.check(({ query, match, target }) => query.length === match.length && match.length === target.length),
  v.check(({ query, queryFrom, queryTo }) => residuesOf(query) === queryTo - queryFrom + 1),
  v.check(({ target, targetFrom, targetTo }) => residuesOf(target) === targetTo - targetFrom + 1),
);

const ReportSchema = v.pipe(
  v.strictObject({
    records: count,
    residues: count,
    cells: count,
    hits: v.pipe(v.array(HitSchema), v.maxLength(HITS_MAX)),
    best: v.exactOptional(BestSchema),
    bestSkipped: v.exactOptional(shown),
  }),
  v.check(({ hits, best }) => best === undefined || (hits[0]?.name === best.name && hits[0].score === best.score)),
);

export type Hit = v.InferOutput<typeof HitSchema>;
/** The alignment of a task's first hit; positions count from 1, both ends included. */
export type Alignment = v.InferOutput<typeof BestSchema>;
export type SearchReport = v.InferOutput<typeof ReportSchema>;

/** The output of one task of kernels/align, or undefined where it is anything else. */
export function readReport(output: Uint8Array): SearchReport | undefined {
  if (output.byteLength > OUTPUT_BYTES_MAX) return undefined;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(output);
    const result = v.safeParse(ReportSchema, JSON.parse(text));
    return result.success ? result.output : undefined;
  } catch {
    return undefined;
  }
}

/** Residues in a line of an alignment, gaps left out. */
export function residuesOf(line: string): number {
  let residues = 0;
  for (const letter of line) if (letter !== '-') residues++;
  return residues;
}
