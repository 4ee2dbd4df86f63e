// Reads the README: its code blocks and tables, each found by the mark `<!-- test: NAME -->` in front of it.
import { textOf } from './files.ts';

const README = textOf('README.md');
const FENCE = /^```(\w*)\n([\s\S]*?)^```$/gm;

/** The text of the code block with this mark. */
export function block(name: string): string {
  const text = new RegExp(`^<!-- test: ${name} -->\\n\`\`\`\\w+\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(README)?.[1];
  if (text === undefined) throw new Error(`README.md has no code block marked "${name}"`);
  return text;
}

/** The rows of the table with this mark, without its head: the text of each cell. */
export function table(name: string): string[][] {
  const text = new RegExp(`^<!-- test: ${name} -->\\n((?:\\|.*\\|\\n)+)`, 'm').exec(README)?.[1];
  if (text === undefined) throw new Error(`README.md has no table marked "${name}"`);
  const rows = text.trimEnd().split('\n').slice(2);
  return rows.map((row) =>
    row
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );
}

/** Code blocks that no mark stands in front of, by their text. */
export function unmarkedBlocks(): string[] {
  return [...README.matchAll(FENCE)]
    .filter(({ index }) => !/<!-- test: [\w-]+ -->\n$/.test(README.slice(0, index)))
    .map(([, , text = '']) => text);
}

/** Every mark, in order. */
export function marks(): string[] {
  return [...README.matchAll(/^<!-- test: ([\w-]+) -->$/gm)].map(([, name = '']) => name);
}
