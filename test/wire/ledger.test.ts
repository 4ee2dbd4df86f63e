// What a host signs for: all that its entry says, in the form in which anybody can write it again.
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type Entry, leafOf } from '../../host/wire/ledger.ts';
import { canonical } from '../../runtime/base/canonical.ts';

const hash = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();
const SHORT: Entry = {
  ...{ version: 1, job: 'j', task: 3, kernel: 'a'.repeat(64), input: 'b'.repeat(64), output: 'c'.repeat(64) },
  ...{ fuel: 7, tariff: 1, rewriter: 4 },
};
const WHOLE: Required<Entry> = { ...SHORT, interval: [5, null], marks: 'd'.repeat(64) };

test.each([
  ['a task', SHORT],
  ['a part of a task', WHOLE],
  ['a task that was stopped in the middle', { ...SHORT, fuel: null }],
  ['a task of a job with letters that JSON writes in another way', { ...SHORT, job: 'a "job"\n\\ of \u0001 é 😀' }],
  ['a task of a job with a long name', { ...SHORT, job: 'j'.repeat(4_000) }],
])('the leaf of %s is the SHA-256 of a zero and its canonical JSON', (_, entry) => {
  expect(leafOf(entry, hash)).toEqual(hash(new TextEncoder().encode(`\0${canonical({ ...entry })}`)));
});

describe('a leaf is another one where another is said of', () => {
  test.each(Object.keys(WHOLE))('%s', (field) => {
    expect(leafOf({ ...WHOLE, [field]: 'other' }, hash)).not.toEqual(leafOf(WHOLE, hash));
  });
});
