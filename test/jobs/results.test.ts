// How outcomes are written: nothing lost, nothing half there.
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeFile, writeWhole } from '../../host/jobs/files.ts';
import { openResults } from '../../host/jobs/results.ts';
import type { Done, Outcome } from '../../runtime/job/outcome.ts';
import { scratch } from '../cli/lodger.ts';

const NO_LOG = { lines: [], linesDropped: 0 };
const receipt = {} as Done['receipt'];
const done = (output: string | Uint8Array): Outcome => {
  return { state: 'done', output: typeof output === 'string' ? Buffer.from(output) : output, log: NO_LOG, receipt };
};

test.each<['base64' | 'text' | 'json', string | Uint8Array, object]>([
  ['base64', 'a', { base64: 'YQ==' }],
  ['text', '', { text: '' }],
  ['text', '\ufeffa\u2028\n"\\', { text: '\ufeffa\u2028\n"\\' }],
  ['text', Uint8Array.of(0xff), { base64: '/w==' }],
  ['json', '{\r\n "a": [1,\n2]}\n', { json: { a: [1, 2] } }],
  ['json', '"line\\nend"', { json: 'line\nend' }],
  ['json', '{"a":1}{', { base64: Buffer.from('{"a":1}{').toString('base64') }],
  ['json', '', { base64: '' }],
])('as %s, %j becomes %j in one line', async (as, output, content) => {
  await using folder = await scratch();
  const results = await openResults({ kind: 'file', file: 'out', as }, folder.path);
  await results?.add(0, done(output));
  await results?.finish();
  const text = await readFile(join(folder.path, 'out'), 'utf8');
  expect(text.match(/\n/g)).toHaveLength(1);
  expect(JSON.parse(text)).toEqual({ index: 0, state: 'done', ...content });
});

test('numbers in JSON keep all their digits', async () => {
  await using folder = await scratch();
  const results = await openResults({ kind: 'file', file: 'out', as: 'json' }, folder.path);
  await results?.add(0, done('[12345678901234567890, 1.0]'));
  await results?.finish();
  expect(await readFile(join(folder.path, 'out'), 'utf8')).toContain('"json":[12345678901234567890, 1.0]');
});

test('a thousand lines arrive in order, more than are gathered at a time', async () => {
  await using folder = await scratch();
  const results = await openResults({ kind: 'file', file: 'deep/out', as: 'text' }, folder.path);
  for (let index = 0; index < 1_000; index++) await results?.add(index, done(`${index} ${'x'.repeat(300)}`));
  expect(await readdir(join(folder.path, 'deep'))).toEqual([expect.stringMatching(/\.tmp$/)]);
  await results?.finish();
  const lines = (await readFile(join(folder.path, 'deep/out'), 'utf8')).trimEnd().split('\n');
  expect(lines.map((line) => Number.parseInt(JSON.parse(line).text, 10))).toEqual(
    Array.from({ length: 1_000 }, (_, at) => at),
  );
});

test('a folder has the log of each task that wrote one, and says how many lines were dropped', async () => {
  await using folder = await scratch();
  const results = await openResults({ kind: 'folder', folder: 'out', pictures: true }, folder.path);
  const log = { lines: [{ level: 'info', text: 'a' }], linesDropped: 2 } as const;
  await results?.add(0, { ...done(''), log });
  await results?.add(1, { ...done(''), log: { lines: [], linesDropped: 1 } });
  await results?.add(2, done(''));
  await results?.finish();
  const logs = (await readdir(join(folder.path, 'out'))).filter((name) => name.endsWith('.log')).sort();
  const texts = await Promise.all(logs.map((name) => readFile(join(folder.path, 'out', name), 'utf8')));
  expect(texts).toEqual(['info: a\n(2 more lines were dropped)\n', '(1 more lines were dropped)\n']);
});

test('a result that cannot be written is told at the latest at the end, and no result before it is missing', async () => {
  await using folder = await scratch();
  const out = join(folder.path, 'out');
  const results = await openResults({ kind: 'folder', folder: 'out', pictures: true }, folder.path);
  for (let index = 0; index < 100; index++) await results?.add(index, done(`${index}`));
  await results?.finish();
  const names = (await readdir(out)).sort();
  expect(names).toEqual(Array.from({ length: 100 }, (_, at) => `${String(at).padStart(6, '0')}.out`));
  expect(await readFile(join(out, '000099.out'), 'utf8')).toBe('99');

  await rm(out, { recursive: true });
  const both = async () => {
    await results?.add(100, done('lost'));
    await results?.finish();
  };
  await expect(both()).rejects.toThrow(expect.objectContaining({ code: 'ERR_FILE' }));
  await expect(results?.add(101, done('after'))).rejects.toThrow(expect.objectContaining({ code: 'ERR_FILE' }));
});

test.each([
  [{ kind: 'folder', folder: 'new/deep/out', pictures: true }],
  [{ kind: 'file', file: 'new/deep/out', as: 'text' }],
] as const)(
  'results that are discarded leave no folder that they made, and those that were there: %j',
  async (plan) => {
    await using folder = await scratch();
    await (await openResults(plan, folder.path))?.discard();
    expect(await readdir(folder.path)).toEqual([]);

    await mkdir(join(folder.path, 'new'));
    await (await openResults(plan, folder.path))?.discard();
    expect(await readdir(folder.path, { recursive: true })).toEqual(['new']);

    const results = await openResults(plan, folder.path);
    await results?.add(0, done('a'));
    await results?.finish();
    await results?.discard();
    expect(await readdir(join(folder.path, 'new/deep'))).toEqual(['out']);
  },
);

test('a file that is discarded leaves what was there, and nothing else', async () => {
  await using folder = await scratch();
  const path = join(folder.path, 'out');
  await writeFile(path, 'before');
  const file = await makeFile(path);
  await file.write('x'.repeat(100_000));
  await file.discard();
  expect([await readFile(path, 'utf8'), await readdir(folder.path)]).toEqual(['before', ['out']]);
});

test('a file is not written in the place of a folder, and the folder stays', async () => {
  await using folder = await scratch();
  await mkdir(join(folder.path, 'out'));
  await expect(writeWhole(join(folder.path, 'out'), 'x')).rejects.toThrow(
    expect.objectContaining({ code: 'ERR_FILE', message: expect.stringContaining('it is a folder') }),
  );
  expect(await readdir(folder.path)).toEqual(['out']);
});
