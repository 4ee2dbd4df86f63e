// The modules that other tests are built on are themselves what they claim to be.
import { expect, test } from 'vitest';
import { OPCODES } from '../../runtime/wasm/opcodes.ts';
import { asm } from './asm.ts';
import { moduleOf } from './build.ts';
import { kernelOf } from './kernel.ts';

const IMMEDIATE: Readonly<Record<string, string>> = {
  memarg: '0 0',
  memargLane: '0 0 0',
  memoryInit: '0',
  data: '0',
  i32: '-1',
  i64: '-1',
  f32: '1.5',
  f64: '1.5',
  byte: '0',
  bytes16: '0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15',
};

const fixed = [...OPCODES.values()].filter(
  ({ immediate, operands, results }) =>
    (immediate === 'none' || immediate === 'memory' || immediate === 'memoryCopy' || immediate in IMMEDIATE) &&
    !`${operands}${results}`.includes('?'),
);

test('every instruction with fixed types is tried', () => {
  expect(fixed.length).toBe(406);
});

test.each(fixed)('$name takes $operands and gives $results, as the engine understands it', (op) => {
  const get = [...op.operands].map((_, index) => `local.get ${index}`).join(' ');
  const code = `${get} ${op.name} ${IMMEDIATE[op.immediate] ?? ''}`;
  const bytes = moduleOf({
    memory: [1],
    data: [{ bytes: [1] }],
    functions: [{ type: `${op.operands}>${op.results}`, code }],
  });
  expect(WebAssembly.validate(bytes)).toBe(true);
});

test('an instruction without a name is not assembled', () => {
  expect(() => asm('i32.adc')).toThrow('no instruction "i32.adc"');
  expect(() => asm('call $nobody')).toThrow('nothing is called "$nobody"');
});

test('the default kernel gives its input back', async () => {
  const { instance } = await WebAssembly.instantiate(kernelOf());
  const {
    memory,
    run,
    cabi_realloc: realloc,
  } = instance.exports as Record<string, never> & {
    memory: WebAssembly.Memory;
    run: (pointer: number, length: number) => number;
    cabi_realloc: (...args: number[]) => number;
  };
  const pointer = realloc(0, 0, 1, 200_000);
  new Uint8Array(memory.buffer, pointer, 200_000).fill(7);
  const result = run(pointer, 200_000);
  const view = new DataView(memory.buffer);
  expect([view.getUint8(result), view.getUint32(result + 4, true), view.getUint32(result + 8, true)]).toEqual([
    0,
    pointer,
    200_000,
  ]);
});
