// The result of a protein search as people read it: the best hits of all tasks, the alignment of the first, the rate.
import Table from 'cli-table3';
import { formatDuration, short } from '../../../runtime/base/units.ts';
import { type Alignment, type Hit, readReport, residuesOf, type SearchReport } from './report.ts';

export interface HitsView {
  /** Takes the output of one task. One that is no report of the search is counted, not shown. */
  add(output: Uint8Array): void;
  /** Table, alignment and totals as text of several lines, without colours. `wallMs`: how long the whole search took. */
  render(facts: { readonly wallMs: number }): string;
}

const HITS_SHOWN = 10;
const COLUMNS = 60;
const BLOCKS_MAX = 20;
const TEXT_WIDTH = 44;

/**
 * Karlin and Altschul's parameters of gapped alignments under BLOSUM62 with gaps of 11 + k, as NCBI BLAST has them
 * (blast_stat.c, blosum62_values: 11, 1). Significance: PNAS 87 (1990), 2264; edge effects are left out, which makes E larger.
 */
const LAMBDA = 0.267;
const K = 0.041;

/** A view that keeps no more than what it shows. */
export function hitsView(): HitsView {
  let hits: Hit[] = [];
  let first: SearchReport | undefined;
  let unreadable = 0;
  const total = { records: 0, residues: 0, cells: 0 };

  return {
    add(output) {
      const report = readReport(output);
      if (report === undefined) {
        unreadable++;
        return;
      }
      for (const name of ['records', 'residues', 'cells'] as const) total[name] += report[name];
      hits = [...hits, ...report.hits].sort(byScore).slice(0, HITS_SHOWN);
      if (report.hits.includes(hits[0] as Hit)) first = report;
    },
    render({ wallMs }) {
      const parts = [hits.length > 0 ? tableOf(hits, total) : 'No hits.'];
      if (first?.best !== undefined) parts.push(alignmentText(first.best));
      if (first?.bestSkipped !== undefined) parts.push(`No alignment of the first hit: ${first.bestSkipped}.`);
      parts.push(totalsText(total, wallMs));
      if (unreadable > 0)
        parts.push(`${unreadable} ${unreadable === 1 ? 'output is' : 'outputs are'} no report of a search.`);
      return parts.join('\n\n');
    },
  };
}

function byScore(a: Hit, b: Hit): number {
  return b.score - a.score || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
}

/** Score in bits, which can be compared between matrices. */
export function bitsOf(score: number): number {
  return (LAMBDA * score - Math.log(K)) / Math.LN2;
}

/** How many hits of this score a search space of so many cells gives by chance. */
export function expectedOf(score: number, cells: number): number {
  return cells * 2 ** -bitsOf(score);
}

function tableOf(hits: readonly Hit[], total: { readonly cells: number }): string {
  const table = new Table({
    head: ['#', 'score', 'bits', 'E', 'length', 'name', 'description'],
    colAligns: ['right', 'right', 'right', 'right', 'right', 'left', 'left'],
    style: { head: [], border: [], compact: true },
  });
  hits.forEach(({ name, description = '', length, score }, i) => {
    const expected = expectedOf(score, total.cells);
    table.push([
      i + 1,
      score,
      bitsOf(score).toFixed(1),
      expected < 1e-300 ? '0' : expected.toExponential(1),
      length,
      cut(name),
      cut(description),
    ]);
  });
  return table.toString();
}

function alignmentText(alignment: Alignment): string {
  const { name, query, match, target } = alignment;
  const same = [...match].filter((mark) => mark !== ' ' && mark !== '+').length;
  const alike = [...match].filter((mark) => mark !== ' ').length;
  const gaps = 2 * match.length - residuesOf(query) - residuesOf(target);
  const share = (part: number) => `${part}/${match.length} (${Math.round((100 * part) / match.length)} %)`;
  const lines = [`${cut(name)}: identical ${share(same)}, alike ${share(alike)}, gaps ${share(gaps)}`];

  const width = String(Math.max(alignment.queryTo, alignment.targetTo)).length;
  let queryAt = alignment.queryFrom;
  let targetAt = alignment.targetFrom;
  for (let from = 0; from < match.length; from += COLUMNS) {
    if (from === COLUMNS * BLOCKS_MAX) {
      lines.push('', `${match.length - from} more columns`);
      break;
    }
    const part = (line: string) => line.slice(from, from + COLUMNS);
    const queryTo = queryAt + residuesOf(part(query));
    const targetTo = targetAt + residuesOf(part(target));
    lines.push(
      '',
      lineOf('query', queryAt, width, part(query), queryTo - 1),
      `${' '.repeat('target'.length + width + 4)}${part(match)}`.trimEnd(),
      lineOf('target', targetAt, width, part(target), targetTo - 1),
    );
    queryAt = queryTo;
    targetAt = targetTo;
  }
  return lines.join('\n');
}

function lineOf(label: string, from: number, width: number, residues: string, to: number): string {
  return `${label.padEnd('target'.length)}  ${String(from).padStart(width)}  ${residues}  ${to}`;
}

function totalsText(
  total: { readonly records: number; readonly residues: number; readonly cells: number },
  wallMs: number,
) {
  const rate = wallMs > 0 ? `, ${short(total.cells / wallMs / 1e6)} GCUPS` : '';
  const counted = (value: number, noun: string) => `${value.toLocaleString('en')} ${noun}`;
  const sizes = [counted(total.records, 'records'), counted(total.residues, 'residues'), counted(total.cells, 'cells')];
  return `${sizes.join(', ')} in ${formatDuration(wallMs)}${rate}`;
}

/** Wide enough to tell names apart, narrow enough for a terminal. */
function cut(text: string): string {
  const letters = [...text];
  return letters.length > TEXT_WIDTH ? `${letters.slice(0, TEXT_WIDTH - 1).join('')}…` : text;
}
