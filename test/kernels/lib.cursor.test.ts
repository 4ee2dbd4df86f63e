// Reader and Writer of `lodger/kernel`, in every runtime of AssemblyScript.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { builtKernel } from './built.ts';
import { GuestFailure, startGuest } from './guest.ts';

interface Values {
  readonly skip: number;
  readonly f64: number;
  readonly i64: bigint;
  readonly text: string;
  readonly bytes: Uint8Array;
  readonly numbers: readonly number[];
}

const SAMPLE: Values = {
  skip: 0,
  f64: -0.1,
  i64: -(2n ** 63n),
  text: 'Grüße, 世界 🏠',
  bytes: Uint8Array.of(1, 2, 3),
  numbers: [1.5, -2, 1e300],
};
const RUNTIMES = ['stub', 'minimal', 'incremental'] as const;

/** What `cursor.ts` reads, in its order. */
function encode(v: Values): Uint8Array {
  const text = Buffer.from(v.text, 'utf8');
  const size = 1 + v.skip + 43 + 4 + text.length + 4 + v.bytes.length + 4 + v.numbers.length * 18;
  const out = new Uint8Array(size);
  const view = new DataView(out.buffer);
  view.setUint8(0, v.skip);
  let at = 1 + v.skip;
  const put = (length: number, set: (at: number) => void) => {
    set(at);
    at += length;
  };
  put(1, (p) => view.setUint8(p, 255));
  put(1, (p) => view.setInt8(p, -1));
  put(2, (p) => view.setUint16(p, 65_535, true));
  put(2, (p) => view.setInt16(p, -2, true));
  put(4, (p) => view.setUint32(p, 2 ** 32 - 1, true));
  put(4, (p) => view.setInt32(p, -3, true));
  put(8, (p) => view.setBigUint64(p, 2n ** 64n - 1n, true));
  put(8, (p) => view.setBigInt64(p, v.i64, true));
  put(4, (p) => view.setFloat32(p, 0.5, true));
  put(8, (p) => view.setFloat64(p, v.f64, true));
  put(1, (p) => view.setUint8(p, 1));
  put(4, (p) => view.setUint32(p, text.length, true));
  put(text.length, (p) => out.set(text, p));
  put(4, (p) => view.setUint32(p, v.bytes.length, true));
  put(v.bytes.length, (p) => out.set(v.bytes, p));
  put(4, (p) => view.setUint32(p, v.numbers.length, true));
  for (const x of v.numbers) put(8, (p) => view.setFloat64(p, x, true));
  for (const [index] of v.numbers.entries()) put(2, (p) => view.setUint16(p, index * 7, true));
  for (const [index] of v.numbers.entries()) put(8, (p) => view.setBigInt64(p, BigInt(index) - 2n, true));
  return out;
}

/** What `cursor.ts` answers: the same values, whether the floats were a view, padding, their sum, the bytes read. */
function expected(v: Values): Uint8Array {
  const input = encode(v);
  const values = input.subarray(1 + v.skip);
  const arraysAt = values.length - v.numbers.length * 18;
  const isView = (1 + v.skip + arraysAt) % 8 === 0;
  const head = Uint8Array.of(...values.subarray(0, arraysAt), isView ? 1 : 0, ...values.subarray(arraysAt));
  // The two lengths are read as u32 and not written back.
  const textAt = 43;
  const bytesAt = textAt + 4 + Buffer.byteLength(v.text);
  const kept = Buffer.concat([
    head.subarray(0, bytesAt),
    head.subarray(bytesAt + 4, arraysAt - 4),
    head.subarray(arraysAt),
  ]);
  const padded = Buffer.concat([kept, new Uint8Array((8 - (kept.length % 8)) % 8)]);
  const tail = Buffer.alloc(12);
  tail.writeDoubleLE(v.numbers.reduce((sum, x) => sum + x, 0));
  tail.writeUInt32LE(input.length, 8);
  return new Uint8Array(Buffer.concat([padded, tail]));
}

describe('what does not fit the input ends the task with a message that says where', () => {
  const sample = encode(SAMPLE);
  const textAt = 1 + 43;
  const edited = (at: number, ...bytes: number[]) => {
    const copy = sample.slice();
    copy.set(bytes, at);
    return copy;
  };
  const words = 'input is cut short: ';
  test.each([
    ['no bytes', new Uint8Array(0), `${words}u8 at byte 0 needs 1 bytes, 0 are left`],
    ['half a number', sample.slice(0, 36), `${words}f64 at byte 35 needs 8 bytes, 1 are left`],
    ['a bool of 7', edited(textAt - 1, 7), 'bool at byte 43 is 7, neither 0 nor 1'],
    [
      'a string longer than the rest',
      edited(textAt, 255, 255, 255, 255),
      `${words}string at byte 48 needs 4294967295 bytes, 85 are left`,
    ],
    ['a string cut in a character', edited(textAt + 4, 0xc3, 0x28), 'string at byte 44 is not UTF-8'],
    ['an overlong character', edited(textAt + 4, 0xc0, 0x80), 'string at byte 44 is not UTF-8'],
    ['a surrogate in UTF-8', edited(textAt + 4, 0xed, 0xa0, 0x80), 'string at byte 44 is not UTF-8'],
    ['a character above U+10FFFF', edited(textAt + 4, 0xf4, 0x90, 0x80, 0x80), 'string at byte 44 is not UTF-8'],
    ['bytes after the end', Uint8Array.of(...sample, 0), 'input is followed by 1 more bytes'],
  ])('%s', async (_, input, message) => {
    const { wasm } = await builtKernel('cursor');
    expect(() => startGuest(wasm).run(input)).toThrow(new GuestFailure(message));
  });

  test('a count of elements that overflows 32 bits', async () => {
    const { wasm } = await builtKernel('cursor');
    const countAt = sample.length - SAMPLE.numbers.length * 18 - 4;
    const input = edited(countAt, 0, 0, 0, 0x20);
    expect(() => startGuest(wasm).run(input)).toThrow(/Float64Array at byte \d+ needs 4294967296 bytes/);
  });
});

describe.each(RUNTIMES)('with the runtime %s', (runtime) => {
  test('every kind of value comes back as it went in, at any alignment', async () => {
    const guest = startGuest((await builtKernel('cursor', runtime)).wasm);
    for (let skip = 0; skip < 9; skip++)
      expect(guest.run(encode({ ...SAMPLE, skip }))).toEqual(expected({ ...SAMPLE, skip }));
  });

  test('arbitrary values come back as they went in, in one instance that lives on', async () => {
    const guest = startGuest((await builtKernel('cursor', runtime)).wasm);
    const values = fc.record({
      skip: fc.nat(20),
      f64: fc.double({ noNaN: true }),
      i64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      text: fc.string({ unit: 'grapheme', maxLength: 200 }),
      bytes: fc.uint8Array({ maxLength: 600 }),
      numbers: fc.array(fc.double({ noNaN: true, noDefaultInfinity: true, max: 1e9, min: -1e9 }), { maxLength: 40 }),
    });
    fc.assert(
      fc.property(values, (v) => {
        expect(guest.run(encode(v))).toEqual(expected(v));
      }),
      { numRuns: 60 },
    );
  });
});

test.each(['minimal', 'incremental'] as const)(
  'with the runtime %s the memory of an instance that lives on stays bounded',
  async (runtime) => {
    const guest = startGuest((await builtKernel('cursor', runtime)).wasm);
    const input = encode({ ...SAMPLE, numbers: Array.from({ length: 1_000 }, (_, index) => index) });
    for (let call = 0; call < 50; call++) guest.run(input);
    const settled = guest.memory.buffer.byteLength;
    for (let call = 0; call < 500; call++) guest.run(input);
    expect(guest.memory.buffer.byteLength).toBeLessThanOrEqual(settled * 2);
  },
);
