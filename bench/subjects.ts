// The project's kernels with an input each: what engines are compared on.
import { readFile } from 'node:fs/promises';
import { fillLimits } from '../runtime/job/limits.ts';
import type { Call } from '../runtime/sandbox/call.ts';
import { encodeValue } from './book.ts';

const ROOT = new URL('../../', import.meta.url);

/** Kernel -> how often it is called for a figure, and what it is given. */
export const SUBJECTS = {
  echo: { calls: 2_000, input: async () => new Uint8Array(1024).fill(3) },
  template: { calls: 300, input: async () => new TextEncoder().encode('three small words\n'.repeat(3_640)) },
  align: { calls: 40, input: async () => (await data('align/data/proteins.fasta')).subarray(0, 65_536) },
  portfolio: {
    calls: 20,
    input: async () => (await encodeValue(await data('portfolio/data/book.ndjson'), 4_000)).input,
  },
  spectra: { calls: 5, input: async () => settings(await data('spectra/data/signal.bin'), { chirps: '-20 20 21' }) },
  fractal: { calls: 10, input: async () => settings(await data('fractal/data/valley-1.txt'), { iterations: 512 }) },
  gemm: {
    calls: 10,
    input: async () => settings(await data('gemm/data/square.txt'), { rows: 256, inner: 256, columns: 256 }),
  },
  wave: { calls: 5, input: async () => settings(await data('wave/data/salt.txt'), { steps: 120 }) },
  dynamics: {
    calls: 5,
    input: async () => settings(await data('dynamics/data/argon.txt'), { steps: 60, equilibration: 0 }),
  },
  digest: { calls: 40, input: async () => data('align/data/proteins.fasta') },
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

/** An example input with other settings; the bytes behind them come through as they are. */
function settings(bytes: Uint8Array, changed: Readonly<Record<string, number | string>>): Uint8Array {
  let text = Buffer.from(bytes).toString('latin1');
  for (const [name, value] of Object.entries(changed)) {
    text = text.replace(new RegExp(`^${name}( *)=.*$`, 'm'), `${name}$1= ${value}`);
  }
  return new Uint8Array(Buffer.from(text, 'latin1'));
}
