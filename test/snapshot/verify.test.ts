// What a check of two images says: which page, which global, which field, or that they do not belong together.
import { expect, test } from 'vitest';
import { PAGE } from '../../runtime/base/limits.ts';
import { IMAGE } from '../../runtime/snapshot/bounds.ts';
import { type Moment, takeImage } from '../../runtime/snapshot/image.ts';
import { IMAGE_PAGE, MemoryCopy } from '../../runtime/snapshot/memory-copy.ts';
import type { OpenImage } from '../../runtime/snapshot/store.ts';
import { type Finding, verify } from '../../runtime/snapshot/verify.ts';
import { firstImage, memoryOf, momentAt, OPTIONS } from './made.ts';

const memory = memoryOf(2, [0, 9]);
const from = firstImage(memory);
const fields = [
  { global: 4, type: 'i', at: 0 },
  { global: 7, type: 'i', at: 4, segment: 1 },
];
const STATE = Uint8Array.of(1, 2, 3, 4, 1, 0, 0, 0);

function next(changes: Partial<Moment> = {}, bytes: Uint8Array = memory): OpenImage {
  const copy = from.copy.fork();
  return { ...takeImage(copy, bytes, momentAt(1, from.image, { state: STATE, ...changes })), copy };
}

const flipped = memory.slice();
flipped[9 * IMAGE_PAGE + 5]! ^= 128;
const { host } = momentAt(1);

test.each<[string, OpenImage, Finding[]]>([
  ['nothing', next(), []],
  ['the time, which no replay has again', next({ host: { ...host, elapsedMs: 99 } }), []],
  ['a bit of a page', next({}, flipped), [{ place: 'page', page: 9 }]],
  [
    'a larger memory',
    next({}, memoryOf(3, [0, 9])),
    [
      { place: 'field', field: 'memoryPages', claimed: 3, replayed: 2 },
      ...Array.from({ length: 16 }, (_, index) => ({ place: 'page', page: 32 + index }) as const),
    ],
  ],
  ['a global', next({ state: STATE.with(3, 9) }), [{ place: 'global', global: 4 }]],
  ['a dropped segment', next({ state: STATE.with(4, 0) }), [{ place: 'global', global: 7, segment: 1 }]],
  ['fuel', next({ fuel: 5 }), [{ place: 'field', field: 'fuel', claimed: 5, replayed: 1_000_003 }]],
  ['the share done', next({ share: 0.9 }), [{ place: 'field', field: 'share', claimed: 0.9, replayed: 0.01 }]],
  [
    'the place in the random stream',
    next({ host: { ...host, randomBytes: 65 } }),
    [{ place: 'field', field: 'host.randomBytes', claimed: 65, replayed: 64 }],
  ],
])('an image that differs in %s from what a replay gives', async (_, claimed, findings) => {
  const verdict = await verify(from, claimed, { fields, replay: () => next() });
  expect(verdict).toEqual({ follows: findings.length === 0, findings, findingsTotal: findings.length });
});

test('the replay is asked to go from the first image to the step of the second', async () => {
  const asked: unknown[] = [];
  const claimed = next({ step: 8 });
  await verify(from, claimed, {
    replay: async (image, step) => {
      asked.push(image, step);
      return claimed;
    },
  });
  expect(asked).toEqual([from, 8]);
});

test('without names for the globals, the state is told as a whole', async () => {
  const { findings } = await verify(from, next({ state: Uint8Array.of(1) }), { replay: () => next() });
  expect(findings).toEqual([{ place: 'field', field: 'state', claimed: '01', replayed: '0102030401000000' }]);
});

test.each<[string, Partial<Moment>, Partial<Moment>, string | undefined]>([
  ['goes back', {}, { step: 0, fuel: 0, host: momentAt(0).host }, 'its step goes back from 1 to 0'],
  ['is of another task', {}, { step: 2, task: { ...momentAt(0).task, index: 9 } }, 'it is of another task'],
  ['has the same step and other limits', {}, { limits: { ...momentAt(0).limits, fuelMax: 2_000_000 } }, undefined],
  [
    'has the same step and other limits, less than it used',
    {},
    { limits: { ...momentAt(0).limits, fuelMax: 1 } },
    'limits are below what is used',
  ],
  [
    'has the same step and other fuel',
    {},
    { fuel: 2_000_000 },
    'more than the limits of memory and fuel changed without a step',
  ],
  ['has other limits after steps', {}, { step: 2, limits: { fuelMax: 1 } }, 'limits changed in the middle of steps'],
])('nothing is done again for an image that %s', async (_, one, other, reason) => {
  const made = (changes: Partial<Moment>): OpenImage => {
    const copy = new MemoryCopy(OPTIONS.platform, 2 * PAGE);
    return { ...takeImage(copy, memory, { ...momentAt(1, undefined, { state: STATE }), ...changes }), copy };
  };
  const replay = () => {
    throw new Error('a replay');
  };
  const { follows, findings } = await verify(made(one), made(other), { replay });
  expect(findings).toEqual(reason === undefined ? [] : [{ place: 'link', reason }]);
  expect(follows).toBe(reason === undefined);
});

test('of very many differences the first are told, and all are counted', async () => {
  const pages = Math.ceil((IMAGE.findings.default + 1) / 16);
  const made = (step: number, fill: number): OpenImage => {
    const copy = new MemoryCopy(OPTIONS.platform, pages * PAGE);
    return { ...takeImage(copy, new Uint8Array(pages * PAGE).fill(fill), momentAt(step)), copy };
  };
  const verdict = await verify(made(0, 1), made(1, 2), { replay: () => made(1, 3) });
  expect(verdict.findings).toHaveLength(IMAGE.findings.default);
  expect(verdict.findingsTotal).toBe(pages * 16);
});
