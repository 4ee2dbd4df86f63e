// Builds the native addon and the jail: `npm run build:native`, and part of `npm test`. What was built once for the same sources, compiler and
// platform lies in this user's cache and is only copied. Without Rust it says so and leaves everything else as it is.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import process from 'node:process';
import { packageRoot } from '../../kernels/transform/library.ts';
import { JAIL } from '../platform/jail.ts';
import { LIBRARY, PLATFORM, WHY_MISSING } from '../platform/native.ts';
import { cacheFolder } from '../platform/places.ts';

/** What cargo calls the library, by platform. */
const MADE: Readonly<Record<string, string>> = {
  linux: 'liblodger_engine.so',
  darwin: 'liblodger_engine.dylib',
  win32: 'lodger_engine.dll',
};

/** What it calls the jail, which is for Linux alone. */
const JAIL_MADE = 'lodger-jail';

/** A file that is made, and where it lies then. */
interface Product {
  readonly made: string;
  readonly place: string;
}

const note = (text: string) => process.stderr.write(`build:native: ${text}\n`);

async function main(): Promise<void> {
  const crate = join(packageRoot(), 'runtime', 'native');
  const made = MADE[process.platform];
  const compiler = spawnSync('rustc', ['--version', '--verbose'], { encoding: 'utf8' });
  if (made === undefined || compiler.status !== 0) {
    const reason = made === undefined ? `no library is made for ${PLATFORM}` : 'there is no Rust compiler here';
    note(`${reason}, so there is no Wasmtime engine and no jail; all else works on V8. Rust is at https://rustup.rs`);
    await keepReason(reason);
    return;
  }
  const products: readonly Product[] = [
    { made, place: LIBRARY },
    ...(process.platform === 'linux' ? [{ made: JAIL_MADE, place: JAIL }] : []),
  ];
  const kept = join(cacheFolder(), 'native', await digestOf(crate, compiler.stdout));
  if (await placeAll(kept, products)) {
    note('nothing has changed');
    await rm(WHY_MISSING, { force: true });
    return;
  }
  note('building the Wasmtime engine and the jail, which takes 3 to 10 minutes the first time');
  // One of other sources may not fit the code that loads it.
  for (const product of products) await rm(product.place, { force: true });
  const begun = performance.now();
  const failure = await cargo(crate);
  if (failure !== undefined) {
    note(`${failure}, so there is no Wasmtime engine and no jail; all else works on V8`);
    await keepReason(failure);
    process.exitCode = process.env['CI'] === 'true' ? 1 : 0;
    return;
  }
  const target = process.env['CARGO_TARGET_DIR'] ?? join(crate, 'target');
  for (const product of products)
    await place(join(target, 'release', product.made), join(kept, basename(product.place)));
  await placeAll(kept, products);
  await rm(WHY_MISSING, { force: true });
  note(`built in ${Math.round((performance.now() - begun) / 1000)} s`);
}

/** For whoever asks later why there is no library. */
async function keepReason(reason: string): Promise<void> {
  await mkdir(dirname(WHY_MISSING), { recursive: true });
  await writeFile(WHY_MISSING, reason);
}

/** Runs cargo with its progress on standard error; how it failed, if it did. A signal to this process group ends it, too. */
function cargo(crate: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn('cargo', ['build', '--release', '--locked'], { cwd: crate, stdio: ['ignore', 2, 2] });
    child.once('error', ({ message }) => resolve(`cargo did not start (${message})`));
    child.once('exit', (code, signal) => {
      resolve(code === 0 ? undefined : `cargo did not build them and ended with ${code ?? signal}`);
    });
  });
}

/** Everything the library is made from: sources, lock file, compiler, platform. */
async function digestOf(crate: string, compiler: string): Promise<string> {
  const hash = createHash('sha256').update(`${PLATFORM}\0${compiler}\0${process.env['RUSTFLAGS'] ?? ''}`);
  const entries = await readdir(crate, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile() && /(?:\.rs|Cargo\.(?:toml|lock))$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !relative(crate, path).startsWith('target'))
    .sort();
  for (const path of paths) hash.update(`\0${relative(crate, path)}\0`).update(await readFile(path));
  return hash.digest('hex').slice(0, 32);
}

/** Copies what is kept to its places; false if something is not there. */
async function placeAll(kept: string, products: readonly Product[]): Promise<boolean> {
  for (const product of products) {
    if (!(await place(join(kept, basename(product.place)), product.place))) return false;
  }
  return true;
}

/** Copies a file so that it appears whole or not at all; false if there is none. */
async function place(from: string, to: string): Promise<boolean> {
  const passing = `${to}.${process.pid}.tmp`;
  await mkdir(dirname(to), { recursive: true });
  try {
    await copyFile(from, passing);
    await rename(passing, to);
    return true;
  } catch (error) {
    await rm(passing, { force: true });
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

await main();
