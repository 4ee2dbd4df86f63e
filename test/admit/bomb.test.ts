// Compile bombs at the ceilings: admitted, and what the engine then takes to compile them is bounded; just above: refused.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { admit } from '../../runtime/admit/admit.ts';
import { ADMISSION, type CeilingName } from '../../runtime/base/admission.ts';
import { CRANELIFT } from '../../runtime/base/limits.ts';
import { WASMTIME_MISSING } from '../contract/engines.ts';
import { answer, kernelOf } from '../wasm/kernel.ts';
import { BOMBS } from './bomb.ts';

const run = promisify(execFile);
const folder = await mkdtemp(join(tmpdir(), 'lodger-bomb-'));
afterAll(() => rm(folder, { recursive: true }));

/** As promised. */
const GROWTH_MIB_MAX = 128;

/** Four times what `CRANELIFT` says of one function at its ceiling, and of ten: processors differ, and other work slows them. */
const COMPILE_CPU_MS_MAX = { one: 4 * 500, ten: 4 * 5_000 } as const;

/** Twice what is promised of a first call with either of V8's compilers, for the same reason. */
const CALL_CPU_MS_MAX = 2 * 200;

/**
 * Compiles and calls the bomb, and prints by how many MiB the peak of resident memory has grown meanwhile, and how many ms of processors
 * that took. Traps are no matter: it was compiled.
 */
const CHILD = `
  const bytes = require('node:fs').readFileSync(process.argv[1]);
  const peak = () => process.resourceUsage().maxRSS / 1024;
  const before = peak();
  const used = process.cpuUsage();
  const { bomb } = new WebAssembly.Instance(new WebAssembly.Module(bytes), {}).exports;
  try { bomb(0); } catch (error) { if (!(error instanceof WebAssembly.RuntimeError)) throw error; }
  const { user, system } = process.cpuUsage(used);
  console.log(peak() - before, (user + system) / 1000);`;

/** Compiles the bomb with Cranelift, whole, and prints the same, and behind it the ms of processors that this took. */
const NATIVE_CHILD = `
  import { readFileSync } from 'node:fs';
  const from = (path) => import(new URL('../../dist/' + path, ${JSON.stringify(import.meta.url)}));
  const { loadAddon } = await from('host/platform/native.js');
  const { createWasmtime } = await from('host/platform/wasmtime.js');
  const { compileFor } = await from('runtime/sandbox/compile.js');
  const { admit } = await from('runtime/index.js');
  const kernel = await admit(readFileSync(process.argv[1]));
  const engine = createWasmtime(loadAddon());
  const peak = () => process.resourceUsage().maxRSS / 1024;
  const before = peak();
  const used = process.cpuUsage();
  await compileFor(engine, kernel);
  const { user, system } = process.cpuUsage(used);
  console.log(peak() - before, (user + system) / 1000);`;

/** A kernel with so many bombs in it. They call function 0 and type 0: of one i32, giving one. */
const kernelWith = (name: string, locals: number, count: number, bombs = 1) =>
  kernelOf({
    types: ['i>i'],
    run: null,
    realloc: null,
    table: [4],
    functions: [
      { type: 'i>i', code: 'local.get 0' },
      ...Array.from({ length: bombs }, (_, place) => ({
        ...{ type: 'i>i', ...BOMBS[name]?.(locals, count), code: BOMBS[name]?.(locals, count).code ?? '' },
        export: place === 0 ? 'bomb' : `bomb${place}`,
      })),
      { type: 'ii>i', code: answer(0, 'local.get 0', 'local.get 1'), export: 'run' },
      { type: 'iiii>i', code: 'i32.const 1024', export: 'cabi_realloc' },
    ],
    elements: [{ offset: 0, functions: [0, 0, 0, 0] }],
  });

/** Bomb, locals, how many it takes to stand at the ceiling. */
const AT: readonly (readonly [string, number, number, CeilingName])[] = [
  ['ifs', 320, 1_500, 'controlPoints'],
  ['ifs', 4_900, 102, 'complexity'],
  ['ifs with else', 240, 2_000, 'controlPoints'],
  ['nested ifs', 320, 1_500, 'controlPoints'],
  ['branches', 160, 2_999, 'controlPoints'],
  ['branch table', 160, 2_900, 'controlPoints'],
  ['branch tables', 160, 2_880, 'controlPoints'],
  ['loops', 160, 2_000, 'controlPoints'],
  ['nested loops', 440, 1_060, 'loopBytes'],
  ['operands', 320, 1_500, 'controlPoints'],
  ['divisions', 50, 1_500, 'controlPoints'],
  ['saturations', 50, 750, 'controlPoints'],
  ['indirect calls', 50, 1_500, 'controlPoints'],
  ['conversions', 50, 16_000, 'exits'],
  ['calls', 50, 8_000, 'exits'],
  ['grows', 50, 8_000, 'exits'],
  ['grows', 4_900, 8_000, 'exits'],
  ['bits', 50, 131_060, 'bodyBytes'],
  ['straight line', 50, 18_700, 'bodyBytes'],
  ['loads', 50, 11_900, 'bodyBytes'],
  ['stores', 50, 18_700, 'bodyBytes'],
];

test.each(AT)(
  '%s over %s locals: %s times stand at the ceiling, and a twentieth more is refused',
  async (name, locals, count, ceiling) => {
    const kernel = await admit(kernelWith(name, locals, count));
    expect(kernel.report[ceiling]).toBeGreaterThan(ADMISSION[ceiling].default * 0.95);
    const above = kernelWith(name, locals, Math.ceil(count * 1.05));
    await expect(admit(above)).rejects.toMatchObject({
      code: 'ERR_KERNEL_CEILING',
      message: expect.stringContaining(`(${ceiling}: `),
    });
  },
);

test.each(AT)(
  '%s over %s locals, %s times: first call and optimisation stay within bounds',
  async (name, locals, count) => {
    const path = join(folder, `${name}-${locals}.wasm`);
    await writeFile(path, kernelWith(name, locals, count));
    const flags = [['--liftoff'], ['--no-liftoff']];
    const children = flags.map((flag) => [...flag, '-e', CHILD, path]);
    if (WASMTIME_MISSING === undefined) children.push(['--input-type=module', '-e', NATIVE_CHILD, path]);
    const results = await Promise.all(children.map((child) => run(process.execPath, child)));
    const numbers = results.map(({ stdout }) => stdout.trim().split(' ').map(Number));
    for (const [place, [mib, cpuMs]] of numbers.entries()) {
      expect(mib).toBeLessThan(GROWTH_MIB_MAX);
      expect(cpuMs).toBeLessThan(place < flags.length ? CALL_CPU_MS_MAX : COMPILE_CPU_MS_MAX.one);
    }
  },
);

/** Bomb, locals, how many it takes to stand just below what Cranelift's better allocator is used for, in one function or in ten. */
const BELOW: readonly (readonly [string, number, number, number])[] = [
  ['ifs', 100, 198, 1],
  ['nested ifs', 100, 198, 1],
  ['nested loops', 100, 198, 1],
  ['branches', 100, 195, 1],
  ['nested ifs', 100, 198, 10],
];

test.each(WASMTIME_MISSING === undefined ? BELOW : [])(
  '%s over %s locals, %s times, in %s functions stay within the bounds of the better allocator',
  async (name, locals, count, bombs) => {
    const bytes = kernelWith(name, locals, count, bombs);
    const { report } = await admit(bytes);
    const { complexity, complexityTotal } = CRANELIFT;
    expect(report.complexity).toBeLessThanOrEqual(complexity.default);
    expect(report.complexityTotal).toBeLessThanOrEqual(complexityTotal.default);
    expect(report.complexity).toBeGreaterThan(complexity.default * 0.9);
    if (bombs > 1) expect(report.complexityTotal).toBeGreaterThan(complexityTotal.default * 0.9);
    const path = join(folder, `${name}-${locals}-${count}-${bombs}.wasm`);
    await writeFile(path, bytes);
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', NATIVE_CHILD, path]);
    const [mib, cpuMs] = stdout.trim().split(' ').map(Number);
    expect(mib).toBeLessThan(GROWTH_MIB_MAX);
    expect(cpuMs).toBeGreaterThan(0);
    expect(cpuMs).toBeLessThan(COMPILE_CPU_MS_MAX[bombs === 1 ? 'one' : 'ten']);
  },
);

test('every bomb is tried at a ceiling', () => {
  expect([...new Set(AT.map(([name]) => name))].sort()).toEqual(Object.keys(BOMBS).sort());
});

test('a module whose dead code returns 1,000 values over and over is refused before the engine checks them', async () => {
  const code = [0x00, ...new Array<number>(1_000).fill(0x0f), 0x0b];
  const dead = { type: `>${'i'.repeat(1_000)}`, code };
  await expect(admit(kernelOf({ functions: [dead] }))).rejects.toThrow('complexity: ');
});
