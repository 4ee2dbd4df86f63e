// Whatever a guest does, it is asked for fuel in time: work is counted by the guest itself, in fuel, not in time.
import { expect, test } from 'vitest';
import { BOUNDS } from '../../runtime/meter/bounds.ts';
import { BYTES_PER_FUEL, hostCallFuel } from '../../runtime/meter/tariff.ts';
import { type ModuleParts, moduleOf } from '../wasm/build.ts';
import { compileMetered, runMetered } from './runs.ts';

const LIMIT = 5_000_000n;
/** What the meter promises for a guest without deep frames. */
const BOUND = 2 * BOUNDS.spanFuel + BOUNDS.quietFuel + BOUNDS.chunkFuel + BOUNDS.pieceBytes / BYTES_PER_FUEL;
/** Counts up global 0, the work, by an amount. */
const work = (amount: number) => `global.get 0 i64.const ${amount} i64.add global.set 0`;

/** Bytes that a straight function weighs, and so many calls of it. */
const straight = (count: number) => 'i32.const 1 drop '.repeat(count);
const doubling = (levels: number) =>
  Array.from({ length: levels }, (_, level) => ({
    type: '>',
    name: `level${level}`,
    code: level + 1 < levels ? `call $level${level + 1} call $level${level + 1}` : work(6),
  }));

/** A function that pays for its loop ahead, and does not look. */
const counting = {
  ...{ type: '>', name: 'count', locals: 'i' },
  code: `loop local.get 0 i32.const 2000 i32.lt_s if ${work(13)} local.get 0 i32.const 1 i32.add local.set 0 br 1 end end`,
};

const guests: readonly (readonly [what: string, parts: ModuleParts])[] = [
  ['an endless loop', { functions: [{ type: '>', export: 'run', code: `loop ${work(5)} br 0 end` }] }],
  [
    'an endless loop in a loop nest',
    {
      functions: [
        { type: '>', export: 'run', code: `loop loop block ${work(5)} i32.const 1 br_if 1 end end br 0 end` },
      ],
    },
  ],
  [
    'an endless loop by a branch table',
    { functions: [{ type: '>', export: 'run', code: `loop ${work(6)} i32.const 0 br_table 1 0 0 end` }] },
  ],
  [
    'a counted loop of 2^31 trips',
    {
      functions: [
        {
          ...{ type: '>', export: 'run', locals: 'i' },
          code: `loop local.get 0 i32.const 2147483647 i32.lt_s if ${work(13)} local.get 0 i32.const 1 i32.add local.set 0 br 1 end end`,
        },
      ],
    },
  ],
  [
    'a counted loop that never meets its limit',
    {
      functions: [
        {
          ...{ type: '>', export: 'run', locals: 'i' },
          code: `loop ${work(10)} local.get 0 i32.const 2 i32.add local.tee 0 i32.const 7 i32.ne br_if 0 end`,
        },
      ],
    },
  ],
  [
    'calls without end from a loop, of a function that looks at nothing',
    {
      functions: [
        { type: '>', export: 'run', code: 'loop call $f br 0 end' },
        { type: '>', name: 'f', code: `${straight(500)} ${work(1_008)}` },
      ],
    },
  ],
  [
    'calls without end of a recursive function that returns at once',
    {
      functions: [
        { type: '>', export: 'run', code: 'loop i32.const 0 call $f br 0 end' },
        { type: 'i>', name: 'f', code: `${work(11)} local.get 0 if i32.const 0 call $f end` },
      ],
    },
  ],
  [
    'calls in straight code, of a function that pays ahead and does not look',
    { functions: [{ type: '>', export: 'run', code: 'call $count '.repeat(1_000) }, counting] },
  ],
  [
    'such calls, between loops that are passed by',
    {
      functions: [
        {
          type: '>',
          export: 'run',
          locals: 'i',
          code: `${'call $count '.repeat(20)} local.get 0 if loop end end `.repeat(50),
        },
        counting,
      ],
    },
  ],
  [
    'indirect calls in straight code, of a function that pays ahead',
    {
      table: [1],
      elements: [{ offset: 0, functions: ['$count'] }],
      types: ['>'],
      functions: [{ type: '>', export: 'run', code: 'i32.const 0 call_indirect 0 '.repeat(1_000) }, counting],
    },
  ],
  [
    'an endless loop around one that is left at once',
    {
      functions: [{ type: '>', export: 'run', code: `loop loop i32.const 0 br_if 0 end ${work(7)} br 0 end` }],
    },
  ],
  [
    'an endless loop that could end the guest by a call',
    {
      imports: [{ module: 'env', name: 'see', type: '>' }],
      functions: [
        {
          type: '>',
          export: 'run',
          locals: 'i',
          code: `loop ${work(7)} local.get 0 if call $see unreachable end br 0 end`,
        },
      ],
    },
  ],
  ['2^40 calls without a loop', { functions: [{ type: '>', export: 'run', code: 'call $level0' }, ...doubling(40)] }],
  [
    'host calls without end',
    {
      imports: [{ module: 'env', name: 'see', type: '>' }],
      functions: [{ type: '>', export: 'run', code: `loop ${work(8 + hostCallFuel(0))} call $see br 0 end` }],
    },
  ],
  [
    'a fill of the whole memory, again and again',
    {
      memory: [1_000],
      functions: [
        {
          ...{ type: '>', export: 'run' },
          code: `loop ${work(65_536_000 / BYTES_PER_FUEL)} i32.const 0 i32.const 1 i32.const 65536000 memory.fill br 0 end`,
        },
      ],
    },
  ],
  [
    'straight code of many short fills',
    {
      memory: [16],
      functions: [
        {
          ...{ type: '>', export: 'run' },
          code: `i32.const 0 i32.const 1 i32.const 1048576 memory.fill ${work(262_160)} `.repeat(400),
        },
      ],
    },
  ],
];

test.each(guests)('%s is stopped with little more done than was paid for', (what, parts) => {
  const global = { type: 'I', mutable: true, value: 'i64.const 0' };
  const metered = compileMetered(
    moduleOf({ ...parts, globals: [global], exports: [{ name: 'work', kind: 3, index: 0 }] }),
  );
  let done = 0n;
  const { result, fuel } = runMetered(
    metered,
    (exports) => {
      try {
        return exports.run?.();
      } finally {
        done = exports.work?.value as bigint;
      }
    },
    {
      ...{ limit: LIMIT, slice: 100_000n },
      // What a host call costs is the host's to take off.
      imports: { env: { see: () => undefined } },
      hostFuel: BigInt(hostCallFuel(0)),
    },
  );
  expect(result).toBe('spent');
  expect(Number(fuel - LIMIT)).toBeLessThanOrEqual(BOUND);
  // The last fill is announced whole before it is done in pieces.
  const announced = what.startsWith('a fill') ? 65_536_000 / BYTES_PER_FUEL : 0;
  expect(Number(done - LIMIT)).toBeLessThanOrEqual(BOUND + announced);
  expect(Number(done)).toBeGreaterThan(0);
});

test('a fill of the whole memory asks for fuel many times on its way', () => {
  const bytes = moduleOf({
    memory: [1_000],
    functions: [{ type: '>', export: 'run', code: 'i32.const 0 i32.const 1 i32.const 65536000 memory.fill' }],
  });
  const { result, refills } = runMetered(compileMetered(bytes), (exports) => exports.run?.(), { slice: 100_000n });
  expect(result).toBe(undefined);
  expect(refills).toBeGreaterThan(60);
});
