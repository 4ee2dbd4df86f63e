// Guests that do with files and requests what their input says, on both engines: in this thread, in a pool, in a cell.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { admit, type Outcome } from 'lodger';
import { afterAll } from 'vitest';
import { builtKernel } from '../kernels/built.ts';

/** Built for this file of tests. */
export const guest = async (name: 'folders' | 'requests') => admit((await builtKernel(name)).wasm);

export const bytesOf = (text: string) => new TextEncoder().encode(text);

/** What a guest told, a line for each line of its input. */
export function told(outcome: Outcome): readonly string[] {
  if (outcome.state === 'failed') throw new Error(`${outcome.code}: ${outcome.message}`);
  return new TextDecoder().decode(outcome.output).split('\n');
}

/** A folder that goes with this file of tests. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lodger-grants-'));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
