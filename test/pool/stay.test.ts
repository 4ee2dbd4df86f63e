// How small tasks reach a thread without a pause between batches: its stay, and the batch that waits behind another.
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { node } from '../../host/platform/node.ts';
import { nodeV8 } from '../../host/platform/node-v8.ts';
import { runBatch } from '../../host/pool/batch.ts';
import { CONTROL, clear, NOBODY, newControl } from '../../host/pool/control.ts';
import { createDispatcher } from '../../host/pool/dispatch.ts';
import type { Entry, Lane } from '../../host/pool/lane.ts';
import { type Batch, type Head, packBatch, type Report } from '../../host/pool/message.ts';
import { claim, newWords, retire, serve, tellSent } from '../../host/pool/stay.ts';
import type { Lease, Threads } from '../../host/pool/threads.ts';
import { admit } from '../../runtime/admit/admit.ts';
import type { LodgerError } from '../../runtime/base/errors.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import type { Call } from '../../runtime/sandbox/call.ts';
import { compileFor } from '../../runtime/sandbox/compile.ts';
import { permitJob } from '../../runtime/sandbox/permit.ts';
import { kernelOf } from '../wasm/kernel.ts';

test('a thread answers every batch that it was claimed for, in order, and cannot be claimed when its stay has ended', () => {
  const { port1, port2 } = new MessageChannel();
  const words = newWords();
  const send = (lane: number) => {
    port1.postMessage({ lane });
    tellSent(words);
  };
  send(1);
  const ran: number[] = [];
  serve({ port: port2, words }, ({ lane }) => {
    ran.push(lane);
    // The next one is claimed and sent while this one runs.
    if (lane < 3 && claim(words)) send(lane + 1);
    return { report: { ms: lane } as Report, transfer: [] };
  });
  const reports = Array.from({ length: 4 }, () => receiveMessageOnPort(port1)?.message.ms);
  expect([ran, reports, claim(words)]).toEqual([[1, 2, 3], [1, 2, 3, undefined], false]);
  port1.close();
});

test('a thread works from its first batch to its last, but while it waits for one', () => {
  const { port1, port2 } = new MessageChannel();
  const words = newWords();
  port1.postMessage({ lane: 1 });
  tellSent(words);
  const seen: string[] = [];
  const run = () => {
    seen.push('batch');
    return { report: { ms: 1 } as Report, transfer: [] };
  };
  serve({ port: port2, words }, run, { busy: () => seen.push('busy'), idle: () => seen.push('idle') });
  expect(seen).toEqual(['busy', 'batch', 'idle', 'busy', 'idle']);
  port1.close();
});

test('a thread that owes rest stays for it, so that what comes meanwhile waits for that', () => {
  const { port1, port2 } = new MessageChannel();
  const words = newWords();
  port1.postMessage({ lane: 1 });
  tellSent(words);
  const from = performance.now();
  const run = () => ({ report: { ms: 1 } as Report, transfer: [] });
  serve({ port: port2, words }, run, { busy: () => {}, idle: () => 150 });
  expect(performance.now() - from).toBeGreaterThan(149);
  port1.close();
});

test('a thread rests before each task, when none counts as running, and not before it reports the last one', () => {
  const control = clear(newControl(), 1);
  const { batch } = packBatch(
    { lane: 1, control, job: 1 },
    [0, 1].map((index) => ({ index, input: new Uint8Array(8) })),
  );
  const seen: unknown[] = [];
  const run = ({ index }: Call) => {
    seen.push(`task ${index}`);
    return undefined;
  };
  const rest = () => seen.push(Atomics.load(control, CONTROL.current));
  runBatch(batch, {} as Head, { run, pace: { begin: () => {}, rest, idle: () => 0, busy: () => {} } });
  expect(seen).toEqual([NOBODY.before, 'task 0', NOBODY.after, 'task 1']);
});

test('a thread that was ended is claimed by nobody, also when its last report came at that moment', () => {
  const words = newWords();
  expect(claim(words)).toBe(true);
  retire(words);
  expect(claim(words)).toBe(false);
});

/** Threads whose batches end when the test says so, and a lane of brief tasks over them. */
async function briefLane() {
  const sent: { readonly batch: Batch; readonly ahead: Lease | undefined; readonly lease: Lease; die(): void }[] = [];
  const threads: Threads = {
    lease: (batch, _, ahead) => {
      let die = () => {};
      const report = new Promise<Report>((_, reject) => {
        die = () => reject(new Error('the thread died'));
      });
      const lease = { report, isEnding: () => false, end: async () => {}, berth: {} as Lease['berth'] };
      sent.push({ batch, ahead, lease, die });
      return lease;
    },
    restarts: () => 0,
    close: async () => {},
  };
  const engine = nodeV8();
  const dispatcher = createDispatcher({ threads, threadCount: 2, engine, metered: true, cpuShare: 1 });
  const kernel = await admit(kernelOf(), { platform: node });
  const lane: Lane = dispatcher.open(
    permitJob({ platform: node, metered: true, wallMsDefault: 60_000 }, { kernel, inputs: [] }),
    compileFor(engine, kernel),
  );
  Object.assign(lane, { taskMs: 0.004, runMs: 0.001 });
  const ends: (Outcome | LodgerError)[] = [];
  const submit = (index: number) => {
    const settle = (end: Outcome | LodgerError) => void ends.push(end);
    const own = { lane, index, input: new Uint8Array(8), settled: false, flight: undefined, attempts: 1 };
    const entry: Entry = { ...own, alone: false, submittedAt: 0, settle };
    dispatcher.submit(entry);
    return entry;
  };
  await expect.poll(() => lane.compiled).toBeDefined();
  return { dispatcher, sent, submit, ends };
}

const indices = ({ batch }: { readonly batch: Batch }) => [...batch.inputs].filter((_, at) => at % 2 === 0);

test('brief tasks go to one thread in halves, the second behind the first, and the rest is for the other threads', async () => {
  const { dispatcher, sent, submit } = await briefLane();
  for (let index = 0; index < 64; index++) submit(index);
  await expect.poll(() => sent.length).toBe(2);
  expect(sent.map(({ batch, ahead }) => [batch.inputs.length / 2, ahead])).toEqual([
    [32, undefined],
    [32, sent[0]?.lease],
  ]);
  // What comes in between waits for the first half, which is soon back.
  submit(64);
  await Promise.resolve();
  expect(dispatcher.counts()).toEqual({ running: 1, waiting: 1 });
});

test('what waited behind a batch with which a thread died runs again, and is not to blame', async () => {
  const { sent, submit, ends } = await briefLane();
  const entries = Array.from({ length: 4 }, (_, index) => submit(index));
  await expect.poll(() => sent.length).toBe(2);
  const [first, second] = sent;
  // The thread had begun its first task.
  Atomics.store(first?.batch.control as Int32Array, 0, 0);
  first?.die();
  second?.die();
  await expect.poll(() => sent.length).toBe(4);
  expect(ends).toMatchObject([{ state: 'failed', code: 'ERR_HOST_FAULT' }]);
  expect(entries.map(({ attempts, alone }) => [attempts, alone])).toEqual([
    [1, false],
    [2, true],
    [1, true],
    [1, true],
  ]);
  for (const again of sent.slice(2)) expect([[1], [2], [3]]).toContainEqual(indices(again));
});
