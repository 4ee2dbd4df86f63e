// A kernel worker's part that needs no browser: how it keeps to a share of its core, on a clock of the test's own.
import { expect, test } from 'vitest';
import { createWork } from '../../host/browser/work.ts';
import { node } from '../../host/platform/node.ts';
import { nodeV8 } from '../../host/platform/node-v8.ts';
import { admit } from '../../runtime/admit/admit.ts';
import { compileFor } from '../../runtime/sandbox/compile.ts';
import { permitJob } from '../../runtime/sandbox/permit.ts';
import { kernelOf } from '../wasm/kernel.ts';

test('a tab that waited for work owes no rest for that', async () => {
  const kernel = await admit(kernelOf());
  const { limits } = permitJob({ platform: node, metered: true, wallMsDefault: 60_000 }, { kernel, inputs: [] });
  const clock = { now: 0 };
  const done: number[] = [];
  const place = { engine: nodeV8(), platform: { ...node, now: () => clock.now } };
  const work = createWork(place, undefined, { post: (told) => void (told.type === 'outcome' && done.push(told.task)) });
  work.hear({ type: 'kernel', kernel: 1, ready: await compileFor(place.engine, kernel) });
  work.hear({ type: 'share', share: 0.5 });
  const send = (task: number) => {
    const call = { input: new Uint8Array(1), limits, seed: 1, index: task, digests: false };
    work.hear({ type: 'task', task, place: 0, kernel: 1, call, blobs: {} });
  };
  send(1);
  await expect.poll(() => done).toEqual([1]);
  // The tab has its turn once more after a task.
  await node.turn?.();
  clock.now += 60_000;
  send(2);
  send(3);
  await expect.poll(() => done, { timeout: 5_000 }).toEqual([1, 2, 3]);
});
