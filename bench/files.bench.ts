// Reading 64 MiB of a granted folder in pieces of 64 KiB, by a kernel, against fs.readSync in this thread.
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeFolders } from '../host/grants/folders.ts';
import { nodeEngine } from '../host/platform/engines.ts';
import { node } from '../host/platform/node.ts';
import { createPool } from '../host/pool/pool.ts';
import { admit } from '../runtime/admit/admit.ts';
import { short } from '../runtime/base/units.ts';
import type { Grant } from '../runtime/policy/grant.ts';
import { createSandbox } from '../runtime/sandbox/sandbox.ts';
import { build } from './kernels.ts';
import type { Measure, Result } from './result.ts';
import { interleave, type Timed } from './rounds.ts';

const SIZE = 64 << 20;
const PIECE = 64 << 10;

export default async function measure(): Promise<Result> {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'lodger-bench-'));
  const path = join(folder, 'large');
  writeFileSync(path, new Uint8Array(SIZE).fill(7));
  const source = readFileSync(new URL('../../test/fixtures/kernels/folders.ts', import.meta.url), 'utf8');
  const reader = await admit(await build(source, 'incremental'), { platform: node });
  const grants: Grant[] = [{ kind: 'files', at: '/data', from: folder, mode: 'read' }];
  const task = { kernel: reader, grants, input: new TextEncoder().encode(`sum|/data/large|${PIECE}`) };
  const sandboxes = (['v8', 'wasmtime'] as const).map((name) => {
    const sandbox = createSandbox({ engine: nodeEngine(name), platform: node, folders: nodeFolders });
    return { name: `kernel in a sandbox, ${name}`, run: () => sandbox.run(task) };
  });
  const pool = await createPool({ threads: 1 });
  const ways = [...sandboxes, { name: 'kernel in a pool, v8', run: () => pool.run(task) }];
  const wanted = `ok ${(7 * SIZE) / 4096}`;
  const buffer = new Uint8Array(PIECE);
  const times = await interleave(
    [
      {
        name: 'fs.readSync',
        operations: 1,
        once: () => {
          const fd = openSync(path, 'r');
          let sum = 0;
          for (let at = 0; at < SIZE; at += PIECE) {
            readSync(fd, buffer, 0, PIECE, at);
            for (let i = 0; i < PIECE; i += 4096) sum += buffer[i] as number;
          }
          closeSync(fd);
          if (`ok ${sum}` !== wanted) throw new Error('fs.readSync lost bytes');
        },
      },
      ...ways.map(({ name, run }) => ({
        name,
        operations: 1,
        once: async () => {
          const outcome = await run();
          if (outcome.state === 'failed') throw new Error(outcome.message);
          if (new TextDecoder().decode(outcome.output) !== wanted) throw new Error(`${name} lost bytes`);
        },
      })),
    ],
    { rounds: 9, samples: 5 },
  );
  await pool.close();
  rmSync(folder, { recursive: true });
  return { name: 'files', times, measures: ways.map(({ name }) => cpuRatio(times, name)) };
}

/** By CPU time: all of it is in one thread, and a machine that others use gives wall times of its own. */
function cpuRatio(times: readonly Timed[], name: string): Measure {
  const [ours, theirs] = [name, 'fs.readSync'].map((each) => times.find((timed) => timed.name === each));
  if (!ours || !theirs) throw new Error(`no times of ${name}`);
  const minima = ours.cpuMinUs / theirs.cpuMinUs;
  const medians = ours.cpuMedianUs / theirs.cpuMedianUs;
  return {
    measure: `64 MiB in 64 KiB pieces, ${name}, CPU time`,
    value: `${short(minima)}x (minima), ${short(medians)}x (medians)`,
    must: '<= 3x',
    holds: Math.max(minima, medians) <= 3,
  };
}
