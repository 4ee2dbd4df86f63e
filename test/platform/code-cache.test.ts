// Compiled code on disk is trusted only if this user wrote it on this machine for this very engine: anything else is compiled anew.
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openCodeCache } from '../../host/platform/code-cache.ts';
import { type Addon, loadAddon } from '../../host/platform/native.ts';
import { createWasmtime } from '../../host/platform/wasmtime.ts';
import { admit } from '../../runtime/admit/admit.ts';
import { compileFor } from '../../runtime/sandbox/compile.ts';
import { openBench, outputOf } from '../contract/case.ts';
import { WASMTIME_MISSING } from '../contract/engines.ts';
import { kernelOf } from '../wasm/kernel.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lodger-code-'));
});
afterEach(() => rm(folder, { recursive: true }));

const BYTES = Uint8Array.from({ length: 1000 }, (_, index) => index & 255);
const entryOf = async () => join(folder, (await readdir(folder)).find((name) => name.endsWith('.cwasm')) ?? 'none');

test('what was written is read again, by a later process too', async () => {
  await openCodeCache(folder).write('a', BYTES);
  expect(await openCodeCache(folder).read('a')).toEqual(Buffer.from(BYTES));
  expect(await openCodeCache(folder).read('b')).toBeUndefined();
});

test('nobody else can read the key, the folder or an entry', async () => {
  await openCodeCache(folder).write('a', BYTES);
  for (const name of ['.', 'key', 'a.cwasm']) expect((await stat(join(folder, name))).mode & 0o077, name).toBe(0);
});

const flip = (bytes: Buffer, at: number) => {
  bytes[at] = (bytes[at] as number) ^ 1;
  return bytes;
};

test.each<[string, (entry: Buffer) => Buffer]>([
  ['forged in its code', (entry) => flip(entry, 500)],
  ['forged in its code of authentication', (entry) => flip(entry, 3)],
  ['cut short', (entry) => entry.subarray(0, 700)],
  ['cut to less than its code of authentication', (entry) => entry.subarray(0, 20)],
  ['emptied', () => Buffer.alloc(0)],
  ['made longer', (entry) => Buffer.concat([entry, Buffer.alloc(1)])],
])('an entry that was %s is discarded', async (_, damage) => {
  await openCodeCache(folder).write('a', BYTES);
  const path = await entryOf();
  await writeFile(path, damage(await readFile(path)));
  expect(await openCodeCache(folder).read('a')).toBeUndefined();
  expect(await readdir(folder)).toEqual(['key']);
});

test('an entry under another name is discarded: code of one kernel cannot pass for that of another', async () => {
  await openCodeCache(folder).write('a', BYTES);
  await writeFile(join(folder, 'b.cwasm'), await readFile(join(folder, 'a.cwasm')));
  expect(await openCodeCache(folder).read('b')).toBeUndefined();
  expect(await openCodeCache(folder).read('a')).toBeDefined();
});

test.each<[string, () => Promise<void>]>([
  ['of another user or machine', () => writeFile(join(folder, 'key'), Buffer.alloc(32, 7))],
  ['that others could read', () => chmod(join(folder, 'key'), 0o644)],
  ['that is too short', () => writeFile(join(folder, 'key'), 'short')],
  ['that is gone', () => rm(join(folder, 'key'))],
])('entries under a key %s are discarded, and new ones work', async (_, change) => {
  await openCodeCache(folder).write('a', BYTES);
  await change();
  const cache = openCodeCache(folder);
  expect(await cache.read('a')).toBeUndefined();
  await cache.write('a', BYTES);
  expect(await cache.read('a')).toBeDefined();
});

test.each(['', '../a', 'a/b', 'a\0'])('the name %j is refused', async (name) => {
  await expect(openCodeCache(folder).read(name)).rejects.toThrow(RangeError);
});

test('a folder that cannot be written is no failure', async () => {
  await writeFile(join(folder, 'file'), '');
  const cache = openCodeCache(join(folder, 'file', 'below'));
  await cache.write('a', BYTES);
  expect(await cache.read('a')).toBeUndefined();
});

describe.runIf(process.platform !== 'win32')('the engine', () => {
  const output = Uint8Array.of(1, 2, 3);
  type Cache = Pick<ReturnType<typeof openCodeCache>, 'read' | 'write'>;

  /** What the engine has the addon do for a kernel, given that cache, while it gives the right answer. */
  async function askedWith(cache: Cache, changes: Partial<Addon> = {}): Promise<readonly string[]> {
    const addon: Addon = { ...loadAddon(), ...changes };
    const asked: string[] = [];
    const { compile, deserialize } = addon;
    addon.compile = (...given) => {
      asked.push('compile');
      return compile(...given);
    };
    addon.deserialize = (...given) => {
      asked.push('deserialize');
      return deserialize(...given);
    };
    const outcome = await openBench(createWasmtime(addon, { cache }) as never).run({}, { input: output });
    expect(outputOf(outcome)).toEqual(output);
    return asked;
  }

  test.each<[string, (entry: Buffer) => Buffer, string]>([
    ['as it was', (entry) => entry, 'deserialize'],
    ['forged in its code', (entry) => flip(entry, entry.length - 9), 'compile'],
    ['forged in its code of authentication', (entry) => flip(entry, 3), 'compile'],
    ['truncated', (entry) => entry.subarray(0, 100), 'compile'],
    ['emptied', () => Buffer.alloc(0), 'compile'],
  ])(
    'whose entry is %s gives the same answer, and code that can be trusted lies there afterwards',
    async (_, change, asked) => {
      if (WASMTIME_MISSING !== undefined) return;
      expect(await askedWith(openCodeCache(folder))).toEqual(['compile']);
      const path = await entryOf();
      await writeFile(path, change(await readFile(path)));
      expect(await askedWith(openCodeCache(folder))).toEqual([asked]);
      expect(await askedWith(openCodeCache(folder))).toEqual(['deserialize']);
    },
  );

  test('compiles anew what was written under a foreign key', async () => {
    if (WASMTIME_MISSING !== undefined) return;
    await askedWith(openCodeCache(folder));
    await writeFile(join(folder, 'key'), Buffer.alloc(32, 7));
    expect(await askedWith(openCodeCache(folder))).toEqual(['compile']);
  });

  test('compiles anew what another version has written, also where it lies in the place of its own', async () => {
    if (WASMTIME_MISSING !== undefined) return;
    const older = { version: () => '47.0.0' };
    expect(await askedWith(openCodeCache(folder), older)).toEqual(['compile']);
    const foreign = await entryOf();
    expect(await askedWith(openCodeCache(folder))).toEqual(['compile']);
    const own = (await readdir(folder))
      .map((name) => join(folder, name))
      .find((path) => path.endsWith('.cwasm') && path !== foreign);
    await writeFile(own ?? '', await readFile(foreign));
    expect(await askedWith(openCodeCache(folder))).toEqual(['compile']);
  });

  test('does not read code that another version or setting has written', async () => {
    if (WASMTIME_MISSING !== undefined) return;
    const addon = loadAddon();
    const kernel = await admit(kernelOf());
    const cache = openCodeCache(folder);
    const form = { metered: false };
    await compileFor(createWasmtime(addon, { cache }), kernel, form);
    await compileFor(createWasmtime(addon, { cache, stoppable: false }), kernel, form);
    await compileFor(createWasmtime({ ...addon, version: () => '47.0.0' } as never, { cache }), kernel, form);
    expect((await readdir(folder)).filter((name) => name.endsWith('.cwasm'))).toHaveLength(3);
  });

  test('compiles anew what is rightly signed but no code of this engine', async () => {
    if (WASMTIME_MISSING !== undefined) return;
    const module = await loadAddon().compile(kernelOf(), { stoppable: true, linear: false });
    const code = Buffer.from(module.serialize());
    // Wasmtime itself writes the first number of its version into its code, behind its length.
    const [major = ''] = loadAddon().version().split('.');
    const version = 1 + code.indexOf(`${String.fromCharCode(major.length)}${major}`);
    expect(version).toBeGreaterThan(0);
    for (const kept of [BYTES, code.subarray(0, 200), flip(Buffer.from(code), version)]) {
      const cache = { read: async () => kept, write: async () => undefined };
      expect(await askedWith(cache)).toEqual(['deserialize', 'compile']);
    }
  });
});
