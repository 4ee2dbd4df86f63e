// A runner of whole calls in the addon: one guest at a time, and the fuel that a metered module had left.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Dispatch, loadAddon, REPORT, STEPS } from '../../host/platform/native.ts';
import { WasmtimeGuest } from '../../host/platform/wasmtime-guest.ts';
import { kernelOf as load, type WasmtimeKernel } from '../../host/platform/wasmtime-kernel.ts';
import { meter } from '../../runtime/meter/meter.ts';
import { readModule } from '../../runtime/wasm/read.ts';
import { ENGINE_NAMES } from '../contract/engines.ts';
import { programOf } from '../wasi/programs.ts';
import { type KernelParts, kernelOf } from '../wasm/kernel.ts';

const INPUT = Uint8Array.of(1, 2, 3);
const SETTINGS = { stoppable: false, linear: false };

const loaded = async (bytes: Uint8Array): Promise<WasmtimeKernel> => load(await loadAddon().compile(bytes, SETTINGS));

const idle = () => undefined;

const guestOf = (kernel: WasmtimeKernel, dispatch: Dispatch = idle) =>
  new WasmtimeGuest(kernel, { memoryPagesMin: 1, memoryPagesMax: 16, dispatch });

const source = (name: string) =>
  readFileSync(new URL(`../../runtime/native/engine/src/${name}.rs`, import.meta.url), 'utf8');

/** The variants of an enumeration in Rust, as this side names them. */
function variants(name: string, enumeration: string): readonly string[] {
  const [, body = ''] = new RegExp(`enum ${enumeration} \\{(.*?)\n\\}`, 's').exec(source(name)) ?? [];
  return [...body.matchAll(/^ {4}([A-Z])(\w*)/gm)].map(([, first = '', rest = '']) => first.toLowerCase() + rest);
}

test('the numbers of a report and the steps of a call are in the order of the addon', () => {
  expect(variants('runner', 'Word')).toEqual(Object.keys(REPORT));
  expect(variants('whole', 'Step')).toEqual(Object.keys(STEPS));
  for (const places of [REPORT, STEPS]) expect(Object.values(places)).toEqual([...Object.keys(places).keys()]);
});

describe.each(ENGINE_NAMES.filter((name) => name === 'wasmtime'))('a runner on %s', () => {
  test('holds one guest that has to be looked at: another goes step by step, and both end', async () => {
    const kernel = await loaded(kernelOf());
    const [first, second, third] = [guestOf(kernel), guestOf(kernel), guestOf(kernel)];
    expect(first.callWhole(INPUT, 2)).toMatchObject({ after: 'run' });
    expect(second.callWhole(INPUT, 10)).toBeUndefined();
    expect(second.call('run', 8, 9)).toBe(16);
    expect(first.bytes().slice(1_024, 1_027)).toEqual(INPUT);
    expect([first.end(), second.end()]).toEqual([65_536, 65_536]);
    expect(third.callWhole(INPUT, 10)).toEqual(INPUT);
    expect(third.end()).toBe(65_536);
  });

  test('holds no guest that came to its end: its memory is given back at once', async () => {
    const kernel = await loaded(kernelOf());
    const [first, second] = [guestOf(kernel), guestOf(kernel)];
    expect(first.callWhole(INPUT, 10)).toEqual(INPUT);
    expect(() => kernel.runner.memory()).toThrow(expect.objectContaining({ code: 'ERR_HOST_FAULT' }));
    expect(second.callWhole(INPUT, 10)).toEqual(INPUT);
    expect([first.end(), second.end()]).toEqual([65_536, 65_536]);
  });

  test('each output is its own, whatever lengths come one after another', async () => {
    const kernel = await loaded(kernelOf());
    const inputs = [3, 5_000, 5_000, 40_000, 5_000, 0, 40_000, 40_000].map((length, index) =>
      new Uint8Array(length).fill(index + 1),
    );
    const outputs = inputs.map((input) => guestOf(kernel).callWhole(input, 50_000) as Uint8Array);
    expect(outputs.map((output, index) => Buffer.compare(output, inputs[index] as Uint8Array))).toEqual(
      inputs.map(() => 0),
    );
    expect(new Set(outputs.map(({ buffer }) => buffer)).size).toBe(inputs.length);
    for (const { byteLength, buffer } of outputs) expect(buffer.byteLength).toBe(byteLength);
  });

  test('a program sees nothing of the one before it in the same place, and shows no memory once it has ended', async () => {
    const counts = 'i32.const 9 i32.const 9 i32.load8_u 0 0 i32.const 1 i32.add i32.store8 0 0';
    const kernel = await loaded(programOf(`${counts} call $sched_yield drop`, ['sched_yield']));
    const seen: (number | undefined)[] = [];
    for (let round = 0; round < 5; round++) {
      const guest: WasmtimeGuest = guestOf(kernel, () => seen.push(guest.bytes()[9]));
      guest.call('_start');
      expect(guest.end()).toBe(65_536);
      expect(guest.bytes()).toHaveLength(0);
    }
    expect(seen).toEqual([1, 1, 1, 1, 1]);
  });

  test('gives no guest that it does not have', async () => {
    const kernel = await loaded(kernelOf());
    expect(() => kernel.runner.guest()).toThrow(expect.objectContaining({ code: 'ERR_HOST_FAULT' }));
    expect(guestOf(kernel).end()).toBe(0);
  });

  test('a guest that has ended has no memory', async () => {
    const guest = guestOf(await loaded(kernelOf()));
    guest.callWhole(INPUT, 2);
    const bytes = guest.bytes();
    guest.end();
    expect(bytes.byteLength).toBe(0);
    expect(() => guest.call('run')).toThrow('the guest has ended');
  });

  test('an input that is no array of bytes is refused before the guest sees it', async () => {
    const { runner, report } = await loaded(kernelOf());
    report.set([2 ** 20, Number.NaN, Number.NaN, 3, 10]);
    for (const input of [undefined, new Uint8Array(2), new Int8Array(3), 'abc']) {
      expect(() => runner.run(input as Uint8Array, idle)).toThrow('the input is not what it was');
      expect(report[REPORT.step]).toBe(STEPS.realloc);
      runner.end();
    }
  });

  test.each<[string, KernelParts, 'all' | 'some']>([
    ['that comes to its end', {}, 'all'],
    ['with a misfit', { run: { code: 'i32.const 17' } }, 'all'],
    ['that traps', { run: { code: 'i32.const 1 memory.grow drop unreachable' } }, 'some'],
  ])('tells the fuel that was left when a function of a guest %s returned last', async (_, parts, told) => {
    const kernel = await loaded(meter(readModule(kernelOf(parts))).bytes);
    const { runner, report } = kernel;
    report.set([2 ** 20, Number.NaN, Number.NaN, INPUT.length, 10, 0, 0, 0, 1_000_000]);
    try {
      runner.run(INPUT, idle);
    } catch {
      // Fuel is told all the same.
    }
    const left = report[REPORT.fuel] as number;
    const after = report[REPORT.step] === STEPS.done ? left : runner.guest().getFuel();
    runner.end();
    const native = kernel.module.instantiate(2 ** 20);
    native.setFuel(1_000_000);
    const call = (name: string, ...[a = 0, b = 0, c = 0, d = 0]: readonly number[]) =>
      native.call(kernel.exports.get(name) as number, a, b, c, d, idle);
    const pointer = call('cabi_realloc', 0, 0, 1, INPUT.length);
    const before = native.getFuel();
    if (told === 'all') call('run', pointer, INPUT.length);
    expect(left).toBe(told === 'all' ? native.getFuel() : before);
    if (told === 'all') expect(after).toBe(left);
    else expect(after).toBeLessThan(left);
    native.end();
  });

  describe('a job that can be stopped', () => {
    const STOPPABLE = { stoppable: true, linear: false };
    const LOGS = { module: 'lodger:kernel/log@0.1.0', name: 'write', type: 'iii>' };
    /** Long enough for every machine; what is not stopped fails then instead of hanging. */
    const WALL_MS = 20_000;
    const aborted = expect.objectContaining({ code: 'ERR_ABORTED' });

    async function job(parts: KernelParts, number: number, dispatch: Dispatch = idle): Promise<() => number> {
      const module = await loadAddon().compile(kernelOf(parts), STOPPABLE);
      return () => {
        const guest = module.instantiate(2 ** 20, WALL_MS, number);
        try {
          return guest.call(module.functions.indexOf('run'), 8, 9, 0, 0, dispatch);
        } finally {
          guest.end();
        }
      };
    }

    test('is not begun if it was cancelled before, and that holds for it alone, once', async () => {
      const [first, second] = [await job({}, 2 ** 51), await job({}, 2 ** 51 + 1)];
      expect(loadAddon().cancel(2 ** 51)).toBe(false);
      expect(second()).toBe(16);
      expect(first).toThrow(aborted);
      expect(first()).toBe(16);
    });

    test('is begun if that cancel was forgotten', async () => {
      const call = await job({}, 2 ** 51 + 2);
      loadAddon().cancel(2 ** 51 + 2);
      loadAddon().forget(2 ** 51 + 2);
      expect(call()).toBe(16);
    });

    test('ends in an endless loop if it is cancelled while it runs', async () => {
      const seen: boolean[] = [];
      const code = 'i32.const 1 i32.const 0 i32.const 0 call $write loop br 0 end i32.const 16';
      const cancel = () => void seen.push(loadAddon().cancel(2 ** 51 + 3));
      const call = await job({ imports: [LOGS], run: { code } }, 2 ** 51 + 3, cancel);
      expect(call).toThrow(aborted);
      expect(seen).toEqual([true]);
    });
  });
});
