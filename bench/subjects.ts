// The project's kernels with an input each: what engines are compared on.
import { readFile } from 'node:fs/promises';
import { fillLimits } from '../runtime/job/limits.ts';
import type { Call } from '../runtime/sandbox/call.ts';

const ROOT = new URL('../../', import.meta.url);

/** Kernel -> how often it is called for a figure, and what it is given. */
export const SUBJECTS = {
  echo: { calls: 2_000, input: async () => new Uint8Array(1024).fill(3) },
  template: { calls: 300, input: async () => new TextEncoder().encode('three small words\n'.repeat(3_640)) },
  align: { calls: 40, input: async () => (await data('align/data/proteins.fasta')).subarray(0, 65_536) },
  wave: { calls: 5, input: async () => settings(await data('wave/data/salt.txt'), { steps: 120 }) },
  dynamics: {
    calls: 5,
    input: async () => settings(await data('dynamics/data/argon.txt'), { steps: 60, equilibration: 0 }),
  },
} as const;

export type SubjectName = keyof typeof SUBJECTS;

/** A subject's kernel and a call of it. */
export async function callOf(name: SubjectName): Promise<{ readonly file: URL; readonly call: Call }> {
  const input = await SUBJECTS[name].input();
  const blobs = { query: await data('align/data/query.fasta') };
  const call: Call = { input, limits: fillLimits(), blobs, seed: 1, index: 0, digests: false };
  return { file: new URL(`dist/kernels/${name}.wasm`, ROOT), call };
}

async function data(path: string): Promise<Uint8Array> {
  return new Uint8Array(await readFile(new URL(`kernels/${path}`, ROOT)));
}

/** An example input with other settings. */
function settings(bytes: Uint8Array, changed: Readonly<Record<string, number>>): Uint8Array {
  let text = new TextDecoder().decode(bytes);
  for (const [name, value] of Object.entries(changed)) {
    text = text.replace(new RegExp(`^${name}( *)=.*$`, 'm'), `${name}$1= ${value}`);
  }
  return new TextEncoder().encode(text);
}
