// Guests that ask for gigabytes: the host must not hold them, not even for a moment.
import process from 'node:process';
import { describe, expect, test } from 'vitest';
import { type Given, openBench, WORLD_IMPORTS } from '../contract/case.ts';
import { ENGINES } from '../contract/engines.ts';
import { answer, type KernelParts } from '../wasm/kernel.ts';

const MIB = 2 ** 20;
const CLAIM = 600 * MIB;
const grow = `i32.const ${(CLAIM + 16 * MIB) / 65_536} memory.grow drop`;
const NOTHING = answer(0, 'i32.const 0', 'i32.const 0');

/** SHA-256 of nothing. */
const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const given: Given = {
  grants: [{ kind: 'log' }, { kind: 'random' }, { kind: 'blobs', name: 'b', digest: EMPTY }],
  blobs: { b: new Uint8Array() },
  limits: { memoryBytesMax: 1024 * MIB, outputBytesMax: MIB },
};

/** What is claimed, the code that claims it, and how the task must end. */
const CLAIMS: readonly (readonly [string, KernelParts['imports'], string, string])[] = [
  ['an output', [], answer(0, 'i32.const 1024', `i32.const ${CLAIM}`), 'ERR_OUTPUT_TOO_LARGE'],
  ['a failure message', [], answer(1, 'i32.const 1024', `i32.const ${CLAIM}`), 'ERR_EXIT'],
  ['a message to exit.fail', [WORLD_IMPORTS.fail], `i32.const 1024 i32.const ${CLAIM} call 0 ${NOTHING}`, 'ERR_EXIT'],
  ['a log line', [WORLD_IMPORTS.write], `i32.const 0 i32.const 1024 i32.const ${CLAIM} call 0 ${NOTHING}`, 'done'],
  [
    'a name of a blob',
    [WORLD_IMPORTS.size],
    `i32.const 1024 i32.const ${CLAIM} i32.const 32 call 0 ${NOTHING}`,
    'done',
  ],
  [
    'a piece of a blob',
    [WORLD_IMPORTS.read],
    `i32.const 1024 i32.const 0 i64.const 0 i32.const ${CLAIM} i32.const 32 call 0 ${NOTHING}`,
    'done',
  ],
  [
    'random bytes without room for them',
    [WORLD_IMPORTS.fill],
    `i32.const -1 i32.const 32 call 0 ${NOTHING}`,
    'ERR_ABI',
  ],
];

/** Megabytes by which the process's highest resident memory rises during `run`. It counts what was there for a moment only, too. */
async function riseOf(run: () => Promise<void>): Promise<number> {
  const before = process.resourceUsage().maxRSS;
  await run();
  return (process.resourceUsage().maxRSS - before) / 1024;
}

describe.each(ENGINES)('a guest cannot make the host hold what it claims, on %s', (_, makeEngine) => {
  const bench = openBench(makeEngine());

  test.each(CLAIMS)('%s of 600 MiB', async (_, imports = [], code, end) => {
    const rise = await riseOf(async () => {
      const parts = { memory: [1, 16_384] as const, imports, run: { code: `${grow} ${code}` } };
      const outcome = await bench.run({ ...parts, realloc: { code: 'i32.const 4096' } }, given);
      expect(outcome.state === 'failed' ? outcome.code : outcome.state).toBe(end);
    });
    expect(rise).toBeLessThan(300);
  });

  test('a million log lines leave no more than their ceiling', async () => {
    const code = `loop
                    i32.const 0 i32.const 512 i32.const 0 call $write
                    local.get 2 i32.const 1 i32.add local.tee 2 i32.const 1000000 i32.lt_u br_if 0
                  end ${NOTHING}`;
    const outcome = await bench.run({ imports: [WORLD_IMPORTS.write], run: { locals: 'i', code } }, given);
    expect(outcome.log.lines).toHaveLength(1_000);
    expect(outcome.log.linesDropped).toBe(999_000);
  });

  test('the memories of tasks that grew do not pile up', async () => {
    const touch = `i32.const 2048 memory.grow drop i32.const 65536 i32.const 1 i32.const ${128 * MIB} memory.fill`;
    const rise = await riseOf(async () => {
      for (let i = 0; i < 10; i++) await bench.run({ memory: [1, 4_096], run: { code: `${touch} unreachable` } });
    });
    expect(rise).toBeLessThan(800);
  });
});
