// Mutants of the transform: each leaves out one thing that makes it sound, and one loop tells it from the transform.
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { liftLoops } from '../../kernels/transform/lift/lift.ts';
import { assemble, type Lift, observe, start, type Terms, within } from './compare.ts';
import { functionOf, programOf } from './program.ts';

/** The built transform, in the package's own folder, so that a copy of it finds the compiler. */
const BUILT = 'dist/kernels/transform/lift';
const TERMS: Terms = { runtime: 'stub', level: 1, trips: 1 };
const MAX = 2147483647;
const UP = 'let i = a; i < b; i++';
const END = 'if (--rounds < 0) return t;';

interface Mutant {
  readonly what: string;
  readonly file: string;
  readonly from: string | RegExp;
  readonly to: string;
  readonly header?: string;
  readonly body: readonly string[];
  /** The arguments a, b and c. */
  readonly numbers: readonly [number, number, number?];
}

const HIGH = /prelude\.guard\(binary\(BINARY\.LtI64, at[^;]+;/;
const LOW = /prelude\.guard\(binary\(BINARY\.GeI64, at[^;]+;/;
const ENDS = '[range.least, range.most]';
const FREE = 'areFree(left, right) ? emit.not(distance()) : emit.i32(0)';
const APART = 'emit.binary(BINARY.OrI32, isBefore(left, right), isBefore(right, left))';

const MUTANTS: readonly Mutant[] = [
  // What is proven.
  { what: 'the upper end', file: 'proof', from: HIGH, to: '0;', body: ['M[i] = 1.0;'], numbers: [0, 70] },
  { what: 'the lower end', file: 'proof', from: LOW, to: '0;', body: ['M[i] = 1.0;'], numbers: [-20, 20] },
  { what: 'the last round', file: 'proof', from: ENDS, to: '[range.least]', body: ['M[i] = 1.0;'], numbers: [0, 70] },
  { what: 'the first round', file: 'proof', from: ENDS, to: '[range.most]', body: ['M[i] = 1.0;'], numbers: [-20, 20] },
  {
    what: 'the highest of the constants',
    ...{ file: 'proof', from: 'at(counter, stream.high)', to: 'at(counter, stream.low)' },
    ...{ body: ['t += M[i] + M[i + 9];'], numbers: [0, 60] },
  },
  {
    what: 'that an index falls',
    ...{ file: 'proof', from: "typeof scale === 'number' && scale < 0", to: 'false' },
    ...{ body: ['t += M[40 - i];'], numbers: [0, 60] },
  },
  {
    what: 'that an index may fall',
    ...{ file: 'proof', from: "typeof scale === 'number' && !isFalling", to: '!isFalling' },
    ...{ body: ['t += M[i * c + 40];'], numbers: [0, 60, -1] },
  },
  {
    what: 'that a counter does not wrap',
    ...{ file: 'proof', from: 'emit.i64(I32_MAX)', to: 'emit.i64(2 ** 40)' },
    ...{ header: 'let i = a; i <= b; i++', body: [END, 't += M[i - a];'], numbers: [MAX - 9, MAX] },
  },
  {
    what: 'that a counter does not wrap on its way down',
    ...{ file: 'proof', from: 'emit.i64(count.isUnsigned ? 0 : -I32_MAX)', to: 'emit.i64(-(2 ** 40))' },
    ...{ header: 'let i = b; i >= a; i--', body: [END, 't += M[i + c + 1];'], numbers: [-MAX - 1, -MAX + 8, MAX] },
  },
  {
    what: 'that a step is positive',
    ...{ file: 'proof', from: /prelude\.guard\(binary\(BINARY\.GtI64, get\(step\)[^;]+;/, to: '0;' },
    ...{ header: 'let i = a; i < b; i += c', body: [END, 't += M[i];'], numbers: [5, 40, -1] },
  },
  {
    what: 'that a counter without a sign stays below 2^31',
    ...{ file: 'proof', from: 'if (count.isUnsigned)', to: 'if (false)' },
    ...{ header: 'let i: u32 = a; i < <u32>b; i += 5', body: [END, 't += M[i + 10];'], numbers: [-3, -1] },
  },
  {
    what: 'that what is read before the loop is there',
    ...{ file: 'prelude', from: /guard\(emit\.binary\(BINARY\.LeU64[^;]+;/, to: '' },
    ...{ body: ['if (z) t += z.data[i];'], numbers: [0, 9] },
  },
  // What may change.
  {
    what: 'that a local changes',
    ...{ file: 'affine', from: '|| effects.locals.has(node.index)', to: '' },
    ...{ body: ['l[i] = 1.0;', 'if (i == c) l = P;'], numbers: [0, 60, 5] },
  },
  {
    what: 'that a global changes',
    ...{ file: 'affine', from: 'effects.globals.has(node.name)', to: 'false' },
    ...{ body: ['W[i] = 1.0;', 'if (i == c) W = P;'], numbers: [0, 60, 5] },
  },
  {
    what: 'that a field changes',
    ...{ file: 'affine', from: '!effects.fields.some((written) => overlap(written, field))', to: 'true' },
    ...{ body: ['t += M[o.n + i];', 'o.n++;'], numbers: [0, 20] },
  },
  {
    what: 'that a function changes something',
    ...{ file: 'effects', from: 'add(effects, ofFunction(node.target))', to: '0' },
    ...{ body: ['W[i] = 1.0;', 'if (i == c) swap();'], numbers: [0, 60, 5] },
  },
  {
    what: 'that a virtual method may be another one',
    ...{ file: 'effects', from: "|| nodeOf(body, made).kind === 'unreachable'", to: '' },
    ...{ body: ['W[i] = shape.touch();'], numbers: [0, 60] },
  },
  {
    what: 'that an Array grows',
    ...{ file: 'plan', from: "refusal = { code: 'grows' };", to: '0;' },
    ...{ body: ['R[B[i]] = 1.0;', 't += M[i];'], numbers: [0, 9] },
  },
  {
    what: 'that a local is set once more',
    ...{ file: 'plan', from: '|| scene.effects.locals.get(node.index)?.length !== 1', to: '' },
    ...{ body: ['k = i;', 'if (c > 0) k = 1000;', 't += M[k];'], numbers: [0, 9, 1] },
  },
  {
    what: 'that a block may be passed by',
    ...{ file: 'plan', from: 'scene.sums.delete(index);', to: '' },
    ...{ body: ['if (i == c) { k = i + 1; t += M[k]; }', 't += M[k + 1];'], numbers: [0, 40, 30] },
  },
  // What vectors do.
  {
    what: 'that elements of one array lean on each other',
    ...{ file: 'apart', from: 'isDense(stream) && areFree(stream, stream)', to: 'isDense(stream)' },
    ...{ body: ['M[i + 1] = M[i] + 1.0;'], numbers: [0, 40] },
  },
  {
    what: 'that two names are one array',
    ...{ file: 'apart', from: 'emit.binary(BINARY.OrI32, apart, same)', to: 'emit.i32(1)' },
    ...{ body: ['M[i + 1] = l[i] + 1.0;'], numbers: [0, 40] },
  },
  {
    what: 'that one array is read further on',
    ...{ file: 'apart', from: FREE, to: 'emit.not(distance())' },
    ...{ body: ['M[i] = x;', 'F[i] = l[i] + l[i + 1];'], numbers: [0, 40] },
  },
  {
    what: 'that two names are one array, read in larger steps',
    ...{ file: 'apart', from: APART, to: 'emit.i32(1)' },
    ...{ body: ['l[i + 6] = M[i * 2] + 1.0;'], numbers: [0, 30] },
  },
  {
    what: 'that what is written is no vector',
    ...{ file: 'apart', from: 'isDense(stream) && areFree', to: 'areFree' },
    ...{ body: ['M[i * 2] = F[i];'], numbers: [0, 20] },
  },
  {
    what: 'where a loop ends',
    ...{ file: 'lanes', from: 'emit.i64(width)', to: 'emit.i64(0)' },
    ...{ body: ['M[i] = 1.0;'], numbers: [0, 9] },
  },
];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join('dist', 'mutants-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function mutantOf({ file, from, to }: Mutant): Promise<Lift> {
  const own = resolve(await mkdtemp(join(folder, 'm-')));
  await cp(BUILT, own, { recursive: true });
  const path = join(own, `${file}.js`);
  const text = await readFile(path, 'utf8');
  expect(text.split(from).length, `${file} has "${from}" once`).toBe(2);
  await writeFile(path, text.replace(from, to));
  return ((await import(pathToFileURL(join(own, 'lift.js')).href)) as { liftLoops: Lift }).liftLoops;
}

describe('one loop tells the transform from one that does not see', () => {
  test.each(MUTANTS.map((mutant) => [mutant.what, mutant] as const))('%s', async (_, mutant) => {
    const { header = UP, body, numbers } = mutant;
    const { text } = programOf([functionOf('k0', header, body)]);
    const lift = await mutantOf(mutant);
    const fates: (string | undefined)[] = [];
    for (const transform of [undefined, liftLoops, lift]) {
      const { module } = await assemble(text, TERMS, transform);
      fates.push(
        within(10, () =>
          observe(
            start(module),
            0,
            [...numbers, 0, 0].slice(0, 4).map((each) => each ?? 0),
          ),
        ),
      );
    }
    const [plain, lifted, mutated] = fates;
    expect(lifted).toBe(plain);
    expect(mutated).not.toBe(plain);
  });
});
