// The grant `clock` for programs: the time that it is, and sleeps that are slept, until the task has to end.
import { admit, createSandbox, type Outcome, parsePolicy, portable, type Runner } from 'lodger';
import { createPool, node, nodeEngine } from 'lodger/host';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ENGINE_NAMES } from '../contract/engines.ts';
import { bytesOf } from '../grants/guests.ts';
import { C_PROGRAM, goProgram, RUST_PROGRAM } from './programs.ts';

const WHERE = ['sandbox', 'thread', 'process'] as const;
const PLACES = ENGINE_NAMES.flatMap((engine) => WHERE.map((where) => ({ engine, where })));
const grants = [{ kind: 'clock' }] as const;

const C = await admit(C_PROGRAM);
const RUST = await admit(RUST_PROGRAM);
const go = goProgram();
const GO = go && (await admit(go));

const textOf = (outcome: Outcome) => Buffer.from(outcome.state === 'done' ? outcome.output : []).toString();

describe.each(PLACES)('on $engine, in a $where,', ({ engine, where }) => {
  let runner: Runner;
  beforeAll(async () => {
    runner =
      where === 'sandbox'
        ? createSandbox({ engine: nodeEngine(engine), platform: node })
        : await createPool({ engine, threads: 1, isolation: where });
  });
  afterAll(() => runner.close());

  test('a program reads the time that it is, sleeps as long as it says, and is not deterministic', async () => {
    const before = Date.now();
    const outcome = await runner.run({ kernel: C, input: bytesOf('sleep 50\n'), grants });
    const after = Date.now();
    const [, day, slept, failed] = textOf(outcome).split(' ').map(Number);
    expect(Number(day) / 1e6).toBeGreaterThanOrEqual(before - 1_000);
    expect(Number(day) / 1e6).toBeLessThanOrEqual(after + 1_000);
    expect(slept).toBeGreaterThanOrEqual(50e6);
    expect(slept).toBeLessThanOrEqual((after - before + 1) * 1e6);
    expect(failed).toBe(0);
    expect(outcome.receipt).toMatchObject({
      deterministic: false,
      outside: { asked: ['clock'], given: ['clock'] },
    });
  });

  test('a sleep ends with the time that the task has', async () => {
    const task = { kernel: C, input: bytesOf('sleep 36000000\n'), grants, limits: { wallMsMax: 200 } };
    expect(await runner.run(task)).toMatchObject({ state: 'failed', code: 'ERR_WALL_SPENT' });
    expect(textOf(await runner.run({ kernel: C, input: bytesOf('copy\nnext') }))).toBe('next');
  });

  // A sandbox in the caller's own thread hears of nothing while it sleeps.
  if (where === 'sandbox') return;
  test('a sleep ends when nobody waits for it any more, and its thread goes on', async () => {
    const control = new AbortController();
    const sleeping = runner.run({ kernel: C, input: bytesOf('sleep 36000000\n'), grants }, { signal: control.signal });
    const next = runner.run({ kernel: C, input: bytesOf('copy\nnext') });
    control.abort();
    await expect(sleeping).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    expect(textOf(await next)).toBe('next');
    expect((runner as unknown as { stats(): { threadRestarts: number } }).stats().threadRestarts).toBe(0);
  });
});

test('programs in Rust and Go see it, too', async () => {
  const sandbox = createSandbox({ platform: node });
  const rust = textOf(await sandbox.run({ kernel: RUST, input: bytesOf('sleep 20\n'), grants }));
  expect(rust).toMatch(/^\d{5} true (?:true|false)$/m);
  expect(Number(rust.split(' ')[0])).toBeGreaterThan(20_000);
  if (!GO) return;
  const year = textOf(await sandbox.run({ kernel: GO, input: bytesOf('sleep 20\n'), grants })).split(' ')[0];
  expect(Number(year)).toBeGreaterThan(2024);
});

test('without the grant nothing of that is seen: every run is the same', async () => {
  const sandbox = createSandbox({ platform: node });
  const run = async () => sandbox.run({ kernel: C, input: bytesOf('sleep 50\n') });
  const [one, other] = [await run(), await run()];
  expect(textOf(one)).toBe(textOf(other));
  expect(one.receipt).toMatchObject({ deterministic: true, fuel: other.receipt.fuel });
});

test('who may not have a clock is told so, and not given another one in silence', async () => {
  const policy = parsePolicy({ version: 1 });
  const task = { kernel: C, input: bytesOf('look\n'), grants };
  await expect(createSandbox({ policy }).run(task)).rejects.toMatchObject({ code: 'ERR_POLICY_EXCEEDED' });
  const { today: _, ...timeless } = portable;
  await expect(createSandbox({ platform: timeless }).run(task)).rejects.toMatchObject({
    code: 'ERR_GRANT_UNAVAILABLE',
    message: expect.stringContaining('does not tell the time of day'),
  });
});
