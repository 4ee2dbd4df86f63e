// A build of the native library that fails: everything else works, and whoever asks later hears why.
import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { LIBRARY } from '../../host/platform/native.ts';
import { ROOT, scratch } from '../cli/lodger.ts';

/** A compiler that tells its version, and none that does. */
const RUSTC = { works: 'echo rustc 0.0.0', missing: 'exit 127' };
const CARGO = {
  fails: 'exit 101',
  makes:
    'mkdir -p "$CARGO_TARGET_DIR/release"; for made in liblodger_engine.so liblodger_engine.dylib lodger-jail; do echo none > "$CARGO_TARGET_DIR/release/$made"; done',
};

/** A copy of this package without what was built, where `cargo` and `rustc` do as they are told. */
async function checkout() {
  const folder = await scratch();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  const at = (...path: string[]) => join(folder.path, ...path);
  for (const name of ['package.json', 'runtime', 'kernels']) await cp(join(ROOT, name), at(name), { recursive: true });
  await cp(join(ROOT, 'dist'), at('dist'), { recursive: true });
  await rm(at('dist/native'), { recursive: true, force: true });
  await symlink(join(ROOT, 'node_modules'), at('node_modules'));
  await mkdir(at('bin'));
  const env = {
    ...process.env,
    PATH: `${at('bin')}:${process.env['PATH']}`,
    XDG_CACHE_HOME: at('cache'),
    HOME: at('home'),
    CARGO_TARGET_DIR: at('target'),
    CI: '',
  };
  const run = (script: string, ...args: string[]) =>
    promisify(execFile)(process.execPath, [at('dist/host', script), ...args], { env });
  return {
    at,
    build: async (rustc: string, cargo: string) => {
      for (const [name, text] of Object.entries({ rustc, cargo })) {
        await writeFile(at('bin', name), `#!/bin/sh\n${text}\n`);
        await chmod(at('bin', name), 0o755);
      }
      return (await run('build/native.js')).stderr;
    },
    engine: async () => {
      const { findings } = JSON.parse((await run('cli/main.js', 'doctor', '--json')).stdout);
      return findings.find(({ name }: { name: string }) => name === 'engine wasmtime');
    },
  };
}

test.each([
  ['there is no Rust compiler here', RUSTC.missing, CARGO.fails],
  ['cargo did not build them and ended with 101', RUSTC.works, CARGO.fails],
])('%s: doctor says so and what to do, until a build succeeds', async (reason, rustc, cargo) => {
  const { build, engine, at } = await checkout();
  expect(await build(rustc, cargo)).toContain(`${reason}, so there is no Wasmtime engine`);
  expect(await engine()).toMatchObject({
    works: false,
    reason: expect.stringContaining(`(the last build: ${reason})`),
    remedy: expect.stringContaining('install Rust from https://rustup.rs'),
  });
  await build(RUSTC.works, CARGO.makes);
  await rm(at('dist/native', LIBRARY.slice(LIBRARY.lastIndexOf('/') + 1)));
  expect((await engine()).reason).not.toContain('the last build');
});
