// The calls of a task: in their order, with every answer checked before anything is made of it.
import { describe, expect, test } from 'vitest';
import { Exports } from '../../runtime/abi/exports.ts';
import { setU32 } from '../../runtime/abi/memory.ts';
import { factsOf, fakeGuest } from './guest.ts';

const AREA = 16;

/** Writes a result of three words at AREA. */
const result = (memory: Uint8Array, tag: number, pointer: number, length: number) => {
  memory[AREA] = tag;
  setU32(memory, AREA + 4, pointer);
  setU32(memory, AREA + 8, length);
  return AREA;
};

const run = (guest: { memory: Uint8Array }, pointer = 0, length = 0) => result(guest.memory, 0, pointer, length);

/** A stepper that gives these shares, one a step. */
function stepper(...shares: readonly number[]) {
  let step = 0;
  return fakeGuest({
    begin: (guest) => result(guest.memory, 0, 0, 0),
    step: ({ memory }) => {
      memory[AREA] = 0;
      new DataView(memory.buffer, memory.byteOffset).setFloat64(AREA + 8, shares[step++] ?? Number.NaN, true);
      return AREA;
    },
    finish: (guest) => result(guest.memory, 0, 0, step),
    cabi_post_begin: () => 0,
    cabi_post_step: () => 0,
    cabi_post_finish: () => 0,
    cabi_post_run: () => 0,
  });
}

test('a kernel is initialized, given its input, run and tidied up, in this order', () => {
  const guest = fakeGuest({ _initialize: () => 0, run, cabi_post_run: () => 0 });
  const facts = factsOf({ optional: ['_initialize', 'cabi_post_run'] });
  expect(new Exports(guest, facts).whole(Uint8Array.of(5, 6), 100)).toEqual(Uint8Array.of(5, 6));
  expect(guest.called).toEqual(['_initialize', 'cabi_realloc', 'run', 'cabi_post_run']);
});

test('what is not exported is not called', () => {
  const guest = fakeGuest({ run });
  new Exports(guest, factsOf()).whole(new Uint8Array(), 100);
  expect(guest.called).toEqual(['cabi_realloc', 'run']);
});

test('a result area is an unsigned place', () => {
  const guest = fakeGuest({ run: () => -(2 ** 31) });
  expect(() => new Exports(guest, factsOf()).whole(new Uint8Array(), 100)).toThrow(
    'the result area of 12 bytes at 2147483648 lies outside the memory',
  );
});

test('an output too large is not copied', () => {
  const guest = fakeGuest({ run: ({ memory }) => result(memory, 0, 0, 101) });
  expect(() => new Exports(guest, factsOf()).whole(new Uint8Array(), 100)).toThrow(
    expect.objectContaining({ code: 'ERR_OUTPUT_TOO_LARGE' }),
  );
});

test('after a failure cabi_post_run is not called: the instance is thrown away', () => {
  const guest = fakeGuest({ run: ({ memory }) => result(memory, 1, 100, 0), cabi_post_run: () => 0 });
  const facts = factsOf({ optional: ['cabi_post_run'] });
  expect(() => new Exports(guest, facts).whole(new Uint8Array(), 100)).toThrow(
    expect.objectContaining({ code: 'ERR_EXIT' }),
  );
  expect(guest.called).toEqual(['cabi_realloc', 'run']);
});

describe('a stepper', () => {
  const facts = factsOf({ shape: 'stepper' });

  test.each([Number.NaN, -Number.MIN_VALUE, 1 + Number.EPSILON, 2, Infinity, -Infinity])(
    'with a share of %d breaks the ABI',
    (share) => {
      expect(() => new Exports(stepper(0.5, share), facts).whole(new Uint8Array(), 100)).toThrow(
        `step gave a share of ${share}, which is not from 0 to 1`,
      );
    },
  );

  test.each([
    ['one step', [1]],
    ['several steps', [0, 0.25, 1 - Number.EPSILON, 1]],
    ['steps that go back', [0.9, 0.1, -0, 1]],
  ] as const)('takes %s', (_, shares) => {
    expect(new Exports(stepper(...shares), facts).whole(new Uint8Array(), 100)).toHaveLength(shares.length);
  });

  test('is tidied up after each call', () => {
    const guest = stepper(0.5, 1);
    const posts = ['begin', 'step', 'finish'].map((name) => `cabi_post_${name}`);
    new Exports(guest, factsOf({ shape: 'stepper', optional: posts })).whole(new Uint8Array(), 100);
    const [begin, step, finish] = ['begin', 'step', 'finish'].map((name) => [name, `cabi_post_${name}`]);
    expect(guest.called).toEqual(['cabi_realloc', begin, step, step, finish].flat());
  });
});
