// The protein search as people start it: `lodger submit --wait` at a site that lends two threads, against `lodger map` on two threads, by turns.
// The site's process counts with the command that asks it.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Measure } from '../result.ts';
import { median } from '../rounds.ts';

const THREADS = '2';
const CLI = fileURLToPath(new URL('../../host/cli/main.js', import.meta.url));
const JOB = fileURLToPath(new URL('../../../kernels/align/job.json', import.meta.url));
/** Of a clock tick, in which the system counts the CPU time of processes. */
const TICK_MS = 10;

/** What is searched. Sites run for weeks: the first searches at one, in which V8 still compiles its code, are not counted. */
const SEARCHES = [
  { name: 'as it ships', repeats: 1, warmRounds: 10, rounds: 9 },
  { name: 'with its database 150 times over', repeats: 150, warmRounds: 10, rounds: 7 },
] as const;

interface Took {
  readonly wallMs: number;
  readonly cpuMs: number;
}

export async function commands(): Promise<Measure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'lodger-bench-'));
  const serving = ['serve', '--data', join(folder, 'site'), '--listen', '127.0.0.1:0', '--threads', THREADS, '--json'];
  const site = spawn(process.execPath, [CLI, ...serving], { stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    const { url, token } = await addressOf(site);
    const way = ['--site', url, '--token', token];
    const measures: Measure[] = [];
    for (const search of SEARCHES) {
      const job = await jobOf(folder, search.repeats);
      const [here, there]: [Took[], Took[]] = [[], []];
      const [ours, theirs] = [join(folder, 'site-results'), join(folder, 'map-results')];
      const map = ['map', job, '--threads', THREADS, '--output', theirs, '--json'];
      const submit = ['submit', job, '--wait', ...way, '--output', ours, '--json'];
      for (let round = 0; round < search.warmRounds; round++) {
        await time(submit, site);
        await rm(ours, { recursive: true });
      }
      for (let round = 0; round < search.rounds; round++) {
        here.push(await time(map, site));
        there.push(await time(submit, site));
        if (round === 0) await mustBeSame(ours, theirs);
        for (const results of [ours, theirs]) await rm(results, { recursive: true });
      }
      measures.push(measureOf(search.name, here, there));
    }
    return measures;
  } finally {
    const gone = once(site, 'exit');
    site.kill('SIGTERM');
    await gone;
    await rm(folder, { recursive: true, force: true });
  }
}

/** What a site prints when it begins. */
async function addressOf(site: ChildProcess): Promise<{ readonly url: string; readonly token: string }> {
  let text = '';
  for await (const piece of site.stdout as AsyncIterable<Buffer>) {
    text += piece;
    if (text.endsWith('}\n')) return JSON.parse(text);
  }
  throw new Error('the site ended before it began');
}

/** The job file that is there, or one for its database so many times over. */
async function jobOf(folder: string, repeats: number): Promise<string> {
  if (repeats === 1) return JOB;
  const job = JSON.parse(await readFile(JOB, 'utf8'));
  const at = (path: string) => resolve(dirname(JOB), path);
  const database = join(folder, 'database.fasta');
  await writeFile(database, Buffer.concat(Array(repeats).fill(await readFile(at(job.inputs.records.file)))));
  const { $schema: _, ...rest } = job;
  const path = join(folder, 'job.json');
  const inputs = { records: { ...job.inputs.records, file: database } };
  const blobs = { query: at(job.blobs.query) };
  await writeFile(path, JSON.stringify({ ...rest, kernel: at(job.kernel), inputs, blobs }));
  return path;
}

/** Runs a command to its end; what the site's process takes meanwhile counts as well. */
async function time(args: readonly string[], site: ChildProcess): Promise<Took> {
  const [before, siteBefore] = [ticksOf('self').children, ticksOf(site.pid).own];
  const began = performance.now();
  const [code] = await once(
    spawn(process.execPath, [CLI, ...args], { stdio: ['ignore', 'ignore', 'inherit'] }),
    'exit',
  );
  const wallMs = performance.now() - began;
  if (code !== 0) throw new Error(`lodger ${args[0]} ended with ${code}`);
  return { wallMs, cpuMs: TICK_MS * (ticksOf('self').children - before + ticksOf(site.pid).own - siteBefore) };
}

/** CPU time of a process, and of its children that have ended, as Linux tells it. */
function ticksOf(pid: number | 'self' | undefined): { readonly own: number; readonly children: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number) as number[];
  const [user = 0, system = 0, userOfChildren = 0, systemOfChildren = 0] = fields.slice(11);
  return { own: user + system, children: userOfChildren + systemOfChildren };
}

async function mustBeSame(ours: string, theirs: string): Promise<void> {
  const names = await readdir(theirs);
  if (names.length === 0) throw new Error('there are no results');
  for (const name of names) {
    const [one, other] = await Promise.all([ours, theirs].map((folder) => readFile(join(folder, name))));
    if (!one?.equals(other as Buffer)) throw new Error(`the site has made another ${name}`);
  }
}

function measureOf(name: string, here: readonly Took[], there: readonly Took[]): Measure {
  const of = (kind: keyof Took, figure: (values: number[]) => number) =>
    [here, there].map((took) => figure(took.map((each) => each[kind]))) as [number, number];
  const least = (values: number[]) => Math.min(...values);
  const told = (kind: keyof Took, figure: (values: number[]) => number) => {
    const [map, submit] = of(kind, figure);
    return `${(map / submit).toFixed(2)}x (${map.toFixed(0)} ms / ${submit.toFixed(0)} ms)`;
  };
  const [map, submit] = of('wallMs', least);
  return {
    measure: `the protein search ${name}, \`lodger submit --wait\` at a site of ${THREADS} threads, speed against \`lodger map\` with ${THREADS} threads`,
    value: `${told('wallMs', least)} by minima, ${told('wallMs', median)} by medians; by CPU time of all processes ${told('cpuMs', least)} by minima, ${told('cpuMs', median)} by medians`,
    must: '>= 0.9x',
    holds: map / submit >= 0.9,
  };
}
