// The host's encoder and decoder against the code that the transform writes into kernels, on every engine.
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { admit, createSandbox, type Kernel } from '../../runtime/index.ts';
import { createDecoder } from '../../runtime/payload/decode.ts';
import { ENGINES } from '../contract/engines.ts';
import { builtKernel } from '../kernels/built.ts';
import { admitText, inClasses } from './kernels.ts';
import { valuesOf } from './values.ts';

type Value = Record<string, unknown>;
let kernel: Kernel<Value, Value>;
let values: fc.Arbitrary<Value>;
beforeAll(async () => {
  kernel = await admit<Value, Value>((await builtKernel('typed')).wasm);
  const { input, classes } = inClasses(kernel);
  values = valuesOf(input, classes) as fc.Arbitrary<Value>;
});

describe.each(ENGINES)('on %s', (_, makeEngine) => {
  test('what a kernel gives back is what it was given, as value and byte for byte', async () => {
    const sandbox = createSandbox({ engine: makeEngine() });
    await fc.assert(
      fc.asyncProperty(values, async (value) => {
        const outcome = await sandbox.run({ kernel, input: value });
        if (outcome.state === 'failed') throw new Error(outcome.message);
        expect(kernel.decode(outcome.output)).toEqual(value);
        expect(Buffer.compare(outcome.output, kernel.encode(value))).toBe(0);
      }),
      { numRuns: 150 },
    );
  });

  test.each(['minimal', 'incremental'] as const)(
    'the runtime %s collects nothing that is still needed',
    async (runtime) => {
      const { wasm } = await builtKernel('typed', runtime);
      const collected = await admit<Value, Value>(wasm);
      const tree = (depth: number): Value => ({
        value: depth,
        kids: depth > 0 ? Array.from({ length: 6 }, () => tree(depth - 1)) : [],
        left: depth > 0 ? { value: -depth, kids: [], left: null } : null,
      });
      const [value = {}] = fc.sample(values, { numRuns: 1, seed: 7 });
      const input = { ...value, tree: tree(5) };
      const outcome = await createSandbox({ engine: makeEngine() }).run({ kernel: collected, input });
      expect(outcome).toMatchObject({ state: 'done' });
      if (outcome.state === 'done') expect(Buffer.compare(outcome.output, collected.encode(input))).toBe(0);
    },
  );

  test('a field with an initial value may be left out, and gets it', async () => {
    const defaults = await admitText(`
      import { fail } from 'lodger/kernel';
      const SIX = 6;
      function seven(): i32 { return SIX + 1; }
      class In {
        a: i32 = seven();
        b: string = 'none';
        c: Float64Array = new Float64Array(2);
        d: string | null = 'set';
        e: i32[] = [1, 2].map<i32>((x) => x * SIX);
        f: bool;
      }
      export function run(given: In): In { return given; }`);
    const sandbox = createSandbox({ engine: makeEngine() });
    const given = async (input: object) => {
      const outcome = await sandbox.run({ kernel: defaults, input });
      return outcome.state === 'done' ? defaults.decode(outcome.output) : outcome.message;
    };
    const all = { a: 7, b: 'none', c: new Float64Array(2), d: 'set', e: new Int32Array([6, 12]), f: true };
    expect(await given({ f: true })).toEqual(all);
    expect(await given({ f: true, a: undefined, d: null })).toEqual({ ...all, d: null });
    expect(await given({ f: true, a: 1, e: [] })).toEqual({ ...all, a: 1, e: new Int32Array(0) });
  });

  test.each<[string, string, unknown, unknown]>([
    ['a number', 'export function run(x: f64): f64 { return -x; }', 0, -0],
    ['a text', 'export function run(x: string): string { return x + "!"; }', 'é', 'é!'],
    ['an integer of 64 bits', 'export function run(x: u64): u64 { return x - 1; }', 0, 2n ** 64n - 1n],
    ['an array', 'export function run(x: string[]): i32 { return x.length; }', ['a', 'b'], 2],
    ['what may be null', 'export function run(x: string | null): bool { return x === null; }', null, true],
    ['bytes into a value', 'export function run(x: Uint8Array): i32 { return x.length; }', new Uint8Array(9), 9],
    [
      'a value into bytes',
      'export function run(x: i32): Uint8Array { return new Uint8Array(x); }',
      3,
      new Uint8Array(3),
    ],
    [
      'work in steps',
      `class Plan { from: u32; to: u32; }
       class Sum { total: u64; steps: i32; }
       let plan: Plan = new Plan(); let sum = new Sum();
       export function begin(given: Plan): void { plan = given; }
       export function step(): f64 { sum.total += plan.from++; sum.steps++; return plan.from < plan.to ? 0.5 : 1; }
       export function finish(): Sum { return sum; }`,
      { from: 1, to: 5 },
      { total: 10n, steps: 4 },
    ],
  ])('%s is carried as the whole', async (_name, text, input, output) => {
    const made = await admitText(text);
    const outcome = await createSandbox({ engine: makeEngine() }).run({ kernel: made, input });
    expect(outcome).toMatchObject({ state: 'done' });
    if (outcome.state === 'done') expect(made.decode(outcome.output)).toEqual(output);
  });

  test.each<[string, string, unknown, string]>([
    [
      'an output that holds itself',
      'class Ring { next: Ring | null = null; } export function run(x: i32): Ring { const r = new Ring(); r.next = r; return r; }',
      1,
      `output${'.next'.repeat(64)}: is nested too deeply`,
    ],
    [
      'a field that was promised and never set',
      'class Text { of: string; } class Out { a: i32; text!: Text; } export function run(x: i32): Out { return new Out(); }',
      1,
      'output.text: was never set',
    ],
    [
      'a message of the author',
      'export function run(x: f64): f64 { if (x < 0) throw new Error("below zero"); return x; }',
      -1,
      'below zero',
    ],
  ])('%s fails the task with its path or its words', async (_name, text, input, message) => {
    const outcome = await createSandbox({ engine: makeEngine() }).run({ kernel: await admitText(text), input });
    expect(outcome).toMatchObject({ state: 'failed', code: 'ERR_EXIT', message });
  });
});

test('other spellings of an input are the same input: order of keys, plain arrays, numbers for bigints', async () => {
  const sandbox = createSandbox();
  await fc.assert(
    fc.asyncProperty(values, async (value) => {
      const respelled = Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([name, part]) => [name, plain(part)]),
      );
      expect(Buffer.compare(kernel.encode(respelled), kernel.encode(value))).toBe(0);
    }),
    { numRuns: 100 },
  );
  await sandbox.close();
});

test('the host reads what the host writes, into one value', () => {
  const { payload } = kernel;
  if (payload === undefined) throw new Error('the kernel is not typed');
  const read = createDecoder({ ...payload, output: payload.input });
  fc.assert(
    fc.property(values, (value) => {
      expect(read(kernel.encode(value))).toEqual(value);
    }),
    { numRuns: 200 },
  );
});

/** The same value with plain arrays in the place of typed ones, and numbers in the place of small bigints. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as Iterable<unknown>, plain);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, part]) => [name, plain(part)]),
  );
}
