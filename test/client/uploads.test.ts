// Uploads of inputs that are blobs: several groups at once and no more than that, with the inputs behind them in order.
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Batch, SiteClient } from '../../host/client/site.ts';
import { feed } from '../../host/client/submit.ts';
import { node } from '../../host/platform/node.ts';
import { CALLER } from '../../host/wire/ceilings.ts';
import { admit } from '../../runtime/admit/admit.ts';
import { permitJob } from '../../runtime/sandbox/permit.ts';
import { answer, kernelOf } from '../wasm/kernel.ts';

const kernel = await admit(
  kernelOf({ run: { locals: '', code: answer(0, 'i32.const 0', 'i32.const 0') }, memory: [1, 1] }),
  { platform: node },
);
const SIZE = 500_000;
const digestOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

interface Upload {
  readonly blobs: ReadonlyMap<string, Uint8Array>;
  readonly end: () => void;
  readonly fail: (error: Error) => void;
}

/** A site whose uploads end when they are told to. */
function slowSite() {
  const uploads: Upload[] = [];
  const alone: number[] = [];
  const batches: Batch[] = [];
  const site = {
    putBlobs: (blobs: Upload['blobs']) =>
      new Promise<void>((resolve, reject) => uploads.push({ blobs, end: resolve, fail: reject })),
    putBlob: async (bytes: Uint8Array) => {
      alone.push(bytes.byteLength);
      return digestOf(bytes);
    },
    addInputs: async (_job: string, batch: Batch) => void batches.push(batch),
  } as unknown as SiteClient;
  return { site, uploads, alone, batches };
}

function feeding(site: SiteClient, inputs: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) {
  const permit = permitJob({ platform: node, metered: true, wallMsDefault: 1_000 }, { kernel, inputs: [] });
  const sent: [number, boolean][] = [];
  const signal = new AbortController().signal;
  const told = { onInput: () => undefined, onSent: (count: number, last: boolean) => void sent.push([count, last]) };
  return { sent, fed: feed(site, { id: 'job', permit, inputs, signal, ...told }) };
}

/** All that can go on without an answer has gone on. */
async function still(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
}

const named = (batches: readonly Batch[]) => batches.flatMap(({ inputs }) => inputs);

test('groups go up while others do, a few at a time, and inputs follow in order though a later group is there first', async () => {
  const { site, uploads, batches } = slowSite();
  const expected: string[] = [];
  // The caller uses one buffer again and again.
  const buffer = new Uint8Array(SIZE);
  const { sent, fed } = feeding(
    site,
    (async function* () {
      for (let at = 0; at < 60; at++) {
        buffer.fill(at);
        expected.push(digestOf(buffer));
        yield buffer;
      }
    })(),
  );
  await still();
  const begun = uploads.length;
  expect(begun).toBeGreaterThan(1);
  expect(begun).toBeLessThan(6);
  expect(expected.length).toBeLessThan(60);
  for (const upload of uploads.slice(1)) upload.end();
  await still();
  expect([uploads.length, batches]).toEqual([begun, []]);
  for (let at = 0; sent.at(-1)?.[1] !== true; at++) {
    for (const upload of uploads) upload.end();
    await still();
    expect(at).toBeLessThan(100);
  }
  await fed;
  expect(named(batches)).toEqual(expected);
  expect(batches.map(({ from }) => from)).toEqual([0, ...sent.slice(0, -1).map(([count]) => count)]);
  for (const { blobs } of uploads) {
    const bytes = [...blobs.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
    expect(bytes).toBeLessThan(CALLER.groupBytes.max + SIZE);
  }
});

test('what is sent of a blob is what it was when it was given, and a blob that comes twice is sent once', async () => {
  const { site, uploads } = slowSite();
  const inputs = [1, 2, 1, 2, 3].map((fill) => new Uint8Array(SIZE / 4).fill(fill));
  const { fed } = feeding(site, inputs);
  for (const input of inputs) await still().then(() => input.fill(9));
  const seen = uploads.flatMap(({ blobs }) => [...blobs]);
  expect(seen.length).toBe(3);
  for (const [digest, bytes] of seen) expect(digestOf(bytes)).toBe(digest);
  for (const upload of uploads) upload.end();
  await fed;
});

test('nothing waits for an input that is made of the outcome of the one before', async () => {
  const { site, uploads, batches } = slowSite();
  const { fed } = feeding(
    site,
    (async function* () {
      for (let at = 0; at < 3; at++) {
        yield new Uint8Array(SIZE).fill(at);
        while (batches.length <= at) await still();
      }
    })(),
  );
  for (let at = 0; at < 3; at++) {
    while (uploads.length <= at) await still();
    uploads[at]?.end();
  }
  await fed;
  expect(named(batches).length).toBe(3);
});

test('an input that is larger than a group goes alone, and small ones beside blobs are what they were', async () => {
  const { site, uploads, alone, batches } = slowSite();
  const large = new Uint8Array(CALLER.groupBytes.max + 1).fill(1);
  const small = (at: number) => new Uint8Array(10).fill(at);
  const blob = new Uint8Array(SIZE).fill(2);
  const { fed } = feeding(site, [small(1), blob, small(2), large, small(3), blob, small(4)]);
  const ending = setInterval(() => {
    for (const upload of uploads) upload.end();
  }, 1);
  await fed;
  clearInterval(ending);
  expect(alone).toEqual([large.length]);
  const [one, two] = [digestOf(blob), digestOf(large)];
  expect(named(batches)).toEqual([small(1), one, small(2), two, small(3), one, small(4)]);
});

test('whatever the sizes of inputs, a group takes no more memory than two of the largest', async () => {
  const { site, uploads } = slowSite();
  const [small, most] = [60_000, CALLER.groupBytes.max];
  const sizes = [most, 100_000, most, ...Array<number>(60).fill(small), most - 1, 1_000_000, 2_500_000, most, most];
  const { fed } = feeding(
    site,
    sizes.map((size, at) => new Uint8Array(size).fill(at)),
  );
  const ending = setInterval(() => {
    for (const upload of uploads) upload.end();
  }, 1);
  await fed;
  clearInterval(ending);
  const rooms = uploads.flatMap(({ blobs }) => [...blobs.values()].map(({ buffer }) => buffer.byteLength));
  expect(rooms.length).toBe(8);
  expect(Math.max(...rooms)).toBeLessThanOrEqual(2 * most);
});

test('an upload that fails ends the job at once, also while its caller makes the next input', async () => {
  const { site, uploads, batches } = slowSite();
  const { fed } = feeding(
    site,
    (async function* () {
      yield new Uint8Array(SIZE);
      await new Promise(() => undefined);
    })(),
  );
  while (uploads.length === 0) await still();
  uploads[0]?.fail(new Error('the disk is full'));
  await expect(fed).rejects.toThrow('the disk is full');
  expect(batches).toEqual([]);
});
