// Any bytes at all: admission gives a kernel or a refusal, and a kernel compiles in every form that it is prepared in.
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { admit } from '../../runtime/admit/admit.ts';
import { ERRORS } from '../../runtime/base/errors.ts';
import type { Kernel } from '../../runtime/job/kernel.ts';
import { prepare } from '../../runtime/prepare/prepare.ts';
import { HEADER } from '../../runtime/wasm/writer.ts';
import { kernelOf } from '../wasm/kernel.ts';

const SEEDS = [
  kernelOf(),
  kernelOf({
    imports: [
      { module: 'lodger:kernel/log@0.1.0', name: 'write', type: 'iii>' },
      { module: 'lodger:kernel/clock@0.1.0', name: 'now', type: '>I' },
    ],
    types: ['i>ii'],
    table: [4, 4],
    elements: [{ offset: 1, functions: ['$run', 0, '$more'] }],
    functions: [
      {
        type: 'i>i',
        name: 'more',
        locals: 'vI',
        code: 'local.get 0 if i i32.const 1 else loop i i32.const 3 local.get 0 br_if 1 drop i32.const 2 end end',
      },
      { type: '>', locals: 'f', code: 'call $now i64.const 5 i64.div_s drop', export: '_initialize' },
    ],
    data: [{ offset: 64, bytes: [1, 2, 3] }, { bytes: [] }],
    customs: [{ name: 'name', bytes: [0, 2, 1, 0x61] }],
  }),
];
const component = new Uint8Array(
  await readFile(new URL('../fixtures/components/kernel.component.wasm', import.meta.url)),
);

/** Overwrites, inserts or removes bytes at a few places. */
const edits = fc.array(
  fc.record({
    at: fc.nat(),
    remove: fc.integer({ min: 0, max: 3 }),
    insert: fc.uint8Array({ maxLength: 3 }),
  }),
  { minLength: 1, maxLength: 4 },
);

type Edits = typeof edits extends fc.Arbitrary<infer T> ? T : never;

function mutate(seed: Uint8Array, changes: Edits): Uint8Array {
  let bytes = [...seed];
  for (const { at, remove, insert } of changes) {
    const place = 8 + (at % Math.max(bytes.length - 8, 1));
    bytes = [...bytes.slice(0, place), ...insert, ...bytes.slice(place + remove)];
  }
  return Uint8Array.from(bytes);
}

async function admitted(bytes: Uint8Array): Promise<Kernel | undefined> {
  try {
    return await admit(bytes);
  } catch (error) {
    expect(error).toMatchObject({ name: 'LodgerError' });
    const { code } = error as { code: keyof typeof ERRORS };
    expect(ERRORS[code].fault, String(error)).toBe('caller');
    return undefined;
  }
}

/** Whether it was admitted, after looking at what that promises. */
async function holds(bytes: Uint8Array): Promise<boolean> {
  const kernel = await admitted(bytes);
  if (kernel === undefined) return false;
  expect(WebAssembly.validate(new Uint8Array(kernel.core))).toBe(true);
  expect(WebAssembly.validate(prepare(kernel, { memoryForm: 'imported', metered: false }).bytes)).toBe(true);
  expect(
    WebAssembly.validate(prepare(kernel, { memoryForm: 'defined', metered: false, memoryPagesMax: 60_000 }).bytes),
  ).toBe(true);
  return true;
}

test.each(SEEDS.map((seed, index) => [index, seed] as const))('kernel %s, unchanged, is admitted', async (_, seed) => {
  expect(await admitted(seed)).toBeDefined();
});

test('random bytes give a kernel or a refusal', async () => {
  const bytes = fc.uint8Array({ maxLength: 300 }).map((rest) => Uint8Array.from([...HEADER, ...rest]));
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 300 }), bytes), async (one) => void (await holds(one))),
    { numRuns: 1_000 },
  );
});

test('kernels with a few bytes changed are kernels or refused', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...SEEDS),
      edits,
      async (seed, changes) => void (await holds(mutate(seed, changes))),
    ),
    { numRuns: 1_500 },
  );
});

test('a kernel with any one byte replaced is a kernel or refused', async () => {
  const [, seed = new Uint8Array()] = SEEDS;
  let kernels = 0;
  for (let at = 0; at < seed.length; at++) {
    for (const byte of [0x00, 0x01, 0x40, 0x7f, 0x80, 0xff]) kernels += Number(await holds(seed.with(at, byte)));
  }
  // A constant or a name changed makes another kernel: the promise was looked at, not only refusals.
  expect(kernels).toBeGreaterThan(100);
});

test('components with a few bytes changed are kernels or refused', async () => {
  await fc.assert(
    fc.asyncProperty(edits, async (changes) => void (await holds(mutate(component, changes)))),
    { numRuns: 500 },
  );
});
