// The oracle of the align kernel: Smith-Waterman with affine gaps, written as the recurrence is printed, cell by cell.
// Gotoh, "An improved algorithm for matching biological sequences", J. Mol. Biol. 162 (1982), 705.

/** Half bits, from NCBI's file BLOSUM62 (public domain), as it is printed there. */
const BLOSUM62_TEXT = `
   A  R  N  D  C  Q  E  G  H  I  L  K  M  F  P  S  T  W  Y  V  B  Z  X  *
A  4 -1 -2 -2  0 -1 -1  0 -2 -1 -1 -1 -1 -2 -1  1  0 -3 -2  0 -2 -1  0 -4
R -1  5  0 -2 -3  1  0 -2  0 -3 -2  2 -1 -3 -2 -1 -1 -3 -2 -3 -1  0 -1 -4
N -2  0  6  1 -3  0  0  0  1 -3 -3  0 -2 -3 -2  1  0 -4 -2 -3  3  0 -1 -4
D -2 -2  1  6 -3  0  2 -1 -1 -3 -4 -1 -3 -3 -1  0 -1 -4 -3 -3  4  1 -1 -4
C  0 -3 -3 -3  9 -3 -4 -3 -3 -1 -1 -3 -1 -2 -3 -1 -1 -2 -2 -1 -3 -3 -2 -4
Q -1  1  0  0 -3  5  2 -2  0 -3 -2  1  0 -3 -1  0 -1 -2 -1 -2  0  3 -1 -4
E -1  0  0  2 -4  2  5 -2  0 -3 -3  1 -2 -3 -1  0 -1 -3 -2 -2  1  4 -1 -4
G  0 -2  0 -1 -3 -2 -2  6 -2 -4 -4 -2 -3 -3 -2  0 -2 -2 -3 -3 -1 -2 -1 -4
H -2  0  1 -1 -3  0  0 -2  8 -3 -3 -1 -2 -1 -2 -1 -2 -2  2 -3  0  0 -1 -4
I -1 -3 -3 -3 -1 -3 -3 -4 -3  4  2 -3  1  0 -3 -2 -1 -3 -1  3 -3 -3 -1 -4
L -1 -2 -3 -4 -1 -2 -3 -4 -3  2  4 -2  2  0 -3 -2 -1 -2 -1  1 -4 -3 -1 -4
K -1  2  0 -1 -3  1  1 -2 -1 -3 -2  5 -1 -3 -1  0 -1 -3 -2 -2  0  1 -1 -4
M -1 -1 -2 -3 -1  0 -2 -3 -2  1  2 -1  5  0 -2 -1 -1 -1 -1  1 -3 -1 -1 -4
F -2 -3 -3 -3 -2 -3 -3 -3 -1  0  0 -3  0  6 -4 -2 -2  1  3 -1 -3 -3 -1 -4
P -1 -2 -2 -1 -3 -1 -1 -2 -2 -3 -3 -1 -2 -4  7 -1 -1 -4 -3 -2 -2 -1 -2 -4
S  1 -1  1  0 -1  0  0  0 -1 -2 -2  0 -1 -2 -1  4  1 -3 -2 -2  0  0  0 -4
T  0 -1  0 -1 -1 -1 -1 -2 -2 -1 -1 -1 -1 -2 -1  1  5 -2 -2  0 -1 -1  0 -4
W -3 -3 -4 -4 -2 -2 -3 -2 -2 -3 -2 -3 -1  1 -4 -3 -2 11  2 -3 -4 -3 -2 -4
Y -2 -2 -2 -3 -2 -1 -2 -3  2 -1 -1 -2 -1  3 -3 -2 -2  2  7 -1 -3 -2 -1 -4
V  0 -3 -3 -3 -1 -2 -2 -3 -3  3  1 -2  1 -1 -2 -2  0 -3 -1  4 -3 -2 -1 -4
B -2 -1  3  4 -3  0  1 -1  0 -3 -4  0 -3 -3 -2  0 -1 -4 -3 -3  4  1 -1 -4
Z -1  0  0  1 -3  3  4 -2  0 -3 -3  1 -1 -3 -1  0 -1 -3 -2 -2  1  4 -1 -4
X  0 -1 -1 -1 -2 -1 -1 -1 -1 -1 -1 -1 -1 -1 -2  0  0 -2 -1 -1 -1 -1 -1 -4
* -4 -4 -4 -4 -4 -4 -4 -4 -4 -4 -4 -4 -4 -4 -4 -4 -4 -4 -4 -4 -4 -4 -4  1
`;

/** A gap of k residues costs open + k * extend. */
export const GAP = { open: 11, extend: 1 } as const;

const [columns = [], ...rows] = BLOSUM62_TEXT.trim()
  .split('\n')
  .map((line) => line.trim().split(/\s+/));
const SCORES = new Map(
  rows.flatMap(([row, ...values]) => columns.map((column, i) => [`${row}${column}`, Number(values[i])])),
);

/** What two residues are worth; any case, and U, O and J count as X. */
export function residueScore(a: string, b: string): number {
  const score = SCORES.get(known(a) + known(b));
  if (score === undefined) throw new Error(`no score for ${a} and ${b}`);
  return score;
}

/** The letter under which a residue stands in the matrix. */
export function known(residue: string): string {
  return residue.toUpperCase().replace(/[UOJ]/, 'X');
}

/** The best score of a local alignment of two sequences. */
export function smithWaterman(query: string, target: string): number {
  const first = GAP.open + GAP.extend;
  const pairs = tableOf(query, target);
  let h = new Array<number>(target.length + 1).fill(0);
  const gapInTarget = new Array<number>(target.length + 1).fill(Number.NEGATIVE_INFINITY);
  let best = 0;
  for (let i = 1; i <= query.length; i++) {
    const next = [0];
    let gapInQuery = Number.NEGATIVE_INFINITY;
    for (let j = 1; j <= target.length; j++) {
      gapInTarget[j] = Math.max(at(gapInTarget, j) - GAP.extend, at(h, j) - first);
      gapInQuery = Math.max(gapInQuery - GAP.extend, at(next, j - 1) - first);
      next[j] = Math.max(0, at(h, j - 1) + at(pairs[i - 1], j - 1), at(gapInTarget, j), gapInQuery);
      best = Math.max(best, at(next, j));
    }
    h = next;
  }
  return best;
}

/** The score of an alignment that is written out, `-` for a gap. */
export function rescore(query: string, target: string): number {
  let score = 0;
  for (let i = 0; i < query.length; i++) {
    const a = query.charAt(i);
    const b = target.charAt(i);
    if (a !== '-' && b !== '-') score += residueScore(a, b);
    else score -= GAP.extend + (begins(query, i) || begins(target, i) ? GAP.open : 0);
  }
  return score;
}

function begins(line: string, i: number): boolean {
  return line.charAt(i) === '-' && line.charAt(i - 1) !== '-';
}

/** Scores of every residue of one sequence with every residue of the other; equal rows are one row. */
function tableOf(query: string, target: string): readonly (readonly number[])[] {
  const byResidue = new Map<string, number[]>();
  return [...query].map((a) => {
    const row = byResidue.get(a) ?? [...target].map((b) => residueScore(a, b));
    byResidue.set(a, row);
    return row;
  });
}

function at(row: readonly number[] | undefined, i: number): number {
  const value = row?.[i];
  if (value === undefined) throw new Error(`no cell ${i}`);
  return value;
}
