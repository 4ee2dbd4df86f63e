// Inputs in the store: whatever came, in whatever pieces of memory, is there after a restart, and nothing of it once its job is gone.
import { afterEach, expect, test } from 'vitest';
import { createInputs } from '../../host/coordinator/inputs.ts';
import { openStore } from '../../host/coordinator/store.ts';
import type { Datum } from '../../host/wire/site.ts';
import { removeFolder, temporaryFolder } from './opened.ts';

const DIGEST = 'ab'.repeat(32);
/** More than a chunk holds, by number and by bytes. */
const many = Array.from({ length: 600 }, (_, task) => new Uint8Array(task).fill(task));
const body = Uint8Array.from({ length: 400_000 }, (_, at) => at % 251);
const parts = (...lengths: number[]): Datum[] => {
  let at = 7;
  return lengths.map((length) => {
    at += length;
    return body.subarray(at - length, at);
  });
};

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await removeFolder(folder);
});

test.each<[string, readonly Datum[]]>([
  ['pieces of one body', parts(60_000, 1, 0, 60_000, 60_000, 60_000, 60_000)],
  ['pieces of one body in another order', parts(10, 20, 30).reverse()],
  ['the same piece twice', [...parts(10), ...parts(10)]],
  ['memory of their own each', many],
  ['blobs alone', [DIGEST, DIGEST]],
  ['nothing but one empty input', [new Uint8Array()]],
  ['blobs between bytes', [...parts(5), DIGEST, ...parts(0, 9), DIGEST]],
])('%s are there after a restart, and gone with their job', async (_, inputs) => {
  const folder = await temporaryFolder();
  folders.push(folder);
  const first = await openStore(folder);
  await Promise.all(createInputs(first).add('job', [0], inputs));
  await first.close();

  const store = await openStore(folder);
  const kept = createInputs(store);
  const starts = kept.found('job');
  expect(starts.at(-1)).toBe(inputs.length);
  const read = inputs.map((_, task) => kept.get('job', starts, task));
  expect(read.map(plain)).toEqual(inputs.map(plain));
  await Promise.all(kept.remove('job'));
  expect([...store.keys([''], ['\uffff'])].filter((key) => key.includes('job'))).toEqual([]);
  await store.close();
});

const plain = (datum: Datum) => (typeof datum === 'string' ? datum : Buffer.from(datum).toString('hex'));
