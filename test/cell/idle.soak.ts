// A cell that computes without a task, really: it takes ten seconds of processor time, which a busy machine gives to the last in its queues
// in minutes.
import { join } from 'node:path';
import process from 'node:process';
import { expect, test } from 'vitest';
import { startCell } from '../../host/cell/cell.ts';
import { findJail } from '../../host/platform/jail.ts';
import { ROOT } from '../project/files.ts';

/** Says that it is ready, answers as a cell does, and burns in two threads. */
const BURNING = `
  import { Socket } from 'node:net';
  import { Worker } from 'node:worker_threads';
  import { writeFrame } from ${JSON.stringify(join(ROOT, 'dist/host/wire/frames.js'))};
  const frames = new Socket({ fd: 3, readable: true, writable: true });
  frames.on('close', () => process.exit());
  writeFrame(frames, { type: 'ready', unlocked: 'it was not asked for' });
  setInterval(() => writeFrame(frames, { type: 'pong' }), 200);
  for (let thread = 0; thread < 2; thread++) new Worker('for (;;);', { eval: true, execArgv: [] });
`;

test.runIf(process.platform === 'linux')('a cell that computes without a task is ended', async () => {
  if ('missing' in findJail()) return;
  const order = { engine: 'v8', threads: 1, metered: true, cpuShare: 1, kernelsKept: 1, windowBytesMax: 1 } as const;
  const inhabitant = { words: ['--input-type=module', '--eval', BURNING], read: [] };
  const options = { order, kernelsKept: 1, memoryBytesMax: 2 ** 30, inhabitant };
  const reason = new Promise((resolve, reject) => {
    const onGone = (_: unknown, __: unknown, why: string) => resolve(why);
    startCell(options, { onResult: () => undefined, onGone }).catch(reject);
  });
  expect(await reason).toBe('it computed without a task');
});
