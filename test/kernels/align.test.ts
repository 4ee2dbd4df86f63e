// The protein search: its scores against an oracle, its alignments, what it refuses.
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildSearch, dataText, GuestFailure, type Search } from './align-guest.ts';
import { known, rescore, smithWaterman } from './smith-waterman.ts';

interface Hit {
  readonly name: string;
  readonly description?: string;
  readonly length: number;
  readonly score: number;
}

interface Report {
  readonly records: number;
  readonly residues: number;
  readonly cells: number;
  readonly hits: readonly Hit[];
  readonly best?: {
    readonly name: string;
    readonly score: number;
    readonly queryFrom: number;
    readonly queryTo: number;
    readonly targetFrom: number;
    readonly targetTo: number;
    readonly query: string;
    readonly match: string;
    readonly target: string;
  };
  readonly bestSkipped?: string;
}

let search: Search;
const parsed = (query: string, records: string): Report => JSON.parse(search(query, records)) as Report;

beforeAll(async () => {
  search = await buildSearch();
}, 60_000);

/** Hits that one task reports. */
const HITS_MAX = 25;
const fasta = (sequences: readonly string[]) => sequences.map((sequence, i) => `>s${i}\n${sequence}\n`).join('');

/** Scores of a query with each sequence, asked for in tasks small enough that each hit is reported. */
function scoresOf(query: string, sequences: readonly string[]): number[] {
  const scores = new Array<number>(sequences.length).fill(0);
  for (let from = 0; from < sequences.length; from += HITS_MAX) {
    const task = sequences.slice(from, from + HITS_MAX);
    for (const hit of parsed(`>q\n${query}\n`, fasta(task)).hits) scores[from + Number(hit.name.slice(1))] = hit.score;
  }
  return scores;
}

const database = dataText('proteins.fasta')
  .split(/^>/m)
  .slice(1)
  .map((record) => {
    const [header = '', ...lines] = record.split('\n');
    return { name: header.split(' ')[0] ?? '', family: /family=(\S+)/.exec(header)?.[1], sequence: lines.join('') };
  });

describe('refuses, and says which record is wrong', () => {
  const good = '>q\nACDEF\n';
  test.each([
    ['an empty input', good, '', 'input: holds no FASTA record'],
    ['an input of white space', good, ' \r\n\n', 'input: holds no FASTA record'],
    ['text before the first record', good, 'ACDEF\n>a\nACD\n', 'input: a FASTA record begins with ">", not with "A"'],
    [
      'a byte that cannot be shown',
      good,
      '\u0001>a\nACD\n',
      'input: a FASTA record begins with ">", not with byte 0x1',
    ],
    ['a record without a name', good, '>a\nACD\n> b\nACD\n', 'input: record 2 has no name after ">"'],
    ['a record without residues', good, '>a\n>b\nACD\n', 'input: record "a" has no residues'],
    ['a last record without residues', good, '>a\nACD\n>b', 'input: record "b" has no residues'],
    [
      'an aligned sequence',
      good,
      '>a\nAC-D\n',
      'input: record "a" contains "-": an aligned sequence has to be ungapped first',
    ],
    ['a digit', good, '>a\nACD\n>b x\nAC1D\n', 'input: record "b" contains "1", which is no residue'],
    ['a ">" inside a line', good, '>a\nAC>D\n', 'input: record "a" contains ">", which is no residue'],
    ['a query that is no FASTA', 'ACD', '>a\nACD\n', 'blob "query": a FASTA record begins with ">", not with "A"'],
    ['an empty query', '', '>a\nACD\n', 'blob "query": holds no FASTA record'],
    ['two queries', '>p\nACD\n>q\nACD\n', '>a\nACD\n', 'blob "query": holds 2 records, one is wanted'],
  ])('%s', (_what, query, records, message) => {
    expect(() => search(query, records)).toThrow(new GuestFailure(message));
  });

  test('any bytes at all end in an answer or in a failure of its own', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.boolean(), (bytes, header) => {
        const text = header ? Buffer.concat([Buffer.from('>'), bytes]) : bytes;
        try {
          expect((JSON.parse(search('>q\nACDEFWY\n', text)) as Report).records).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toBeInstanceOf(GuestFailure);
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('scores', () => {
  const odd = ['W', 'X', '*', 'AC', 'MKTAYIA', 'GIVEQCCT', 'FVNQHLCGS', 'BZXUOJ*', 'acdefghiklmnpqrst', 'W'.repeat(33)];

  test('every pair of a sample of all families and odd lengths as the oracle does', () => {
    const families = [...new Set(database.map(({ family }) => family))];
    const real = families.flatMap((family) =>
      database
        .filter((record) => record.family === family)
        .slice(0, 3)
        .map(({ sequence }, i) => sequence.slice(0, 40 + 29 * i)),
    );
    const sample = [...odd, ...real];
    expect(sample.length).toBeGreaterThanOrEqual(40);
    for (const query of sample) {
      expect(scoresOf(query, sample), query).toEqual(sample.map((target) => smithWaterman(query, target)));
    }
  });

  test('whole records of the database as the oracle does, long ones included', () => {
    const query = dataText('query.fasta').split('\n').slice(1).join('');
    const sample = database.filter((_record, i) => i % 15 === 0 || i > 714).map(({ sequence }) => sequence);
    expect(scoresOf(query, sample)).toEqual(sample.map((target) => smithWaterman(query, target)));
  });

  test('any two sequences as the oracle does, whatever else is in the task', () => {
    const sequence = fc
      .array(fc.constantFrom(...'ARNDCQEGHILKMFPSTWYVBZX*acdwUOJ'), { minLength: 1, maxLength: 40 })
      .map((residues) => residues.join(''));
    fc.assert(
      fc.property(sequence, fc.array(sequence, { minLength: 1, maxLength: 20 }), (query, targets) => {
        expect(scoresOf(query, targets)).toEqual(targets.map((target) => smithWaterman(query, target)));
      }),
      { numRuns: 100 },
    );
  });

  test.each([
    ['the greatest that is sure to fit a lane of 8 bits', `${'W'.repeat(21)}C`, 240],
    ['one more', `${'W'.repeat(20)}HHR`, 241],
    ['the greatest number of a lane of 8 bits', `${'W'.repeat(21)}CDD`, 252],
    ['one more', 'W'.repeat(23), 253],
    ['40 W', 'W'.repeat(40), 440],
    ['2979 W', 'W'.repeat(2979), 32_769],
    ['the greatest that is sure to fit a lane of 16 bits', `${'W'.repeat(5956)}A`, 65_520],
    ['one more', `${'W'.repeat(5956)}R`, 65_521],
    ['the greatest number of a lane of 16 bits', `${'W'.repeat(5957)}K`, 65_532],
    ['one more', `${'W'.repeat(5957)}G`, 65_533],
    ['6000 W', 'W'.repeat(6000), 66_000],
  ])('beyond 8 and 16 bits are exact: %s', (_what, long, score) => {
    const { hits, bestSkipped } = parsed(`>q\n${long}\n`, `>short\nWWW\n>long\n${long}\n>other\nACDWHC\n`);
    expect(hits[0]).toEqual({ name: 'long', length: long.length, score });
    expect(hits.map(({ name }) => name)).toEqual(['long', 'short', 'other']);
    expect(hits[1]?.score).toBe(33);
    if (long.length > 2896) expect(bestSkipped).toBe('query x target exceeds 8388608 cells');
  });

  test('of many that do not fit a lane of 8 bits as the oracle does, beside some that do', () => {
    const sequence = fc
      .array(fc.constantFrom(...'WWWWWWWWCCHYK'), { minLength: 1, maxLength: 70 })
      .map((residues) => residues.join(''));
    fc.assert(
      fc.property(sequence, fc.array(sequence, { minLength: 1, maxLength: 40 }), (query, targets) => {
        expect(scoresOf(query, targets)).toEqual(targets.map((target) => smithWaterman(query, target)));
      }),
      { numRuns: 60 },
    );
  });
});

describe('alignment of the best hit', () => {
  const residues = (line: string) => line.replaceAll('-', '');

  function check(query: string, targets: readonly string[]): Report {
    const report = parsed(`>q\n${query}\n`, fasta(targets));
    const { best } = report;
    if (best === undefined) {
      expect(report.hits).toEqual([]);
      return report;
    }
    const target = targets[Number(best.name.slice(1))] ?? '';
    expect(best.score).toBe(report.hits[0]?.score);
    expect(rescore(best.query, best.target)).toBe(best.score);
    expect(residues(best.query)).toBe([...query.slice(best.queryFrom - 1, best.queryTo)].map(known).join(''));
    expect(residues(best.target)).toBe([...target.slice(best.targetFrom - 1, best.targetTo)].map(known).join(''));
    for (let i = 0; i < best.match.length; i++) {
      const same = best.query[i] === best.target[i];
      if (same || best.match[i] !== '+') expect(best.match[i]).toBe(same ? best.query[i] : ' ');
    }
    return report;
  }

  test('scores what it claims, with gaps of every length on both sides', () => {
    const left = 'MKWVTFISLLFLFSSAYSRG';
    const right = 'DEHKAWCHYWEPPWMFNQWK';
    for (const gap of ['', 'P', 'PP', 'PPPPTPPP']) {
      const joined = left + gap + right;
      expect(check(left + right, [joined]).best?.query).toBe(left + '-'.repeat(gap.length) + right);
      expect(check(joined, [left + right]).best?.target).toBe(left + '-'.repeat(gap.length) + right);
    }
  });

  test('scores what it claims for any pair', () => {
    const sequence = fc
      .array(fc.constantFrom(...'ACWHHWKXU*'), { minLength: 1, maxLength: 40 })
      .map((letters) => letters.join(''));
    fc.assert(
      fc.property(sequence, fc.array(sequence, { minLength: 1, maxLength: 3 }), (query, targets) => {
        check(query, targets);
      }),
      { numRuns: 200 },
    );
  });

  test('ends first in the target, then in the query, where several are as good', () => {
    const query = `G${'WGGGGGGGGGG'.repeat(3)}`;
    const { best } = check(query, [`I${'WIIIIIIIIII'.repeat(2)}`]);
    expect(best).toMatchObject({ score: 11, queryFrom: 2, queryTo: 2, targetFrom: 2, targetTo: 2 });
  });

  test('is told of the longest that may be, with the greatest score', () => {
    const query = 'W'.repeat(2896);
    expect(check(query, [query]).best).toMatchObject({ score: 31_856, queryFrom: 1, targetFrom: 1, match: query });
  });

  test('is left out when nothing aligns', () => {
    expect(parsed('>q\nW\n', '>a\nP\n')).toEqual({ records: 1, residues: 1, cells: 1, hits: [] });
  });
});

describe('report', () => {
  test('known members of the family are at the top for the whole database', () => {
    const report = parsed(dataText('query.fasta'), dataText('proteins.fasta'));
    expect(report).toMatchObject({ records: 720, residues: 180_912, cells: 180_912 * 153 });
    expect(report.hits).toHaveLength(HITS_MAX);
    for (const hit of report.hits) expect(hit.description).toBe('family=globins');
    expect(report.hits.slice(0, 7).every(({ name }) => name.startsWith('MYG_'))).toBe(true);
  });

  test('hits are the best 25, by score and then by name', () => {
    const records = Array.from({ length: 60 }, (_, i) => `>n${(i * 7) % 60}\n${'W'.repeat(1 + (i % 3))}\n`).join('');
    const hits = parsed('>q\nWWWW\n', records).hits;
    const names = Array.from({ length: 60 }, (_, i) => ({ name: `n${(i * 7) % 60}`, score: 11 * (1 + (i % 3)) }));
    names.sort((a, b) => b.score - a.score || (a.name < b.name ? -1 : 1));
    expect(hits.map(({ name, score }) => ({ name, score }))).toEqual(names.slice(0, HITS_MAX));
  });

  test('names and descriptions of any kind come out as JSON', () => {
    const records = '>a"b\\c\u0001 d\t"e" \u007f\r\nACW\r\n>\u03b1\u03b2 \u{1f9ec}\nAC W\n';
    expect(parsed('>q\nACW\n', records).hits).toEqual([
      { name: 'a"b\\c\u0001', description: 'd\t"e" \u007f', length: 3, score: 24 },
      { name: '\u03b1\u03b2', description: '\u{1f9ec}', length: 3, score: 24 },
    ]);
  });

  test('a header that is too long is cut', () => {
    const [hit] = parsed('>q\nACW\n', `>${'n'.repeat(300)} ${'d'.repeat(300)}\nACW\n`).hits;
    expect(hit).toMatchObject({ name: 'n'.repeat(200), description: 'd'.repeat(200) });
  });

  test('is the same for the same records, byte for byte', () => {
    const texts = [
      dataText('query.fasta'),
      dataText('proteins.fasta')
        .slice(0, 16_384)
        .replace(/>[^>]*$/, ''),
    ] as const;
    expect(search(...texts)).toBe(search(...texts));
  });
});
