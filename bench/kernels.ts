// The kernels of the benchmarks, built from source in a folder of their own.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { node } from '../host/platform/node.ts';
import { admit } from '../runtime/admit/admit.ts';
import type { Kernel } from '../runtime/job/kernel.ts';

const SOURCES = {
  /** Gives its input back. */
  echo: 'export function run(input: Uint8Array): Uint8Array { return input; }',
  /** Does nothing. */
  nothing: 'export function run(input: Uint8Array): Uint8Array { return new Uint8Array(0); }',
  /** Loops for ever when its input has one byte. */
  loop: 'export function run(input: Uint8Array): Uint8Array { if (input.length == 1) while (true) {} return input; }',
};

const BUILD = fileURLToPath(new URL('./build-process.js', import.meta.url));

/** A kernel; `incremental` frees what it used, for instances that live through many calls. */
export async function kernel(name: keyof typeof SOURCES, runtime: 'stub' | 'incremental' = 'stub'): Promise<Kernel> {
  return admit(await build(SOURCES[name], runtime), { platform: node });
}

/** The bytes of a kernel, from its source text. */
export async function build(text: string, runtime: 'stub' | 'incremental' = 'stub'): Promise<Uint8Array<ArrayBuffer>> {
  const folder = await mkdtemp(join(tmpdir(), 'lodger-bench-'));
  try {
    const [source, out] = [join(folder, 'kernel.ts'), join(folder, 'kernel.wasm')];
    await writeFile(source, text);
    await promisify(execFile)(process.execPath, [BUILD, source, out, runtime]);
    return new Uint8Array(await readFile(out));
  } finally {
    await rm(folder, { recursive: true });
  }
}
