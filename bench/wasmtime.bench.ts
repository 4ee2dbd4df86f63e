// What our Wasmtime engine costs beside bare Wasmtime in Rust, how soon a cancel ends a guest, and what kept code saves.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openCodeCache } from '../host/platform/code-cache.ts';
import { nodeEngine } from '../host/platform/engines.ts';
import { loadAddon } from '../host/platform/native.ts';
import { node } from '../host/platform/node.ts';
import { createWasmtime } from '../host/platform/wasmtime.ts';
import { createPool } from '../host/pool/pool.ts';
import { admit } from '../runtime/admit/admit.ts';
import { short } from '../runtime/base/units.ts';
import { fillLimits } from '../runtime/job/limits.ts';
import { compileFor } from '../runtime/sandbox/compile.ts';
import { execute } from '../runtime/sandbox/execute.ts';
import { kernel } from './kernels.ts';
import { type Measure, type Result, ratio } from './result.ts';
import { interleave, median, type Timed } from './rounds.ts';

const ROOT = new URL('../../', import.meta.url);
const KERNEL = (name: string) => new URL(`dist/kernels/${name}.wasm`, ROOT);
const CANCELS = 200;
const SIZES = [1 << 10, 16 << 10, 64 << 10, 256 << 10];
const ROUNDS = 15;
/** So many that each sample has its share of collections of garbage. */
const CALLS = 10_000;

export default async function measure(): Promise<Result> {
  // Before what leaves much to be collected: a collection on the main thread is no part of a cancel.
  const cancel = await cancelMeasure();
  const cache = await cacheTimes();
  const fresh = await freshTimes();
  return {
    name: 'wasmtime',
    times: [...fresh, ...cache],
    measures: [
      ...SIZES.map((size) =>
        ratio(
          `fresh sandbox and call, ${size >> 10} KiB in and out, against bare Wasmtime in Rust`,
          fresh,
          [oursOf(size), theirsOf(size)],
          1.5,
        ),
      ),
      cancel,
      ratio(
        'align: code from the warm cache, against compiling',
        cache,
        ['align, from the cache', 'align, compiled'],
        0.1,
      ),
    ],
  };
}

/**
 * Sandbox and bare Rust in turn; the child compares its outputs itself. Both have two rounds first that are not counted, each time:
 * after the start of a process all pages of this one have to be faulted in again.
 */
async function freshTimes(): Promise<Timed[]> {
  const crate = fileURLToPath(new URL('runtime/native/', ROOT));
  await promisify(execFile)('cargo', ['build', '--release', '--locked', '--example', 'bare'], { cwd: crate });
  const bare = join(process.env['CARGO_TARGET_DIR'] ?? join(crate, 'target'), 'release', 'examples', 'bare');
  const engine = nodeEngine('wasmtime');
  const ready = await compileFor(engine, await admit(await readFile(KERNEL('echo')), { platform: node }));
  const times: Timed[] = [];
  for (const size of SIZES) {
    const limits = fillLimits();
    const call = { input: new Uint8Array(size).fill(3), limits, blobs: {}, seed: 0, index: 0, digests: false };
    const once = () => {
      const outcome = execute({ engine, platform: node }, ready, call);
      if (outcome.state === 'failed' || outcome.output.byteLength !== size) throw new Error('no echo');
    };
    const [ours, theirs]: [Spent[], Spent[]] = [[], []];
    for (let round = 0; round < ROUNDS; round++) {
      for (let count = 0; count < CALLS * 2; count++) once();
      ours.push(spent(once));
      const path = fileURLToPath(KERNEL('echo'));
      const { stdout } = await promisify(execFile)(bare, [path, '1', String(CALLS), String(size)]);
      const [wall = Number.NaN, cpu = Number.NaN] = stdout.split(' ').map((nanoseconds) => Number(nanoseconds) / 1000);
      theirs.push({ wall, cpu });
    }
    times.push(timed(oursOf(size), ours), timed(theirsOf(size), theirs));
  }
  return times;
}

/** Microseconds of a call. */
interface Spent {
  readonly wall: number;
  readonly cpu: number;
}

/** Wall time and the whole process's CPU time. */
function spent(once: () => void): Spent {
  const before = process.cpuUsage();
  const begun = performance.now();
  for (let count = 0; count < CALLS; count++) once();
  const wall = ((performance.now() - begun) * 1000) / CALLS;
  const { user, system } = process.cpuUsage(before);
  return { wall, cpu: (user + system) / CALLS };
}

function timed(name: string, rounds: readonly Spent[]): Timed {
  const [wall, cpu] = [rounds.map((round) => round.wall), rounds.map((round) => round.cpu)];
  return {
    name,
    wallMinUs: Math.min(...wall),
    wallMedianUs: median(wall),
    cpuMinUs: Math.min(...cpu),
    cpuMedianUs: median(cpu),
  };
}

const oursOf = (size: number) => `sandbox, ${size >> 10} KiB in and out`;
const theirsOf = (size: number) => `bare Wasmtime in Rust, ${size >> 10} KiB in and out`;

/** From the call of `abort` on the main thread to the promise's end, an endless loop. */
async function cancelMeasure(): Promise<Measure> {
  const loop = await kernel('loop');
  const pool = await createPool({ engine: 'wasmtime', threads: 1 });
  await pool.run({ kernel: loop, input: new Uint8Array(2) });
  const settled: number[] = [];
  for (let count = 0; count < CANCELS; count++) {
    const control = new AbortController();
    const endless = pool.run({ kernel: loop, input: new Uint8Array(1) }, { signal: control.signal });
    await new Promise((resolve) => setTimeout(resolve, 5 + Math.random() * 10));
    const from = performance.now();
    control.abort();
    await endless.catch(() => settled.push(performance.now() - from));
  }
  if (settled.length !== CANCELS || pool.stats().threadRestarts > 0) throw new Error('a thread had to be ended');
  await pool.close();
  return {
    measure: 'cancel of an endless loop, until its promise settles',
    value: `median ${short(median(settled))} ms, worst of ${CANCELS} ${short(Math.max(...settled))} ms`,
    must: 'median <= 2 ms, worst <= 20 ms',
    holds: median(settled) <= 2 && Math.max(...settled) <= 20,
  };
}

async function cacheTimes() {
  const folder = await mkdtemp(join(tmpdir(), 'lodger-bench-'));
  try {
    const addon = loadAddon();
    const align = await admit(await readFile(KERNEL('align')), { platform: node });
    const kept = createWasmtime(addon, { cache: openCodeCache(folder) });
    const anew = createWasmtime(addon);
    await compileFor(kept, align);
    return await interleave(
      [
        { name: 'align, from the cache', operations: 1, once: async () => void (await compileFor(kept, align)) },
        { name: 'align, compiled', operations: 1, once: async () => void (await compileFor(anew, align)) },
      ],
      { rounds: 15, samples: 3 },
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}
