// Our driver and jco's glue give the same output, the same failure and the same log for the same kernel and input.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { componentNew } from '@bytecodealliance/jco';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildKernel } from '../../host/build/build.ts';
import { admit } from '../../runtime/admit/admit.ts';
import type { Kernel } from '../../runtime/job/kernel.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import type { Grant } from '../../runtime/policy/grant.ts';
import { createSandbox } from '../../runtime/sandbox/sandbox.ts';
import { createOracle, type Ending, type Given, type Oracle } from './oracle.ts';

const KiB = 1024;
const root = new URL('../../', import.meta.url);
const read = (path: string) => new Uint8Array(readFileSync(new URL(path, root)));
const utf8 = new TextEncoder();

const PROTEINS = read('kernels/align/data/proteins.fasta');
const GIVEN: Given = { seed: 20_251_123, index: 3, blobs: { query: read('kernels/align/data/query.fasta') } };
const GRANTS: readonly Grant[] = [
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

/** So many bytes of FASTA, cut where they end. */
const proteins = (length: number) => Uint8Array.from({ length }, (_, index) => PROTEINS[index % PROTEINS.length] ?? 0);

const u32 = (value: number) => new Uint8Array(Uint32Array.of(value).buffer);

interface Subject {
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

const SUBJECTS: Readonly<Record<string, Subject>> = {
  echo: { source: 'kernels/echo', input: pattern, special: [] },
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
  stepper: {
    source: 'test/fixtures/kernels/stepper.ts',
    input: pattern,
    special: [u32(0), u32(1), u32(2_500), u32(1_000_000)],
    any: fc.integer({ min: 0, max: 20_000 }).map(u32),
  },
  'a kernel in C, with strings in utf8': {
    source: 'test/fixtures/components/kernel.core.wasm',
    input: pattern,
    special: [pattern(3), pattern(5)],
  },
};

describe.each(Object.entries(SUBJECTS))('%s: driver and oracle agree', (_name, subject) => {
  const sandbox = createSandbox();
  let kernels: Kernel[];
  let oracle: Oracle;

  beforeAll(async () => {
    const source = new URL(subject.source, root).pathname;
    const core = source.endsWith('.wasm') ? read(subject.source) : (await buildKernel({ source })).wasm;
    const component = await componentNew(core, []);
    kernels = [await admit(core), await admit(component)];
    oracle = await createOracle(component, kernels[0]?.shape ?? 'kernel');
  });

  /** The core module and the component, both by our driver, against the component by jco. */
  async function agree(input: Uint8Array): Promise<void> {
    const expected = oracle.run(input, GIVEN);
    for (const kernel of kernels) {
      const outcome = await sandbox.run({ kernel, input, grants: GRANTS, ...GIVEN });
      expectSame(endingOf(outcome), expected);
    }
  }

  test.each([0, 1, 64 * KiB, 1024 * KiB])('on %i bytes', async (length) => {
    await agree(subject.input(length));
  });

  test('on what means something to it', async () => {
    for (const input of subject.special) await agree(input);
  });

  test('on inputs of random sizes', async () => {
    const { any = fc.integer({ min: 0, max: 100 * KiB }).map(subject.input) } = subject;
    await fc.assert(fc.asyncProperty(any, agree), { numRuns: 20 });
  });
});

/** Outputs by a comparison of bytes, which takes a thousandth of the time. */
function expectSame(got: Ending, expected: Ending): void {
  if (got.state === 'done' && expected.state === 'done') {
    const same = Buffer.compare(got.output, expected.output) === 0;
    if (!same) expect(got.output).toEqual(expected.output);
    expect(got.log).toEqual(expected.log);
  } else expect(got).toEqual(expected);
}

function endingOf(outcome: Outcome): Ending {
  const log = outcome.log.lines;
  if (outcome.state === 'done') return { state: 'done', output: outcome.output, log };
  return { state: 'failed', code: outcome.code, message: outcome.message, log };
}
