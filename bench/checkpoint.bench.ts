// What it costs to keep images of a stepper of 16 MiB in a folder every 100 ms of its work, and to check one interval of fifty.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { folderStore } from '../host/keep/folder-store.ts';
import { shortened } from '../host/keep/trail.ts';
import { nodeEngine } from '../host/platform/engines.ts';
import { imaging } from '../host/platform/imaging.ts';
import { node } from '../host/platform/node.ts';
import type { Pool } from '../host/pool/options.ts';
import { createPool } from '../host/pool/pool.ts';
import { admit } from '../runtime/admit/admit.ts';
import { formatSize, short } from '../runtime/base/units.ts';
import type { Outcome } from '../runtime/job/outcome.ts';
import type { Parts } from '../runtime/job/steps.ts';
import type { Task } from '../runtime/job/task.ts';
import { verifyImages } from '../runtime/sandbox/audit.ts';
import { memoryStore } from '../runtime/snapshot/store.ts';
import { build } from './kernels.ts';
import type { Measure, Result } from './result.ts';
import { interleave, median, type Timed, type Variant } from './rounds.ts';
import { busiestThread } from './thread-cpu.ts';

const EVERY_MS = 100;
const utf8 = new TextEncoder();
const ROUNDS = { rounds: 5, samples: 1 } as const;
const INTERVALS = 50;
const PAGES = 4096;
/** About as many as are done in 100 ms. */
const STEPS_AT_ONCE = 50;
/** Some 5 s: the first image, which is whole, is to have the part of a run that it has where anybody wants images. */
const STEPS = 4_000;

/** 16 MiB of which each step of some 2 ms changes so many pages, one after the other. */
const DIRTY = `
import { Reader, Writer } from 'lodger/kernel';
const memory = new StaticArray<u64>(2097152);
let steps: u32 = 0, pages: u32 = 0, done: u32 = 0, at: u32 = 0;
let state: u64 = 1;
export function begin(input: Uint8Array): void {
  const reader = new Reader(input);
  steps = reader.u32();
  pages = reader.u32();
  for (let i = 0; i < memory.length; i++) memory[i] = (i * 2654435761) | 1;
}
export function step(): f64 {
  for (let i = 0; i < 1200000; i++) state = state * 6364136223846793005 + 1442695040888963407;
  for (let i: u32 = 0; i < pages; i++) {
    for (let j: u32 = 0; j < 512; j++) memory[at * 512 + j] = state + j;
    at = (at + 1) % 4096;
  }
  return <f64>++done / <f64>steps;
}
export function finish(): Uint8Array {
  const writer = new Writer(8);
  writer.u64(state);
  return writer.finish();
}`;

/** A shot on a grid whose memory is about 16 MiB. */
const shotOf = (
  steps: number,
) => `width = 640\ndepth = 600\nspacing = 4\nsteps = ${steps}\ndt = 0.0004\nrecord = 4\npeak = 20\nsource = 1300 1200
receivers = 0 2556 300 60\nlayer = 0 1500\nlayer = 1500 3100\n`;

/** What is seen of runs beside their times, by the name of the variant, a run an entry. */
interface Seen {
  readonly sizes: Map<string, number>;
  readonly threadMs: Map<string, number[]>;
  readonly images: Map<string, number>;
}

interface Subject {
  readonly name: string;
  readonly task: Task;
  /** What it does in `EVERY_MS`: on a busy machine the clock would have more images taken of less work. */
  readonly everyFuel: number;
}

export default async function measure(): Promise<Result> {
  const pool = await createPool({ threads: 1 });
  const folder = await mkdtemp(join(tmpdir(), 'lodger-bench-'));
  try {
    const subjects = await subjectsOf(pool);
    const seen: Seen = { sizes: new Map(), threadMs: new Map(), images: new Map() };
    const variants = subjects.flatMap((subject) => variantsOf(subject, { pool, folder, seen }));
    const times = await interleave(variants, ROUNDS);
    const audited = await audits({ ...(subjects.at(-1) as Subject).task, input: utf8.encode(shotOf(8_000)) }, pool);
    return {
      name: 'checkpoint',
      times: [...times, ...audited.times],
      measures: [...subjects.flatMap(({ name }) => costs(name, times, seen)), audited.measure],
    };
  } finally {
    await pool.close('end');
    await rm(folder, { recursive: true, force: true });
  }
}

async function subjectsOf(pool: Pool): Promise<Subject[]> {
  const dirty = await admit(await build(DIRTY), { platform: node });
  const wave = await admit(await readFile(new URL('../../dist/kernels/wave.wasm', import.meta.url)), {
    platform: node,
  });
  const u32 = (...values: number[]) => new Uint8Array(Uint32Array.from(values).buffer);
  const subjects = [
    ...[1, 10, 100].map((percent) => ({
      name: `${percent} % of pages changed in ${EVERY_MS} ms`,
      task: { kernel: dirty, input: u32(STEPS, Math.ceil((PAGES * percent) / 100 / STEPS_AT_ONCE)) },
    })),
    { name: 'a shot of wave', task: { kernel: wave, input: utf8.encode(shotOf(6_000)) } },
  ];
  const timed: Subject[] = [];
  for (const subject of subjects) timed.push({ ...subject, everyFuel: await fuelOf(pool, subject.task) });
  return timed;
}

/** How much fuel it takes in `EVERY_MS`, once its code is warm. */
async function fuelOf(pool: Pool, task: Task): Promise<number> {
  await pool.run(task);
  let fuel = 0;
  const ms = await busiestThread(async () => {
    fuel = done(await pool.run(task)).receipt.fuel ?? 0;
  });
  return Math.round((fuel * EVERY_MS) / ms);
}

const NOTHING_THERE = { damaged: [], digests: [], others: 0 };

const plain = (name: string) => `${name}, no images`;

function variantsOf(
  { name, task, everyFuel }: Subject,
  { pool, folder, seen }: { readonly pool: Pool; readonly folder: string; readonly seen: Seen },
): Variant[] {
  const store = folderStore(join(folder, name.replaceAll(' ', '-')));
  const variant = (variantName: string, work: () => Promise<void>): Variant => {
    const threadMs: number[] = [];
    seen.threadMs.set(variantName, threadMs);
    return { name: variantName, operations: 1, once: async () => void threadMs.push(await busiestThread(work)) };
  };
  return [
    variant(plain(name), async () => void done(await pool.run(task))),
    variant(name, async () => {
      let images = 0;
      const putParts = async (digest: string, parts: Parts) => {
        images++;
        await store.putParts?.(digest, parts);
      };
      const checkpoint = { store: shortened({ ...store, putParts }, NOTHING_THERE), everyFuel };
      seen.sizes.set(name, done(await pool.run(task, { checkpoint })).receipt.memoryBytesPeak ?? 0);
      seen.images.set(name, images);
      for (const digest of store.digests()) await store.delete(digest);
    }),
  ];
}

function done(outcome: Outcome): Outcome {
  if (outcome.state === 'failed') throw new Error(`${outcome.code}: ${outcome.message}`);
  return outcome;
}

/** What images cost the thread of the guest, and the whole process, which makes and stores them beside it. */
function costs(name: string, times: readonly Timed[], { sizes, threadMs, images }: Seen): Measure[] {
  const [ours, theirs] = [name, plain(name)].map((one) => times.find((timed) => timed.name === one)) as [Timed, Timed];
  // Two rounds are not counted.
  const [own, without] = [name, plain(name)].map((one) => (threadMs.get(one) ?? []).slice(2)) as [number[], number[]];
  const what = `images every ${EVERY_MS} ms over ${short(theirs.cpuMinUs / 1e6)} s: ${name}, ${formatSize(sizes.get(name) ?? 0)} of memory, ${images.get(name)} images`;
  const measure = (whose: string, [min, middle]: readonly [number, number]): Measure => {
    const [least, most] = [100 * (min - 1), 100 * (middle - 1)];
    const value = `${short(least)} % (minima), ${short(most)} % (medians)`;
    return { measure: `${what}, ${whose}`, value, must: '<= 5 %', holds: Math.max(least, most) <= 5 };
  };
  return [
    measure('CPU time of the process', [ours.cpuMinUs / theirs.cpuMinUs, ours.cpuMedianUs / theirs.cpuMedianUs]),
    measure("the run's own time, as CPU time of its thread", [
      Math.min(...own) / Math.min(...without),
      median(own) / median(without),
    ]),
    measure("the run's own time, by the clock", [
      ours.wallMinUs / theirs.wallMinUs,
      ours.wallMedianUs / theirs.wallMedianUs,
    ]),
  ];
}

/** The whole run against the check of one of its intervals, each in turn; compiling and opening the image before it are in it. */
async function audits(
  task: Task,
  pool: Pool,
): Promise<{ readonly times: readonly Timed[]; readonly measure: Measure }> {
  const store = memoryStore();
  const digests: string[] = [];
  const { fuel = 0 } = done(await pool.run(task)).receipt;
  const everyFuel = Math.ceil(fuel / INTERVALS);
  const onImage = ({ digest }: { digest: string }) => digests.push(digest);
  done(await pool.run(task, { checkpoint: { store, everyFuel, onImage } }));
  const engine = nodeEngine('v8');
  let place = 7;
  const check = async () => {
    place = (place * 17 + 5) % (digests.length - 1);
    const [from, to] = [digests[place], digests[place + 1]] as [string, string];
    const { follows } = await verifyImages({ kernel: task.kernel, store, from, to, engine, platform: imaging });
    if (!follows) throw new Error('an honest interval was found wrong');
  };
  const [run, audit] = ['the whole run', `the check of one interval of ${digests.length + 1}`] as const;
  const times = await interleave(
    [
      { name: run, operations: 1, once: async () => void done(await pool.run(task)) },
      {
        name: audit,
        operations: 5,
        once: async () => {
          for (let left = 5; left > 0; left--) await check();
        },
      },
    ],
    { rounds: 1, samples: 1 },
  );
  const [whole, part] = [run, audit].map((name) => times.find((timed) => timed.name === name)) as [Timed, Timed];
  const shares = [part.cpuMinUs / whole.cpuMinUs, part.cpuMedianUs / whole.cpuMedianUs].map((each) => 100 * each);
  return {
    times,
    measure: {
      measure: `${audit}, against the run of ${short(whole.cpuMinUs / 1e6)} s, CPU time of the process`,
      value: `${short(shares[0] as number)} % (minima), ${short(shares[1] as number)} % (medians)`,
      must: '<= 4 %',
      holds: Math.max(...shares) <= 4,
    },
  };
}
