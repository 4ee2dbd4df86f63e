// Payloads that do not fit: on the host a refusal with the path, in the guest a failure with the path, and never anything else.
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { admit, createSandbox, type Kernel, LodgerError } from '../../runtime/index.ts';
import { createDecoder } from '../../runtime/payload/decode.ts';
import { ENGINES } from '../contract/engines.ts';
import { builtKernel } from '../kernels/built.ts';
import { admitText, inClasses } from './kernels.ts';
import { valuesOf } from './values.ts';

const BOOK = `
  class Leg { strike: f64; days: i32 = 0; kind: string = 'call'; }
  class Book { id: u64; legs: Leg[]; prices: Float64Array; ok: bool; mark: i8; note: string | null; counts: StaticArray<u16>; }
  export function run(book: Book): Book { return book; }`;
const GOOD = { id: 1, legs: [{ strike: 1 }], prices: [1], ok: true, mark: 1, note: null, counts: [1] };

let book: Kernel;
let typed: Kernel;
beforeAll(async () => {
  book = await admitText(BOOK);
  typed = await admit((await builtKernel('typed')).wasm);
});

const leg = (part: object) => ({ legs: [{ strike: 1 }, { strike: 1, ...part }] });
const U64 = 'an integer from 0 to 18446744073709551615, as a bigint where it is beyond 2^53';

test.each<[object, string, string]>([
  [{ id: undefined }, 'input.id', 'given'],
  [{ id: -1 }, 'input.id', `${U64}, not -1`],
  [{ id: 2n ** 64n }, 'input.id', `${U64}, not 18446744073709551616`],
  [{ id: 2 ** 53 }, 'input.id', `${U64}, not 9007199254740992`],
  [{ id: '1' }, 'input.id', `${U64}, not a string`],
  [leg({ strike: '1' }), 'input.legs[1].strike', 'a number, not a string'],
  [leg({ strike: 1n }), 'input.legs[1].strike', 'a number, not 1'],
  [leg({ strike: undefined }), 'input.legs[1].strike', 'given'],
  [leg({ days: 2 ** 31 }), 'input.legs[1].days', 'an integer from -2147483648 to 2147483647, not 2147483648'],
  [leg({ days: Number.NaN }), 'input.legs[1].days', 'an integer from -2147483648 to 2147483647, not NaN'],
  [leg({ kind: null }), 'input.legs[1].kind', 'a string, not null'],
  [leg({ kind: '\ud800' }), 'input.legs[1].kind', 'a text without half of a surrogate pair'],
  [leg({ colour: 1 }), 'input.legs[1].colour', 'a known field'],
  [{ legs: {} }, 'input.legs', 'an array, not an object'],
  [{ legs: [null] }, 'input.legs[0]', 'an object, not null'],
  [{ legs: [[1]] }, 'input.legs[0]', 'an object, not an array'],
  [{ legs: [new Uint8Array(1)] }, 'input.legs[0]', 'an object, not a Uint8Array'],
  [{ prices: [1, '2'] }, 'input.prices[1]', 'a number, not a string'],
  [{ prices: new Float32Array(1) }, 'input.prices', 'a Float64Array or an array of numbers, not a Float32Array'],
  [
    { prices: new DataView(new ArrayBuffer(8)) },
    'input.prices',
    'a Float64Array or an array of numbers, not a DataView',
  ],
  [{ counts: [65536] }, 'input.counts[0]', 'an integer from 0 to 65535, not 65536'],
  [{ counts: [1.5] }, 'input.counts[0]', 'an integer from 0 to 65535, not 1.5'],
  [{ ok: 1 }, 'input.ok', 'true or false, not 1'],
  [{ mark: 128n }, 'input.mark', 'an integer from -128 to 127, not 128'],
  [{ note: 5 }, 'input.note', 'a string, not 5'],
  [{ toString: 1 }, 'input.toString', 'a known field'],
])('the host refuses %o at %s', (part, path, wanted) => {
  const refused = { code: 'ERR_OPTION_INVALID', message: `option "${path}" must be ${wanted}` };
  expect(() => book.encode({ ...GOOD, ...part })).toThrow(expect.objectContaining(refused));
});

test('a runner refuses in the same words, before anything runs, in run and in map', async () => {
  const sandbox = createSandbox();
  const refused = { code: 'ERR_OPTION_INVALID', message: expect.stringContaining('"input.legs[1].strike"') };
  const input = { ...GOOD, ...leg({ strike: 'x' }) };
  await expect(sandbox.run({ kernel: book, input })).rejects.toMatchObject(refused);
  await expect(sandbox.map({ kernel: book, inputs: [input] }).next()).rejects.toMatchObject(refused);
});

test('what refers to itself, or nests beyond the bound, is refused with its path', async () => {
  const ring = await admitText('class Ring { next: Ring | null; } export function run(x: Ring): i32 { return 1; }');
  const input: { next?: object } = {};
  input.next = input;
  expect(() => ring.encode(input)).toThrow(`option "input${'.next'.repeat(64)}" must be less deeply nested`);
});

test('the bytes of a value are in their own memory, or where they are told to be', () => {
  const own = book.encode(GOOD);
  expect(own.buffer.byteLength).toBe(own.length);
  const large = { ...GOOD, prices: Float64Array.from({ length: 1_000 }, (_, at) => at) };
  const many = { ...GOOD, legs: Array.from({ length: 100 }, (_, days) => ({ strike: 1, days })) };
  const slab = new Uint8Array(20_000);
  for (const value of [large, many]) {
    slab.fill(7);
    const given = book.encode(value, (bytes) => slab.subarray(5, 5 + bytes));
    expect([given.buffer, given.byteOffset]).toEqual([slab.buffer, 5]);
    expect(given).toEqual(book.encode(value));
    expect(new Set([...slab.subarray(0, 5), ...slab.subarray(5 + given.length)])).toEqual(new Set([7]));
  }
  // Small ones lie beside each other, and none is written again; more than one slab of them.
  const values = Array.from({ length: 300 }, (_, id) => (id % 50 === 7 ? { ...many, id } : { ...GOOD, id }));
  const shared = values.map((value) => book.encode(value, (bytes) => new Uint8Array(bytes)));
  expect(shared.map((bytes) => Buffer.from(bytes))).toEqual(values.map((value) => Buffer.from(book.encode(value))));
  expect(new Set(shared.map(({ buffer }) => buffer)).size).toBeLessThan(20);
});

test('an encoder that refused, or that was entered again from a getter, encodes the next value as if nothing had been', () => {
  const right = book.encode(GOOD);
  expect(() => book.encode({ ...GOOD, ...leg({ strike: 'x' }) })).toThrow(LodgerError);
  expect(book.encode(GOOD)).toEqual(right);
  const nested = {
    ...GOOD,
    get id() {
      expect(book.encode(GOOD)).toEqual(right);
      return 1;
    },
  };
  expect(book.encode(nested)).toEqual(right);
});

test('a field is asked for once', () => {
  let asked = 0;
  const strange = {
    strike: 1,
    get days() {
      return asked++ === 0 ? undefined : 5;
    },
  };
  expect(book.encode({ ...GOOD, legs: [strange] })).toEqual(book.encode(GOOD));
  expect(asked).toBe(1);
});

const byte = (text: string) => [...Buffer.from(text)];
const key = (name: string) => [0xa0 | name.length, ...byte(name)];

describe.each(ENGINES)('on %s', (_, makeEngine) => {
  test.each<[string, readonly number[], string]>([
    ['nothing', [], 'input: is empty'],
    ['no map', [0x05], 'input: wants a map, has an integer'],
    ['an extension', [0xd4, 0, 0], 'input: wants a map, has an extension'],
    ['a map that is cut short', [0x81, ...key('id')], 'input.id: is cut short'],
    ['more pairs than bytes', [0xdf, 0xff, 0xff, 0xff, 0xff], 'input: is cut short'],
    ['a key twice', [0x82, ...key('id'), 1, ...key('id'), 1], 'input.id: is given twice'],
    ['an unknown key', [0x81, ...key('colour'), 1], 'input: has no field "colour"'],
    ['a key that is no text', [0x81, 0xa1, 0xff, 1], 'input: has no field of such a name'],
    ['a missing key', [0x81, ...key('id'), 1], 'input.legs: is missing'],
    ['a negative number for an unsigned one', [0x81, ...key('id'), 0xff], 'input.id: is out of range: -1'],
    ['a fraction', [0x81, ...key('mark'), 0xcb, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0], 'input.mark: wants an integer, has 1.5'],
    ['a large number', [0x81, ...key('mark'), 0xcc, 200], 'input.mark: is out of range: 200'],
    [
      'a very large number',
      [0x81, ...key('mark'), 0xcf, ...Array(8).fill(255)],
      'input.mark: is out of range: 18446744073709551615',
    ],
    [
      'a text in an array',
      [0x81, ...key('legs'), 0x92, 0x81, ...key('strike'), 1, 0xa1, 0x61],
      'input.legs[1]: wants a map, has a string',
    ],
    ['a text that is no UTF-8', [0x81, ...key('note'), 0xa2, 0xc3, 0x28], 'input.note: is not UTF-8'],
    [
      'half an element',
      [0x81, ...key('prices'), 0xc4, 9, ...Array(9).fill(0)],
      'input.prices: wants a multiple of 8 bytes, has 9',
    ],
    [
      'a text among numbers',
      [0x81, ...key('prices'), 0x92, 1, 0xa1, 0x61],
      'input.prices[1]: wants a number, has a string',
    ],
    ['nil for a boolean', [0x81, ...key('ok'), 0xc0], 'input.ok: wants a boolean, has nil'],
  ])('the guest fails at %s', async (_name, bytes, message) => {
    const outcome = await createSandbox({ engine: makeEngine() }).run({ kernel: book, input: Uint8Array.from(bytes) });
    expect(outcome).toMatchObject({ state: 'failed', code: 'ERR_EXIT', message });
  });

  test('whatever is done to a payload, the guest answers, or fails with a path', async () => {
    const sandbox = createSandbox({ engine: makeEngine() });
    const { input, classes } = inClasses(typed);
    await fc.assert(
      fc.asyncProperty(valuesOf(input, classes), mutations, async (value, changes) => {
        const bytes = mutate(typed.encode(value), changes);
        const outcome = await sandbox.run({ kernel: typed, input: bytes });
        if (outcome.state === 'done') typed.decode(outcome.output);
        else
          expect(outcome).toMatchObject({
            code: 'ERR_EXIT',
            message: expect.stringMatching(/^input[^:]*: (?:is|wants|has) /),
          });
      }),
      { numRuns: 400 },
    );
  });
});

test('whatever is done to a payload, the host decodes it, or refuses it with a path', () => {
  const { input, classes, ...payload } = inClasses(typed);
  const read = createDecoder({ ...payload, classes, input, output: input });
  fc.assert(
    fc.property(valuesOf(input, classes), mutations, (value, changes) => {
      const bytes = mutate(typed.encode(value), changes);
      try {
        read(bytes);
      } catch (error) {
        expect(error).toMatchObject({ code: 'ERR_OPTION_INVALID', message: expect.stringMatching(/^option "output/) });
      }
    }),
    { numRuns: 1_000 },
  );
});

test('of a larger buffer the host reads its part alone, wherever it lies and ends', () => {
  const { input, classes, ...payload } = inClasses(typed);
  const read = createDecoder({ ...payload, classes, input, output: input });
  const told = (bytes: Uint8Array) => {
    try {
      return read(bytes);
    } catch (error) {
      return (error as LodgerError).message;
    }
  };
  fc.assert(
    fc.property(valuesOf(input, classes), fc.nat(9), fc.nat(), (value, place, cut) => {
      const bytes = typed.encode(value);
      const around = new Uint8Array(place + bytes.length + 9).fill(0xc0);
      around.set(bytes, place);
      for (const length of [bytes.length, cut % (bytes.length + 1)])
        expect(told(around.subarray(place, place + length))).toEqual(told(bytes.slice(0, length)));
    }),
    { numRuns: 400 },
  );
});

test('the host and the guest take the same payloads', async () => {
  const sandbox = createSandbox();
  const { input, classes, ...payload } = inClasses(typed);
  const read = createDecoder({ ...payload, classes, input, output: input });
  await fc.assert(
    fc.asyncProperty(valuesOf(input, classes), mutations, async (value, changes) => {
      const bytes = mutate(typed.encode(value), changes);
      const { state } = await sandbox.run({ kernel: typed, input: bytes });
      let read_ = 'done';
      try {
        read(bytes);
      } catch {
        read_ = 'failed';
      }
      // What may be null may be left out of an input, and never of an output.
      if (state !== read_) expect([state, read_]).toEqual(['done', 'failed']);
    }),
    { numRuns: 400 },
  );
});

/** Bytes to put somewhere, and where to cut. */
const mutations = fc.record({
  puts: fc.array(fc.tuple(fc.nat(), fc.oneof(fc.nat(255), fc.constantFrom(0xc0, 0xc6, 0xdb, 0xdd, 0xdf, 0xcf, 0xff))), {
    maxLength: 3,
  }),
  cut: fc.option(fc.nat(), { freq: 4 }),
});

function mutate(bytes: Uint8Array, { puts, cut }: { puts: [number, number][]; cut: number | null }): Uint8Array {
  const changed = Uint8Array.from(bytes);
  for (const [at, value] of puts) changed[at % changed.length] = value;
  return cut === null ? changed : changed.subarray(0, cut % (changed.length + 1));
}
