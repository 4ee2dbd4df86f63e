// The guide is done as it stands: its files are written, its commands run, in their order, and what it shows is what comes out.
import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { ASC_VERSION } from '../../host/build/compile.ts';
import { lodger, scratch } from '../cli/lodger.ts';
import { WASMTIME_MISSING } from '../contract/engines.ts';
import { textOf } from './files.ts';

const GUIDE = textOf('docs/guide.md');
const PAGE_WORDS = 700;
const BLOCK = /(?:<!-- file: (?<file>\S+) -->\n)?```(?<kind>\w+)\n(?<text>[\s\S]*?)```\n/g;

/** How much fuel something takes changes with the compiler's options and transforms; the words around it do not. */
function unmeasured(text: string): string {
  return text
    .replace(/[+-][\d.]+ %/g, 'N %')
    .replace(/(fuel|was) [\d,]+/g, '$1 N')
    .replace(/│ +[\d,.]+(?: %)?(?= │)/g, '│ N')
    .replace(/\(\d+ more\)/g, '(N more)')
    .replace(/[─┬┼┴]+/g, '-')
    .replace(/ +│/g, ' │');
}

/** Without the native library one engine is all there is. */
function onEnginesHere(text: string): string {
  if (WASMTIME_MISSING === undefined) return text;
  const own = text.replaceAll(' and wasmtime', '').split('\n');
  return own.filter((line, at) => !line.includes('wasmtime: ') && !own[at - 1]?.includes('wasmtime: ')).join('\n');
}

async function run(line: string, cwd: string): Promise<string> {
  const [program, name, ...args] = line.split(' ');
  if (program === 'npx') {
    expect(name).toBe('lodger');
    const { stdout, stderr } = await lodger(args, { cwd });
    return args[0] === 'new' || args[0] === 'map' || args[0] === 'build' ? '' : stdout + stderr;
  }
  // What is tested is the package that is here.
  if (program === 'npm') expect(line).toBe(`npm install --save-dev lodger assemblyscript@${ASC_VERSION}`);
  else return execFileSync('sh', ['-c', line], { cwd, encoding: 'utf8' });
  return '';
}

test('all of it works, and shows what it says', { timeout: 240_000 }, async () => {
  await using folder = await scratch();
  const cwd = folder.path;
  let shown = '';
  let compared = 0;
  for (const { groups } of GUIDE.matchAll(BLOCK)) {
    const { file, kind, text = '' } = groups as { file?: string; kind?: string; text?: string };
    if (file !== undefined) {
      await mkdir(dirname(join(cwd, file)), { recursive: true });
      await writeFile(join(cwd, file), text);
    } else if (kind === 'sh') {
      shown = '';
      for (const line of text.trim().split('\n')) shown += await run(line, cwd);
    } else {
      const told = shown
        .split('\n')
        .filter((line) => !line.startsWith('lodger: engine "wasmtime"'))
        .join('\n');
      // A table may end with more than is shown of it.
      expect(unmeasured(told).startsWith(unmeasured(onEnginesHere(text)).trimEnd()), `${told}\nis not\n${text}`).toBe(
        true,
      );
      compared++;
    }
  }
  expect(compared).toBe(5);
  const counts = [...GUIDE.matchAll(/"count":(\d+),"largest":\d+\}\}\n/g)].map(([, count]) => Number(count));
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(78_498);
});

test('it has two pages of words', () => {
  const words = GUIDE.replace(/```[\s\S]*?```/g, '').split(/\s+/).length;
  expect(words).toBeLessThanOrEqual(2 * PAGE_WORDS);
});
