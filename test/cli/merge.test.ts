// A job with a merge from the command line: what the README shows, the same by `map`, after a broken-off start, and at a site.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildKernel } from '../../host/build/build.ts';
import { freePort, type SiteProcess, startSite } from '../client/process.ts';
import { block } from '../project/readme.ts';
import { lodger, scratch } from './lodger.ts';

let folder: Awaited<ReturnType<typeof scratch>>;
let site: SiteProcess;
let env: Record<string, string>;
const at = (name: string) => join(folder.path, name);
const call = (...args: string[]) => lodger(args, { cwd: folder.path, env });

/** Sums whose last bits depend on the order in which they are made. */
const BOOKS = Array.from({ length: 25 }, (_, book) => ({
  rate: 0,
  legs: [{ strike: book / 7, days: book }],
  prices: [100.1 + book / 3, 1 / (book + 1)],
}));

beforeAll(async () => {
  folder = await scratch();
  await writeFile(at('book.ts'), block('typed-kernel'));
  await writeFile(at('sum.ts'), block('merge-kernel'));
  await writeFile(at('job.json'), block('merge-job'));
  await writeFile(at('books.ndjson'), BOOKS.map((book) => `${JSON.stringify(book)}\n`).join(''));
  site = await startSite(['--data', at('site'), '--threads', '1', '--listen', `127.0.0.1:${await freePort()}`]);
  env = { LODGER_SITE: site.url, LODGER_TOKEN: site.token ?? '' };
  await writeFile(at('other.ts'), block('merge-kernel').replace('total: f64', 'total: f32'));
  await writeFile(at('bytes.ts'), 'export function run(input: Uint8Array): Uint8Array { return input; }');
  for (const name of ['book', 'sum', 'other', 'bytes'])
    await buildKernel({ source: at(`${name}.ts`), out: at(`${name}.wasm`) });
});

afterAll(async () => {
  await site.kill('SIGTERM');
  await folder[Symbol.asyncDispose]();
});

const worth = ({ legs, prices }: (typeof BOOKS)[number]) =>
  legs.reduce((sum, { strike }) => prices.reduce((all, price) => all + Math.max(price - strike, 0), sum), 0);

/** The sum that a tree of four at a time makes. */
function expected(): { total: number; worst: { strike: number; days: number } } {
  let row = BOOKS.map(worth);
  do {
    const above: number[] = [];
    for (let from = 0; from < row.length; from += 4)
      above.push(row.slice(from, from + 4).reduce((sum, each) => sum + each, 0));
    row = above;
  } while (row.length > 1);
  return { total: row[0] as number, worst: { strike: 24 / 7, days: 24 } };
}

const result = async (...path: string[]) => JSON.parse(await readFile(join(folder.path, ...path), 'utf8'));

test('map merges as the README says, in threads and in a process with walls around it', async () => {
  const { exitCode, stderr } = await call('map', 'job.json', '--threads', '2');
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: expect.stringContaining('1 done') });
  expect(await result('value.ndjson')).toEqual({ index: 0, state: 'done', json: expected() });
  await call('map', 'job.json', '--isolation', 'process', '--output', 'walls');
  expect(await result('walls', 'value.ndjson')).toEqual({ index: 0, state: 'done', json: expected() });
});

test('a job that is kept does no task and no merge twice', async () => {
  const keep = ['map', 'job.json', '--checkpoint', 'kept', '--output', 'again', '--json'];
  // One more book cannot be read: all before it is done, and kept.
  await writeFile(at('books.ndjson'), `${BOOKS.map((book) => `${JSON.stringify(book)}\n`).join('')}not a book\n`);
  expect((await call(...keep)).exitCode).toBe(2);
  await writeFile(at('books.ndjson'), BOOKS.map((book) => `${JSON.stringify(book)}\n`).join(''));
  const { stdout, exitCode } = await call(...keep);
  expect(exitCode).toBe(0);
  const { kept } = JSON.parse(stdout);
  expect(kept).toBeGreaterThan(0);
  expect(await result('again', 'value.ndjson')).toEqual({ index: 0, state: 'done', json: expected() });
});

test('a site gives the same to submit --wait and to results, with receipts of tasks and merges that hold', async () => {
  const estimate = JSON.parse((await call('submit', 'job.json', '--estimate', '--json')).stdout);
  expect(estimate).toMatchObject({ tasks: 25, runs: 25 + 7 + 2 + 1, fuel: null });
  const { exitCode } = await call('submit', 'job.json', '--id', 'books', '--wait', '--output', 'there');
  expect(exitCode).toBe(0);
  expect(await result('there', 'value.ndjson')).toEqual({ index: 0, state: 'done', json: expected() });
  const shown = await call('results', 'books', '--receipts', 'receipts.ndjson');
  expect(JSON.parse(shown.stdout)).toMatchObject({ index: 0, state: 'done' });
  expect(JSON.parse(JSON.parse(shown.stdout).text)).toEqual(expected());
  expect((await call('verify', 'receipts.ndjson')).stdout).toMatch(/every receipt holds: 35 receipts/);
  expect(JSON.parse((await call('status', 'books', '--json')).stdout)).toMatchObject({
    state: 'done',
    merges: { tasks: 10, done: 10 },
  });
  expect((await call('status', 'books')).stdout).toMatch(/^merges +10 so far, 10 of them done$/m);
  const again = JSON.parse((await call('submit', 'job.json', '--estimate', '--json')).stdout);
  expect(again.fuel).toBeGreaterThan(0);
});

test.each([
  ['book.wasm', 'option "merge.kernel" must be one that takes an array of results'],
  ['other.wasm', 'option "merge.kernel" must be one that takes an array of what the kernel of the job gives'],
  ['bytes.wasm', 'option "merge.kernel" must be one that gives values, as the kernel of the job does'],
])('a merge by %s is refused before anything runs', async (kernel, message) => {
  await writeFile(at('wrong.json'), block('merge-job').replace('sum.wasm', kernel));
  for (const args of [
    ['map', 'wrong.json'],
    ['submit', 'wrong.json', '--wait'],
  ]) {
    const { stderr, exitCode } = await call(...args);
    expect({ stderr, exitCode }).toEqual({ stderr: expect.stringContaining(message), exitCode: 2 });
  }
});
