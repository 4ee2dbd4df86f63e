// Which modules are programs, what is refused of them, and which grants they cannot have.
import { expect, test } from 'vitest';
import { admit } from '../../runtime/admit/admit.ts';
import type { Grant } from '../../runtime/policy/grant.ts';
import { createSandbox } from '../../runtime/sandbox/sandbox.ts';
import { memoryStore } from '../../runtime/snapshot/store.ts';
import { type ModuleParts, moduleOf } from '../wasm/build.ts';
import { kernelOf } from '../wasm/kernel.ts';
import { C_PROGRAM } from './programs.ts';

const parts = (more: Partial<ModuleParts> = {}): ModuleParts => ({
  functions: [{ type: '>', export: '_start', code: '' }],
  memory: [1],
  exports: [{ name: 'memory', kind: 2, index: 0 }],
  ...more,
});
const call = (name: string, type: string, module = 'wasi_snapshot_preview1') => ({ imports: [{ module, name, type }] });

test('a module that exports "_start" is a command, imports or none', async () => {
  expect(await admit(moduleOf(parts()))).toMatchObject({ shape: 'command', imports: [], optional: [] });
  expect(await admit(C_PROGRAM)).toMatchObject({ shape: 'command', encoding: 'utf8', format: 'core' });
});

test('a kernel that has a "_start" beside its "run" is a kernel', async () => {
  const bytes = kernelOf({ functions: [{ type: '>', export: '_start', code: '' }] });
  expect(await admit(bytes)).toMatchObject({ shape: 'kernel' });
});

test.each([
  ['another signature', parts(call('fd_write', 'iiii>')), 'it must be (i32, i32, i32, i32) -> i32, not'],
  ['an unknown call', parts(call('fd_steal', 'i>i')), 'WASI preview 1 has no such call'],
  ['a call named like a field of every object', parts(call('constructor', 'i>i')), 'WASI preview 1 has no such call'],
  ['another version', parts(call('fd_write', 'iiii>i', 'wasi_unstable')), 'gets wasi_snapshot_preview1 only'],
  ['the world', parts(call('fail', 'ii>', 'lodger:kernel/exit@0.1.0')), 'gets wasi_snapshot_preview1 only'],
  ['reserved names', parts(call('fuel', '>', 'lodger:host')), 'gets wasi_snapshot_preview1 only'],
  [
    'a start that takes something',
    parts({ functions: [{ type: 'i>', export: '_start', code: '' }] }),
    'the export "_start" must be () -> ()',
  ],
  ['no memory', parts({ memory: [1], exports: [] }), 'it does not export its memory'],
])('a program with %s is refused', async (_, given, message) => {
  await expect(admit(moduleOf(given))).rejects.toMatchObject({
    code: 'ERR_KERNEL_INTERFACE',
    message: expect.stringContaining(message),
  });
});

test('a kernel of the world gets no system interface', async () => {
  const bytes = kernelOf({ imports: [{ module: 'wasi_snapshot_preview1', name: 'fd_write', type: 'iiii>i' }] });
  await expect(admit(bytes)).rejects.toMatchObject({ message: expect.stringContaining('for programs only') });
});

test.each<Grant>([
  { kind: 'blobs', name: 'b', digest: '0'.repeat(64) },
  { kind: 'http', origin: 'https://example.org', methods: ['GET'] },
])('a grant that a program could not use is refused, and not taken in silence: %o', async (grant) => {
  const run = createSandbox().run({ kernel: await admit(C_PROGRAM), input: new Uint8Array(), grants: [grant] });
  await expect(run).rejects.toMatchObject({
    code: 'ERR_GRANT_UNAVAILABLE',
    message: expect.stringContaining('a WASI program has'),
  });
});

test('a program has no images: it cannot be started step by step', async () => {
  const task = { kernel: await admit(C_PROGRAM), input: new Uint8Array() };
  expect(() => createSandbox().start?.(task, { checkpoint: { store: memoryStore(), everyMs: 100 } })).toThrow(
    expect.objectContaining({ code: 'ERR_OPTION_INVALID', message: expect.stringContaining('stepper') }),
  );
});
