// The README's job of a program, through the command line as people use it.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lodger, scratch } from '../cli/lodger.ts';
import { textOf } from '../project/files.ts';
import { block } from '../project/readme.ts';
import { C_PROGRAM, goProgram, RUST_PROGRAM, ZIG_PROGRAM } from './programs.ts';

const FIXTURES = 'test/fixtures/programs';

const go = goProgram();
const PROGRAMS: readonly (readonly [string, Uint8Array])[] = [
  ['C', C_PROGRAM],
  ['Rust', RUST_PROGRAM],
  ['Zig', ZIG_PROGRAM],
  ...(go ? [['Go', go] as const] : []),
];

test.each(PROGRAMS)('the job of a program runs as the README says, in %s', async (_, program) => {
  await using folder = await scratch();
  const file = (name: string) => join(folder.path, name);
  await writeFile(file('tool.wasm'), program);
  await writeFile(file('one.txt'), 'count\none two\n');
  await writeFile(file('two.txt'), 'copy\nthe rest');
  await writeFile(file('tool.json'), block('program-job'));
  const [, , , , ...ours] = block('program-commands').trim().split('\n');
  const ends = [];
  for (const command of ours) ends.push(await lodger(command.split(' ').slice(1), { cwd: folder.path }));
  expect(ends.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
  expect(ends[0]?.stdout).toMatch(/^shape +command$/m);
  expect(ends[0]?.stdout).toMatch(/^grants +none needed$/m);
  const lines = (await readFile(file('counts.ndjson'), 'utf8')).trim().split('\n');
  expect(lines.map((line) => JSON.parse(line).text)).toEqual(['1 2 8\n', 'the rest']);
});

test('the commands that the README gives build the fixtures', () => {
  const [c = '', go = '', rust = '', zig = ''] = block('program-commands').trim().split('\n');
  const build = textOf(`${FIXTURES}/build.sh`);
  const [, built] = /^# +(GOOS=.*?) -o/m.exec(build) ?? [];
  expect(built && go.startsWith(built)).toBe(true);
  for (const [command, source] of [
    [c, 'tool.c'],
    [rust, 'tool.rs'],
    [zig, 'tool.zig'],
  ] as const) {
    const [, target = 'none'] = /target[= ](\S+)/.exec(command) ?? [];
    expect(build).toMatch(new RegExp(`target[= ]${target} [^#]*${source}`));
  }
});

test('a program on the command line has arguments, a folder and a clock', async () => {
  await using folder = await scratch();
  const file = (name: string) => join(folder.path, name);
  await writeFile(file('tool.wasm'), C_PROGRAM);
  await writeFile(file('in.txt'), 'put /data/out.txt\nwritten');
  await writeFile(file('look.txt'), 'look\n');
  const run = (input: string, ...more: readonly string[]) =>
    lodger(['run', 'tool.wasm', '--input', input, ...more], { cwd: folder.path });
  expect((await run('in.txt', '--grant', `files:/data=${folder.path}:write`, '--grant', 'clock')).stdout).toBe('ok\n');
  expect(await readFile(file('out.txt'), 'utf8')).toBe('written');
  expect((await run('look.txt', '--arg', 'one', '--arg', 'two words')).stdout).toMatch(/^3 program /);
  const { exitCode, stderr } = await run('look.txt', '--grant', 'http:https://example.org:GET');
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining('ERR_GRANT_UNAVAILABLE')]);
});
