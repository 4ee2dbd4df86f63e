// What the addon itself refuses, whatever admission says, and what kernels of other toolchains and receipts are like on every engine.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { placeOf } from '../../host/platform/engines.ts';
import { loadAddon } from '../../host/platform/native.ts';
import { admit } from '../../runtime/admit/admit.ts';
import { createSandbox } from '../../runtime/sandbox/sandbox.ts';
import { ENGINE_NAMES } from '../contract/engines.ts';
import { GIVEN, GRANTS } from '../kernels/subjects.ts';
import { type KernelParts, kernelOf } from '../wasm/kernel.ts';

const bytesOf = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../fixtures/components/${name}.component.wasm`, import.meta.url)));
const code = (text: string): KernelParts => ({ functions: [{ type: '>', code: text }] });
const bytes = (text: string) => new TextEncoder().encode(text);
const raw = (section: number, ...bytes: number[]): KernelParts => ({ raw: { [section]: bytes } });

describe.each(ENGINE_NAMES.filter((name) => name === 'wasmtime'))('%s itself', () => {
  test.each<[string, KernelParts, RegExp]>([
    ['tail calls', code('0x12 0x02'), /tail calls support is not enabled/],
    ['a memory of 64-bit addresses', raw(5, 1, 4, 1), /memory64 must be enabled/],
    ['two memories', raw(5, 2, 0, 1, 0, 1), /multiple memories/],
    ['a shared memory', raw(5, 1, 3, 1, 1), /threads must be enabled/],
    ['an atomic fence', code('0xfe 0x03 0x00'), /threads support is not enabled/],
    ['relaxed SIMD', code('0xfd 0x80 0x02'), /relaxed SIMD support is not enabled/],
    ['exceptions', raw(13, 1, 0, 0), /exceptions proposal not enabled/],
    ['a struct type', raw(1, 1, 0x5f, 0), /gc types are disabled/],
  ])('does not compile %s', async (_, parts, message) => {
    const compiled = loadAddon().compile(kernelOf(parts), { stoppable: false, linear: false });
    await expect(compiled).rejects.toThrow(message);
  });

  test('tells the time of the processor that a task took', async () => {
    const burn =
      'loop local.get 2 i32.const 1 i32.add local.tee 2 i32.const 20000000 i32.lt_u br_if 0 end i32.const 16';
    const kernel = await admit(kernelOf({ run: { locals: 'i', code: burn } }));
    const { receipt } = await createSandbox(placeOf('wasmtime')).run({ kernel, input: new Uint8Array() });
    expect(receipt.cpuMs).toBeGreaterThan(1);
    // No clock of the two is finer than that.
    expect(receipt.cpuMs).toBeLessThan(receipt.wallMs + 20);
  });
});

describe.each(ENGINE_NAMES)('on %s', (name) => {
  const { engine, platform } = placeOf(name);

  test.each([
    ['a component in C', 'kernel', 'a guest', /^/],
    ['a component in Rust', 'words', 'a guest in a house', /./],
  ])('%s is admitted and runs', async (_, file, text, expected) => {
    const kernel = await admit(bytesOf(file));
    const outcome = await createSandbox({ engine, platform }).run({
      kernel,
      input: bytes(text),
      grants: GRANTS,
      ...GIVEN,
    });
    const { state, receipt } = outcome;
    expect(state === 'done' ? new TextDecoder().decode(outcome.output) : outcome.message).toMatch(expected);
    expect([state, receipt.engine.name, receipt.kernel]).toEqual(['done', name, kernel.digest]);
  });
});
