// Numbers and names of the binary format: what is written is read back, and what no writer may write is refused.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Reader } from '../../runtime/wasm/reader.ts';
import { Writer } from '../../runtime/wasm/writer.ts';

type Kind = 'u32' | 's32' | 's33' | 's64' | 'name';

const read = (kind: Kind, bytes: readonly number[]) => new Reader(Uint8Array.from(bytes))[kind]();

test.each<[Kind, number[], string]>([
  ['u32', [], 'it ends too early (at byte 0)'],
  ['u32', [0x80], 'it ends too early (at byte 1)'],
  ['u32', [0x80, 0x80, 0x80, 0x80, 0x10], 'more than 32 bits (at byte 4)'],
  ['u32', [0x80, 0x80, 0x80, 0x80, 0x80, 0x00], 'more than 32 bits (at byte 4)'],
  ['s32', [0xff, 0xff, 0xff, 0xff, 0x08], 'more than 32 bits (at byte 4)'],
  ['s32', [0x80, 0x80, 0x80, 0x80, 0x70], 'more than 32 bits (at byte 4)'],
  ['s32', [0x80, 0x80, 0x80, 0x80, 0x80, 0x00], 'more than 32 bits (at byte 4)'],
  ['s33', [0x80, 0x80, 0x80, 0x80, 0x20], 'more than 33 bits (at byte 4)'],
  ['s33', [0x80, 0x80, 0x80, 0x80, 0x80, 0x00], 'more than 33 bits (at byte 4)'],
  ['s64', [...new Array(9).fill(0x80), 0x01], 'more than 64 bits (at byte 9)'],
  ['s64', [...new Array(10).fill(0x80), 0x00], 'more than 64 bits (at byte 9)'],
  ['name', [0x02, 0x61], 'it ends too early (at byte 2)'],
  ['name', [0x02, 0xc3, 0x28], 'a name is not UTF-8 (at byte 0)'],
  ['name', [0x03, 0xed, 0xa0, 0x80], 'a name is not UTF-8 (at byte 0)'],
  ['name', [0xa1, 0x8d, 0x06], 'kernel has 100001 bytes in a name, the ceiling is 100000'],
])('%s of %j is refused', (kind, bytes, message) => {
  expect(() => read(kind, bytes)).toThrow(message);
});

test.each<[Kind, number[], number | bigint | string]>([
  ['u32', [0xff, 0xff, 0xff, 0xff, 0x0f], 2 ** 32 - 1],
  ['u32', [0x80, 0x80, 0x80, 0x80, 0x00], 0],
  ['s32', [0x80, 0x80, 0x80, 0x80, 0x78], -(2 ** 31)],
  ['s32', [0xff, 0xff, 0xff, 0xff, 0x07], 2 ** 31 - 1],
  ['s32', [0xff, 0xff, 0xff, 0xff, 0x7f], -1],
  ['s33', [0x40], -64],
  ['s33', [0xff, 0xff, 0xff, 0xff, 0x0f], 2 ** 32 - 1],
  ['s33', [0x80, 0x80, 0x80, 0x80, 0x70], -(2 ** 32)],
  ['s64', [...new Array(9).fill(0x80), 0x7f], -(2n ** 63n)],
  ['s64', [...new Array(9).fill(0xff), 0x00], 2n ** 63n - 1n],
  ['name', [0x03, 0xef, 0xbb, 0xbf], '\ufeff'],
])('%s of %j is %s', (kind, bytes, value) => {
  expect(read(kind, bytes)).toBe(value);
});

const numbers: readonly (readonly ['u32' | 's32' | 's64', fc.Arbitrary<number | bigint>])[] = [
  ['u32', fc.integer({ min: 0, max: 2 ** 32 - 1 })],
  ['s32', fc.integer()],
  ['s64', fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
];

test.each(numbers)('every %s that is written is read back, to the last byte', (kind, values) => {
  fc.assert(
    fc.property(values, (value) => {
      const writer = new Writer();
      const bytes = (kind === 's64' ? writer.s64(BigInt(value)) : writer[kind](Number(value))).take();
      const reader = new Reader(bytes);
      expect(reader[kind]()).toBe(value);
      expect(reader.at).toBe(bytes.length);
      const skipped = new Reader(bytes);
      skipped.skipS64();
      expect(skipped.at).toBe(bytes.length);
    }),
    { numRuns: 300 },
  );
});
