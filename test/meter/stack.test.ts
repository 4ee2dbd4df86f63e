// Recursion is bounded by the weight of its frames: it ends at the same call, whatever the slices and the engine's own stack.
import { expect, test } from 'vitest';
import { FRAME_WEIGHT, STACK_WEIGHT_MAX } from '../../runtime/meter/bounds.ts';
import { type ModuleParts, moduleOf } from '../wasm/build.ts';
import { compileMetered, runMetered } from './runs.ts';

const down = 'local.get 0 i32.const 1 i32.sub';
const count = 'global.get 0 i32.const 1 i32.add global.set 0';
const globals = [{ type: 'i', mutable: true, value: 'i32.const 0' }];
const exports = [{ name: 'depth', kind: 3, index: 0 }];
const wide = Array.from({ length: 100 }, () => 'i').join('');

/** `run(n)` recurses n deep; frames of `locals` and operands as given. */
const recursions: readonly (readonly [what: string, slots: number, parts: ModuleParts])[] = [
  [
    'a function that calls itself',
    1 + 3,
    { functions: [{ type: 'i>', export: 'run', code: `${count} local.get 0 if ${down} call $run end` }] },
  ],
  [
    'a function of many locals',
    101 + 3,
    { functions: [{ type: 'i>', export: 'run', locals: wide, code: `${count} local.get 0 if ${down} call $run end` }] },
  ],
  [
    'a function that calls itself through a table',
    1 + 3,
    {
      table: [1],
      elements: [{ offset: 0, functions: ['$run'] }],
      types: ['i>'],
      functions: [
        { type: 'i>', export: 'run', code: `${count} local.get 0 if ${down} i32.const 0 call_indirect 0 end` },
      ],
    },
  ],
  [
    'a function that returns its result by a branch',
    1 + 3,
    {
      functions: [
        { type: 'i>i', export: 'run', code: `${count} local.get 0 local.get 0 i32.eqz br_if 0 drop ${down} call $run` },
      ],
    },
  ],
];

test.each(recursions)('%s can go as deep as its frames weigh, and no deeper', (_, slots, parts) => {
  const metered = compileMetered(moduleOf({ ...parts, globals, exports }));
  const run = (depth: number, slice: bigint) => {
    let reached = 0;
    const seen = runMetered(
      metered,
      (guest) => {
        try {
          guest.run?.(depth as never);
        } finally {
          reached = guest.depth?.value as number;
        }
      },
      { slice },
    );
    return { ...seen, reached };
  };
  const deepest = Math.floor(STACK_WEIGHT_MAX / (FRAME_WEIGHT + slots));
  const ends = [1n << 40n, 1_000n, 77n, 61n, 50n, 41n, 33n, 29n].map((slice) => run(1_000_000, slice));
  for (const { result, reached } of ends) {
    expect(result).toBe('stack');
    expect(reached).toBe(ends[0]?.reached);
    expect(reached / deepest).toBeGreaterThan(0.85);
    expect(reached / deepest).toBeLessThan(1.15);
  }
  // What is left is whole again after every call that returns.
  const { result, stack } = run(Math.floor(deepest * 0.8), 1_000n);
  expect({ result, stack }).toEqual({ result: undefined, stack: BigInt(STACK_WEIGHT_MAX) });
});

test('a long chain of different functions is counted, though none is recursive', () => {
  const length = 2_100;
  const chain = Array.from({ length }, (_, index) => ({
    type: '>',
    locals: 'iiiiiiiiiiiiiiiiiiii',
    ...{ name: `f${index}`, export: `f${index}` },
    code: index + 1 < length ? `call $f${index + 1}` : 'nop',
  }));
  const metered = compileMetered(moduleOf({ functions: chain }));
  expect(length * (FRAME_WEIGHT + 20)).toBeGreaterThan(STACK_WEIGHT_MAX);
  expect(runMetered(metered, (guest) => guest.f800?.()).result).toBe(undefined);
  expect(runMetered(metered, (guest) => guest.f0?.()).result).toBe('stack');
});

test('functions that are not recursive are not counted', () => {
  const bytes = moduleOf({
    functions: [
      { type: '>', export: 'run', code: 'call $f' },
      { type: '>', name: 'f', locals: wide, code: 'nop' },
    ],
  });
  let left = 0n;
  runMetered(compileMetered(bytes), (guest) => {
    guest.run?.();
    left = guest['lodger:stack']?.value as bigint;
  });
  expect(left).toBe(BigInt(STACK_WEIGHT_MAX));
});
