// Grants of folders and origins on the command line and in job files, as a user writes them.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { lodger, scratch } from './lodger.ts';

let shared: Awaited<ReturnType<typeof scratch>>;
let folder: string;
const server = createServer((request, response) => void response.end(`you asked for ${request.url}`));
let origin: string;

beforeAll(async () => {
  shared = await scratch();
  folder = shared.path;
  await mkdir(join(folder, 'inputs'));
  await mkdir(join(folder, 'out'));
  await writeFile(join(folder, 'inputs', 'a.txt'), 'from the folder');
  for (const name of ['folders', 'requests']) {
    const built = await lodger(['build', `test/fixtures/kernels/${name}.ts`, '-o', join(folder, `${name}.wasm`)]);
    expect(built).toMatchObject({ exitCode: 0 });
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await shared[Symbol.asyncDispose]();
});

const run = async (kernel: string, input: string, ...words: string[]) =>
  lodger(['run', `${kernel}.wasm`, '--input', '-', ...words], { cwd: folder, input });

test('run reads a folder and writes another, by paths from where it was called', async () => {
  const lines = 'read|/in/a.txt|0|99\nwrite|/out/b.txt|0|into the folder';
  const ended = await run('folders', lines, '--grant', 'files:/in=./inputs:read', '--grant', 'files:/out=out:write');
  expect(ended).toMatchObject({ exitCode: 0, stdout: 'ok from the folder\nok' });
  expect(await readFile(join(folder, 'out', 'b.txt'), 'utf8')).toBe('into the folder');
});

test('run pins a folder, tells its digest, and takes that in place of the folder', async () => {
  const read = 'read|/in/a.txt|0|99';
  const first = await run('folders', read, '--grant', 'files:/in=./inputs:pinned', '--json');
  const { receipt } = JSON.parse(first.stdout);
  expect(receipt.deterministic).toBe(true);
  const [given = ''] = receipt.outside.given as string[];
  expect(given).toMatch(/^files:\/in=sha256:[0-9a-f]{64}$/);
  const digest = given.split('=')[1] ?? '';
  expect(await run('folders', read, '--grant', given)).toMatchObject({ stdout: 'ok from the folder' });
  expect(await run('folders', read, '--grant', `files:/in=./inputs:${digest}`)).toMatchObject({ exitCode: 0 });
  const other = await run('folders', read, '--grant', `files:/in=./inputs:sha256:${'0'.repeat(64)}`);
  expect(other).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('[ERR_BLOB_MISMATCH]') });
  const none = await run('folders', read, '--grant', `files:/in=sha256:${'0'.repeat(64)}`);
  expect(none).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('has this digest; name it') });
});

test('run sends a request, and its receipt names it', async () => {
  const ended = await run('requests', `GET|${origin}/here|`, '--grant', `http:${origin}:GET`, '--json');
  const { output, receipt } = JSON.parse(ended.stdout);
  expect(Buffer.from(output, 'base64').toString()).toBe('200 19 you asked for /here');
  expect(receipt.outside.requests).toEqual([{ method: 'GET', origin, status: 200, bytesSent: 0, bytesReceived: 19 }]);
});

test('map takes grants as texts, and folders are relative to the job file', async () => {
  const job = {
    version: 1,
    kernel: 'folders.wasm',
    inputs: { lines: 'lines.txt' },
    grants: ['files:/in=./inputs:read', 'files:/pinned=inputs:pinned'],
    results: { file: 'results.ndjson', as: 'text' },
  };
  await writeFile(join(folder, 'lines.txt'), 'read|/in/a.txt|0|4\nread|/pinned/a.txt|5|3\nread|/out/b.txt|0|1\n');
  await writeFile(join(folder, 'job.json'), JSON.stringify(job));
  const ended = await lodger(['map', join(folder, 'job.json'), '--threads', '1', '--json']);
  expect(ended).toMatchObject({ exitCode: 0 });
  const lines = (await readFile(join(folder, 'results.ndjson'), 'utf8')).trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line).text)).toEqual([
    ...['ok from', 'ok the'],
    'no no folder is granted at "/out/b.txt"',
  ]);
});
