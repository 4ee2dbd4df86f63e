// The public WASI test suite for preview 1, on every engine: what we offer does what the suite says, and what we do not is in a table.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { admit, createSandbox, type Grant } from 'lodger';
import { node, nodeEngine, nodeFolders } from 'lodger/host';
import { describe, expect, test } from 'vitest';
import { ENGINE_NAMES } from '../contract/engines.ts';
import { temporaryFolder } from '../grants/guests.ts';
import { LEFT_OUT, layOut, SUITE } from './suite.ts';

const base = await temporaryFolder();
const KERNELS = await Promise.all(SUITE.map(async ({ wasm }) => admit(wasm)));

test('the 72 tests of the suite are run, or left out with a reason', () => {
  expect(SUITE.length + LEFT_OUT.size).toBe(72);
  expect(new Set(LEFT_OUT.values())).toEqual(
    new Set(['a program has no environment', 'links are not made', 'times of files are not kept']),
  );
});

describe.each(ENGINE_NAMES)('on %s', (engine) => {
  const sandbox = createSandbox({ engine: nodeEngine(engine), platform: node, folders: nodeFolders });

  test.each(SUITE.map((one, index) => ({ ...one, index })))('$name', async ({ name, expected, index }) => {
    const { args = [], dirs = [], exit_code: code = 0, stdout } = expected;
    const grants: Grant[] = [];
    for (const dir of dirs) {
      const from = join(base, `${engine}-${index}`, dir);
      await mkdir(from, { recursive: true });
      layOut(name, from);
      grants.push({ kind: 'files', at: `/${dir}`, from, mode: 'write' });
    }
    const outcome = await sandbox.run({
      kernel: KERNELS[index] as (typeof KERNELS)[0],
      input: new Uint8Array(),
      args: args.map((arg) => (dirs.includes(arg) ? `/${arg}` : arg)),
      grants,
    });
    const told = outcome.log.lines.map(({ text }) => text).join('\n');
    const ended = outcome.state === 'done' ? 0 : Number(/^it exited with code (\d+)$/.exec(outcome.message)?.[1]);
    expect(ended, told).toBe(code);
    if (outcome.state === 'done' && stdout !== undefined) expect(Buffer.from(outcome.output).toString()).toBe(stdout);
  });
});
