// Runs the tests of a kernel's folder, each on every engine that is here: vectors on the kernel as it is released, assertions on a
// debug build. What they use is compared with the last time.
import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { admit } from '../../runtime/admit/admit.ts';
import { LodgerError } from '../../runtime/base/errors.ts';
import type { Kernel } from '../../runtime/job/kernel.ts';
import type { EngineName, Outcome } from '../../runtime/job/outcome.ts';
import type { Task } from '../../runtime/job/task.ts';
import type { Grant } from '../../runtime/policy/grant.ts';
import { buildKernel } from '../build/build.ts';
import { type Load, loadInstalled } from '../build/compile.ts';
import { fileError } from '../jobs/files.ts';
import { type Lines, linesOf, placed, traceText } from '../jobs/trace.ts';
import { node } from '../platform/node.ts';
import type { Pool } from '../pool/options.ts';
import { buildAssertions } from './assertions.ts';
import { readFuel, writeFuel } from './fuel-file.ts';
import { readVectors } from './vectors.ts';

/** What one test came to. */
export interface Verdict {
  /** The file, as `tests/counts.json`, and the test in it. */
  readonly file: string;
  readonly name: string;
  /** What is wrong, with where; nothing if it passed. */
  readonly faults: readonly string[];
  /** What the task used, and the last time; absent where it was stopped in the middle, or is new. */
  readonly fuel?: number;
  readonly fuelBefore?: number;
}

export interface TrialOptions {
  readonly pools: readonly (readonly [EngineName, Pool])[];
  readonly signal: AbortSignal;
  /** Told of every test as it ends. */
  readonly onVerdict?: (verdict: Verdict) => void;
  /** Imports a package by name; tests put another in its place. */
  readonly load?: Load;
}

/** One test, ready to run. */
interface Trial {
  readonly file: string;
  readonly name: string;
  readonly task: Task;
  readonly fault: (outcome: Outcome) => string | undefined;
  /** The task on a build that knows its lines. */
  readonly debug: () => Promise<{ readonly task: Task; readonly lines: Lines | undefined }>;
}

/** An assertion may use whatever gives every run the same answer, and the clock. */
const ALL: readonly Grant[] = [{ kind: 'log' }, { kind: 'random' }, { kind: 'clock' }];

/** Runs all tests of a folder. Throws `ERR_FILE` for one without tests, and what building and admitting throw. */
export async function runTests(dir: string, options: TrialOptions): Promise<readonly Verdict[]> {
  const { load = loadInstalled, onVerdict } = options;
  const folder = resolve(dir);
  const files = await testFiles(dir, folder);
  const before = await readFuel(folder);
  const after = new Map<string, number>();
  const verdicts: Verdict[] = [];
  const kernels = kernelsOf(folder, load);
  for (const file of files) {
    const trials = file.endsWith('.json') ? await vectors(folder, file, kernels) : await assertions(folder, file, load);
    for (const trial of trials) {
      const key = `${trial.file}: ${trial.name}`;
      const verdict = await judge(trial, before.get(key), options);
      const fuel = verdict.faults.length === 0 ? verdict.fuel : before.get(key);
      if (fuel !== undefined) after.set(key, fuel);
      verdicts.push(verdict);
      onVerdict?.(verdict);
    }
  }
  await writeFuel(folder, after);
  return verdicts;
}

async function testFiles(dir: string, folder: string): Promise<readonly string[]> {
  const names = await readdir(join(folder, 'tests')).catch((error: unknown) => {
    throw fileError('read', join(dir, 'tests'), error);
  });
  const files = names.filter((name) => /^[^.].*\.(?:json|ts)$/.test(name) && !name.endsWith('.d.ts')).sort();
  if (files.length > 0) return files;
  throw new LodgerError('ERR_FILE', ['test', dir, 'there is no .json or .ts in its folder "tests"']);
}

/** The kernel as it is released, and with lines; each is built when it is first needed. */
function kernelsOf(source: string, load: Load) {
  let release: Promise<Kernel> | undefined;
  let debug: Promise<{ readonly kernel: Kernel; readonly lines: Lines | undefined }> | undefined;
  return {
    release: () => {
      release ??= buildKernel({ source }, load).then(({ wasm }) => admit(wasm, { platform: node }));
      return release;
    },
    debug: () => {
      debug ??= buildKernel({ source, target: 'debug' }, load).then(async ({ wasm, map = '' }) => ({
        kernel: await admit(wasm, { platform: node }),
        lines: linesOf(map, wasm),
      }));
      return debug;
    },
  };
}

async function vectors(folder: string, file: string, kernels: ReturnType<typeof kernelsOf>): Promise<readonly Trial[]> {
  const path = join(folder, 'tests', file);
  const kernel = await kernels.release();
  return (await readVectors(path)).map(({ name, task, input, fault }) => {
    const given = inputFor(path, name, () => input(kernel));
    return {
      file: `tests/${file}`,
      name,
      task: { kernel, ...task, input: given },
      fault: (outcome) => fault(kernel, outcome),
      debug: async () => {
        const { kernel: other, lines } = await kernels.debug();
        return { task: { kernel: other, ...task, input: given }, lines };
      },
    };
  });
}

function inputFor(path: string, name: string, input: () => Uint8Array): Uint8Array {
  try {
    return input();
  } catch (error) {
    const reason = (error as Error).message.replace(/^option /, '');
    throw new LodgerError('ERR_FILE', ['read', path, `case "${name}": ${reason}`], { cause: error });
  }
}

async function assertions(folder: string, file: string, load: Load): Promise<readonly Trial[]> {
  const { names, wasm, map = '', input } = await buildAssertions(folder, file, load);
  const kernel = await admit(wasm, { platform: node });
  const lines = linesOf(map, wasm);
  return names.map((name, place) => {
    const task: Task = { kernel, input: input(place), grants: ALL };
    const fault = (outcome: Outcome) =>
      outcome.state === 'failed' ? `${outcome.message} [${outcome.code}]` : undefined;
    return { file: `tests/${file}`, name, task, fault, debug: async () => ({ task, lines }) };
  });
}

async function judge(
  { file, name, task, fault, debug }: Trial,
  fuelBefore: number | undefined,
  { pools, signal }: TrialOptions,
): Promise<Verdict> {
  const outcomes: (readonly [EngineName, Outcome])[] = [];
  const faults: string[] = [];
  for (const [engine, pool] of pools) {
    const outcome = await pool.run({ ...task, digests: true }, { signal });
    outcomes.push([engine, outcome]);
    const wrong = fault(outcome);
    if (wrong === undefined) continue;
    faults.push(`${engine}: ${wrong}`);
    if (outcome.state === 'done') continue;
    for (const { level, text } of outcome.log.lines) faults.push(`  ${level}: ${text}`);
    if (outcome.trace === undefined) continue;
    // Lines are known of debug builds only. Where those come to the same failure, they tell where.
    const known = await debug();
    const again = known.task === task ? outcome : await pool.run(known.task, { signal });
    const isSame = again.state === 'failed' && again.code === outcome.code && again.message === outcome.message;
    const places = isSame ? placed(again.trace, known.lines) : placed(outcome.trace);
    for (const line of traceText(places)) faults.push(`  ${line}`);
  }
  const differs = faults.length === 0 ? difference(outcomes) : undefined;
  if (differs !== undefined) faults.push(differs);
  const fuel = outcomes[0]?.[1].receipt.fuel;
  return {
    ...{ file, name, faults },
    ...(fuel !== undefined && { fuel }),
    ...(fuelBefore !== undefined && { fuelBefore }),
  };
}

/** A task gives the same answer and uses the same fuel on every engine, unless it is told something else each time. */
function difference(outcomes: readonly (readonly [EngineName, Outcome])[]): string | undefined {
  const [first] = outcomes;
  const told = ({ state, receipt: { fuel, outputDigest } }: Outcome) =>
    `${state}, fuel ${fuel ?? 'unknown'}, output ${outputDigest ?? 'none'}`;
  const other = outcomes.find(([, one]) => one.receipt.deterministic && first && told(one) !== told(first[1]));
  if (first === undefined || other === undefined) return undefined;
  return `engines differ: ${first[0]} is ${told(first[1])}; ${other[0]} is ${told(other[1])}`;
}
