// Whole jobs as people run them: `lodger map` on all cores, metered and with canonical NaNs, against as many processes in C as there are
// cores. Both start from nothing, read the same number of files, do the work and write what comes of it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { link, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { short } from '../runtime/base/units.ts';
import type { Measure } from './result.ts';
import { asTwin, difference, type SuiteKernel } from './suite.ts';
import type { Build, Spent, Twins } from './twins.ts';

const ROUNDS = 2;
/** CPU time of a process in C. */
const PROCESS_US = 8_000_000;
/** Of a clock tick, in which the system counts the CPU time of children. */
const TICK_US = 10_000;

/** What commands find: at its start Node reads files that other names may ask for, certificates for one, which no job needs. */
const ENVIRONMENT = { PATH: process.env.PATH, HOME: process.env.HOME };

const ROOT = new URL('../../', import.meta.url);
const CLI = fileURLToPath(new URL('../host/cli/main.js', import.meta.url));

/**
 * The geometric mean over kernels, by wall time and by CPU time of all threads and processes, minima of rounds by turns. `bestOf` is the
 * build in C that a kernel is held against.
 */
export async function wholeMeasure(
  subjects: readonly SuiteKernel[],
  twins: Twins,
  bestOf: (name: string) => Build,
): Promise<Measure> {
  const cores = availableParallelism();
  const logs = { wallUs: 0, cpuUs: 0 };
  const each: string[] = [];
  for (const subject of subjects) {
    const build = bestOf(subject.name);
    const tasks = Math.max(1, Math.round(PROCESS_US / (await (await twins.start(subject, build)).run()).cpuUs));
    const folder = await mkdtemp(join(tmpdir(), 'lodger-job-'));
    const sides = {
      ours: await mapOf(subject, folder, cores * tasks),
      native: await nativeOf(subject, { twins, build, folder, cores, tasks }),
    };
    const best = { ours: { wallUs: Infinity, cpuUs: Infinity }, native: { wallUs: Infinity, cpuUs: Infinity } };
    for (let round = 0; round < ROUNDS; round++) {
      await rm(join(folder, 'results'), { recursive: true, force: true });
      for (const side of ['ours', 'native'] as const) {
        const spent = await spentBy(sides[side]);
        for (const kind of ['wallUs', 'cpuUs'] as const) best[side][kind] = Math.min(best[side][kind], spent[kind]);
      }
    }
    await compare(subject, folder);
    await rm(folder, { recursive: true });
    for (const kind of ['wallUs', 'cpuUs'] as const) logs[kind] += Math.log(best.native[kind] / best.ours[kind]);
    each.push(`${subject.name} ${cores * tasks} tasks ${short(best.native.cpuUs / best.ours.cpuUs)}`);
  }
  const [wall, cpu] = [logs.wallUs, logs.cpuUs].map((sum) => Math.exp(sum / subjects.length)) as [number, number];
  return {
    measure: 'a whole job by `lodger map`, metered, speed of one native process a core: geometric mean',
    value: `${short(wall)}x by wall time, ${short(cpu)}x by CPU time (by CPU time: ${each.join(', ')})`,
    must: '>= 0.85x',
    holds: Math.min(wall, cpu) >= 0.85,
  };
}

/** A command that runs a job of so many tasks, all of the same input. */
async function mapOf({ kernel, input, written, blob }: SuiteKernel, folder: string, tasks: number) {
  const files = await copies(join(folder, 'ours'), written ?? input, tasks);
  if (blob !== undefined) await writeFile(join(folder, 'query'), blob);
  const job = {
    ...{ version: 1, kernel: fileURLToPath(new URL(`dist/kernels/${kernel}.wasm`, ROOT)), inputs: { files } },
    ...(blob !== undefined && { blobs: { query: 'query' } }),
    ...(kernel === 'dynamics' && { grants: ['random'] }),
    // The twins draw no pictures.
    ...{ limits: { memoryBytesMax: '128MiB' }, results: { folder: 'results', pictures: false } },
  };
  const path = join(folder, 'job.json');
  await writeFile(path, JSON.stringify(job));
  return [[process.execPath, CLI, 'map', path, '--engine', 'v8', '--json']];
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

/** The first result of both; not of a liquid, whose kernel begins with random velocities of its own. */
async function compare(subject: SuiteKernel, folder: string): Promise<void> {
  if (subject.kernel === 'dynamics') return;
  const [ours, native] = await Promise.all([
    readFile(join(folder, 'results/000000.out')),
    readFile(join(folder, 'results-0/0')),
  ]);
  const fault = difference(native, await asTwin(subject, ours), subject.near);
  if (fault !== undefined) throw new Error(`a whole job of ${subject.name}: ${fault}`);
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
