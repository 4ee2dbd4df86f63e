// What strangers may read of a site's blobs: what leases name to them, and nothing else that they know the digest of.
import { expect, test } from 'vitest';
import { createShown } from '../../host/coordinator/http/shown.ts';
import type { FromHost, ToHost } from '../../host/wire/site.ts';

const digest = (letter: string) => letter.repeat(64);
const lease = (change: object) =>
  ({ type: 'lease', fence: [1, 1], job: 'job', tasks: [0], inputs: [new Uint8Array()], ...change }) as ToHost;
const image = (name: string, parent: string | null) =>
  ({ type: 'image', fence: [1, 1], task: 0, image: name, parent, step: 1, share: 0, fuel: 0 }) as FromHost;

test('kernel, blobs and inputs of a lease are shown to the account that gets it, and to no other', () => {
  const shown = createShown();
  const terms = { kernel: digest('a'), blobs: { query: digest('b') } };
  shown.told('anonymous', lease({ terms, inputs: [digest('c'), new Uint8Array(3)] }));
  for (const letter of ['a', 'b', 'c']) {
    expect(shown.has('anonymous', digest(letter))).toBe(true);
    expect(shown.has('ann', digest(letter))).toBe(false);
  }
  expect(shown.has('anonymous', digest('d'))).toBe(false);
});

test('with an image come those before it, and hosts that name circles hold nobody up', () => {
  const shown = createShown();
  for (const [name, parent] of [
    ['a', null],
    ['b', 'a'],
    ['c', 'b'],
    ['a', 'c'],
    ['d', 'd'],
  ] as const)
    shown.heard(image(digest(name), parent === null ? null : digest(parent)));
  shown.told('anonymous', lease({ images: [digest('c')] }));
  expect(['a', 'b', 'c', 'd'].map((letter) => shown.has('anonymous', digest(letter)))).toEqual([
    true,
    true,
    true,
    false,
  ]);
});
