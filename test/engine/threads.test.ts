// Two engines in the threads of one process: each catches its own traps, and threads come and go with the addon loaded.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { WASMTIME_MISSING } from '../contract/engines.ts';
import { guest } from '../pool/guest.ts';
import { caught, restarts, traps } from './threads.ts';

describe('two engines in one process', () => {
  test('traps in two threads, in turn, are each caught by their own engine', async () => {
    if (WASMTIME_MISSING !== undefined) return;
    expect(await traps(400)).toEqual(caught(400));
  });

  test.each(['main thread first', 'other threads first'])(
    'threads come and go with the addon loaded, %s, and the process ends as it should',
    async (order) => {
      if (WASMTIME_MISSING !== undefined) return;
      expect(await restarts(order, 8)).toEqual({ code: 0, stdout: 'done\n', stderr: '' });
    },
  );

  test('a process can end while a guest runs in one of its threads', async () => {
    if (WASMTIME_MISSING !== undefined) return;
    const script = new URL('./ending.mjs', import.meta.url).pathname;
    const kernel = Buffer.from((await guest()).core).toString('base64');
    const { stdout } = await promisify(execFile)(process.execPath, [script, kernel], { timeout: 20_000 });
    expect(stdout).toBe('ending\n');
  });
});
