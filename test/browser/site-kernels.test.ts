// What a tab makes of kernels that its site has prepared: what does not fit what was granted, or does not count, is not run.
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { createSiteKernels } from '../../host/browser/site-kernels.ts';
import type { PreparedAnswer, PreparedKernel } from '../../host/wire/prepared.ts';
import { admit } from '../../runtime/admit/admit.ts';
import { TARIFF_VERSION } from '../../runtime/meter/tariff.ts';
import { REWRITER_VERSION } from '../../runtime/prepare/form.ts';
import { prepare } from '../../runtime/prepare/prepare.ts';
import { moduleOf } from '../wasm/build.ts';
import { kernelOf } from '../wasm/kernel.ts';

const LOG = { module: 'lodger:kernel/log@0.1.0', name: 'write', type: 'iii>' };
const RANDOM = { module: 'lodger:kernel/random@0.1.0', name: 'fill', type: 'ii>' };
const kernel = await admit(kernelOf({ imports: [LOG] }));
const FORM = { memoryForm: 'imported', canonicalNaNs: true } as const;
const honest = prepare(kernel, { ...FORM, metered: true });
const digestOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** A site that says this, and what a tab gets of it: ready, or why not. */
async function ready(
  said: Partial<PreparedKernel> | Extract<PreparedAnswer, { state: 'refused' }>,
  bytes = honest.bytes,
) {
  const versions = { rewriter: REWRITER_VERSION, tariff: TARIFF_VERSION, nans: 'canonical' } as const;
  const whole = { state: 'prepared', ...versions, facts: honest.facts, module: digestOf(bytes) } as const;
  const { source, compile } = createSiteKernels({
    ask: async () => ({ ...(said.state === 'refused' ? {} : whole), ...said }) as PreparedAnswer,
    get: async () => bytes,
  });
  const known = await source(kernel.digest, { deterministic: true });
  return compile({ kernel: known, deterministic: true }, 'module');
}

test('what an honest site prepares is what the tab would have prepared', async () => {
  const { facts, metered, canonicalNaNs, compiled } = await ready({});
  expect({ facts, metered, canonicalNaNs }).toEqual({ facts: honest.facts, metered: true, canonicalNaNs: true });
  expect(compiled).toBeInstanceOf(WebAssembly.Module);
});

const uncounted = prepare(kernel, { ...FORM, metered: false });
const another = prepare(await admit(kernelOf({ imports: [LOG, RANDOM] })), { ...FORM, metered: true });
const ownMemory = prepare(kernel, { memoryForm: 'defined', canonicalNaNs: true, metered: true });

test.each([
  ['does not count its fuel', {}, uncounted.bytes, 'does not count its fuel'],
  ['says that it counts, and never asks for more', {}, claims(), 'does not count its fuel'],
  [
    'asks for more than was granted',
    {},
    another.bytes,
    'imports what was not granted: function lodger:kernel/random@0.1.0',
  ],
  ['brings a memory of its own', {}, ownMemory.bytes, 'brings a memory of its own'],
  ['cannot be called', { facts: { ...honest.facts, shape: 'stepper' } }, honest.bytes, 'has no "begin"'],
  ['is of another rewriter', { rewriter: REWRITER_VERSION + 1 }, honest.bytes, 'is of another version'],
  ['is of another tariff', { tariff: TARIFF_VERSION + 1 }, honest.bytes, 'is of another version'],
  [
    'is of another kernel',
    { facts: { ...honest.facts, digest: 'a'.repeat(64) } },
    honest.bytes,
    'is of another kernel',
  ],
  ['has other NaNs', { nans: 'raw' }, honest.bytes, 'is of another kernel'],
] as const)('a module that %s is not run', async (_, said, bytes, message) => {
  await expect(ready(said as object, bytes)).rejects.toMatchObject({
    code: 'ERR_HOST_FAULT',
    message: expect.stringContaining(message),
  });
});

test('what no browser takes is told of as that', async () => {
  await expect(ready({}, new Uint8Array(8))).rejects.toMatchObject({ code: 'ERR_KERNEL_MALFORMED' });
});

test('what a site refuses has the code and the words of its admission', async () => {
  const refused = { state: 'refused', code: 'ERR_KERNEL_FEATURE', message: 'kernel uses threads' } as const;
  await expect(ready(refused)).rejects.toMatchObject({ code: refused.code, message: refused.message });
});

test('nothing can be prepared of a kernel whose bytes are not here', async () => {
  const { source } = createSiteKernels({
    ask: async () => ({
      ...{ state: 'prepared', rewriter: REWRITER_VERSION, tariff: TARIFF_VERSION, nans: 'canonical' },
      ...{ facts: honest.facts, module: digestOf(honest.bytes) },
    }),
    get: async () => honest.bytes,
  });
  const known = await source(kernel.digest, { deterministic: true });
  expect(() => prepare(known, { ...FORM, metered: true }).bytes).toThrow('are not here');
  expect(() => known.bytes).toThrow('are not here');
});

/** A global of the meter's name, and nothing that ever takes from it. */
function claims(): Uint8Array<ArrayBuffer> {
  return moduleOf({
    imports: [{ module: 'lodger:host', name: 'memory', memory: [1, 16] }],
    globals: [{ type: 'I', mutable: true, value: 'i64.const 0' }],
    functions: [{ type: 'ii>i', code: 'i32.const 0', export: 'run' }],
    exports: [{ name: 'lodger:fuel', kind: 3, index: 0 }],
  });
}
