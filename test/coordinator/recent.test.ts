// Recent blobs in memory, and the gate before the disk: neither holds more than it is told.
import { expect, test } from 'vitest';
import { createGate } from '../../host/coordinator/gate.ts';
import { createRecent } from '../../host/coordinator/recent.ts';

test('the oldest blobs go when there are too many bytes', () => {
  const recent = createRecent(250);
  for (const name of ['a', 'b', 'c']) recent.add(name, new Uint8Array(100));
  expect([recent.get('a'), recent.get('b')?.length, recent.get('c')?.length, recent.bytes]).toEqual([
    ...[undefined, 100, 100, 200],
  ]);
});

test('a small blob in a large memory counts as all that it holds, and blobs in the same memory count once', () => {
  const recent = createRecent(1_000);
  const body = new Uint8Array(600);
  recent.add('a', body.subarray(0, 1));
  recent.add('b', body.subarray(1, 2));
  recent.add('a', body.subarray(0, 1));
  expect(recent.bytes).toBe(600);
  recent.add('c', new Uint8Array(600).subarray(0, 1));
  expect([recent.get('a'), recent.get('b'), recent.get('c')?.length, recent.bytes]).toEqual([
    ...[undefined, undefined, 1, 600],
  ]);
  recent.remove('c');
  expect(recent.bytes).toBe(0);
});

test('a gate lets so many in at a time, each when another has left, also where that failed', async () => {
  const gate = createGate(3);
  let [inside, most] = [0, 0];
  const ends: (() => void)[] = [];
  const act = (at: number) => async () => {
    most = Math.max(most, ++inside);
    await new Promise<void>((resolve) => ends.push(resolve));
    inside--;
    if (at % 2 === 1) throw new Error(`${at}`);
    return at;
  };
  const all = Promise.allSettled(Array.from({ length: 10 }, (_, at) => gate(act(at))));
  for (let ended = 0; ended < 10; ended++) {
    while (ends.length === 0) await new Promise(setImmediate);
    ends.shift()?.();
  }
  const found = await all;
  expect(most).toBe(3);
  expect(found.map((one) => (one.status === 'fulfilled' ? one.value : (one.reason as Error).message))).toEqual([
    ...[0, '1', 2, '3', 4, '5', 6, '7', 8, '9'],
  ]);
});
