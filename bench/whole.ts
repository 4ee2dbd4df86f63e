// Whole jobs as people run them: `lodger map` on all cores, metered, with canonical NaNs and without, against as many processes in C as there
// are cores. All start from nothing, read the same number of files, do the work and write what comes of it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { link, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { short } from '../runtime/base/units.ts';
import type { Measure } from './result.ts';
import { geometricMean } from './rounds.ts';
import { asTwin, difference, type SuiteKernel } from './suite.ts';
import type { Build, Spent, Twins } from './twins.ts';

const ROUNDS = 3;
/** CPU time of a process in C. */
const PROCESS_US = 8_000_000;
/** Of a clock tick, in which the system counts the CPU time of children. */
const TICK_US = 10_000;

/** What commands find: at its start Node reads files that other names may ask for, certificates for one, which no job needs. */
const ENVIRONMENT = { PATH: process.env.PATH, HOME: process.env.HOME };

const ROOT = new URL('../../', import.meta.url);
const CLI = fileURLToPath(new URL('../host/cli/main.js', import.meta.url));

/** Our jobs: metered alone, as C is not, and with canonical NaNs as well, as jobs are unless they say otherwise. */
const OURS = ['metered', 'canonical'] as const;
type Side = (typeof OURS)[number] | 'native';

/**
 * For both of our jobs the geometric mean over kernels, by wall time and by CPU time of all threads and processes, minima of rounds by turns.
 * `bestOf` is the build in C that a kernel is held against.
 */
export async function wholeMeasures(
  subjects: readonly SuiteKernel[],
  twins: Twins,
  bestOf: (name: string) => Build,
): Promise<Measure[]> {
  const cores = availableParallelism();
  const all: { readonly name: string; readonly best: Readonly<Record<Side, Spent>> }[] = [];
  for (const subject of subjects) {
    const build = bestOf(subject.name);
    const twin = await twins.start(subject, build);
    const tasks = Math.max(1, Math.round(PROCESS_US / (await twin.run()).cpuUs));
    twin.end();
    const folder = await mkdtemp(join(tmpdir(), 'lodger-job-'));
    const jobs = await jobsOf(subject, folder, cores * tasks);
    const sides = Object.entries({ ...jobs, native: await nativeOf(subject, { twins, build, folder, cores, tasks }) });
    const best = Object.fromEntries(sides.map(([side]) => [side, { wallUs: Infinity, cpuUs: Infinity }]));
    for (let round = 0; round < ROUNDS; round++) {
      for (const [side, commands] of sides) {
        await rm(join(folder, side), { recursive: true, force: true });
        const spent = await spentBy(commands);
        const { wallUs, cpuUs } = best[side] as Spent;
        best[side] = { wallUs: Math.min(wallUs, spent.wallUs), cpuUs: Math.min(cpuUs, spent.cpuUs) };
      }
    }
    await compare(subject, folder);
    await rm(folder, { recursive: true });
    all.push({ name: `${subject.name} ${cores * tasks} tasks`, best: best as Record<Side, Spent> });
  }
  return OURS.map((side) => {
    const ratios = (kind: keyof Spent) => all.map(({ best }) => best.native[kind] / best[side][kind]);
    const [wall, cpu] = [geometricMean(ratios('wallUs')), geometricMean(ratios('cpuUs'))];
    const each = ratios('cpuUs').map((ratio, index) => `${all[index]?.name} ${short(ratio)}`);
    const isMust = side === 'metered';
    return {
      measure: `a whole job by \`lodger map\`, metered${isMust ? '' : ', with canonical NaNs'}, speed of one native process a core: geometric mean`,
      value: `${short(wall)}x by wall time, ${short(cpu)}x by CPU time (by CPU time: ${each.join(', ')})`,
      must: isMust ? '>= 0.85x' : 'reported',
      holds: isMust ? Math.min(wall, cpu) >= 0.85 : null,
    };
  });
}

/** Commands that run jobs of so many tasks, all of the same input. */
async function jobsOf({ kernel, input, written, blob }: SuiteKernel, folder: string, tasks: number) {
  const files = await copies(join(folder, 'ours'), written ?? input, tasks);
  if (blob !== undefined) await writeFile(join(folder, 'query'), blob);
  const commands = OURS.map(async (side) => {
    const job = {
      ...{ version: 1, kernel: fileURLToPath(new URL(`dist/kernels/${kernel}.wasm`, ROOT)), inputs: { files } },
      ...(blob !== undefined && { blobs: { query: 'query' } }),
      ...(kernel === 'dynamics' && { grants: ['random'] }),
      deterministic: side === 'canonical',
      // The twins draw no pictures.
      ...{ limits: { memoryBytesMax: '128MiB' }, results: { folder: side, pictures: false } },
    };
    const path = join(folder, `${side}.json`);
    await writeFile(path, JSON.stringify(job));
    return [side, [[process.execPath, CLI, 'map', path, '--engine', 'v8', '--json']]] as const;
  });
  return Object.fromEntries(await Promise.all(commands));
}

interface Native {
  readonly twins: Twins;
  readonly build: Build;
  readonly folder: string;
  readonly cores: number;
  /** Of each process. */
  readonly tasks: number;
}

/** Commands that do the same, each a part of it. */
async function nativeOf(subject: SuiteKernel, { twins, build, folder, cores, tasks }: Native) {
  const binary = await twins.binary(subject, build);
  const query = subject.blob === undefined ? [] : [join(folder, 'query')];
  const commands: string[][] = [];
  for (let core = 0; core < cores; core++) {
    const results = join(folder, `results-${core}`);
    await mkdir(results);
    const inputs = await copies(join(folder, `native-${core}`), subject.twinInput, tasks);
    commands.push([binary, '--job', ...query, results, ...inputs]);
  }
  return commands;
}

/** The first result of each; not of a liquid, whose kernel begins with random velocities of its own. */
async function compare(subject: SuiteKernel, folder: string): Promise<void> {
  if (subject.kernel === 'dynamics') return;
  const native = await readFile(join(folder, 'results-0/0'));
  for (const side of OURS) {
    const ours = await readFile(join(folder, side, '000000.out'));
    const fault = difference(native, await asTwin(subject, ours), subject.near);
    if (fault !== undefined) throw new Error(`a whole job of ${subject.name}, ${side}: ${fault}`);
  }
}

/** So many files of the same bytes. */
async function copies(folder: string, bytes: Uint8Array, count: number): Promise<string[]> {
  await mkdir(folder);
  const paths = Array.from({ length: count }, (_, index) => join(folder, `${index}.bin`));
  await writeFile(paths[0] as string, bytes);
  for (const path of paths.slice(1)) await link(paths[0] as string, path);
  return paths;
}

/** Runs commands at the same time, until all have ended well. */
async function spentBy(commands: readonly (readonly string[])[]): Promise<Spent> {
  const cpu = childrenUs();
  const begun = performance.now();
  await Promise.all(
    commands.map(async ([command = '', ...args]) => {
      const [code] = await once(
        spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'], env: ENVIRONMENT }),
        'exit',
      );
      if (code !== 0) throw new Error(`${command} ${args[0]} ended with ${code}`);
    }),
  );
  return { wallUs: (performance.now() - begun) * 1e3, cpuUs: childrenUs() - cpu };
}

/** CPU time of children that have ended, as Linux tells it. */
function childrenUs(): number {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  return ((fields[13] ?? 0) + (fields[14] ?? 0)) * TICK_US;
}
