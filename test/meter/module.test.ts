// What else is in a module stays right when it is metered: exports, elements, names, imports, and where its code came from.
import { expect, test } from 'vitest';
import { meter } from '../../runtime/meter/meter.ts';
import { METER_EXPORTS, METER_IMPORTS } from '../../runtime/meter/names.ts';
import { rowAt, stepOver } from '../../runtime/wasm/outline.ts';
import { readModule } from '../../runtime/wasm/read.ts';
import { Reader } from '../../runtime/wasm/reader.ts';
import { Writer } from '../../runtime/wasm/writer.ts';
import { type ModuleParts, moduleOf } from '../wasm/build.ts';
import { generate } from './generate.ts';
import { compileMetered, runMetered } from './runs.ts';

const names = new Writer()
  .raw([0, 4, 3, 0x6d, 0x6f, 0x64])
  .byte(1)
  .sized((w) => w.u32(4).u32(0).name('see').u32(1).name('run').u32(2).name('twice').u32(3).name('thrice'))
  .byte(2)
  .sized((w) => w.u32(1).u32(2).u32(2).u32(0).name('number').u32(1).name('more'));

const parts: ModuleParts = {
  imports: [{ module: 'env', name: 'see', type: 'i>' }],
  types: ['i>i'],
  functions: [
    {
      ...{ type: 'ii>i', export: 'run' },
      code: 'local.get 0 call $see local.get 0 local.get 1 call_indirect 0 local.get 0 call $thrice i32.mul',
    },
    { type: 'i>i', name: 'twice', locals: 'i', code: 'local.get 0 i32.const 2 i32.mul' },
    { type: 'i>i', name: 'thrice', export: 'thrice', code: 'local.get 0 i32.const 3 i32.mul' },
  ],
  table: [3],
  elements: [{ offset: 1, functions: ['$twice', '$thrice'] }],
  memory: [1],
  globals: [{ type: 'i', value: 'i32.const 9' }],
  exports: [
    { name: 'memory', kind: 2, index: 0 },
    { name: 'nine', kind: 3, index: 0 },
  ],
  customs: [
    { name: 'name', bytes: names.view() },
    { name: 'other', bytes: [1, 2, 3] },
    { name: 'metadata.code.branch_hint', bytes: [0] },
  ],
};

test('calls, tables and exports lead to the same functions as before', () => {
  const metered = compileMetered(moduleOf(parts));
  const seen: number[] = [];
  const imports = { env: { see: (value: number) => seen.push(value) } } as never;
  for (const [index, factor] of [
    [1, 2],
    [2, 3],
  ]) {
    const { result } = runMetered(metered, (exports) => exports.run?.(5 as never, index as never), { imports });
    expect(result).toBe(5 * (factor as number) * 15);
  }
  expect(seen).toEqual([5, 5]);
  expect(runMetered(metered, (exports) => exports.thrice?.(7 as never), { imports }).result).toBe(21);
  const { exports } = new WebAssembly.Instance(metered, {
    ...(imports as object),
    [METER_IMPORTS.module]: { refill: () => undefined, stack: () => undefined, grow: () => undefined },
  } as never);
  expect((exports.nine as WebAssembly.Global).value).toBe(9);
  expect(Object.keys(exports)).toEqual(['run', 'thrice', 'memory', 'nine', METER_EXPORTS.fuel, METER_EXPORTS.stack]);
});

test('what is imported is the same, and behind it the two functions of the meter', () => {
  const before = readModule(moduleOf(parts)).imports;
  const after = readModule(meter(readModule(moduleOf(parts))).bytes).imports;
  expect(after.slice(0, before.length)).toEqual(before);
  expect(after.slice(before.length).map(({ module, name, kind }) => `${module} ${name} ${kind}`)).toEqual([
    'lodger:host refill function',
    'lodger:host stack function',
    'lodger:host grow function',
  ]);
});

test('names follow their functions; other custom sections stay, but for hints, which no longer fit', () => {
  const { bytes } = meter(readModule(moduleOf(parts)));
  const { customs } = readModule(bytes);
  expect(customs.map(({ name }) => name)).toEqual(['name', 'other']);
  const section = customs.find(({ name }) => name === 'name');
  const reader = new Reader(bytes, section?.contents, section?.end);
  const map = () => Array.from({ length: reader.u32() }, () => [reader.u32(), reader.name()] as const);
  expect([reader.byte(), reader.u32(), reader.name()]).toEqual([0, 4, 'mod']);
  expect([reader.byte(), reader.u32() > 0]).toEqual([1, true]);
  expect(map()).toEqual([
    [0, 'see'],
    [4, 'run'],
    [5, 'twice'],
    [6, 'thrice'],
  ]);
  expect([reader.byte(), reader.u32() > 0, reader.u32(), reader.u32()]).toEqual([2, true, 1, 5]);
  expect(map()).toEqual([
    [0, 'number'],
    [1, 'more'],
  ]);
  expect(reader.at).toBe(section?.end);
});

test.each<[string, ModuleParts]>([
  ['no imports, globals or exports', { functions: [{ type: '>', code: 'nop' }] }],
  ['nothing at all', {}],
  ['only imports', { imports: [{ module: 'env', name: 'f', type: 'iI>F' }] }],
  [
    'an imported memory, table and global',
    {
      imports: [
        { module: 'lodger:host', name: 'memory', memory: [1, 2] },
        { module: 'env', name: 't', table: [1] },
        { module: 'env', name: 'g', global: 'i' },
      ],
      functions: [{ type: '>i', export: 'run', code: 'global.get 0 memory.grow' }],
    },
  ],
  [
    'a start function',
    {
      functions: [
        { type: '>', code: 'nop' },
        { type: '>', code: 'loop end' },
      ],
      start: 1,
    },
  ],
  [
    'several results',
    {
      types: ['>ii', 'ii>ii'],
      functions: [
        { type: 'i>ii', export: 'run', code: 'local.get 0 local.get 0 local.get 0 br_if 0 drop call $run' },
        {
          type: '>ii',
          name: 'two',
          code: 'block 0 i32.const 1 i32.const 2 i32.const 0 br_if 0 loop 1 i32.const 1 br_if 0 end end',
        },
      ],
    },
  ],
  [
    'elements as expressions',
    {
      functions: [{ type: '>', export: 'f', code: 'nop' }],
      table: [2],
      raw: { 9: [1, 4, 0x41, 0, 0x0b, 2, 0xd2, 0, 0x0b, 0xd0, 0x70, 0x0b] },
    },
  ],
  [
    'names that are broken',
    { functions: [{ type: '>', code: 'nop' }], customs: [{ name: 'name', bytes: [1, 99, 4] }] },
  ],
])('a module with %s is valid when it is metered', (_, one) => {
  const bytes = moduleOf(one);
  expect(WebAssembly.validate(bytes)).toBe(true);
  const metered = meter(readModule(bytes)).bytes;
  expect(WebAssembly.validate(metered)).toBe(true);
  expect(readModule(metered).unread).toBe(undefined);
});

test.each<[string, ModuleParts]>([
  ['imports "refill"', { imports: [{ module: 'lodger:host', name: 'refill', type: '>' }] }],
  ['imports "grow"', { imports: [{ module: 'lodger:host', name: 'grow', type: 'i>' }] }],
  ['imports "stack"', { imports: [{ module: 'lodger:host', name: 'stack', type: '>' }] }],
  ['exports that begin with "lodger:"', { functions: [{ type: '>', export: 'lodger:fuel', code: 'nop' }] }],
])('a module that has the names of the meter is refused: %s', (what, one) => {
  expect(() => meter(readModule(moduleOf(one)))).toThrow(
    expect.objectContaining({ code: 'ERR_KERNEL_INTERFACE', message: expect.stringContaining(what) }),
  );
});

test('a module is refused that was metered before', () => {
  const { bytes } = meter(readModule(moduleOf(parts)));
  expect(() => meter(readModule(bytes))).toThrow(expect.objectContaining({ code: 'ERR_KERNEL_INTERFACE' }));
});

test('every instruction of the author, found in the metered code by its offset, is the one that was submitted', () => {
  for (const seed of [3, 14, 15, 92, 65]) {
    const { bytes } = generate(seed);
    const module = readModule(bytes);
    const { bytes: metered, offsets } = meter(module);
    const after = readModule(metered);
    let same = 0;
    for (const [index, { code, end }] of module.bodies.entries()) {
      const found = new Set<number>();
      const body = after.bodies[index];
      for (let at = body?.code ?? 0; at < (body?.end ?? 0); at = stepOver(metered, at)) {
        const from = offsets.submittedOf(after.bodies, at) ?? 0;
        expect(from).toBeGreaterThanOrEqual(module.bodies[index]?.start ?? 0);
        expect(from).toBeLessThan(end);
        if (rowAt(metered, at) === rowAt(bytes, from)) found.add(from);
      }
      for (let at = code; at < end; at = stepOver(bytes, at)) if (found.has(at)) same++;
    }
    const all = module.bodies.reduce((sum, { code, end }) => {
      let count = 0;
      for (let at = code; at < end; at = stepOver(bytes, at)) count++;
      return sum + count;
    }, 0);
    // What is replaced, branches that pay and tests of counted loops, is not found by its row.
    expect(same / all).toBeGreaterThan(0.9);
  }
});

test('a trap is told where it was in the submitted module', () => {
  const bytes = moduleOf({
    functions: [
      {
        type: 'i>',
        export: 'run',
        code: 'loop local.get 0 if i32.const 1 local.get 0 i32.div_u drop unreachable end end',
      },
    ],
  });
  const { bytes: metered, offsets } = meter(readModule(bytes));
  let at = 0;
  try {
    new WebAssembly.Module(metered);
    const host = { refill: () => undefined, stack: () => undefined, grow: () => undefined };
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(metered), { 'lodger:host': host });
    (exports.run as (value: number) => void)(1);
  } catch (thrown) {
    at = Number(/0x([0-9a-f]+)/.exec(String((thrown as Error).stack))?.[1]?.replace(/^/, '0x'));
  }
  const submitted = offsets.submittedOf(readModule(metered).bodies, at) ?? 0;
  expect(rowAt(bytes, submitted)).toBe(0);
});
