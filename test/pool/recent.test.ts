// When tasks of one kernel may share what was checked of the first: only where nothing that they share can have changed.
import { expect, test } from 'vitest';
import { termsText } from '../../host/pool/recent.ts';
import type { Kernel } from '../../runtime/job/kernel.ts';
import type { Task } from '../../runtime/job/task.ts';
import type { Grant } from '../../runtime/policy/grant.ts';

const digest = 'a'.repeat(64);
const blobs = Object.freeze({ query: Uint8Array.of(1, 2) });
const grants: readonly Grant[] = Object.freeze([Object.freeze({ kind: 'blobs' as const, name: 'query', digest })]);
const task = (terms: Partial<Task>): Task => ({ kernel: {} as Kernel, input: new Uint8Array(), ...terms });
const text = (terms: Partial<Task>) => termsText(task(terms));

test('tasks with the same frozen grants and blobs share what was checked', () => {
  expect(text({ grants, blobs, seed: 1 })).toBe(text({ grants, blobs, seed: 1, index: 7 }));
  expect(text({ grants: [] })).toBe(text({}));
});

test.each<[string, Partial<Task>, Partial<Task>]>([
  ['other blobs', { grants, blobs }, { grants, blobs: Object.freeze({ ...blobs }) }],
  ['other grants', { grants, blobs }, { grants: Object.freeze([...grants]), blobs }],
  ['no grants', { grants, blobs }, { blobs }],
  ['another seed', { grants, blobs, seed: 1 }, { grants, blobs, seed: 2 }],
  ['other limits', { grants, blobs, limits: { fuelMax: 1 } }, { grants, blobs, limits: { fuelMax: 2 } }],
])('tasks with %s do not', (_, one, other) => {
  expect(text(one)).not.toBe(text(other));
});

test.each<[string, Partial<Task>]>([
  ['grants that may change', { grants: [...grants], blobs }],
  ['a grant that may change', { grants: Object.freeze([{ ...grants[0] } as Grant]), blobs }],
  ['blobs that may change', { grants, blobs: { ...blobs } }],
  ['methods that may change', { grants: Object.freeze([Object.freeze({ kind: 'http', methods: ['GET'] }) as never]) }],
])('%s are looked at each time', (_, terms) => {
  expect(text(terms)).toBeUndefined();
});
