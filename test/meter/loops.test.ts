// Counted loops of every shape: each is paid ahead, none costs anything but what it does.
import { expect, test } from 'vitest';
import { moduleOf } from '../wasm/build.ts';
import { compileMetered, compileOracle, runMetered, runOracle } from './runs.ts';

const BODY = 'local.get 3 i32.const 3 i32.mul i32.const 1 i32.add local.set 3';
const add = (step: string) => `local.get 0 ${step} i32.add`;
const less = (compare: string, step: string) =>
  `loop local.get 0 local.get 1 ${compare} if ${BODY} ${add(step)} local.set 0 br 1 end end`;
const until = (compare: string, step: string) =>
  `loop ${BODY} ${add(step)} local.tee 0 local.get 1 ${compare} br_if 0 end`;
/** The ways differ in weight, so that something is paid in each trip. */
const uneven = (loop: string) =>
  loop.replace(BODY, `local.get 3 i32.const 1 i32.and if ${BODY} else ${BODY} ${BODY} end`);
const one = 'i32.const 1';
const back = 'i32.const -1';

const shapes: readonly (readonly [what: string, loop: string])[] = [
  ['i < n, signed', less('i32.lt_s', one)],
  ['i < n, unsigned', less('i32.lt_u', one)],
  ['i <= n', less('i32.le_s', one)],
  ['i < n by 3', less('i32.lt_u', 'i32.const 3')],
  ['i < n by a local', less('i32.lt_u', 'local.get 2')],
  ['i <= n by a local', less('i32.le_s', 'local.get 2')],
  ['i > n down', less('i32.gt_s', back)],
  ['i >= n down by 3', less('i32.ge_u', 'i32.const -3')],
  ['i != n', less('i32.ne', one)],
  ['do while i < n', until('i32.lt_s', one)],
  ['do while i <= n by 5', until('i32.le_u', 'i32.const 5')],
  ['do while i != n', until('i32.ne', one)],
  ['do while i != n by 12', until('i32.ne', 'i32.const 12')],
  ['do while i != n down', until('i32.ne', back)],
  ['do while i > n down by 2', until('i32.gt_u', 'i32.const -2')],
  ['do while i by a local', until('i32.lt_s', 'local.get 2')],
  ['do while not zero', `loop ${BODY} ${add(back)} local.tee 0 br_if 0 end`],
  ['step first', `loop ${add(one)} local.set 0 ${BODY} local.get 1 local.get 0 i32.gt_s br_if 0 end`],
  ['uneven i < n', uneven(less('i32.lt_s', one))],
  ['uneven do while i != n', uneven(until('i32.ne', one))],
];

const MIN = -0x80000000;
const MAX = 0x7fffffff;
/** Start, limit, step. Long ones take more than one chunk. */
const cases = [
  ...[
    [0, 0, 1],
    [0, 1, 1],
    [0, 36, 4],
    [36, 0, 2],
    [5, 3, 1],
    [-6, 6, 3],
    [1, 0, 1],
    [60_000, 0, 1],
    [0, 120_000, 1],
  ],
  ...[
    [MAX - 5, MAX, 1],
    [MAX - 5, MAX - 1, 3],
    [MIN, MIN + 7, 7],
    [MIN + 3, MIN, 1],
    [-5, -1, 3],
    [-1, -5, 1],
  ],
  ...[
    [0, 20, 0],
    [0, 20, -1],
    [0, 20, MIN],
    [-3, 9, 4],
    [MAX - 2, MIN + 10, 1],
    [-2, 10, 12],
  ],
];
const LONG = 4_000_000n;

test.each(shapes)('a loop of the shape "%s" costs what it does, and gives what it gave', (_, code) => {
  const bytes = moduleOf({ functions: [{ type: 'iii>i', locals: 'i', code: `${code} local.get 3`, export: 'run' }] });
  const [bounded, plain, metered] = [
    compileOracle(bytes, { stops: true }),
    compileOracle(bytes),
    compileMetered(bytes),
  ];
  let ended = 0;
  for (const args of cases) {
    const act = (exports: Record<string, (...args: never[]) => unknown>) => exports.run?.(...(args as never[]));
    if (runOracle(bounded, act, { limit: LONG }).result === 'trap') continue;
    ended++;
    const { result, fuel } = runOracle(plain, act);
    for (const slice of [1n << 40n, 1_000n]) {
      const seen = runMetered(metered, act, { slice, limit: 1n << 40n });
      expect({ args, result: seen.result, fuel: seen.fuel }).toEqual({ args, result, fuel });
    }
  }
  expect(ended).toBeGreaterThan(3);
});
