// Every source of NaN bits at once: the same bytes and fuel on each of V8's compilers and on Wasmtime, and the bytes are canonical.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadAddon } from '../../host/platform/native.ts';
import { meter } from '../../runtime/meter/meter.ts';
import { METER_EXPORTS } from '../../runtime/meter/names.ts';
import { readModule } from '../../runtime/wasm/read.ts';
import { WASMTIME_MISSING } from '../contract/engines.ts';
import { collect } from './nans-sources.ts';

const PROGRAM = fileURLToPath(new URL('nans-run.mjs', import.meta.url));
const FUEL = 2 ** 40;
const { kernel, results } = collect();

interface Seen {
  readonly fuel: number;
  readonly memory: Buffer;
}

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lodger-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** In a process of its own, since flags are a process's. */
function onV8(module: Uint8Array, flag: string): Seen {
  const file = join(folder, 'module.wasm');
  writeFileSync(file, module);
  const told = JSON.parse(String(execFileSync(process.execPath, [flag, PROGRAM, file, String(FUEL)])));
  return { fuel: told.fuel, memory: Buffer.from(told.memory, 'base64') };
}

async function onWasmtime(module: Uint8Array): Promise<Seen> {
  const compiled = await loadAddon().compile(module, { stoppable: false, linear: false });
  const guest = compiled.instantiate(2 ** 32);
  guest.setGlobal(METER_EXPORTS.fuel, FUEL);
  guest.call(compiled.functions.indexOf('run'), 0, 0, 0, 0, () => undefined);
  const seen = { fuel: FUEL - guest.getGlobal(METER_EXPORTS.fuel), memory: Buffer.from(guest.memory().slice(0)) };
  guest.end();
  return seen;
}

/** NaNs among the results, as hex, first byte last. */
function nansIn(memory: Buffer): Set<string> {
  const nans = new Set<string>();
  for (const { at, size, lane } of results) {
    for (let from = at; from < at + size; from += lane) {
      const value = lane === 8 ? memory.readDoubleLE(from) : memory.readFloatLE(from);
      if (Number.isNaN(value))
        nans.add(
          Buffer.from(memory.subarray(from, from + lane))
            .reverse()
            .toString('hex'),
        );
    }
  }
  return nans;
}

test('bytes and fuel are the same on V8 baseline, V8 optimising and Wasmtime', async () => {
  const raw = meter(readModule(kernel)).bytes;
  const canonical = meter(readModule(kernel), { canonicalNaNs: true }).bytes;
  const expected = onV8(canonical, '--liftoff-only');
  const seen = [onV8(canonical, '--no-liftoff')];
  if (WASMTIME_MISSING === undefined) seen.push(await onWasmtime(canonical));
  for (const one of seen) {
    expect(one.fuel).toBe(expected.fuel);
    expect(one.memory.equals(expected.memory)).toBe(true);
  }
  expect(onV8(raw, '--liftoff-only').fuel).toBe(expected.fuel);
  // Those with the sign of a minus had it turned by the kernel.
  expect([...nansIn(expected.memory)].sort()).toEqual([
    ...['7fc00000', '7ff8000000000000', 'ffc00000', 'fff8000000000000'],
  ]);
});

test('without canonical NaNs the same kernel shows many kinds of bits, and not the same on every compiler', async () => {
  const raw = meter(readModule(kernel)).bytes;
  const seen = [onV8(raw, '--liftoff-only'), onV8(raw, '--no-liftoff')];
  if (WASMTIME_MISSING === undefined) seen.push(await onWasmtime(raw));
  for (const { memory } of seen) expect(nansIn(memory).size).toBeGreaterThan(10);
  expect(new Set(seen.map(({ memory }) => memory.toString('base64'))).size).toBeGreaterThan(1);
});
