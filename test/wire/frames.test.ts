// Messages between processes: what is written comes back, and what a stranger writes can neither fill memory nor pass for a message.
import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as codec from '../../host/wire/codec.ts';
import { createReader, writeFrame } from '../../host/wire/frames.ts';
import * as tabCodec from '../../host/wire/tab-codec.ts';

/** Node's and a tab's. */
const CODECS = [codec, tabCodec];

/** Plain data, as messages are made of; bytes come back as a Buffer. */
const plain = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return Buffer.from(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, plain(part)]));
  return value;
};

test.each([
  ['small numbers', [0, 1, -1, 127, 128, -32, -33, 255, 256, 65_535, 65_536]],
  ['large and broken numbers', [2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER, -(2 ** 40), 0.1, Number.NaN, Infinity]],
  ['bytes of every length of a length', [0, 1, 255, 256, 65_535, 65_536].map((size) => new Uint8Array(size).fill(7))],
  ['texts', ['', 'a', 'ä'.repeat(40), 'x'.repeat(70_000)]],
  ['objects', { a: { b: [{ c: null }, true, false] } }],
  ['many entries', Object.fromEntries(Array.from({ length: 60_000 }, (_, index) => [`k${index}`, index]))],
])('%s come back as they were, from a tab and in one, too', (_, value) => {
  for (const from of CODECS)
    for (const to of CODECS) expect(plain(to.decode(from.encode(value)))).toEqual(plain(value));
});

const array32 = (count: number) => [0xdd, count >>> 24, (count >>> 16) & 255, (count >>> 8) & 255, count & 255];

test.each([
  ['nothing', [], 'a message ends too early'],
  ['a list that claims four thousand million values', array32(2 ** 32 - 1), 'a message claims more than it has'],
  ['lists in lists that each claim more', [...array32(9), ...array32(9)], 'a message claims more than it has'],
  ['a text that is cut off', [0xd9, 200, 65], 'a message claims more than it has'],
  ['lists in lists without end', Array(64).fill(0x91), 'a message is nested too deeply'],
  ['an extension: a date', [0xd6, 0xff, 0, 0, 0, 0], 'a message has a form that is not used: 214'],
  ['the form that there is not', [0xc1], 'a message has a form that is not used: 193'],
  ['two values', [1, 2], 'a message has something behind it'],
  ['a list in the place of a name', [0x82, 0, 0, 0x90, 0], 'a message is not understood'],
])('%s is no message', (_, bytes, message) => {
  for (const { decode } of CODECS)
    expect(() => decode(Uint8Array.from(bytes as number[]))).toThrow(new RangeError(message));
});

test('whatever bytes come, decoding gives a value or a RangeError', () => {
  const property = fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(...CODECS), (bytes, { decode }) => {
    try {
      decode(bytes);
    } catch (error) {
      expect(error).toBeInstanceOf(RangeError);
    }
  });
  fc.assert(property, { numRuns: 4_000 });
});

test('whatever data there is, a tab and Node read the same in it', () => {
  const leaf = fc.oneof(fc.string({ unit: 'grapheme' }), fc.integer(), fc.double(), fc.boolean(), fc.constant(null));
  const { data } = fc.letrec((again) => ({
    data: fc.oneof(leaf, fc.uint8Array(), fc.array(again('data')), fc.dictionary(fc.string(), again('data'))),
  }));
  const property = fc.property(data, fc.constantFrom(...CODECS), (value, { encode }) => {
    const [first, second] = CODECS.map(({ decode }) => plain(decode(encode(value)))) as [unknown, unknown];
    expect(first).toEqual(second);
  });
  fc.assert(property, { numRuns: 2_000, examples: [[{ ['__proto__']: [1] }, tabCodec]] });
});

test('frames come whole and in order, however the stream is cut', async () => {
  const stream = new PassThrough();
  const sent = Array.from({ length: 20 }, (_, index) => ({ index, bytes: new Uint8Array(index * 50).fill(index) }));
  const tails = sent.map(({ index }) => new Uint8Array(index % 3 === 0 ? 0 : 10 * index).fill(index));
  for (const [index, message] of sent.entries()) writeFrame(stream, message, tails[index]);
  // What is written in one turn goes out together at its end.
  expect(stream.read()).toBeNull();
  await new Promise((resolve) => setImmediate(resolve));
  const all = stream.read() as Buffer;
  for (const size of [1, 3, 4, 5, 64, 1_000, all.length]) {
    const heard: unknown[] = [];
    const read = createReader(
      () => 4_000,
      (message, bytes) => heard.push([message, bytes]),
    );
    for (let at = 0; at < all.length; at += size) read(all.subarray(at, at + size));
    expect(heard).toEqual(sent.map((message, index) => [plain(message), tails[index]]));
  }
});

test('a frame that is longer than expected is refused when its length is read, before its bytes are kept', () => {
  const read = createReader(
    () => 1_000,
    () => undefined,
  );
  expect(() => read(Buffer.from([0xe9, 3, 0, 0, 1, 0, 0, 0]))).toThrow(
    'a frame of 1001 bytes is longer than any that is expected',
  );
});
