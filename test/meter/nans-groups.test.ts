// Stores that are made in groups, and lanes under masks: what can be seen, of memory and of locals, is what it would be one by one,
// whatever stands between.
import { expect, test } from 'vitest';
import { loadAddon } from '../../host/platform/native.ts';
import { meter } from '../../runtime/meter/meter.ts';
import { METER_EXPORTS } from '../../runtime/meter/names.ts';
import { readModule } from '../../runtime/wasm/read.ts';
import { WASMTIME_MISSING } from '../contract/engines.ts';
import { createDice, type Dice } from '../fuzz/dice.ts';
import { moduleOf } from '../wasm/build.ts';
import { canonicalEverywhere } from './nans-oracle.ts';
import { runMetered } from './runs.ts';

const SEEDS = 400;
const STEPS = 40;
const FUEL = 2 ** 40;
/** f64s and f32s, from 64 and 128 on: NaNs with bits of their own, infinities, numbers whose sums overflow. */
const F64 = [
  '7ff8000000001234',
  'fff4000000005678',
  '7ff0000000000000',
  'fff0000000000000',
  '7fefffffffffffff',
  '3ff0000000000000',
];
const F32 = ['7fc01234', 'ffa00001', '7f800000', 'ff800000', '7f7fffff', '3f800000', 'bf800000', '40000000'];
const littleEndian = (hex: string) => Buffer.from(hex, 'hex').reverse();

/** A type: its letter, its locals, what its values are made of. */
const TYPES = [
  { name: 'f32', letter: 'f', first: 2, add: 'f32', load: (at: number) => `i32.const ${128 + 4 * at} f32.load 2 0` },
  { name: 'f64', letter: 'F', first: 6, add: 'f64', load: (at: number) => `i32.const ${64 + 8 * at} f64.load 3 0` },
  {
    name: 'v128',
    letter: 'v',
    first: 10,
    add: 'f32x4',
    load: (at: number) => `i32.const ${128 + 4 * at} v128.load 0 0`,
  },
  {
    name: 'v128',
    letter: 'v',
    first: 14,
    add: 'f64x2',
    load: (at: number) => `i32.const ${64 + 8 * at} v128.load 0 0`,
  },
] as const;
type Type = (typeof TYPES)[number];
const LOCALS = 4;

const localOf = (dice: Dice, { first }: Type) => first + dice.below(LOCALS);

/** From where something is stored. */
const loadBack = (dice: Dice, { name }: Type) => `i32.const ${512 + 4 * dice.below(40)} ${name}.load 0 0`;

/** A value: of a local, or what arithmetic makes of two; seldom from memory. */
function value(dice: Dice, type: Type): string {
  const one = () => (dice.oneIn(24) ? loadBack(dice, type) : `local.get ${localOf(dice, type)}`);
  const sum = `${one()} ${one()} ${type.add}.${dice.pick(['add', 'sub', 'mul'])}`;
  if (type.letter === 'v' && dice.oneIn(3)) return masked(dice, sum, one);
  return dice.pick([sum, sum, sum, `${sum} ${type.add}.neg`, one(), one()]);
}

const COMPARISONS = ['f64x2.lt', 'f64x2.ne', 'f32x4.le', 'f32x4.eq', 'i64x2.eq', 'i64x2.gt_s', 'i32x4.ne', 'i16x8.eq'];
const LOGIC = ['v128.and', 'v128.andnot', 'v128.or', 'v128.xor'];

/** A mask, which locals then have too, or a vector's lanes as masks leave them, or what looks like it. */
function masked(dice: Dice, value: string, one: () => string): string {
  const compared = () => `${one()} ${one()} ${dice.pick(COMPARISONS)}`;
  const constant = () =>
    `v128.const ${dice.pick(['1 0 0 128 ', '1 0 0 128 ', '0 0 0 0 ', '255 255 255 255 ']).repeat(4)} ${dice.pick(['', 'f64x2.neg', 'f64x2.abs'])}`;
  const either = () => `${compared()} ${constant()} local.get 0 ${dice.pick(['', 'i32.eqz'])} select`;
  const masks = [compared, compared, either, () => `${compared()} ${compared()} ${dice.pick(LOGIC)}`, one];
  const mask = () =>
    `${dice.pick(masks)()}${dice.oneIn(4) ? dice.pick([' v128.not', ' i64x2.neg', ' i32x4.neg']) : ''}`;
  return dice.pick([
    mask(),
    `${value} ${mask()} ${dice.pick(LOGIC)}`,
    `${mask()} ${value} ${dice.pick(LOGIC)}`,
    `${value} ${one()} ${mask()} v128.bitselect`,
    `${one()} ${value} ${mask()} v128.bitselect`,
    `${value} ${mask()} v128.and ${one()} f64x2.add`,
    `${value} ${either()} ${dice.pick(LOGIC)}`,
    `${one()} ${value} ${either()} v128.bitselect`,
    `${mask()} ${dice.pick(['f64x2.neg', 'f32x4.abs', 'f64x2.abs', 'f32x4.neg'])}`,
    `${one()} ${mask()} f64x2.pmin`,
    `${mask()} ${dice.pick(['f64x2.neg', 'f64x2.abs'])} ${value} f64x2.pmin`,
    `${mask()} ${one()} f32x4.pmax`,
    `${mask()} ${dice.pick(['f32x4.neg', 'f32x4.abs'])} ${value} f32x4.pmax`,
  ]);
}

/** Some turns: the meter has something to write behind it. */
const LOOP = 'i32.const 9 local.set 1 loop local.get 1 i32.const 1 i32.shr_u local.tee 1 br_if 0 call $other end';

/** One step of straight code; now and then one that could tell whether a store was made. */
function step(dice: Dice): string {
  const type = dice.pick(TYPES);
  const [local, other] = [localOf(dice, type), localOf(dice, type)];
  const at = 512 + 4 * dice.below(40);
  const of = dice.pick(['v128.store64_lane 3 0 1', 'v128.store32_lane 2 4 2', 'v128.store8_lane 0 1 9']);
  const whole = `${type.name}.store 0 ${4 * dice.below(4)}`;
  const store = `i32.const ${at} ${value(dice, type)} ${type.letter === 'v' && dice.oneIn(4) ? of : whole}`;
  switch (dice.below(28)) {
    case 0:
      return `i32.const ${at} i32.const ${at + 8} i64.load 0 0 i64.store 0 4`;
    case 1:
      return `call $other`;
    case 2:
      return `local.get 0 if ${store} end`;
    case 3:
      return `i32.const ${at} i64.const 5 i64.store 0 0`;
    case 4:
      return `local.get ${other} local.set ${local}`;
    case 5:
      return `i32.const ${65_520 + dice.below(24)} ${value(dice, type)} ${type.name}.store 0 0`;
    case 6:
      return `i32.const ${at} ${value(dice, TYPES[1])} i64.reinterpret_f64 i64.store 0 0`;
    case 7:
      // Two stores whose operands were all there before.
      return `i32.const ${at} ${value(dice, type)} ${store} ${type.name}.store 0 0`;
    case 8:
      return `i32.const ${at} ${value(dice, type)} local.tee ${local} ${type.name}.store 0 0 local.get ${local} local.set ${other}`;
    case 9:
      return `local.get 0 if ${value(dice, type)} local.set ${local} end`;
    case 10:
      return `i32.const ${at} ${value(dice, type)} ${LOOP} ${type.name}.store 0 0`;
    case 11:
    case 12:
    case 13:
    case 14:
      return `${value(dice, type)} local.set ${local}`;
    default:
      return store;
  }
}

/** Exports `run`, and behind it all locals can be seen in memory. `more` locals take no part. */
function kernelOf(seed: number, more: number): Uint8Array<ArrayBuffer> {
  const dice = createDice(seed);
  const steps = Array.from({ length: STEPS }, () => step(dice));
  const all = TYPES.flatMap((type) =>
    Array.from({ length: LOCALS }, (_, index) => ({ type, local: type.first + index })),
  );
  const begin = all.map(({ type, local }) => `${type.load(dice.below(5))} local.set ${local}`);
  const end = all.map(({ type, local }) => `i32.const ${1_024 + 16 * local} local.get ${local} ${type.name}.store 0 0`);
  return moduleOf({
    memory: [1],
    data: [
      { offset: 64, bytes: Buffer.concat(F64.map(littleEndian)) },
      { offset: 128, bytes: Buffer.concat(F32.map(littleEndian)) },
    ],
    exports: [{ name: 'memory', kind: 2, index: 0 }],
    functions: [
      {
        ...{ type: '>', export: 'run' },
        locals: [[2, 'i'], ...TYPES.map(({ letter }) => [LOCALS, letter] as const), [more, 'F']],
        code: `i32.const 1 local.set 0 ${[...begin, ...steps, ...end].join(' ')}`,
      },
      { type: '>', name: 'other', code: 'i32.const 640 i32.const 512 v128.load 0 0 v128.store 0 0' },
    ],
  });
}

/** How a run ended and what is in memory then, and its fuel unless it trapped. */
function onV8(metered: Uint8Array<ArrayBuffer>) {
  let memory = '';
  const { result, fuel } = runMetered(new WebAssembly.Module(metered), (guest) => {
    try {
      guest.run?.();
    } finally {
      memory = Buffer.from((guest.memory as unknown as WebAssembly.Memory).buffer).toString('hex');
    }
  });
  return { trapped: result === 'trap', memory, fuel: result === 'trap' ? 0 : Number(fuel) };
}

async function onWasmtime(metered: Uint8Array) {
  const module = await loadAddon().compile(metered, { stoppable: false, linear: false });
  const guest = module.instantiate(2 ** 32);
  guest.setGlobal(METER_EXPORTS.fuel, FUEL);
  let trapped = false;
  try {
    guest.call(module.functions.indexOf('run'), 0, 0, 0, 0, () => undefined);
  } catch {
    trapped = true;
  }
  const memory = Buffer.from(guest.memory()).toString('hex');
  const fuel = trapped ? 0 : FUEL - guest.getGlobal(METER_EXPORTS.fuel);
  guest.end();
  return { trapped, memory, fuel };
}

test.each([
  ['behind branches', 0],
  ['without branches, in functions of many locals', 4_000],
])('straight code at random, %s', async (_, more) => {
  let trapped = 0;
  for (let seed = 0; seed < SEEDS; seed++) {
    const bytes = kernelOf(seed, more);
    const { fuel } = onV8(meter(readModule(bytes)).bytes);
    const expected = { ...onV8(meter(readModule(canonicalEverywhere(bytes))).bytes), fuel };
    const canonical = meter(readModule(bytes), { canonicalNaNs: true }).bytes;
    expect({ seed, ...onV8(canonical) }).toEqual({ seed, ...expected });
    if (seed % 8 === 0 && WASMTIME_MISSING === undefined)
      expect({ seed, ...(await onWasmtime(canonical)) }).toEqual({ seed, ...expected });
    if (expected.trapped) trapped++;
  }
  expect(trapped).toBeGreaterThan(SEEDS / 10);
  expect(trapped).toBeLessThan(SEEDS);
});

test('a store that traps among others is told where it was in the submitted module', () => {
  const sum = `local.get 0 local.get 0 f64.add`;
  const code = `i32.const 0 ${sum} f64.store 3 8 i32.const -1 ${sum} f64.store 3 8 i32.const 0 ${sum} f64.store 3 16`;
  const bytes = moduleOf({ memory: [1], functions: [{ type: 'F>', export: 'run', code }] });
  const { bytes: metered, offsets } = meter(readModule(bytes), { canonicalNaNs: true });
  let at = 0;
  try {
    const host = { refill: () => undefined, stack: () => undefined, grow: () => undefined };
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(metered), { 'lodger:host': host });
    (exports.run as (value: number) => void)(1);
  } catch (thrown) {
    at = Number.parseInt(/0x([0-9a-f]+)/.exec(String((thrown as Error).stack))?.[1] ?? '', 16);
  }
  // f64.store, 3, 8.
  const stores = [...bytes.keys()].filter((from) =>
    Buffer.from(bytes)
      .subarray(from, from + 3)
      .equals(Buffer.of(0x39, 3, 8)),
  );
  expect(stores).toHaveLength(2);
  expect(offsets.submittedOf(readModule(metered).bodies, at)).toBe(stores[1]);
});
