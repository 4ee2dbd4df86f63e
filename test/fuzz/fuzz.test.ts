// Generated kernels end alike on V8 and Wasmtime; and where an engine is wrong, fuzzing notices, and says how to see it again.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { nodeV8 } from '../../host/platform/node-v8.ts';
import type { Engine, Guest } from '../../runtime/engine/engine.ts';
import { TaskFailure } from '../../runtime/job/outcome.ts';
import { RESET_EXPORT } from '../../runtime/prepare/form.ts';
import { stepOver } from '../../runtime/wasm/outline.ts';
import { readModule } from '../../runtime/wasm/read.ts';
import { WASMTIME_MISSING } from '../contract/engines.ts';
import { asm } from '../wasm/asm.ts';
import { openFinds } from './found.ts';
import { fuzz, type Summary } from './fuzz.ts';
import { generateKernel } from './generate.ts';
import { type Lane, type Lanes, openLanes, plotOn, threadLane } from './lanes.ts';

/** Undefined where there is no Wasmtime to compare with, which `test/engine/wasmtime.test.ts` says. */
let lanes: Lanes | undefined;
beforeAll(async () => {
  if (WASMTIME_MISSING === undefined) lanes = await openLanes();
});
afterAll(() => lanes?.close());

const told = ({ differences }: Summary) => differences.map(({ seed, lanes, text }) => [seed, ...lanes, text]);

test('150 generated kernels end alike on V8 and Wasmtime: output, memory, log, code and message', async () => {
  if (!lanes) return;
  const summary = await fuzz({ seed: 0, goesOn: (modules) => modules < 150, plotOf: plotOn(lanes, 1_000) });
  expect(told(summary)).toEqual([]);
  expect(summary).toMatchObject({ modules: 150, runs: 450 });
  expect(summary.endings.done).toBeGreaterThan(200);
  expect(Object.keys(summary.endings).length).toBeGreaterThan(6);
});

test('generated kernels that may loop for ever end alike, or are stopped on both engines', async () => {
  if (!lanes) return;
  const summary = await fuzz({ seed: 5_000, goesOn: (modules) => modules < 40, plotOf: plotOn(lanes, 1) });
  expect(told(summary)).toEqual([]);
  expect(summary.endings.ERR_WALL_SPENT).toBeGreaterThan(0);
  expect(summary.endings.done).toBeGreaterThan(0);
});

/** V8, but what comes of a call is changed. */
function twisted(change: Partial<Engine>, after?: (guest: Guest, thrown: unknown) => void): Engine {
  const engine = nodeV8() as Engine;
  const instantiate: Engine['instantiate'] = (...args) => {
    const guest = engine.instantiate(...args);
    const call: Guest['call'] = (name, ...numbers) => {
      let thrown: unknown;
      try {
        return guest.call(name, ...numbers);
      } catch (error) {
        thrown = error;
        throw error;
      } finally {
        if (name === 'run') after?.(guest, thrown);
      }
    };
    return Object.assign(Object.create(guest), { call });
  };
  return { ...engine, instantiate, ...change };
}

const flip = (guest: Guest) => {
  const bytes = guest.bytes();
  bytes[40_000] = (bytes[40_000] as number) ^ 1;
};

const silent: Engine['instantiate'] = (ready, importsOf, ...rest) => {
  const imports = importsOf();
  const log = imports['lodger:kernel/log@0.1.0'];
  if (log) log.write = () => undefined;
  return nodeV8().instantiate(ready as never, () => imports, ...rest);
};

test.each<[string, Engine, RegExp]>([
  ['a byte of what a task leaves', twisted({}, flip), /^(?:output|memory): .* at 40000$/],
  ['a byte of what a trap leaves', twisted({}, (guest, thrown) => thrown && flip(guest)), /^memory: .* at 40000$/],
  [
    'the name of a trap',
    twisted({ explain: () => new TaskFailure('ERR_TRAP', 'odd') }),
    /^ending: .* "ERR_TRAP, trap: odd"$/,
  ],
  [
    'code that it should compile',
    { ...(nodeV8() as Engine), compile: () => Promise.reject(new Error('too odd')) },
    /^ending: .* "ERR_HOST_FAULT, not compiled: too odd"$/,
  ],
  ['lines of the log', { ...(nodeV8() as Engine), instantiate: silent }, /^(?:log|ending): /],
])('an engine that gets %s wrong is noticed', async (_, engine, text) => {
  const pair = [threadLane('v8', nodeV8() as Engine), threadLane('twisted', engine)] as const;
  const plotOf = () => ({ lanes: pair, options: {} });
  const { differences } = await fuzz({ seed: 0, goesOn: (modules) => modules < 40, plotOf });
  expect(differences.length).toBeGreaterThan(2);
  for (const found of differences) expect(found.text).toMatch(text);
});

/** Metered, where each task follows upon another one of the same kernel. */
function secondLane(name: string, engine: Engine): Lane {
  const lane = threadLane(name, engine, { metered: true });
  const load: Lane['load'] = async (kernel) => {
    const run = await lane.load(kernel);
    return async (given) => {
      await run({ ...given, seed: given.seed + 1, input: given.input.map((byte) => byte ^ 0xff) });
      return run(given);
    };
  };
  return { ...lane, load };
}

/** V8 without anything of a task before. */
const anew: Engine = {
  ...(nodeV8() as Engine),
  instantiate: (ready, ...rest) => nodeV8().instantiate(ready as never, ...rest),
};
const fuzzBack = (modules: number, engine: Engine) => {
  const pair = [threadLane('v8 anew', anew, { metered: true }), secondLane('v8', engine)] as const;
  const plotOf = () => ({ lanes: pair, options: { hasRecursion: true } });
  return fuzz({ seed: 0, goesOn: (count) => count < modules, plotOf });
};

test('150 generated kernels end alike in a new instance and in one that was put back', async () => {
  const { Instance } = WebAssembly;
  const instances = vi.spyOn(WebAssembly, 'Instance').mockImplementation(function make(...given) {
    return new Instance(...given);
  });
  const summary = await fuzzBack(150, nodeV8() as Engine);
  const made = instances.mock.calls.length;
  instances.mockRestore();
  expect(told(summary)).toEqual([]);
  expect(summary.runs).toBe(450);
  // One for each run anew, and less than two for two runs in a row.
  expect(made).toBeLessThan(3 * 450 - 150);
});

/** V8, but the function that resets globals leaves one out. */
function forgetful(which: number): Engine {
  const engine = nodeV8() as Engine;
  const compile: Engine['compile'] = (prepared) => {
    const bytes = prepared.bytes.slice();
    const { exports, bodies } = readModule(bytes);
    const body = exports.at(-1)?.name === RESET_EXPORT ? bodies.at(-1) : undefined;
    const sets: number[] = [];
    for (let at = body?.code ?? 0; at < (body?.end ?? 0); at = stepOver(bytes, at))
      if (bytes[at] === Buffer.from(asm('global.set 0'))[0]) sets.push(at);
    const at = sets.at(which);
    if (at !== undefined) bytes.set(asm('drop nop'), at);
    return engine.compile({ ...prepared, bytes, key: `${prepared.key}.other` });
  };
  return { ...engine, compile };
}

test.each([0, 1, 2])('an engine that does not reset global %s is noticed within 150 kernels', async (which) => {
  const { differences } = await fuzzBack(150, forgetful(which));
  expect(differences.length).toBeGreaterThan(0);
});

/** V8, but it takes one instruction for another; both are three bytes, which hardly stand for anything else. */
function confused(name: string, other: string): Engine {
  const engine = nodeV8() as Engine;
  const [from, to] = [name, other].map((each) => Buffer.from(asm(each))) as [Buffer, Buffer];
  const compile: Engine['compile'] = (prepared) => {
    const bytes = prepared.bytes.slice();
    const view = Buffer.from(bytes.buffer);
    for (let at = view.indexOf(from); at >= 0; at = view.indexOf(from, at)) view.set(to, at);
    return engine.compile({ ...prepared, bytes, key: `${prepared.key}.other` });
  };
  return { ...engine, compile };
}

test.each([
  ['i32x4.add', 'i32x4.sub'],
  ['i32x4.min_u', 'i32x4.min_s'],
  ['i16x8.shr_u', 'i16x8.shr_s'],
  ['i64x2.mul', 'i64x2.add'],
  ['f64x2.mul', 'f64x2.add'],
  ['f32x4.max', 'f32x4.pmax'],
])('an engine that takes %s for %s is noticed within 150 kernels', async (name, other) => {
  const pair = [threadLane('v8', nodeV8() as Engine), threadLane('confused', confused(name, other))] as const;
  const plotOf = () => ({ lanes: pair, options: {} });
  const { differences } = await fuzz({ seed: 0, goesOn: (modules) => modules < 150, plotOf });
  expect(differences.length).toBeGreaterThan(0);
});

test('a difference is saved with all that makes it again, and nothing is saved without one', async () => {
  const folder = join(await mkdtemp(join(tmpdir(), 'lodger-')), 'found');
  const right = threadLane('v8', nodeV8() as Engine);
  const wrong = threadLane('twisted', twisted({}, flip));
  const round = async (pair: Lanes['endless']) => {
    const finds = await openFinds(folder);
    const onDifference = async (found: Summary['differences'][number]) => void (await finds.save(found));
    const goesOn = (modules: number) => modules === 0;
    const plotOf = () => ({ lanes: pair, options: { hasSimd: false } });
    await fuzz({ seed: 3, goesOn, plotOf, onSeeds: finds.underWay, onDifference });
    await finds.close();
  };
  await round([right, right]);
  await expect(readdir(folder)).rejects.toThrow('ENOENT');
  await round([right, wrong]);
  expect(await readdir(folder)).toEqual(['3']);
  const own = join(folder, '3');
  const report = JSON.parse(await readFile(join(own, 'report.json'), 'utf8'));
  expect(report).toMatchObject({ seed: 3, given: { index: 0 }, difference: expect.stringMatching('at 40000') });
  expect(report.endings).toMatchObject([{ lane: 'v8' }, { lane: 'twisted' }]);
  const kernel = new Uint8Array(await readFile(join(own, 'kernel.wasm')));
  expect(kernel).toEqual(generateKernel(report.seed, report.options).bytes);
  expect((await readdir(own)).sort()).toEqual([
    'input.bin',
    'kernel.wasm',
    'memory-0.bin',
    'memory-1.bin',
    'report.json',
  ]);
  await rm(join(folder, '..'), { recursive: true });
});
