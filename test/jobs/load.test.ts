// What a job file names is found, and no more is looked at for it than is stated.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadJob } from '../../host/jobs/load.ts';
import { JOB_FILE } from '../../runtime/base/limits.ts';
import { scratch } from '../cli/lodger.ts';
import { kernelOf } from '../wasm/kernel.ts';

test('a kernel is found by its digest among as many .wasm files as are looked at, and refused among more', async () => {
  await using folder = await scratch();
  const bytes = kernelOf();
  const digest = Buffer.from(await crypto.subtle.digest('SHA-256', bytes)).toString('hex');
  const path = join(folder.path, 'job.json');
  await writeFile(path, JSON.stringify({ version: 1, kernel: `sha256:${digest}`, inputs: { lines: 'x' } }));
  await writeFile(join(folder.path, 'last.wasm'), bytes);
  for (let at = 1; at < JOB_FILE.neighbours.max; at++) await writeFile(join(folder.path, `a${at}.wasm`), '');
  expect((await loadJob(path)).terms.kernel.digest).toBe(digest);

  await writeFile(join(folder.path, 'more.wasm'), '');
  await expect(loadJob(path)).rejects.toMatchObject({
    code: 'ERR_JOB_INVALID',
    message: `job file: "kernel" must be a path: over 1000 .wasm files lie in ${folder.path}`,
  });
});
