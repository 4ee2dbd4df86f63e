// What a sandbox refuses before anything runs, and how it says so.
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { node } from '../../host/platform/node.ts';
import { nodeV8 } from '../../host/platform/node-v8.ts';
import { admit } from '../../runtime/admit/admit.ts';
import { LodgerError } from '../../runtime/base/errors.ts';
import { TASK } from '../../runtime/base/limits.ts';
import type { Kernel } from '../../runtime/job/kernel.ts';
import { fillLimits, type SomeLimits } from '../../runtime/job/limits.ts';
import type { Task } from '../../runtime/job/task.ts';
import type { Grant } from '../../runtime/policy/grant.ts';
import { parsePolicy } from '../../runtime/policy/policy.ts';
import { permitTask } from '../../runtime/sandbox/permit.ts';
import { createSandbox } from '../../runtime/sandbox/sandbox.ts';
import { WORLD_IMPORTS } from '../contract/case.ts';
import type { ImportPart } from '../wasm/build.ts';
import { kernelOf } from '../wasm/kernel.ts';

const input = Uint8Array.of(1, 2, 3);
const plain = await admit(kernelOf());
const importing = (...imports: ImportPart[]) => admit(kernelOf({ imports }));

/** What a sandbox throws when it is given these options; nothing of a task has run then. */
async function refusal(task: unknown, policy?: unknown): Promise<{ code: string; message: string }> {
  const sandbox = createSandbox(policy === undefined ? {} : { policy: parsePolicy(policy) });
  try {
    await sandbox.run(task as Task);
  } catch (error) {
    if (error instanceof LodgerError) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error('the task was not refused');
}

describe('grants', () => {
  test.each([
    [WORLD_IMPORTS.write, 'log'],
    [WORLD_IMPORTS.fill, 'random'],
    [WORLD_IMPORTS.now, 'clock'],
    [WORLD_IMPORTS.size, 'blobs:NAME=FILE'],
    [WORLD_IMPORTS.read, 'blobs:NAME=FILE'],
    [{ module: 'lodger:kernel/files@0.1.0', name: 'size', type: 'iii>' }, 'files:/PATH=FOLDER:read'],
    [{ module: 'lodger:kernel/http@0.1.0', name: 'request', type: 'iiiiiii>' }, 'http:ORIGIN:GET'],
  ] as const)('a kernel that imports %o is refused with the grant to give: %s', async (part, grant) => {
    expect(await refusal({ kernel: await importing(part), input })).toEqual({
      code: 'ERR_GRANT_MISSING',
      message: `kernel imports "${part.module} ${part.name}", which no grant covers: grant "${grant}"`,
    });
  });

  test('that is found before anything is compiled', async () => {
    const compile = () => Promise.reject(new Error('it was compiled'));
    const sandbox = createSandbox({ engine: { ...nodeV8(), compile } });
    const task = { kernel: await importing(WORLD_IMPORTS.write), input };
    await expect(sandbox.run(task)).rejects.toMatchObject({ code: 'ERR_GRANT_MISSING' });
    await expect(sandbox.run({ kernel: plain, input })).rejects.toThrow('it was compiled');
  });

  test.each([
    [
      { kind: 'files', at: '/data', from: '/etc', mode: 'read' },
      'grant "files" cannot be given by this runner: it has no files; give createSandbox() the option folders',
    ],
    [
      { kind: 'http', origin: 'https://example.org', methods: ['GET'] },
      `grant "http" cannot be given by this runner: a sandbox in the caller's own thread cannot wait for an answer; use createPool()`,
    ],
  ] as const)('a sandbox that cannot give %o says so, even where nothing asks for it', async (grant, says) => {
    expect(await refusal({ kernel: plain, input, grants: [grant] })).toEqual({
      code: 'ERR_GRANT_UNAVAILABLE',
      message: expect.stringContaining(says),
    });
  });

  test.each([[[{ kind: 'sockets' }]], [[{ kind: 'log', level: 3 }]], [['log']], ['log']])(
    '%o is no list of grants',
    async (grants) => {
      const { code, message } = await refusal({ kernel: plain, input, grants });
      expect(code).toBe('ERR_OPTION_INVALID');
      expect(message).toContain('option "grants');
    },
  );

  test('exit needs no grant, and a grant that nothing asks for does no harm', async () => {
    const sandbox = createSandbox();
    const kernel = await importing(WORLD_IMPORTS.fail);
    expect(await sandbox.run({ kernel, input })).toMatchObject({ state: 'done' });
    expect(await sandbox.run({ kernel, input, grants: [{ kind: 'clock' }] })).toMatchObject({ state: 'done' });
  });
});

describe('limits', () => {
  test.each([
    [{ fuelmax: 5 }, 'option "limits.fuelmax" must be a known option'],
    [{ memoryBytesMax: -1 }, `option "limits.memoryBytesMax" must be an integer from 0 to ${TASK.memoryBytesMax.max}`],
    [{ memoryBytesMax: Number.POSITIVE_INFINITY }, `option "limits.memoryBytesMax" must be an integer from 0 to`],
    [{ memoryBytesMax: '64MiB' }, `option "limits.memoryBytesMax" must be an integer from 0 to`],
    [{ outputBytesMax: Number.NaN }, `option "limits.outputBytesMax" must be an integer from 0 to`],
    [{ outputBytesMax: 1.5 }, `option "limits.outputBytesMax" must be an integer from 0 to`],
    [{ logLinesMax: TASK.logLinesMax.max + 1 }, `option "limits.logLinesMax" must be an integer from 0 to`],
    [{ logBytesMax: undefined }, `option "limits.logBytesMax" must be an integer from 0 to`],
    [{ memoryBytesMax: 65_535 }, 'option "limits.memoryBytesMax" must be at least 65536, what the kernel starts with'],
    [{ inputBytesMax: 2 }, 'option "input" must be at most 2 bytes (limits.inputBytesMax), not 3'],
  ])('%o is refused', async (limits, message) => {
    const refused = await refusal({ kernel: plain, input, limits });
    expect(refused.code).toBe('ERR_OPTION_INVALID');
    expect(refused.message).toContain(message);
  });

  test('without metering nobody counts fuel, and nobody can end a guest in the own thread', async () => {
    const sandbox = createSandbox({ metered: false });
    const refused = (limits: SomeLimits) => sandbox.run({ kernel: plain, input, limits });
    await expect(refused({ wallMsMax: 1_000 })).rejects.toMatchObject({
      code: 'ERR_LIMIT_UNENFORCED',
      message:
        'limit "wallMsMax" cannot be enforced by this runner: a sandbox in the caller\'s own thread cannot end a guest that is not metered; use createPool()',
    });
    await expect(refused({ fuelMax: 1_000 })).rejects.toMatchObject({
      code: 'ERR_LIMIT_UNENFORCED',
      message: 'limit "fuelMax" cannot be enforced by this runner: it was made with metered: false',
    });
  });

  test('at their edge limits hold: an input of exactly as many bytes, a memory of exactly the first page', async () => {
    const limits = { inputBytesMax: 3, memoryBytesMax: 65_536, outputBytesMax: 3 };
    expect(await createSandbox().run({ kernel: plain, input, limits })).toMatchObject({ state: 'done' });
  });
});

describe('kernels', () => {
  const LOOK_ALIKES: Readonly<Record<string, (kernel: Kernel) => unknown>> = {
    'a copy': (kernel) => ({ ...kernel }),
    'an heir': (kernel) => Object.create(kernel),
    'a proxy': (kernel) => new Proxy(kernel, {}),
    'a clone': (kernel) => structuredClone(kernel),
    bytes: (kernel) => kernel.bytes,
    'a compiled module': (kernel) => new WebAssembly.Module(new Uint8Array(kernel.core)),
    nothing: () => undefined,
    null: () => null,
    'a promise': (kernel) => Promise.resolve(kernel),
  };

  test.each(Object.entries(LOOK_ALIKES))('%s is not a kernel made by admit()', async (_, made) => {
    expect(await refusal({ kernel: made(plain), input })).toEqual({
      code: 'ERR_OPTION_INVALID',
      message: 'option "kernel" must be a kernel made by admit()',
    });
  });

  test('a kernel cannot be changed after it was admitted', async () => {
    const bytes = kernelOf();
    const kernel = await admit(bytes);
    bytes.fill(0);
    expect(() => Object.assign(kernel, { imports: [] })).toThrow(TypeError);
    expect(await createSandbox().run({ kernel, input })).toMatchObject({ state: 'done', output: input });
  });
});

const digestOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const granting = (name: string, bytes: Uint8Array): Grant => ({ kind: 'blobs', name, digest: digestOf(bytes) });

describe('blobs', () => {
  const blob = Uint8Array.of(1, 2, 3);
  const other = Uint8Array.of(3, 2, 1);

  test('bytes of another digest than the grant names are refused', async () => {
    const grants = [granting('table', blob)];
    expect(await refusal({ kernel: plain, input, grants, blobs: { table: other } })).toEqual({
      code: 'ERR_BLOB_MISMATCH',
      message: `blob "table" has digest ${digestOf(other)}, the grant says ${digestOf(blob)}`,
    });
  });

  test.each([
    [[granting('table', blob)], {}, 'option "blobs.table" must be given, since it is granted'],
    [[granting('table', blob)], undefined, 'option "blobs.table" must be given, since it is granted'],
    [[granting('constructor', blob)], {}, 'option "blobs.constructor" must be given, since it is granted'],
    [[], { table: blob }, 'option "blobs.table" must be covered by a blobs grant'],
    [[granting('a', blob)], { a: blob, b: blob }, 'option "blobs.b" must be covered by a blobs grant'],
    [[granting('a', blob)], { a: [1, 2, 3] }, 'option "blobs.a" must be a Uint8Array'],
    [[granting('constructor', blob)], { constructor: 'text' }, 'option "blobs.constructor" must be a Uint8Array'],
    [[granting('toString', blob)], { toString: new ArrayBuffer(3) }, 'option "blobs.toString" must be a Uint8Array'],
    [[{ kind: 'blobs', name: '__proto__', digest: digestOf(blob) }], {}, 'option "grants.0.name" must be a name of'],
    [[{ kind: 'blobs', name: 'a', digest: 'ABC' }], { a: blob }, 'option "grants.0.digest" must be a lower-case hex'],
  ])('%o with %o is refused', async (grants, blobs, message) => {
    const refused = await refusal({ kernel: plain, input, grants, ...(blobs && { blobs }) });
    expect(refused.code).toBe('ERR_OPTION_INVALID');
    expect(refused.message).toContain(message);
  });

  test('a blob may have the name of what every object inherits', async () => {
    const task = { kernel: plain, input, grants: [granting('constructor', blob)], blobs: { constructor: blob } };
    expect(await createSandbox().run(task as unknown as Task)).toMatchObject({ state: 'done' });
  });
});

describe('policies', () => {
  const policy = { version: 1, limits: { memoryBytesMax: 1 << 20, outputBytesMax: 100 }, grants: [{ kind: 'log' }] };
  const within = { memoryBytesMax: 1 << 20, outputBytesMax: 100 };

  test.each([
    [{ limits: { ...within, memoryBytesMax: 2 << 20 } }, 'memoryBytesMax up to 1 MiB (1048576 bytes)'],
    [{ limits: { outputBytesMax: 101 } }, 'outputBytesMax up to 100 B (100 bytes)'],
    [{ limits: within, grants: [{ kind: 'log' }, { kind: 'clock' }] }, 'no grant "clock"'],
  ])('a task with %o is refused, and told what is allowed', async (terms, allowed) => {
    const refused = await refusal({ kernel: plain, input, ...terms }, policy);
    expect(refused.code).toBe('ERR_POLICY_EXCEEDED');
    expect(refused.message).toContain(`policy allows ${allowed}`);
  });

  test('a task that asks for nothing gets what the policy allows', async () => {
    const permit = permitTask(
      { platform: node, metered: true, policy: parsePolicy(policy), wallMsDefault: 9 },
      { kernel: plain, input },
    );
    expect(permit.limits).toEqual({ ...fillLimits(within), fuelMax: TASK.fuelMax.default, wallMsMax: 9 });
    const brief = parsePolicy({ version: 1, limits: { wallMsMax: 5 } });
    expect(
      permitTask({ platform: node, metered: true, policy: brief, wallMsDefault: 9 }, { kernel: plain, input }).limits
        .wallMsMax,
    ).toBe(5);
  });

  test('a task within the policy runs', async () => {
    const task: Task = { kernel: plain, input, limits: within, grants: [{ kind: 'log' }] };
    expect(await createSandbox({ policy: parsePolicy(policy) }).run(task)).toMatchObject({ state: 'done' });
  });
});

describe('options', () => {
  test.each([
    [{ threads: 2 }, 'option "threads" must be a known option'],
    [{ engine: 'v8' }, 'option "engine" must be'],
    [{ policy: { version: 2 } }, 'option "policy.version" must be 1, the only version there is'],
    [null, 'option "options" must be'],
  ])('a sandbox is not made from %o', (options, message) => {
    expect(() => createSandbox(options as never)).toThrow(
      expect.objectContaining({ code: 'ERR_OPTION_INVALID', message: expect.stringContaining(message) }),
    );
  });

  test.each([
    [{ input: [1, 2, 3] }, 'option "input" must be a Uint8Array'],
    [{ input: new ArrayBuffer(3) }, 'option "input" must be a Uint8Array'],
    [{ seed: -1 }, 'option "seed" must be an integer from 0 to 9007199254740991'],
    [{ seed: 1n }, 'option "seed" must be an integer from 0 to 9007199254740991'],
    [{ index: 0.5 }, 'option "index" must be an integer from 0 to 9007199254740991'],
    [{ digests: 1 }, 'option "digests" must be true or false'],
    [{ sed: 1 }, 'option "sed" must be a known option'],
  ])('a task with %o is refused', async (terms, message) => {
    const refused = await refusal({ kernel: plain, input, ...terms });
    expect(refused).toEqual({ code: 'ERR_OPTION_INVALID', message });
  });
});
