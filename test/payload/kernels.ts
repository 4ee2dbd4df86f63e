// Typed kernels for tests, from their source text.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Built, buildKernel } from '../../host/build/build.ts';
import { admit, type Kernel } from '../../runtime/index.ts';
import type { Payload } from '../../runtime/payload/schema.ts';

/** Builds a kernel from its text. */
export async function buildText(text: string): Promise<Built> {
  const folder = await mkdtemp(join(tmpdir(), 'lodger-typed-'));
  try {
    const source = join(folder, 'kernel.ts');
    await writeFile(source, text);
    return await buildKernel({ source });
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The same, admitted. */
export async function admitText(text: string): Promise<Kernel> {
  return admit((await buildText(text)).wasm);
}

/** The schema of a kernel that must have one. */
export function inClasses({ payload }: Kernel): Payload {
  if (payload === undefined) throw new Error('the kernel is not typed');
  return payload;
}
