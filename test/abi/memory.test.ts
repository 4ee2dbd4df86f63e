// What a guest hands out is read only where it lies inside the guest's memory, and strings only when they are well-formed.
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import {
  allocate,
  getU32,
  liftBytes,
  liftString,
  lowerBytes,
  lowerString,
  range,
  setU32,
  setU64,
} from '../../runtime/abi/memory.ts';
import { fakeGuest } from './guest.ts';

const RUNS = { numRuns: 200 };
const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const i32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });

describe('ranges', () => {
  test.each([
    [0, 101, 1, 'x of 101 bytes at 0 lies outside the memory'],
    [100, 1, 1, 'x of 1 bytes at 100 lies outside the memory'],
    [101, 0, 1, 'x of 0 bytes at 101 lies outside the memory'],
    [-1, 1, 1, 'x of 1 bytes at 4294967295 lies outside the memory'],
    [-1, 2 ** 32 - 1, 1, 'x of 4294967295 bytes at 4294967295 lies outside the memory'],
    [2, 2 ** 33 - 2, 2, 'x of 8589934590 bytes at 2 lies outside the memory'],
    [2, 4, 4, 'x at 2 is not aligned to 4'],
    [-4, 4, 8, 'x at 4294967292 is not aligned to 8'],
  ])('a pointer of %d with %d bytes aligned to %d is refused in 100 bytes', (pointer, length, align, message) => {
    expect(() => range(new Uint8Array(100), pointer, length, align, 'x')).toThrow(
      expect.objectContaining({ code: 'ERR_ABI', message: `kernel broke the canonical ABI: ${message}` }),
    );
  });

  test.each([
    [0, 100, 1, 0],
    [100, 0, 1, 100],
    [96, 4, 8, 96],
  ])('a pointer of %d with %d bytes aligned to %d is given back as %d', (pointer, length, align, start) => {
    expect(range(new Uint8Array(100), pointer, length, align, 'x')).toBe(start);
  });

  test('no pointer and length, signed or not, pass unless all of their bytes are there', () => {
    const memory = new Uint8Array(1000);
    fc.assert(
      fc.property(fc.oneof(i32, fc.integer({ min: 0, max: 1100 })), fc.oneof(u32, fc.nat(1100)), (pointer, length) => {
        const fits = pointer >= 0 && pointer + length <= 1000;
        if (fits) expect(range(memory, pointer, length, 1, 'x')).toBe(pointer);
        else expect(() => range(memory, pointer, length, 1, 'x')).toThrow('lies outside the memory');
      }),
      RUNS,
    );
  });
});

describe('strings', () => {
  test.each([
    ['utf8', [0xc3], 'a byte that begins a character and nothing behind it'],
    ['utf8', [0xc0, 0x80], 'an overlong zero'],
    ['utf8', [0xed, 0xa0, 0x80], 'a surrogate'],
    ['utf8', [0xf4, 0x90, 0x80, 0x80], 'a character beyond the last'],
    ['utf8', [0xff], 'a byte that is none'],
    ['utf16', [0x00, 0xd8], 'half a pair'],
    ['utf16', [0x00, 0xdc, 0x00, 0xd8], 'a pair the wrong way round'],
    ['utf16', [0x41, 0x00, 0x00, 0xdc], 'the second half only'],
  ] as const)('%s %j is a violation: %s', (encoding, bytes, _) => {
    const length = encoding === 'utf8' ? bytes.length : bytes.length / 2;
    expect(() => liftString(Uint8Array.from(bytes), encoding, 0, length, 100)).toThrow(
      `a string is not well-formed ${encoding}`,
    );
  });

  test('a stack that is spent while a string is read is not the fault of the string', () => {
    const spent = new RangeError('Maximum call stack size exceeded');
    vi.spyOn(TextDecoder.prototype, 'decode').mockImplementation(() => {
      throw spent;
    });
    expect(() => liftString(new Uint8Array(4), 'utf8', 0, 4, 100)).toThrow(spent);
    vi.restoreAllMocks();
  });

  test.each(['utf8', 'utf16'] as const)('every text comes back from %s as it was lowered', (encoding) => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        const guest = fakeGuest();
        const [pointer, length] = lowerString(guest, encoding, text);
        expect(liftString(guest.bytes(), encoding, pointer, length, 10_000)).toBe(text);
      }),
      RUNS,
    );
  });

  test.each(['utf8', 'utf16'] as const)('a %s text is cut at a whole character, at most 3 bytes early', (encoding) => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 20, maxLength: 100 }), fc.nat(60), (text, max) => {
        const guest = fakeGuest();
        const [pointer, length] = lowerString(guest, encoding, text);
        const size = encoding === 'utf8' ? length : length * 2;
        const lifted = liftString(guest.bytes(), encoding, pointer, length, max);
        if (size <= max) {
          expect(lifted).toBe(text);
          return;
        }
        const kept = lifted.slice(0, lifted.lastIndexOf('...'));
        expect(lifted).toBe(`${kept}... (${size} bytes)`);
        expect(text.startsWith(kept)).toBe(true);
        expect(Buffer.byteLength(kept, encoding === 'utf8' ? 'utf8' : 'utf16le')).toBeGreaterThanOrEqual(max - 3);
      }),
      RUNS,
    );
  });
});

describe('lowering', () => {
  test('bytes are written where the memory is after cabi_realloc has moved it', () => {
    const guest = fakeGuest({
      cabi_realloc: (own) => {
        const grown = new Uint8Array(8192);
        grown.set(own.memory);
        own.memory = grown;
        return 5000;
      },
    });
    expect(lowerBytes(guest, Uint8Array.of(1, 2, 3))).toBe(5000);
    expect([...guest.memory.subarray(5000, 5004)]).toEqual([1, 2, 3, 0]);
  });

  test.each([
    [-1, 'what cabi_realloc gave of 8 bytes at 4294967295 lies outside the memory'],
    [4089, 'what cabi_realloc gave of 8 bytes at 4089 lies outside the memory'],
  ])('cabi_realloc that gives %d is a violation', (pointer, message) => {
    const guest = fakeGuest({ cabi_realloc: () => pointer });
    expect(() => lowerBytes(guest, new Uint8Array(8))).toThrow(message);
  });

  test('cabi_realloc that gives an odd place for UTF-16 is a violation', () => {
    const guest = fakeGuest({ cabi_realloc: () => 1025 });
    expect(() => lowerString(guest, 'utf16', 'abc')).toThrow('what cabi_realloc gave at 1025 is not aligned to 2');
  });

  test('while cabi_realloc runs the guest may not leave, and afterwards it may', () => {
    const seen: boolean[] = [];
    const guest = fakeGuest({
      cabi_realloc: (own) => {
        seen.push(own.mayLeave);
        return 8;
      },
    });
    allocate(guest, 1, 1);
    expect([...seen, guest.mayLeave]).toEqual([false, true]);
  });
});

test('lifted bytes are a copy', () => {
  const memory = new Uint8Array(10).fill(1);
  const copy = liftBytes(memory, 2, 3);
  memory.fill(2);
  expect(copy).toEqual(Uint8Array.of(1, 1, 1));
});

test('numbers lie in little-endian order', () => {
  fc.assert(
    fc.property(u32, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (word, long) => {
      const memory = new Uint8Array(16);
      setU32(memory, 1, word);
      setU64(memory, 5, long);
      const view = new DataView(memory.buffer);
      expect([view.getUint32(1, true), view.getBigUint64(5, true), getU32(memory, 1)]).toEqual([word, long, word]);
    }),
    RUNS,
  );
});
