// Tables for people: columns as wide as what is in them, texts of strangers made safe to show.
import Table from 'cli-table3';
import { printable } from './say.ts';

/** A table without lines, or a word where there is nothing to show. */
export function tableOf(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  empty: string,
): string {
  if (rows.length === 0) return `${empty}\n`;
  const none = ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right'];
  const lines = [...none, 'left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid'];
  const table = new Table({
    head: [...head],
    chars: { ...Object.fromEntries(lines.map((name) => [name, ''])), middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
    colAligns: (rows[0] ?? []).map((cell) => (typeof cell === 'number' ? 'right' : 'left')),
  });
  for (const row of rows) table.push(row.map((cell) => printable(String(cell))));
  return `${table.toString().replaceAll(/ +$/gm, '')}\n`;
}
