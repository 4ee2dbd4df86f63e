// The state of an instance, saved and loaded: every bit of every mutable global, and which data is gone, on each engine.
import { describe, expect, test } from 'vitest';
import { meter } from '../../runtime/meter/meter.ts';
import { growTo, loadState, saveState } from '../../runtime/snapshot/guest.ts';
import { addState, STATE_EXPORTS, type Stateful } from '../../runtime/snapshot/state.ts';
import type { Module } from '../../runtime/wasm/module.ts';
import { readModule } from '../../runtime/wasm/read.ts';
import { ENGINE_NAMES } from '../contract/engines.ts';
import { generateKernel } from '../fuzz/generate.ts';
import { type ModuleParts, moduleOf } from '../wasm/build.ts';
import { instancesOf } from './instances.ts';

const MEMORY = { name: 'memory', kind: 2, index: 0 } as const;
/** Where `put` takes the globals from, and where `tell` stores them. */
const [PUT_AT, TELL_AT] = [1_024, 2_048] as const;
const LETTERS = 'iIfFviFv';
const SIZES: Readonly<Record<string, number>> = { i: 4, I: 8, f: 4, F: 8, v: 16 };
const TYPES: Readonly<Record<string, string>> = { i: 'i32', I: 'i64', f: 'f32', F: 'f64', v: 'v128' };
const places = [...LETTERS].map((_, index) =>
  [...LETTERS.slice(0, index)].reduce((sum, each) => sum + SIZES[each]!, 0),
);
const STATE_BYTES = [...LETTERS].reduce((sum, each) => sum + SIZES[each]!, 0);

const zero = (letter: string) => (letter === 'v' ? `v128.const ${'0 '.repeat(16)}` : `${TYPES[letter]}.const 0`);
/** A constant global stands before the mutable ones, so that an index is no place. */
const GLOBALS: ModuleParts = {
  memory: [1, 3],
  exports: [MEMORY],
  globals: [
    { type: 'i', value: 'i32.const 7' },
    ...[...LETTERS].map((type) => ({ type, mutable: true, value: zero(type) })),
  ],
  functions: [
    {
      ...{ type: 'i>', export: 'put' },
      code: [...LETTERS]
        .map((type, i) => `i32.const 0 ${TYPES[type]}.load 0 ${PUT_AT + places[i]!} global.set ${i + 1}`)
        .join(' '),
    },
    {
      ...{ type: 'i>', export: 'tell' },
      code: [...LETTERS]
        .map((type, i) => `i32.const 0 global.get ${i + 1} ${TYPES[type]}.store 0 ${TELL_AT + places[i]!}`)
        .join(' '),
    },
  ],
};

/** Random bits, and in each float one kind of NaN: signalling, with a payload, negative. */
function bits(): Uint8Array {
  const bytes = Uint8Array.from({ length: STATE_BYTES }, (_, index) => (index * 167 + 13) & 0xff);
  const view = new DataView(bytes.buffer);
  view.setUint32(places[2]!, 0x7fa0_1234, true);
  view.setBigUint64(places[3]!, 0xfff0_0000_dead_beefn, true);
  view.setBigUint64(places[6]!, 0x7ff8_0000_0000_1234n, true);
  view.setBigUint64(places[7]!, 0x7ff4_0000_0000_0001n, true);
  return bytes;
}

describe.each(ENGINE_NAMES)('on %s', (engine) => {
  test('what one instance saves, another loads: every bit, those of NaNs and vectors included', async () => {
    const { bytes, stateBytes, fields } = addState(readModule(moduleOf(GLOBALS)));
    const start = await instancesOf(engine, bytes);
    const [one, other] = [start(), start()];
    one.bytes().set(bits(), PUT_AT);
    one.call('put');
    const state = saveState(one, stateBytes);
    expect(state).toEqual(bits());
    expect(fields.map(({ type }) => type).join('')).toBe(LETTERS);
    loadState(other, state);
    other.call('tell');
    expect(other.bytes().slice(TELL_AT, TELL_AT + STATE_BYTES)).toEqual(bits());
  });

  test('neither saving nor loading leaves a trace in memory', async () => {
    const { bytes, stateBytes } = addState(readModule(moduleOf(GLOBALS)));
    const guest = (await instancesOf(engine, bytes))();
    const before = guest.bytes().map((_, index) => index * 7);
    guest.bytes().set(before);
    loadState(guest, saveState(guest, stateBytes).reverse());
    expect(Buffer.compare(guest.bytes(), before)).toBe(0);
  });

  const DROPPING: ModuleParts = {
    memory: [1],
    exports: [MEMORY],
    data: [{ offset: 8, bytes: [9] }, { bytes: [1, 2, 3, 4] }, { bytes: [5, 6] }, { bytes: [7] }],
    functions: [
      // An active segment is gone from the start, so that to drop it is nothing to remember.
      { type: 'i>', export: 'first', code: 'data.drop 0 local.get 0 if data.drop 1 end' },
      { type: 'i>', export: 'second', code: 'loop data.drop 2 local.get 0 br_if 1 end' },
      { type: 'i>', export: 'readFirst', code: 'i32.const 0 i32.const 0 i32.const 4 memory.init 1' },
      { type: 'i>', export: 'readSecond', code: 'i32.const 0 i32.const 0 i32.const 2 memory.init 2' },
      { type: 'i>', export: 'readThird', code: 'i32.const 0 i32.const 0 i32.const 1 memory.init 3' },
    ],
  };
  test.each([
    ['none', [], []],
    ['one', ['first'], ['readFirst']],
    ['the other', ['second'], ['readSecond']],
    ['both', ['second', 'first'], ['readFirst', 'readSecond']],
  ])('data that was dropped is gone after a load, and no other: %s', async (_, dropped, gone) => {
    const { bytes, stateBytes, fields } = addState(readModule(moduleOf(DROPPING)));
    expect(fields.map(({ segment }) => segment)).toEqual([1, 2]);
    const start = await instancesOf(engine, bytes);
    const [one, other] = [start(), start()];
    for (const name of dropped) one.call(name, 1);
    loadState(other, saveState(one, stateBytes));
    for (const guest of [one, other]) {
      for (const name of ['readFirst', 'readSecond', 'readThird']) {
        if (gone.includes(name)) expect(() => guest.call(name), name).toThrow();
        else guest.call(name);
      }
    }
  });

  test('the host can grow a memory that only the module reaches, up to its maximum', async () => {
    const { bytes } = addState(readModule(moduleOf(GLOBALS)));
    const guest = (await instancesOf(engine, bytes))();
    growTo(guest, 1);
    expect(guest.bytes().byteLength).toBe(65_536);
    growTo(guest, 3);
    expect(guest.bytes().byteLength).toBe(3 * 65_536);
    expect(() => growTo(guest, 4)).toThrow(expect.objectContaining({ code: 'ERR_HOST_MEMORY' }));
  });
});

test('nothing moves: what was exported, called and imported is the same as before', () => {
  const module = readModule(moduleOf({ ...GLOBALS, imports: [{ module: 'env', name: 'f', type: 'i>' }] }));
  const after = readModule(addState(module).bytes);
  expect(after.exports.slice(0, module.exports.length)).toEqual(module.exports);
  expect(after.exports.slice(module.exports.length).map(({ name }) => name)).toEqual(Object.values(STATE_EXPORTS));
  expect(after.imports).toEqual(module.imports);
  const kinds = ({ globals }: Module) => globals.map(({ type, mutable }) => ({ type, mutable }));
  expect(kinds(after)).toEqual(kinds(module));
  const { bytes } = after;
  for (const [index, { start, end }] of module.bodies.entries()) {
    const body = after.bodies[index]!;
    expect(bytes.subarray(body.start, body.end)).toEqual(module.bytes.subarray(start, end));
  }
});

test('what the meter adds is no state', () => {
  const module = readModule(moduleOf(GLOBALS));
  const metered = readModule(meter(module).bytes);
  const typesOf = ({ fields }: Stateful) => fields.map(({ type }) => type).join('');
  expect(typesOf(addState(metered, module.globals.length))).toBe(LETTERS);
  expect(typesOf(addState(metered))).toBe(`${LETTERS}II`);
});

test('kernels with anything that admission lets through keep their state, metered or not', () => {
  let stateful = 0;
  for (let seed = 0; seed < 80; seed++) {
    const source = readModule(generateKernel(seed, { hasImports: false }).bytes);
    for (const module of [source, readModule(meter(source).bytes)]) {
      const { bytes, stateBytes } = addState(module, source.globals.length);
      expect({ seed, valid: WebAssembly.validate(bytes) }).toEqual({ seed, valid: true });
      expect(readModule(bytes).unread).toBe(undefined);
      if (stateBytes > 0) stateful++;
    }
  }
  expect(stateful).toBeGreaterThan(40);
});

test('a module without globals, functions or data gets the functions, too', async () => {
  const { bytes, stateBytes } = addState(readModule(moduleOf({ memory: [1], exports: [MEMORY] })));
  expect(stateBytes).toBe(0);
  const guest = (await instancesOf('v8', bytes))();
  expect(saveState(guest, 0)).toEqual(new Uint8Array());
});

describe('refuses', () => {
  const many = (count: number): ModuleParts => ({
    memory: [1],
    globals: Array.from({ length: count }, () => ({ type: 'v', mutable: true, value: zero('v') })),
  });
  test('more state than the memory at start has room for', () => {
    expect(addState(readModule(moduleOf(many(4_096)))).stateBytes).toBe(65_536);
    expect(() => addState(readModule(moduleOf(many(4_097))))).toThrow(
      expect.objectContaining({
        code: 'ERR_KERNEL_CEILING',
        message: expect.stringContaining('65552 bytes of state, the ceiling is 65536'),
      }),
    );
  });
  test.each(Object.values(STATE_EXPORTS))('a module that exports "%s" itself', (name) => {
    const module = readModule(moduleOf({ functions: [{ type: '>', export: name, code: 'nop' }] }));
    expect(() => addState(module)).toThrow(
      expect.objectContaining({ code: 'ERR_KERNEL_INTERFACE', message: expect.stringContaining(name) }),
    );
  });
});
