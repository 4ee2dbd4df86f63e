// Kernels with inputs that mean something to them: what two ways of running a kernel are compared on.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { buildKernel } from '../../host/build/build.ts';
import type { Grant } from '../../runtime/policy/grant.ts';
import type { Given } from './ending.ts';
import { COMPUTING, noise } from './project.ts';

export const KiB = 1024;
const root = new URL('../../', import.meta.url);

const read = (path: string) => new Uint8Array(readFileSync(new URL(path, root)));
const utf8 = new TextEncoder();

const PROTEINS = read('kernels/align/data/proteins.fasta');

/** Seed, place and blobs of every task here. */
export const GIVEN: Given = { seed: 20_251_123, index: 3, blobs: { query: read('kernels/align/data/query.fasta') } };

/** What those kernels ask for. */
export const GRANTS: readonly Grant[] = [
  { kind: 'log' },
  { kind: 'random' },
  { kind: 'clock' },
  {
    kind: 'blobs',
    name: 'query',
    digest: createHash('sha256')
      .update(GIVEN.blobs.query ?? '')
      .digest('hex'),
  },
];

/** Some bytes that differ from place to place. */
const pattern = (length: number) => Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8)) & 0xff);

/** So many bytes of a text over and over, cut where they end. */
const over = (text: Uint8Array) => (length: number) =>
  Uint8Array.from({ length }, (_, index) => text[index % text.length] ?? 0);
const proteins = over(PROTEINS);

const u32 = (value: number) => new Uint8Array(Uint32Array.of(value).buffer);

/** A kernel, and what to feed it. */
export interface Subject {
  /** A source to build, or a core module with its component beside it. */
  readonly source: string;
  /** An input of so many bytes; any that the kernel ends on. */
  readonly input: (length: number) => Uint8Array;
  /** Inputs that mean something to the kernel. */
  readonly special: readonly Uint8Array[];
  /** Random inputs, where not any bytes will do. */
  readonly any?: fc.Arbitrary<Uint8Array>;
}

/** `failing` loops for ever from 13 on. */
const way = fc.integer({ min: 0, max: 12 });

const anyBytes = fc
  .tuple(fc.integer({ max: 100 * KiB, min: 0 }), fc.nat())
  .map(([length, seed]) => noise(length, seed));

/** Kernels of the project and of other toolchains, by name. */
export const SUBJECTS: Readonly<Record<string, Subject>> = {
  ...COMPUTING,
  echo: { source: 'kernels/echo', input: pattern, special: [], any: anyBytes },
  align: {
    source: 'kernels/align',
    input: proteins,
    special: [PROTEINS, utf8.encode('>a\nMK-V\n'), utf8.encode('>\nMKV')],
  },
  caps: {
    source: 'test/fixtures/kernels/caps.ts',
    // The input is a name; messages about long ones are shortened by us.
    input: (length) => utf8.encode('n'.repeat(Math.min(length, 200))),
    special: [utf8.encode('query'), utf8.encode('é€😀')],
    any: fc.string({ unit: 'binary', maxLength: 100 }).map((name) => utf8.encode(name)),
  },
  failing: {
    source: 'test/fixtures/kernels/failing.ts',
    input: (length) => pattern(length).fill(12, 0, 1),
    special: Array.from({ length: 13 }, (_, first) => Uint8Array.of(first, 0, 1, 2)),
    any: fc.tuple(way, fc.uint8Array({ maxLength: 100 })).map(([first, rest]) => Uint8Array.of(first, ...rest)),
  },
  arrays: {
    source: 'test/fixtures/kernels/arrays.ts',
    input: pattern,
    special: [Uint8Array.of(0, 0, 0, 0, 1, 0, 0, 0), Uint8Array.of(1, 1, 0, 0, 3, 0, 0, 0)],
    any: fc
      .tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 1 }), fc.integer({ min: -2, max: 5 }))
      .map(([kind, write, at]) => Uint8Array.of(kind, write, 0, 0, ...new Uint8Array(Int32Array.of(at).buffer))),
  },
  cursor: {
    source: 'test/fixtures/kernels/cursor.ts',
    input: pattern,
    special: [new Uint8Array(200), new Uint8Array(46)],
    any: fc.uint8Array({ maxLength: 200 }),
  },
  commands: {
    source: 'test/fixtures/kernels/commands.ts',
    input: pattern,
    special: ['trap', 'fail caf\u00e9', 'log line', 'random'].map((text) => utf8.encode(text)),
    any: fc.uint8Array({ maxLength: 50 }),
  },
  stepper: {
    source: 'test/fixtures/kernels/stepper.ts',
    input: pattern,
    special: [u32(0), u32(1), u32(2_500), u32(1_000_000)],
    any: fc.integer({ min: 0, max: 20_000 }).map(u32),
  },
  template: {
    source: 'kernels/template',
    input: over(utf8.encode('two words\n')),
    special: [],
  },
  'a kernel in Rust, with its standard library': {
    source: 'test/fixtures/components/words.core.wasm',
    input: over(utf8.encode('a guest in a house ')),
    special: [utf8.encode(' \n'), pattern(200), utf8.encode('caf\u00e9 \u20ac caf\u00e9')],
  },
  'a kernel in C, with strings in utf8': {
    source: 'test/fixtures/components/kernel.core.wasm',
    input: pattern,
    special: [pattern(3), pattern(5)],
    any: anyBytes,
  },
};

/** The core module of a kernel, built if it has to be. */
export async function coreOf({ source }: Subject): Promise<Uint8Array> {
  const { pathname } = new URL(source, root);
  return source.endsWith('.wasm') ? read(source) : (await buildKernel({ source: pathname })).wasm;
}

/** Inputs of random sizes on which the kernel ends. */
export function anyInput({ input, any = fc.integer({ min: 0, max: 100 * KiB }).map(input) }: Subject) {
  return any;
}
