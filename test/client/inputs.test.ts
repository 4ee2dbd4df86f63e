// Inputs of a job in batches, each of which is one request to a site.
import { expect, test } from 'vitest';
import { batchesOf } from '../../host/client/inputs.ts';
import { CALLER } from '../../host/wire/ceilings.ts';

test('the first batch of many inputs is small, those behind it grow up to a ceiling, and none of it is lost', async () => {
  const [count, size] = [400, 60_000];
  const inputs = (async function* () {
    for (let at = 0; at < count; at++) yield new Uint8Array(size);
  })();
  const sizes: number[] = [];
  for await (const batch of batchesOf(inputs, { putBlob: async () => '' })) sizes.push(batch.inputs.length * size);
  const [first = 0, second = 0, ...others] = sizes;
  const isAbout = (bytes: number, most: number) => bytes >= most && bytes < most + size;
  expect(isAbout(first, 2 ** 20)).toBe(true);
  expect(isAbout(second, 2 ** 21)).toBe(true);
  const last = others.pop() ?? 0;
  expect(others.length).toBeGreaterThan(1);
  expect(others.every((bytes) => isAbout(bytes, CALLER.inputsBytes.default))).toBe(true);
  expect(first + second + last + others.reduce((sum, bytes) => sum + bytes, 0)).toBe(count * size);
});
