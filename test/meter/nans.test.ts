// Which NaN bits a guest can see: canonical ones where arithmetic made them, and the author's own wherever they only pass through.
import { expect, test } from 'vitest';
import { meter } from '../../runtime/meter/meter.ts';
import { readModule } from '../../runtime/wasm/read.ts';
import { type ModuleParts, moduleOf } from '../wasm/build.ts';
import { canonicalEverywhere } from './nans-oracle.ts';
import { runMetered } from './runs.ts';

/** f64s in memory, so that no compiler folds them, each eight bytes after the other: at 64 a NaN with bits of its own, and so on. */
const INPUTS = ['7ff8000000001234', 'fff4000000005678', '7ff0000000000000', 'fff0000000000000', 'bff0000000000000'];
const [OWN, SIGNALLING, INFINITE, LESS, MINUS_ONE] = [64, 72, 80, 88, 96];
/** f32s, from 128 on. */
const INPUTS_32 = ['7fc01234', '7f800000', 'ff800000'];
const [OWN_32, INFINITE_32, LESS_32] = [128, 132, 136];

const littleEndian = (hex: string) => Buffer.from(hex, 'hex').reverse();
const DATA = Buffer.concat(INPUTS.map(littleEndian));
const DATA_32 = Buffer.concat(INPUTS_32.map(littleEndian));

const load = (at: number) => `i32.const ${at} f64.load 3 0`;
const load32 = (at: number) => `i32.const ${at} f32.load 2 0`;
const loads = (at: number) => `i32.const ${at} v128.load 0 0`;
/** `inf - inf`: a raw NaN. */
const RAW = `${load(INFINITE)} ${load(LESS)} f64.add`;
const RAW_32 = `${load32(INFINITE_32)} ${load32(LESS_32)} f32.add`;
/** Lanes: inf - inf twice. */
const RAWS = `${load(INFINITE)} f64x2.splat ${load(LESS)} f64x2.splat f64x2.add`;
const RAWS_32 = `${load32(INFINITE_32)} f32x4.splat ${load32(LESS_32)} f32x4.splat f32x4.add`;
const store = (value: string) => `i32.const 0 ${value} f64.store 3 0`;
const store32 = (value: string) => `i32.const 0 ${value} f32.store 2 0`;
const stores = (value: string) => `i32.const 0 ${value} v128.store 0 0`;
/** A comparison, or, as it is here, a constant with that last byte. */
const EITHER = (last: string, then = '') =>
  `${RAWS} ${RAWS} f64x2.ne v128.const ${`0 0 0 0 0 0 240 ${last} `.repeat(2)} ${then} local.get 0 select`;
const OWN_CONSTANT = '0x44 0x34 0x12 0x00 0x00 0x00 0x00 0xf8 0x7f';

const [PLUS, MINUS] = ['7ff8000000000000', 'fff8000000000000'];
const KEPT = '7ff8000000001234';
const PLUS_32 = '7fc00000';
const [F, V] = [4, 6];

/** What `run` does with locals 0 to 3 of i32, 4 and 5 of f64, 6 and 7 of v128, and what is in memory at 0 then, first byte last. */
const sights: readonly (readonly [what: string, code: string, seen: string, more?: ModuleParts])[] = [
  ['a loaded NaN that is stored', store(load(OWN)), KEPT],
  ['a signalling NaN that is stored', store(load(SIGNALLING)), INPUTS[1] as string],
  ['a constant that is stored', store(OWN_CONSTANT), KEPT],
  ['a NaN in a local', `${load(OWN)} local.set ${F} ${store(`local.get ${F}`)}`, KEPT],
  ['a NaN that is chosen', store(`${load(OWN)} ${load(MINUS_ONE)} i32.const 1 select`), KEPT],
  ['a NaN that a block gives', store(`block F ${load(OWN)} end`), KEPT],
  ['a NaN whose sign is turned', store(`${load(OWN)} f64.neg`), 'fff8000000001234'],
  ['a NaN with another sign', store(`${load(OWN)} ${load(MINUS_ONE)} f64.copysign`), 'fff8000000001234'],
  ['the magnitude of a NaN', store(`${load(SIGNALLING)} f64.abs`), '7ff4000000005678'],
  ['a NaN that stays what it is as f32', store32(load32(OWN_32)), '7fc01234'],
  ['integers that look like NaNs', stores(`${loads(OWN)} ${loads(OWN)} v128.and`), KEPT],
  ['integers in a local that floats have, too', stores(`${RAWS} local.set ${V} ${loads(OWN)} local.tee ${V}`), KEPT],
  ['a NaN in a lane, beside one that arithmetic made', stores(`${RAWS} ${load(OWN)} f64x2.replace_lane 0`), KEPT],
  ['a NaN that pmin passes on', stores(`${loads(OWN)} ${RAWS} f64x2.pmin`), KEPT],
  [
    'a loaded NaN in a local that another way computes',
    `${load(OWN)} local.set ${F} loop local.get 0 if ${RAW} local.set ${F} i32.const 0 local.set 0 br 1 end end ${store(`local.get ${F}`)}`,
    KEPT,
  ],
  [
    'what a local gets on a way that is taken, where the other keeps bits',
    `${load(OWN)} local.set ${F} i32.const 1 if ${RAW} local.set ${F} end ${store(`local.get ${F}`)}`,
    PLUS,
  ],
  [
    'a turned sign on one way, none on the other',
    `${RAW} f64.neg local.set ${F} i32.const 0 if ${RAW} local.set ${F} end ${store(`local.get ${F}`)}`,
    MINUS,
  ],
  ['infinity less itself', store(RAW), PLUS],
  ['the root of minus one', store(`${load(MINUS_ONE)} f64.sqrt`), PLUS],
  ['a NaN that arithmetic passes on', store(`${load(OWN)} ${load(MINUS_ONE)} f64.mul`), PLUS],
  ['a NaN that is rounded', store(`${load(SIGNALLING)} f64.nearest`), PLUS],
  ['the lesser of a NaN and a number', store(`${load(MINUS_ONE)} ${load(OWN)} f64.min`), PLUS],
  ['a constant that an engine folds', store('f64.const 0 f64.const 0 f64.div'), PLUS],
  ['a demoted NaN', store32(`${load(OWN)} f32.demote_f64`), PLUS_32],
  ['a promoted NaN', store(`${load32(OWN_32)} f64.promote_f32`), PLUS],
  ['an f32', store32(RAW_32), PLUS_32],
  ['its sign turned', store(`${RAW} f64.neg`), MINUS],
  ['its sign turned and taken away', store(`${RAW} f64.neg f64.abs`), PLUS],
  ['its sign, given to a number', store(`f64.const 1 ${RAW} f64.copysign`), '3ff0000000000000'],
  ['its bits as an integer', `i32.const 0 ${RAW} i64.reinterpret_f64 i64.store 3 0`, PLUS],
  ['two lanes', stores(RAWS), PLUS],
  ['four lanes', stores(RAWS_32), `${PLUS_32}${PLUS_32}`],
  ['lanes whose signs are turned', stores(`${RAWS} f64x2.neg`), MINUS],
  ['lanes as integers', stores(`${RAWS} i32.const 1 i64x2.shl`), 'fff0000000000000'],
  ['lanes under a mask', stores(`${RAWS} ${loads(LESS)} v128.and`), 'fff0000000000000'.replace('fff', '7ff')],
  ['lanes under a comparison', stores(`${RAWS} ${RAWS} ${RAWS} f64x2.ne v128.and`), PLUS],
  ['lanes under what could be one', stores(`${RAWS} ${EITHER('191')} v128.and`), '3ff0000000000000'],
  [
    'lanes under what could be one, its signs turned',
    stores(`${RAWS} ${EITHER('63', 'f64x2.neg')} v128.and`),
    '3ff0000000000000',
  ],
  ['signs of lanes', `i32.const 0 ${RAWS} i64x2.bitmask i32.store 2 0`, '0000000000000000'],
  ['a lane of half the width', store32(`${RAWS} f32x4.extract_lane 1`), '7ff80000'],
  [
    'lanes that are shuffled whole',
    stores(`${RAWS} ${RAWS} i8x16.shuffle 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23`),
    PLUS,
  ],
  [
    'lanes that are shuffled by halves',
    stores(`${RAWS} ${RAWS} i8x16.shuffle 4 5 6 7 0 1 2 3 12 13 14 15 8 9 10 11`),
    '000000007ff80000',
  ],
  [
    'a local that was made canonical only on a way that was not taken',
    `${RAW} local.set ${F} block F local.get 0 if local.get ${F} br 1 end ${load(OWN)} end drop ${store(`local.get ${F}`)}`,
    PLUS,
  ],
  ['a lane that is stored', `i32.const 0 ${RAWS} v128.store64_lane 3 0 1`, PLUS],
  ['a global', `${RAW} global.set 0 ${store('global.get 0')}`, PLUS],
  [
    'an argument',
    `${RAW} call $callee`,
    PLUS,
    { functions: [{ type: 'F>', name: 'callee', code: store('local.get 0') }] },
  ],
  ['a result', store('call $callee'), PLUS, { functions: [{ type: '>F', name: 'callee', code: RAW }] }],
  [
    'a result by a branch',
    store('call $callee'),
    PLUS,
    { functions: [{ type: '>F', name: 'callee', code: `${RAW} br 0` }] },
  ],
  [
    'one of two results',
    store('call $callee drop'),
    PLUS,
    { functions: [{ type: '>FF', name: 'callee', code: `${RAW} ${RAW} return` }] },
  ],
  ['what a block gives by a branch', store(`block F ${RAW} local.get 0 i32.eqz br_if 0 drop ${load(OWN)} end`), PLUS],
  ['what a block gives at its end', store(`block F ${load(OWN)} local.get 0 br_if 0 drop ${RAW} end`), PLUS],
  ['what an `if` gives', store(`local.get 0 if F ${load(OWN)} else ${RAW} end`), PLUS],
  ['what is chosen', store(`${load(OWN)} ${RAW} i32.const 0 select`), PLUS],
  ['a sum in a loop', `loop local.get ${F} ${RAW} f64.add local.set ${F} end ${store(`local.get ${F}`)}`, PLUS],
  [
    'a value that stays in a local, too',
    `i32.const 0 ${RAW} local.tee ${F} f64.store 3 0 ${store(`local.get ${F}`)}`,
    PLUS,
  ],
  [
    'a local that two stores had read before either was made',
    `${RAW} local.set ${F} i32.const 0 local.get ${F} i32.const 8 local.get ${F} f64.store 3 0 f64.store 3 0`,
    PLUS,
  ],
];

const partsOf = (code: string, more: ModuleParts = {}): ModuleParts => ({
  ...{ memory: [1], globals: [{ type: 'F', mutable: true, value: 'f64.const 0' }] },
  data: [
    { offset: 64, bytes: DATA },
    { offset: 128, bytes: DATA_32 },
  ],
  exports: [{ name: 'memory', kind: 2, index: 0 }],
  ...more,
  functions: [{ type: '>', export: 'run', locals: 'iiiiFFvv', code }, ...(more.functions ?? [])],
});

/** What is in memory at 0, as much as is expected, and what it cost. */
function see(bytes: Uint8Array, length: number, canonicalNaNs: boolean) {
  const metered = meter(readModule(bytes), { canonicalNaNs }).bytes;
  let seen = '';
  const { fuel, stack } = runMetered(new WebAssembly.Module(metered), (guest) => {
    guest.run?.();
    const { buffer } = guest.memory as unknown as WebAssembly.Memory;
    seen = Buffer.from(buffer.slice(0, length)).reverse().toString('hex');
  });
  return { seen, fuel, stack };
}

test.each(sights.map(([what, code, expected, more = {}]) => ({ what, code, expected, more })))(
  '$what is seen with the right bits, for the same fuel',
  ({ code, expected, more }) => {
    const bytes = moduleOf(partsOf(code, more));
    const { fuel, stack } = see(bytes, expected.length / 2, false);
    expect(see(bytes, expected.length / 2, true)).toEqual({ seen: expected, fuel, stack });
    expect(see(canonicalEverywhere(bytes), expected.length / 2, false).seen).toBe(expected);
  },
);

test('without arithmetic whose NaNs could be seen, code is what it is without the option', () => {
  const code = `${store(load(OWN))} ${RAW} f64.const 1 f64.lt drop ${RAW} i32.trunc_sat_f64_s drop i32.const 0 f64.convert_i32_s drop`;
  const module = readModule(moduleOf(partsOf(code)));
  expect(meter(module, { canonicalNaNs: true }).bytes).toEqual(meter(module).bytes);
});

test('a value that is stored twice is made canonical once', () => {
  const twice = `${RAW} local.set ${F} ${store(`local.get ${F}`)} ${store(`local.get ${F}`)}`;
  const once = `${RAW} local.set ${F} ${store(`local.get ${F}`)} ${store(load(OWN))}`;
  const added = (code: string) => {
    const module = readModule(moduleOf(partsOf(code)));
    return meter(module, { canonicalNaNs: true }).bytes.length - meter(module).bytes.length;
  };
  expect(added(once)).toBeGreaterThan(0);
  expect(added(twice)).toBe(added(once));
});

test('locals that are copied round a loop do not make the rewriting slow, and end as they must', () => {
  const count = 400;
  const copies = Array.from({ length: count }, (_, index) => `local.get ${index + 1} local.set ${index + 2}`).reverse();
  const code = `loop ${copies.join(' ')} ${RAW} local.set 1 local.get 0 i32.const 1 i32.add local.tee 0 i32.const 500 i32.lt_s br_if 0 end ${store(`local.get ${count}`)}`;
  const run = {
    type: '>',
    export: 'run',
    locals: [
      [1, 'i'],
      [count + 1, 'F'],
    ] as const,
    code,
  };
  const bytes = moduleOf({ ...partsOf(''), functions: [run] });
  expect(see(bytes, 8, true).seen).toBe(PLUS);
});
