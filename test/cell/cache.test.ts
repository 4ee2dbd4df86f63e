// Compiled code on this user's disk is for kernels that the user chose, never for strangers': those leave nothing there.
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { servedSite } from '../agent/started.ts';
import { termsOf } from '../agent/terms.ts';
import { lodger, ROOT, scratch, start } from '../cli/lodger.ts';
import { WASMTIME_MISSING } from '../contract/engines.ts';
import { DO, guest, inputOf } from '../pool/guest.ts';

let folder: Awaited<ReturnType<typeof scratch>>;
let job: string;
beforeAll(async () => {
  folder = await scratch();
  job = join(folder.path, 'job.json');
  const inputs = { files: [join(ROOT, 'package.json')] };
  await writeFile(job, JSON.stringify({ version: 1, kernel: join(ROOT, 'dist/kernels/echo.wasm'), inputs }));
});
afterAll(() => folder[Symbol.asyncDispose]());

/** A folder for the cache, and what compiled code is in it. */
const newCache = async () => {
  const cache = await scratch();
  onTestFinished(() => cache[Symbol.asyncDispose]());
  const { path } = cache;
  const names = async () => (await readdir(path, { recursive: true })).filter((name) => name.endsWith('.cwasm'));
  return { env: { XDG_CACHE_HOME: path }, names };
};

describe.runIf(process.platform === 'linux')('compiled code', () => {
  test.each([
    ['thread', 1],
    ['process', 0],
  ])('of a job in a %s is kept on disk %i times', async (isolation, count) => {
    if (WASMTIME_MISSING !== undefined) return;
    const { env, names } = await newCache();
    const args = ['map', job, '--engine', 'wasmtime', '--isolation', isolation, '--json'];
    const { exitCode, stderr } = await lodger(args, { env, cwd: folder.path });
    expect(exitCode, stderr).toBe(0);
    expect(await names()).toHaveLength(count);
  });

  test.each(['thread', 'process'])('of a site whose kernels run in a %s is not kept on disk', async (isolation) => {
    if (WASMTIME_MISSING !== undefined) return;
    const { env, names } = await newCache();
    const { site, url } = await servedSite();
    site.add('job', termsOf(site.put((await guest()).bytes)), [inputOf(DO.echo, 1)]);
    const args = ['--engine', 'wasmtime', '--isolation', isolation, '--strict', 'any', '--data', `agent-${isolation}`];
    const { child, ended } = start(['join', url, ...args], { env, cwd: folder.path });
    onTestFinished(async () => {
      child.kill('SIGKILL');
      await ended;
    });
    await site.until('a result', () => site.results.size === 1);
    expect(site.results.get('job 0')).toMatchObject({ code: '' });
    expect(await names()).toEqual([]);
  });
});
