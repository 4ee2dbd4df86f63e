// The schema in a kernel's custom section: what anybody may have written there is admitted exactly as of this version, or refused.
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { PAYLOAD } from '../../runtime/base/reading.ts';
import { admit, createSandbox, LodgerError } from '../../runtime/index.ts';
import { PAYLOAD_SECTION } from '../../runtime/payload/bytes.ts';
import { parsePayload } from '../../runtime/payload/parse.ts';
import { Writer } from '../../runtime/wasm/writer.ts';
import { builtKernel } from '../kernels/built.ts';
import { buildText, inClasses } from './kernels.ts';

const utf8 = (text: string) => new TextEncoder().encode(text);
const PLAIN = { version: 1, input: 'f64', output: 'f64', classes: {} };
const field = (part: object) => ({ ...PLAIN, classes: { A: [{ name: 'a', type: 'i32', ...part }] } });
const nested = (depth: number) => Array.from({ length: depth }).reduce<unknown>((type) => ({ array: type }), 'string');

let echo: Uint8Array;
beforeAll(async () => {
  echo = (await builtKernel('kernels/echo')).wasm;
});

/** A kernel with these contents of the section, as often as given. */
function kernelWith(...contents: readonly Uint8Array[]): Uint8Array {
  const out = new Writer(echo.length).raw(echo);
  for (const each of contents) out.section(0, (w) => w.name(PAYLOAD_SECTION).raw(each));
  return out.take();
}

test.each<[unknown, string]>([
  [undefined, 'is not JSON in UTF-8'],
  [[], 'has no object at the whole'],
  [null, 'has no object at the whole'],
  [{}, 'is of version undefined, not 1'],
  [{ ...PLAIN, version: 2 }, 'is of version 2, not 1'],
  [{ ...PLAIN, version: '1' }, 'is of version "1", not 1'],
  [{ ...PLAIN, colour: 1 }, 'has "colour", which is not known'],
  [{ version: 1, input: 'f64', output: 'f64' }, 'has no object at classes'],
  [{ ...PLAIN, input: undefined }, 'has no object at input'],
  [{ ...PLAIN, input: 'usize' }, 'has no object at input'],
  [{ ...PLAIN, output: {} }, 'has no type at output: {}'],
  [{ ...PLAIN, output: { array: 'string', nullable: 'string' } }, 'has no type at output'],
  [{ ...PLAIN, output: { array: 'i32' } }, 'has no type at output: {"array":"i32"}'],
  [{ ...PLAIN, output: { array: 'bytes' } }, 'has no object at output'],
  [{ ...PLAIN, output: { nullable: { nullable: 'string' } } }, 'has no type at output'],
  [{ ...PLAIN, output: { numbers: 'Array' } }, 'has no type at output'],
  [{ ...PLAIN, output: { numbers: 'toString' } }, 'has no type at output'],
  [{ ...PLAIN, output: { class: 'A' } }, 'has no type at output: {"class":"A"}'],
  [{ ...PLAIN, output: { class: 'constructor' } }, 'has no type at output'],
  [{ ...PLAIN, input: { numbers: 'Uint8Array' } }, 'has an input that cannot be told from bytes'],
  [{ ...PLAIN, input: { nullable: { numbers: 'Uint8Array' } } }, 'has an input that cannot be told from bytes'],
  [{ ...PLAIN, input: nested(PAYLOAD.typeDepth.max + 2) }, 'nests types too deeply at input'],
  [{ ...PLAIN, classes: { A: {} } }, 'has a class "A" without a list of 1 to 64 fields'],
  [{ ...PLAIN, classes: { A: [] } }, 'has a class "A" without a list of 1 to 64 fields'],
  [{ ...PLAIN, classes: { A: Array(65).fill({ name: 'a', type: 'i32' }) } }, 'has a class "A" without a list'],
  [{ ...PLAIN, classes: { 'A;': [{ name: 'a', type: 'i32' }] } }, 'has a class "A;"'],
  [{ ...PLAIN, classes: { toString: [{ name: 'a', type: 'i32' }] } }, 'has a class "toString"'],
  [JSON.parse('{"version":1,"input":"f64","output":"f64","classes":{"__proto__":[]}}'), 'has a class "__proto__"'],
  [{ ...PLAIN, classes: { A: [1] } }, 'has no object at a field of A'],
  [field({ name: 1 }), 'has a field 1 in "A"'],
  [field({ name: '__proto__' }), 'has a field "__proto__" in "A"'],
  [field({ name: 'a\u202eb' }), 'has a field "a\u202eb" in "A"'],
  [field({ name: 'a'.repeat(101) }), 'has a field'],
  [field({ colour: 1 }), 'has "colour" at A.a, which is not known'],
  [field({ optional: false }), 'has "optional" at A.a, which is not true'],
  [field({ type: { class: 'B' } }), 'has no type at A.a'],
  [
    {
      ...PLAIN,
      classes: {
        A: [
          { name: 'a', type: 'i32' },
          { name: 'a', type: 'f64' },
        ],
      },
    },
    'has a class "A" with two fields of one name',
  ],
  [
    { ...PLAIN, classes: Object.fromEntries(Array.from({ length: 257 }, (_, at) => [`A${at}`, []])) },
    'has 257 classes, 256 at most',
  ],
  [{ ...PLAIN, input: 'x'.repeat(PAYLOAD.schemaBytes.max) }, '64 KiB'],
])('a kernel whose schema is %j is refused', async (schema, reason) => {
  const contents = utf8(JSON.stringify(schema) ?? 'none');
  const wanted = reason.replace('64 KiB', `has ${contents.length} bytes, 65536 at most are read`);
  await expect(admit(kernelWith(contents))).rejects.toMatchObject({
    code: 'ERR_KERNEL_INTERFACE',
    message: expect.stringContaining(`its payload schema ${wanted}`),
  });
});

test('two schemas are refused, and text that is no UTF-8', async () => {
  const one = utf8(JSON.stringify(PLAIN));
  await expect(admit(kernelWith(one, one))).rejects.toThrow('it has two sections "lodger:payload"');
  await expect(admit(kernelWith(Uint8Array.of(0xff)))).rejects.toThrow('is not JSON in UTF-8');
  await expect(admit(kernelWith(utf8('['.repeat(65_536))))).rejects.toThrow('is not JSON in UTF-8');
});

test('whatever is done to a schema, it is one, or refused with a code', async () => {
  const { wasm } = await builtKernel('typed');
  const text = utf8(JSON.stringify((await admit(wasm)).payload));
  const changes = fc.array(fc.tuple(fc.nat(), fc.nat(127)), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(changes, (puts) => {
      const changed = Uint8Array.from(text);
      for (const [at, value] of puts) changed[at % changed.length] = value;
      try {
        expect(parsePayload(changed).version).toBe(1);
      } catch (error) {
        expect(error).toBeInstanceOf(LodgerError);
        expect((error as LodgerError).code).toBe('ERR_KERNEL_INTERFACE');
      }
    }),
    { numRuns: 2_000 },
  );
});

test('a kernel that lies about itself gets its input, and its output is refused where it is decoded', async () => {
  const kernel = await admit(kernelWith(utf8(JSON.stringify({ ...PLAIN, output: 'string' }))));
  const outcome = await createSandbox().run({ kernel, input: 1.5 });
  if (outcome.state === 'failed') throw new Error(outcome.message);
  expect(() => kernel.decode(outcome.output)).toThrow('option "output" must be a string, not a float');
});

test('the schema that was admitted cannot be changed', async () => {
  const { wasm } = await buildText('class In { x: f64; } export function run(given: In): f64 { return given.x; }');
  const payload = inClasses(await admit(wasm));
  expect(() => Object.assign(payload.classes.In?.[0] ?? {}, { name: 'y' })).toThrow(TypeError);
  expect(() => Object.assign(payload, { input: 'bytes' })).toThrow(TypeError);
});
