// The README's job of a program, through the command line as people use it.
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lodger, ROOT, scratch } from '../cli/lodger.ts';
import { textOf } from '../project/files.ts';
import { block } from '../project/readme.ts';

const FIXTURES = 'test/fixtures/programs';

test('the job of a program runs as the README says, with commands that build the fixtures', async () => {
  await using folder = await scratch();
  const file = (name: string) => join(folder.path, name);
  await copyFile(join(ROOT, FIXTURES, 'tool.wasm'), file('tool.wasm'));
  await writeFile(file('one.txt'), 'count\none two\n');
  await writeFile(file('two.txt'), 'copy\nthe rest');
  await writeFile(file('tool.json'), block('program-job'));
  const [, go = '', ...ours] = block('program-commands').trim().split('\n');
  const ends = [];
  for (const command of ours) ends.push(await lodger(command.split(' ').slice(1), { cwd: folder.path }));
  expect(ends.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
  expect(ends[0]?.stdout).toMatch(/^shape +command$/m);
  expect(ends[0]?.stdout).toMatch(/^grants +none needed$/m);
  const lines = (await readFile(file('counts.ndjson'), 'utf8')).trim().split('\n');
  expect(lines.map((line) => JSON.parse(line).text)).toEqual(['1 2 8\n', 'the rest']);
  const [, built] = /^# +(GOOS=.*?) -o/m.exec(textOf(`${FIXTURES}/build.sh`)) ?? [];
  expect(built && go.startsWith(built)).toBe(true);
});
