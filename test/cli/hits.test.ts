// The view of a protein search: what it shows, and what of a guest's output never reaches the terminal.
import { describe, expect, test } from 'vitest';
import { bitsOf, expectedOf, hitsView } from '../../host/cli/view/hits.ts';

const bytes = (value: unknown) => new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));
const hit = (name: string, score: number, description?: string) => ({
  name,
  length: 100,
  score,
  ...(description !== undefined && { description }),
});
const report = (...hits: ReturnType<typeof hit>[]) => ({ records: 10, residues: 1000, cells: 100_000, hits });
const best = {
  name: 'a',
  score: 50,
  queryFrom: 3,
  queryTo: 6,
  targetFrom: 10,
  targetTo: 12,
  query: 'ACDW',
  match: 'A +W',
  target: 'A-EW',
};
const viewOf = (...outputs: unknown[]) => {
  const view = hitsView();
  for (const output of outputs) view.add(bytes(output));
  return view.render({ wallMs: 2 });
};

describe('an output is counted as no report, and not shown,', () => {
  const good = { ...report(hit('a', 50)), best };
  test.each([
    ['that is empty', ''],
    ['that is no JSON', '{"records":'],
    ['that is another document', { hits: 'none' }],
    ['with a name of its own', { ...good, colour: 'red' }],
    ['with a score that is no integer', report(hit('a', 1.5))],
    ['with a score of 0', report(hit('a', 0))],
    ['with a negative count', { ...report(hit('a', 5)), cells: -1 }],
    ['with a name that is too long', report(hit('a'.repeat(201), 5))],
    ['with too many hits', report(...Array.from({ length: 101 }, (_, i) => hit(`n${i}`, 5)))],
    ['over 1 MiB', ' '.repeat((1 << 20) + 1)],
    ['with an alignment of another hit', { ...good, best: { ...best, name: 'b' } }],
    ['with an alignment of another score', { ...good, best: { ...best, score: 51 } }],
    ['with lines of unequal length', { ...good, best: { ...best, match: 'A +' } }],
    ['with positions that do not fit', { ...good, best: { ...best, queryTo: 7 } }],
    ['with an escape sequence in its alignment', { ...good, best: { ...best, match: 'A\u001b[W' } }],
  ])('%s', (_what, output) => {
    const text = viewOf(output);
    expect(text).toContain('No hits.');
    expect(text).toContain('1 output is no report of a search.');
  });
});

describe('the view', () => {
  test('takes control and format characters out of names and descriptions', () => {
    const text = viewOf(report(hit('na\u001b[31mme\u0007\u202e', 50, 'a\r\nb\u2028\u009b')));
    expect(text).toContain('na[31mme ');
    expect(text).toContain(' ab ');
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
  });

  test('shows the best ten of all tasks, by score and then by name', () => {
    const outputs = Array.from({ length: 6 }, (_, task) => report(hit(`x${task}`, 90 - task), hit(`y${task}`, 40)));
    const names = [...viewOf(...outputs).matchAll(/ ([xy]\d) /g)].map(([, name]) => name);
    expect(names).toEqual(['x0', 'x1', 'x2', 'x3', 'x4', 'x5', 'y0', 'y1', 'y2', 'y3']);
  });

  test('shows the alignment of the first hit of all, whichever task it came from', () => {
    const lower = { ...report(hit('b', 40)), best: { ...best, name: 'b', score: 40 } };
    const text = viewOf(lower, { ...report(hit('a', 50)), best }, lower);
    expect(text).toContain(
      [
        'a: identical 2/4 (50 %), alike 3/4 (75 %), gaps 1/4 (25 %)',
        '',
        'query    3  ACDW  6',
        '            A +W',
        'target  10  A-EW  12',
      ].join('\n'),
    );
    expect(text).not.toContain('b: identical');
  });

  test('shows no alignment of another hit where the first has none', () => {
    const text = viewOf({ ...report(hit('a', 50)), best }, { ...report(hit('c', 60)), bestSkipped: 'too many cells' });
    expect(text).toContain('No alignment of the first hit: too many cells.');
    expect(text).not.toContain('identical');
  });

  test('breaks alignments into blocks of 60 columns with positions, and stops after 20 blocks', () => {
    const line = 'A'.repeat(1300);
    const long = {
      ...best,
      queryFrom: 1,
      queryTo: 1300,
      targetFrom: 5,
      targetTo: 1304,
      query: line,
      match: line,
      target: line,
    };
    const text = viewOf({ ...report(hit('a', 50)), best: long });
    expect(text).toContain(`query     61  ${'A'.repeat(60)}  120`);
    expect(text).toContain(`target  1145  ${'A'.repeat(60)}  1204`);
    expect(text).toContain('100 more columns');
    expect(text.match(/^query/gm)).toHaveLength(20);
  });

  test('sums records, residues and cells, and tells the rate', () => {
    const text = viewOf(report(hit('a', 5)), report(), 'x');
    expect(text).toContain('20 records, 2,000 residues, 200,000 cells in 2 ms, 0.1 GCUPS');
    expect(text).toContain('1 output is no report of a search.');
  });

  test('says so when there is nothing', () => {
    expect(viewOf()).toBe('No hits.\n\n0 records, 0 residues, 0 cells in 2 ms, 0 GCUPS');
  });
});

describe('significance', () => {
  test('bits and E are those of NCBI BLAST for BLOSUM62 and gaps of 11 + k', () => {
    // (0.267 * 300 - ln 0.041) / ln 2
    expect(bitsOf(300)).toBeCloseTo(120.2, 1);
    expect(expectedOf(300, 1e9) / (0.041 * 1e9 * Math.exp(-0.267 * 300))).toBeCloseTo(1, 9);
  });
});
