// Programs of ordinary toolchains, unchanged: input on stdin, output from stdout, stderr in the log, the same on every engine.
import process from 'node:process';
import { describe, expect, test } from 'vitest';
import { admit } from '../../runtime/admit/admit.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import { createSandbox } from '../../runtime/sandbox/sandbox.ts';
import { ENGINES } from '../contract/engines.ts';
import { C_AS_KERNEL, C_PROGRAM, goProgram, RUST_PROGRAM, ZIG_PROGRAM } from './programs.ts';

const GO_PROGRAM = goProgram();
const C = await admit(C_PROGRAM);
const RUST = await admit(RUST_PROGRAM);
const ZIG = await admit(ZIG_PROGRAM);
const GO = GO_PROGRAM && (await admit(GO_PROGRAM));
const bytes = (text: string) => new TextEncoder().encode(text);
const SANDBOXES = ENGINES.map(([name, make]) => ({ name, sandbox: createSandbox({ engine: make() }) }));

test('the program in Go was run, or this machine is told that it was not', () => {
  if (GO) return;
  process.stderr.write('NOT TESTED: programs in Go. There is no "go" here.\n');
});

/** What a run comes to, for people and for comparing engines. */
function seen(outcome: Outcome) {
  const { fuel, fuelAtLeast, deterministic, calls } = outcome.receipt;
  return {
    ended: outcome.state === 'done' ? Buffer.from(outcome.output).toString() : `${outcome.code}: ${outcome.message}`,
    lines: outcome.log.lines.map(({ level, text }) => `${level} ${text}`),
    used: { fuel, fuelAtLeast, deterministic, calls },
  };
}

/** One run on every engine, all of which must see the same. */
async function everywhere(kernel: typeof C, input: string, seed = 1) {
  const all = [];
  for (const { sandbox } of SANDBOXES) all.push(seen(await sandbox.run({ kernel, input: bytes(input), seed })));
  const [first] = all;
  if (!first) throw new Error('no engine');
  for (const other of all) expect(other).toEqual(first);
  return first;
}

const LONG = 'one two\nthree\n'.repeat(20_000);
/** Input, how it ends, and the log. */
const SAME: readonly (readonly [input: string, ended: string, lines: readonly string[]])[] = [
  ['count\na b c\nd e\n', '2 5 10\n', []],
  [`count\n${LONG}`, '40000 60000 280000\n', []],
  ['copy\n', '', []],
  ['copy\nhello \u{1f30d}', 'hello \u{1f30d}', []],
  [`copy\n${LONG}`, LONG, []],
  ['say\none\n\ntwo', '', ['info one', 'info ', 'info two']],
  ['exit 0\n', 'printed before it ends', ['info it will end']],
  ['exit 3\n', 'ERR_EXIT: it exited with code 3', ['info it will end']],
];

const LANGUAGES = { C, Rust: RUST, Zig: ZIG, ...(GO && { Go: GO }) };

for (const [language, kernel] of Object.entries(LANGUAGES)) {
  describe(`a program in ${language}`, () => {
    test.each(SAME)('does %j alike on all engines, to the last unit of fuel', async (input, ended, lines) => {
      const { used, ...rest } = await everywhere(kernel, input);
      expect(rest).toEqual({ ended, lines });
      expect(used).toMatchObject({ deterministic: true, fuel: expect.any(Number) });
    });

    test('gets random bytes of its seed: the same for the same one, others for another', async () => {
      const [one, again, other] = [
        await everywhere(kernel, 'random\n', 5),
        await everywhere(kernel, 'random\n', 5),
        await everywhere(kernel, 'random\n', 6),
      ];
      expect(one.ended).toMatch(/^[0-9a-f]{32}$/);
      expect(again).toEqual(one);
      expect(other.ended).not.toBe(one.ended);
    });
  });
}

describe('what a program finds', () => {
  test('no arguments but a name, no environment, no files, no terminal', async () => {
    expect((await everywhere(RUST, 'look\n')).ended).toBe('1 0\n');
    expect((await everywhere(ZIG, 'look\n')).ended).toBe('1 0\n');
    expect((await everywhere(C, 'look\n')).ended).toBe('1 program 0 Capabilities insufficient stream\n');
    if (GO) expect((await everywhere(GO, 'look\n')).ended).toBe('1 0 open /etc/passwd: Bad file number\n');
  });

  test('a clock that begins above 0, in the year 2000, and is as late after a sleep of ten hours as it should be', async () => {
    const [before, day, slept, failed] = (await everywhere(C, 'sleep 36000000\n')).ended.split(' ').map(Number);
    expect(before).toBeGreaterThan(0);
    expect(new Date(Number(day) / 1e6).getUTCFullYear()).toBe(2000);
    expect(slept).toBeGreaterThanOrEqual(36_000 * 1e9);
    expect(slept).toBeLessThan(36_001 * 1e9);
    expect(failed).toBe(0);
  });

  test('nobody waits for its sleeps: they cost a few calls, and neither time nor fuel', async () => {
    const [short, long] = [await everywhere(C, 'sleep 1\n'), await everywhere(C, 'sleep 36000000\n')];
    expect(long.used.calls['wasi.poll_oneoff']).toBe(1);
    expect(long.used.fuel).toBeLessThan(2 * (short.used.fuel as number));
    expect((await everywhere(RUST, 'sleep 36000000\n')).ended).toBe('10957 true true\n');
    if (!GO) return;
    const waited = await everywhere(GO, 'sleep 36000000\n');
    expect(waited.ended).toBe('2000 true true\n');
    expect(waited.used.calls['wasi.poll_oneoff']).toBeLessThan(100);
  });
});

describe('a program that fails', () => {
  test('traps when it aborts in C, Rust and Zig, and tells its panic in Zig and Go', async () => {
    expect((await everywhere(C, 'abort\n')).ended).toBe('ERR_TRAP: trap: unreachable executed');
    expect((await everywhere(RUST, 'abort\n')).ended).toBe('ERR_TRAP: trap: unreachable executed');
    const zig = await everywhere(ZIG, 'abort\n');
    expect(zig.ended).toBe('ERR_TRAP: trap: unreachable executed');
    expect(zig.lines[0]).toBe('info panic: no way on');
    if (!GO) return;
    const { ended, lines } = await everywhere(GO, 'abort\n');
    expect(ended).toBe('ERR_EXIT: it exited with code 2');
    expect(lines[0]).toBe('info panic: no way on');
  });

  test.each([
    [{ outputBytesMax: 100 }, `copy\n${'x'.repeat(101)}`, 'ERR_OUTPUT_TOO_LARGE'],
    [{ fuelMax: 20_000 }, `copy\n${LONG}`, 'ERR_FUEL_SPENT'],
  ])('ends at the limits %o like any kernel', async (limits, input, code) => {
    for (const { sandbox } of SANDBOXES)
      expect(await sandbox.run({ kernel: C, input: bytes(input), limits })).toMatchObject({ state: 'failed', code });
  });

  test.each([
    [{ logLinesMax: 2 }, 'say\na\nb\nc\nd\n', ['a', 'b'], 2],
    [{ logBytesMax: 5 }, 'say\nabc\ndef\ngh\n', ['abc', 'gh'], 1],
    [{ logBytesMax: 9_000 }, `say\n${'x'.repeat(10_000)}\n`, ['x'.repeat(8_192)], 1],
  ])('writes to a log of %o', async (limits, input, lines, linesDropped) => {
    for (const { sandbox } of SANDBOXES) {
      const { log } = await sandbox.run({ kernel: C, input: bytes(input), limits });
      expect({ ...log, lines: log.lines.map(({ text }) => text) }).toEqual({ lines, linesDropped });
    }
  });
});

test('the program in C does as a kernel what it does as a program, so that their starts can be compared', async () => {
  const kernel = await admit(C_AS_KERNEL);
  expect(kernel.shape).toBe('kernel');
  for (const input of ['copy\nhello', 'count\na b c\nd e\n']) {
    const { used, ended, lines } = await everywhere(kernel, input);
    expect({ ended, lines }).toEqual({ ended: (await everywhere(C, input)).ended, lines: [] });
    expect(used).toMatchObject({ calls: {}, fuel: expect.any(Number) });
  }
});
