// The main job: two threads against one, and its kernel in our sandbox against the same algorithm in C.
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { node } from '../host/platform/node.ts';
import { nodeV8 } from '../host/platform/node-v8.ts';
import { createPool } from '../host/pool/pool.ts';
import { admit } from '../runtime/admit/admit.ts';
import { toHex } from '../runtime/base/platform.ts';
import { short } from '../runtime/base/units.ts';
import { fillLimits } from '../runtime/job/limits.ts';
import { compileFor } from '../runtime/sandbox/compile.ts';
import { execute } from '../runtime/sandbox/execute.ts';
import { type Measure, type Result, ratio } from './result.ts';
import { interleave, type Timed, type Variant } from './rounds.ts';

const ROOT = new URL('../../', import.meta.url);
const DATA = new URL('kernels/align/data/', ROOT);
const BUILDS = { 'C, gcc -O3 -msse4.2': '-msse4.2', 'C, gcc -O3 -march=native': '-march=native' } as const;
/** The database, so many times over: long enough that threads and not their start are measured. */
const COPIES = 40;
const TASK_BYTES = 64 << 10;

export default async function measure(): Promise<Result> {
  const kernel = await admit(await readFile(new URL('dist/kernels/align.wasm', ROOT)), { platform: node });
  const database = await readFile(new URL('proteins.fasta', DATA));
  const query = new Uint8Array(await readFile(new URL('query.fasta', DATA)));
  const terms = {
    kernel,
    blobs: { query },
    grants: [{ kind: 'blobs' as const, name: 'query', digest: toHex(node.digest(query)) }],
  };

  const pieces = cut(database);
  const inputs = Array.from({ length: COPIES }, () => pieces).flat();
  const pools = await Promise.all([1, 2].map((threads) => createPool({ threads })));
  const job = (name: string, pool: (typeof pools)[number] | undefined): Variant => ({
    name,
    operations: 1,
    once: async () => {
      if (!pool) throw new Error('no pool');
      for await (const outcome of pool.map({ ...terms, inputs }))
        if (outcome.state !== 'done') throw new Error(outcome.message);
    },
  });
  const whole = await interleave([job('main job, 1 thread', pools[0]), job('main job, 2 threads', pools[1])], {
    rounds: 9,
    samples: 1,
  });
  await Promise.all(pools.map((pool) => pool.close()));

  const place = { engine: nodeV8(), platform: node };
  const ready = await compileFor(place.engine, kernel);
  const call = { input: database, limits: fillLimits(), blobs: { query }, seed: 0, index: 0, digests: false };
  const sandbox = () => {
    const outcome = execute(place, ready, call);
    if (outcome.state === 'failed') throw new Error(outcome.message);
    return outcome.output;
  };
  const { twins, stop } = await startTwins();
  const sum = fnv1a(sandbox());
  for (const twin of twins) {
    if ((await twin.run(1)).checksum !== sum) throw new Error(`${twin.name} does not give the kernel's output`);
  }
  const times = await interleave(
    [
      { name: 'align in our sandbox', operations: 1, once: () => void sandbox() },
      ...twins.map(({ name, run }) => ({ name, operations: 1, once: async () => void (await run(1)) })),
    ],
    { rounds: 15, samples: 3 },
  );
  await stop();
  return { name: 'align', times: [...whole, ...times], measures: measuresOf(whole, times, twins) };
}

function measuresOf(
  whole: readonly Timed[],
  times: readonly Timed[],
  twins: readonly { readonly name: string }[],
): Measure[] {
  const faster = ratio(
    'main job, 2 threads against 1: share of the time',
    whole,
    ['main job, 2 threads', 'main job, 1 thread'],
    1 / 1.8,
  );
  return [
    { ...faster, must: '<= 0.556x (1.8 times as fast)' },
    ...twins.map(({ name }, index): Measure => {
      const [ours, theirs] = ['align in our sandbox', name].map((each) => times.find((timed) => timed.name === each));
      if (!ours || !theirs) throw new Error('no times');
      const minima = theirs.wallMinUs / ours.wallMinUs;
      const medians = theirs.wallMedianUs / ours.wallMedianUs;
      return {
        measure: `align kernel in our sandbox, speed of ${name}`,
        value: `${short(minima)}x (minima), ${short(medians)}x (medians)`,
        must: index === 0 ? 'reported; aim >= 0.65x' : 'reported',
        holds: null,
      };
    }),
  ];
}

/** The database in tasks of about equal size, each of whole records. */
function cut(database: Uint8Array): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let from = 0; from < database.length; ) {
    let to = database.indexOf(0x3e, Math.min(database.length, from + TASK_BYTES));
    if (to < 0) to = database.length;
    pieces.push(database.subarray(from, to));
    from = to;
  }
  return pieces;
}

/** The C builds as long-lived processes that time themselves; gcc has to be there. */
async function startTwins() {
  const folder = await mkdtemp(join(tmpdir(), 'lodger-bench-'));
  const source = fileURLToPath(new URL('bench/native/align.c', ROOT));
  const files = ['query.fasta', 'proteins.fasta'].map((name) => fileURLToPath(new URL(name, DATA)));
  const twins = [];
  const ends: (() => void)[] = [];
  for (const [name, flag] of Object.entries(BUILDS)) {
    const binary = join(folder, flag.slice(1).replace('=', ''));
    await promisify(execFile)('gcc', ['-O3', flag, '-o', binary, source]);
    const child = spawn(binary, ['--serve', ...files], { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    ends.push(() => child.stdin.end());
    twins.push({
      name,
      run: async (count: number) => {
        child.stdin.write(`run ${count}\n`);
        const { value } = await lines.next();
        return { checksum: String(value).split(' ')[1] };
      },
    });
  }
  const stop = async () => {
    for (const end of ends) end();
    await rm(folder, { recursive: true });
  };
  return { twins, stop };
}

/** FNV-1a of 32 bits, as the C program says it. */
function fnv1a(bytes: Uint8Array): string {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return String(hash);
}
