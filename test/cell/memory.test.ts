// A cell that really takes more memory than it may hold is ended by the watch, and what was in it is done elsewhere. Tried without the jail,
// whose own limit would refuse the memory before.
import { execFile } from 'node:child_process';
import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Receipt } from 'lodger';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { servedSite } from '../agent/started.ts';
import { termsOf } from '../agent/terms.ts';
import { ROOT, start } from '../cli/lodger.ts';
import { guest, inputs } from '../pool/guest.ts';
import { type Copy, copyOfPackage } from './copy.ts';
import { hog } from './hog.ts';

/** The ceiling of the whole process, and what its one kernel takes for itself. */
const BYTES = 2 ** 28;
const ENDED = /^the kernel was alone in its cell, and the cell ended: it took \d+.* of memory, the ceiling is 256 MiB$/;

/** It holds what it has until it is ended. */
const HOLDING = hog(256, 'loop br 0 end');

/** One task of the hog, and then twenty others. */
const PROGRAM = `
  import { readFile } from 'node:fs/promises';
  import { admit } from 'lodger';
  import { createPool } from 'lodger/host';
  const pool = await createPool({ isolation: 'process', threads: 1, cellMemoryBytesMax: ${BYTES} });
  const [hungry, kernel] = await Promise.all(
    ['hog.wasm', 'guest.wasm'].map(async (file) => admit(await readFile(file))),
  );
  const outcomes = [pool.run({ kernel: hungry, input: new Uint8Array(1), limits: { memoryBytesMax: ${BYTES} } })];
  for (let task = 0; task < 20; task++) outcomes.push(pool.run({ kernel, input: new Uint8Array(5) }));
  const [hog, ...echoes] = (await Promise.all(outcomes)).map(({ output, ...outcome }) => outcome);
  console.log(JSON.stringify({ hog, echoes, restarts: pool.stats().threadRestarts, isolation: pool.isolation }));
  await pool.close();
`;

describe.runIf(process.platform === 'linux')('a cell that takes more memory than it may', () => {
  let copy: Copy;
  beforeAll(async () => {
    copy = await copyOfPackage();
    await symlink(join(ROOT, 'node_modules'), copy.at('node_modules'));
    await writeFile(copy.at('hog.wasm'), HOLDING);
    await writeFile(copy.at('guest.wasm'), (await guest()).bytes);
    await writeFile(copy.at('program.mjs'), PROGRAM);
  });
  afterAll(() => copy.remove());

  test('is ended, other tasks are done in the next one, and its kernel is at fault once it was alone', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ['program.mjs'], { cwd: copy.cwd });
    const { hog: ended, echoes, restarts, isolation } = JSON.parse(stdout);
    expect(isolation).toEqual([]);
    expect(ended).toMatchObject({ code: 'ERR_CELL_ENDED', fault: 'job', message: expect.stringMatching(ENDED) });
    expect(restarts).toBe(3);
    expect(echoes).toHaveLength(20);
    for (const outcome of echoes) expect(outcome).toMatchObject({ state: 'done' });
    // Those that were inside with it began anew; the others were still outside.
    const attempts = echoes.map(({ receipt }: { readonly receipt: Receipt }) => receipt.attempts);
    expect([Math.min(...attempts) >= 1, Math.max(...attempts)]).toEqual([true, 2]);
  }, 60_000);

  test('of an agent is ended, and the agent goes on', async () => {
    const { site, url } = await servedSite();
    const policy = { version: 1, threads: 1, memoryBytesMax: '256MiB', memoryFreeBytesMin: 0, diskFreeBytesMin: 0 };
    await writeFile(copy.at('policy.json'), JSON.stringify(policy));
    site.add('hog', termsOf(site.put(HOLDING), { limits: { memoryBytesMax: BYTES } }), [new Uint8Array(1)]);
    site.add('echo', termsOf(site.put((await guest()).bytes)), [...inputs(20)]);
    const args = ['join', url, '--policy', 'policy.json', '--strict', 'any', '--data', 'agent'];
    const { child, ended } = start(args, copy);
    onTestFinished(async () => {
      child.kill('SIGKILL');
      await ended;
    });
    await expect.poll(() => site.results.size, { timeout: 50_000 }).toBe(21);
    expect(site.results.get('hog 0')).toMatchObject({ code: 'ERR_CELL_ENDED' });
    for (let task = 0; task < 20; task++) expect(site.results.get(`echo ${task}`)).toMatchObject({ code: '' });
    expect(child.exitCode).toBeNull();
  }, 60_000);
});
