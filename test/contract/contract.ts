// What every engine must do: the same suite is run against each. Nothing here knows which one it is.
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { admit } from '../../runtime/admit/admit.ts';
import type { Engine } from '../../runtime/engine/engine.ts';
import { answer, kernelOf } from '../wasm/kernel.ts';
import { CALLS, ECHOES, FAILURES } from './answers.ts';
import { type Bench, type Case, expectBytes, expectOutcome, openBench, outputOf, tellsOf } from './case.ts';
import { BLOB_ERRORS, BLOBS, BUSY, CLOCK, LOG, LOGS, line, logger } from './grants.ts';
import { EMPTY, GROWTH, STORIES } from './memory.ts';
import { CUTS, drawing, KEYS, pieces, RANDOM, streamOf } from './random.ts';
import { NO_TRAPS, RECURSIONS, SEGMENT_CASES, TRAP_CASES } from './traps.ts';

const TABLES: readonly (readonly [string, readonly Case[]])[] = [
  ['input and output', ECHOES],
  ['calls', CALLS],
  ['failing', FAILURES],
  ['traps', TRAP_CASES],
  ['segments', SEGMENT_CASES],
  ['what does not trap', NO_TRAPS],
  ['the stack', RECURSIONS],
  ['growth', GROWTH],
  ['memories of no pages', EMPTY],
  ['blobs', [...BLOBS, ...BLOB_ERRORS]],
];

/** Declares the suite for one engine. All cases share one engine and one sandbox, so that each also follows upon the others. */
export function engineContract(name: string, makeEngine: () => Engine): void {
  describe(`the engine contract, kept by ${name}`, () => {
    const engine = makeEngine();
    const bench = openBench(engine);

    for (const [title, cases] of TABLES) {
      describe(title, () => {
        for (const one of cases) {
          test(one.name, async () => expectOutcome(await bench.run(one.kernel, one.given), one));
        }
      });
    }
    describe('from task to task', () => {
      for (const { name, tell, expected } of STORIES) {
        test(name, async () => expect(await tell(bench)).toEqual(expected));
      }
    });
    outputContract(bench);
    logContract(bench);
    randomContract(bench);
    receiptContract(bench, engine);
  });
}

function outputContract(bench: Bench): void {
  describe('the ceiling of outputs', () => {
    const input = new Uint8Array(1_000);

    test('an output of one byte more fails', async () => {
      const outcome = await bench.run({}, { input, limits: { outputBytesMax: 999 } });
      expectOutcome(outcome, {
        failed: 'ERR_OUTPUT_TOO_LARGE',
        message: 'output of 1000 bytes exceeds outputBytesMax of 999',
      });
      expect(outcome.receipt.bytesOut).toBe(0);
    });
    test('an output of exactly as many bytes passes', async () => {
      expectBytes(outputOf(await bench.run({}, { input, limits: { outputBytesMax: 1_000 } })), input);
    });
    test('with a ceiling of 0 the empty output passes, and nothing else', async () => {
      expectOutcome(await bench.run({}, { limits: { outputBytesMax: 0 } }), { done: new Uint8Array() });
      const one = await bench.run({}, { input: new Uint8Array(1), limits: { outputBytesMax: 0 } });
      expect(one).toMatchObject({ state: 'failed', code: 'ERR_OUTPUT_TOO_LARGE' });
    });
    test("the output is the caller's own copy", async () => {
      const first = await bench.run({}, { input: Uint8Array.of(1, 2, 3) });
      await bench.run({}, { input: Uint8Array.of(9, 9, 9) });
      expect(outputOf(first)).toEqual(Uint8Array.of(1, 2, 3));
    });
  });
}

function logContract(bench: Bench): void {
  describe('the log', () => {
    for (const { name, encoding, lengths, limits, kept } of LOGS) {
      test(`keeps ${name}`, async () => {
        const outcome = await bench.run(logger(encoding), { grants: LOG, limits, input: Uint8Array.from(lengths) });
        expect(outcome.state).toBe('done');
        expect(outcome.log).toEqual({ lines: kept.map(line), linesDropped: lengths.length - kept.length });
        expect(outcome.receipt.calls).toEqual({ 'log.write': lengths.length });
      });
    }
    test('is kept when the task fails', async () => {
      const parts = logger();
      const code = `${parts.run?.code} unreachable`;
      const outcome = await bench.run(
        { ...parts, run: { locals: 'ii', code } },
        { grants: LOG, input: Uint8Array.of(3) },
      );
      expect(outcome).toMatchObject({ state: 'failed', code: 'ERR_TRAP', log: { lines: [line(3)], linesDropped: 0 } });
    });
  });
}

function randomContract(bench: Bench): void {
  describe('random', () => {
    test.each(KEYS)('seed %d and index %d give the ChaCha20 stream of their key', async (seed, index) => {
      const given = { grants: RANDOM, seed, index, input: pieces(300) };
      expect(outputOf(await bench.run(drawing, given))).toEqual(streamOf(seed, index, 300));
      expect(outputOf(await bench.run(drawing, given))).toEqual(streamOf(seed, index, 300));
    });
    for (const sizes of CUTS) {
      test(`pieces of ${sizes.join(', ')} bytes make up the same stream`, async () => {
        const total = sizes.reduce((sum, size) => sum + size, 0);
        const outcome = await bench.run(drawing, { grants: RANDOM, seed: 5, index: 2, input: pieces(...sizes) });
        expectBytes(outputOf(outcome), streamOf(5, 2, total));
      });
    }
    test('different indexes have different streams', async () => {
      const streams = new Set<string>();
      for (let index = 0; index < 20; index++) {
        const outcome = await bench.run(drawing, { grants: RANDOM, index, input: pieces(8) });
        streams.add(Buffer.from(outputOf(outcome)).toString('hex'));
      }
      expect(streams.size).toBe(20);
    });
  });
}

function receiptContract(bench: Bench, engine: Engine): void {
  describe('the receipt', () => {
    const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
    const grants = [...LOG, { kind: 'clock' }, ...RANDOM] as const;

    test('counts calls by import, bytes and the memory at its largest', async () => {
      const { receipt } = await bench.run(BUSY, { grants: [...grants], input: new Uint8Array(11) });
      expect(receipt).toMatchObject({
        version: 1,
        kernel: sha256(BUSY),
        engine: { name: engine.name, version: engine.version },
        memoryBytesPeak: 3 * 65_536,
        bytesIn: 11,
        bytesOut: 5,
        attempts: 1,
      });
      // Two versions of an interface are one grant, and one line of the bill.
      expect(receipt.calls).toEqual({ 'log.write': 3, 'clock.now': 2 });
      expect(receipt.wallMs).toBeGreaterThan(0);
    });
    test('names input and output by digest when asked', async () => {
      const input = Uint8Array.of(1, 2, 3);
      const { receipt } = await bench.run(
        { run: { code: answer(0, 'i32.const 0', 'i32.const 0') } },
        { input, digests: true },
      );
      expect(receipt).toMatchObject({ inputDigest: sha256(input), outputDigest: sha256(new Uint8Array()) });
    });
    test('has no digests when not asked, and none of the output when the task failed', async () => {
      expect((await bench.run({})).receipt).not.toHaveProperty('inputDigest');
      const { receipt } = await bench.run({ run: { code: 'unreachable' } }, { digests: true });
      expect(receipt).toHaveProperty('inputDigest');
      expect(receipt).not.toHaveProperty('outputDigest');
    });
    test('counts what a failed task used', async () => {
      const outcome = await bench.run(
        { run: { code: 'i32.const 3 memory.grow unreachable' } },
        { input: new Uint8Array(9) },
      );
      expect(outcome).toMatchObject({
        state: 'failed',
        fault: 'job',
        receipt: { memoryBytesPeak: 4 * 65_536, bytesIn: 9, bytesOut: 0, calls: {} },
      });
    });
    test.each([
      ['nothing', kernelOf(), true],
      ['random', kernelOf(drawing), true],
      ['log', kernelOf(logger()), true],
      ['clock', kernelOf(CLOCK), false],
    ] as const)('says of a kernel that imports %s whether every run of it ends alike', async (_, bytes, expected) => {
      const kernel = await admit(bytes);
      const outcome = await bench.sandbox.run({ kernel, input: pieces(0), grants: [...grants] });
      expect(outcome.receipt.deterministic).toBe(expected);
    });
    test('the clock tells nanoseconds since the task began', async () => {
      const outcome = await bench.run(CLOCK, { grants: [{ kind: 'clock' }] });
      expect(tellsOf(outcome)).toEqual([1_500_000, 3_000_000, 4_500_000]);
      expect(outcome.receipt.wallMs).toBe(6);
    });
  });
}
