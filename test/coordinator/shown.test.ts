// Who may read which of a site's blobs: what leases name to a host, what an account has, and nothing else that somebody knows the digest of.
import { expect, test } from 'vitest';
import { DOOR } from '../../host/coordinator/ceilings.ts';
import type { Caller } from '../../host/coordinator/contracts.ts';
import { createShown } from '../../host/coordinator/http/shown.ts';
import type { ToHost } from '../../host/wire/site.ts';

const digest = (letter: string) => letter.repeat(64);
const lease = (change: object) =>
  ({ type: 'lease', fence: [1, 1], job: 'job', tasks: [0], inputs: [new Uint8Array()], ...change }) as ToHost;
const caller = (account: string, role: Caller['role'] = 'host'): Caller => ({ account, role });
const parents: Readonly<Record<string, string>> = { b: 'a', c: 'b', d: 'd' };
/** A store's records, as `createShown` keeps them. */
const kept = () => {
  const records = new Map<string, number>();
  return {
    put: async (key: readonly unknown[], value: unknown) => void records.set(JSON.stringify(key), Number(value)),
    remove: async (key: readonly unknown[]) => void records.delete(JSON.stringify(key)),
    range: () => [...records].map(([key, value]) => ({ key: JSON.parse(key) as string[], value })),
  };
};
let clock = 0;
const shownTo = (store = kept()) =>
  createShown({
    ...{ store, now: () => clock++ },
    usage: { owns: (account, name) => account === 'ann' && name === digest('e') },
    refs: { parentOf: (job, image) => (job === 'job' ? (parents[image[0] ?? '']?.repeat(64) ?? null) : null) },
  });

test('kernel, blobs and inputs of a lease are shown to the account that gets it, as a host, and to no other', () => {
  const shown = shownTo();
  const terms = { kernel: digest('a'), blobs: { query: digest('b') } };
  shown.told(caller('lender'), lease({ terms, inputs: [digest('c'), new Uint8Array(3)] }));
  for (const letter of ['a', 'b', 'c']) {
    expect(shown.mayRead(caller('lender'), digest(letter))).toBe(true);
    expect(shown.mayRead(caller('lender', 'submitter'), digest(letter))).toBe(false);
    expect(shown.mayRead(caller('bob'), digest(letter))).toBe(false);
  }
  expect(shown.mayRead(caller('lender'), digest('d'))).toBe(false);
  expect(shown.mayRead(caller('ann'), digest('e'))).toBe(true);
});

test('with an image come those that it was made from, and one that names itself holds nobody up', () => {
  const shown = shownTo();
  shown.told(caller('lender'), lease({ images: [digest('c'), digest('d'), null] }));
  const readable = ['a', 'b', 'c', 'd', 'e'].map((letter) => shown.mayRead(caller('lender'), digest(letter)));
  expect(readable).toEqual([true, true, true, true, false]);
});

test('what a lease has shown stays shown when the site starts again, up to the ceiling of an account, the oldest first out', () => {
  const store = kept();
  const names = Array.from({ length: DOOR.digestsShown.max + 1 }, (_, at) => at.toString(16).padStart(64, '0'));
  shownTo(store).told(caller('lender'), lease({ inputs: names.slice(0, -1) }));
  const again = shownTo(store);
  expect(again.mayRead(caller('lender'), names[0] as string)).toBe(true);
  expect(again.mayRead(caller('bob'), names[0] as string)).toBe(false);
  again.told(caller('lender'), lease({ inputs: names.slice(-1) }));
  const third = shownTo(store);
  const ends = [names[0], names[1], names.at(-1)] as string[];
  expect(ends.map((name) => third.mayRead(caller('lender'), name))).toEqual([false, true, true]);
});
