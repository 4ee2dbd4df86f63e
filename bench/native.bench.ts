// The suite side by side with C: tuned kernels and their twins as WebAssembly on both engines, and as native code.
import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { short } from '../runtime/base/units.ts';
import { meter } from '../runtime/meter/meter.ts';
import { readModule } from '../runtime/wasm/read.ts';
import { chartOf } from './chart.ts';
import { type Around, inEngine, onV8, onWasmtime, runKernel, type Start } from './metered.ts';
import { readableOf } from './readable.ts';
import type { Measure, Result } from './result.ts';
import { geometricMean, median, type Timed } from './rounds.ts';
import { asTwin, difference, type Near, type SuiteKernel, suiteKernels } from './suite.ts';
import { BUILDS, type Build, createTwins, fnv1a, type Spent, type Twins } from './twins.ts';
import { wholeMeasures } from './whole.ts';

const ROUNDS = 60;
/** Of ways that no figure must hold for, one round in so many; of those of more CPU time than that, which would take most of the time, few. */
const OTHERS_EVERY = 3;
const LONG_EVERY = 15;
const LONG_US = 50_000;
/**
 * So often a way runs before it starts anew, in another memory or process: some physical pages make the same code up to 1.65 times slower,
 * for as long as a memory or a process has them.
 */
const RUNS_OF_START = 5;
const WARM_MS = 200;
const OURS = 'tuned, V8';
/** Ways whose whole tasks are told as well: with the instance that is made or put back, and the input and output that are copied. */
const WHOLE = [OURS, 'tuned, V8 metered'];
const FROM_C = 'C to WebAssembly';
const BEST = { '128 bits': ['gcc, 128 bits', 'clang, 128 bits'], native: ['gcc, native', 'clang, native'] } as const;
/** Ways whose times are held against each other. */
const HELD: readonly string[] = [...WHOLE, ...Object.keys(BUILDS)];

// Memories and outputs that earlier ways have dropped would be collected in whichever way comes next, tens of milliseconds at a time. What
// is not run for some collections would be compiled again.
setFlagsFromString('--no-flush-bytecode');
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
/** Milliseconds in which V8's threads end what they do after a collection. */
const SWEEP_MS = 20;

/** What an output has to be, or be near to. */
interface Wanted {
  readonly output: Uint8Array;
  readonly near?: Near;
}

/** What a kernel's work took, from the input in its memory to the output there, and the whole task around that. */
interface Took extends Spent {
  readonly task?: Spent;
}

/** One way to do a kernel's work, in a memory or a process of its own for each start. */
interface Way {
  readonly name: string;
  start(): Promise<Running>;
}

interface Running {
  run(): Promise<Took>;
  end?(): void;
}

export default async function measure(): Promise<Result> {
  const times: Timed[] = [];
  const names: string[] = [];
  await using twins = await createTwins();
  const subjects = await suiteKernels('slice');
  for (const subject of subjects) {
    names.push(subject.name);
    times.push(...(await interleave(subject.name, await waysOf(subject, twins))));
  }
  const best = (kernel: string, kind: keyof typeof BEST) =>
    Math.min(...BEST[kind].map((way) => cpuOf(times, kernel, way)));
  await writeFile(new URL('../../bench/results/native.svg', import.meta.url), chartOf(names, times, best));
  const whole = await wholeMeasures(await suiteKernels('task'), twins, (kernel) => {
    const [gcc, clang] = BEST['128 bits'];
    return cpuOf(times, kernel, gcc) < cpuOf(times, kernel, clang) ? gcc : clang;
  });
  return { name: 'native', times, measures: [...measuresOf(names, times), ...rowsOf(names, times), ...whole] };
}

/** CPU time of a way's fastest run. */
function cpuOf(times: readonly Timed[], kernel: string, way: string): number {
  return times.find(({ name }) => name === `${kernel}: ${way}`)?.cpuMinUs ?? Number.NaN;
}

/** Every way, after its output was compared with the kernel's on V8. */
async function waysOf(subject: SuiteKernel, twins: Twins): Promise<Way[]> {
  const wasm = new Uint8Array(await readFile(new URL(`../../dist/kernels/${subject.kernel}.wasm`, import.meta.url)));
  const { input, twinInput, blob } = subject;
  const output = runKernel(onV8(wasm), input, blob);
  // A twin may give only a checksum.
  const expected = await asTwin(subject, output);
  const ways: Way[] = [];
  type Once = (given: Uint8Array, around: Around) => Uint8Array;
  const add = async (name: string, given: Uint8Array, start: () => Promise<Once>, wanted: Wanted) => {
    const once = await start();
    const fault = difference(
      wanted.output,
      once(given, (act) => act()),
      wanted.near,
    );
    if (fault !== undefined) throw new Error(`${subject.name}, ${name}: ${fault}`);
    ways.push({
      name,
      async start() {
        const once = await start();
        return { run: async () => inProcess((around) => once(given, around)) };
      },
    });
  };
  /** A module on both engines, metered and not. C's is no kernel that the engine takes, and its memory grows and would not be kept. */
  const addModule = async (row: string, bytes: Uint8Array<ArrayBuffer>, given: Uint8Array, wanted: Wanted) => {
    const counted = meter(readModule(bytes)).bytes;
    const isKernel = row !== FROM_C;
    const same = (start: Start) => async () => start;
    const starts: Readonly<Record<string, () => Promise<Start>>> = {
      V8: isKernel ? () => inEngine(bytes, false) : same(onV8(bytes)),
      'V8 metered': isKernel ? () => inEngine(bytes, true) : same(onV8(counted)),
      Wasmtime: same(await onWasmtime(bytes, false)),
      'Wasmtime metered': same(await onWasmtime(counted, false)),
    };
    for (const [column, begin] of Object.entries(starts)) {
      const start = async () => {
        const started = await begin();
        return (input: Uint8Array, around: Around) => runKernel(started, input, blob, around);
      };
      await add(`${row}, ${column}`, given, start, wanted);
    }
  };
  await addModule('tuned', wasm, input, { output });
  const module = await twins.module(subject);
  if (module !== undefined) await addModule(FROM_C, module, twinInput, { output: expected });
  const readable = await readableOf(subject);
  if (readable) {
    const wanted = { output: readable.wanted(expected), ...(readable.near && { near: readable.near }) };
    await addModule('readable', readable.wasm, readable.input, wanted);
    const js: Once = (input, around) => around(() => readable.js(input));
    await add('JavaScript', readable.input, async () => js, wanted);
  }
  for (const build of Object.keys(BUILDS) as Build[]) {
    const twin = await twins.start(subject, build);
    await twin.run();
    const got = await twin.output();
    twin.end();
    // Only builds for this very processor fuse multiplications and additions.
    const near = BUILDS[build][1] === '-march=native' ? subject.near : undefined;
    const fault =
      typeof got === 'string' ? (got === fnv1a(output) ? undefined : 'checksum') : difference(expected, got, near);
    if (fault !== undefined) throw new Error(`${subject.name}, ${build}: ${fault}`);
    ways.push({ name: build, start: () => twins.start(subject, build) });
  }
  return ways;
}

function inProcess(once: (around: Around) => void): Took {
  const spent: Spent[] = [];
  const around: Around = (act) => {
    const cpu = process.cpuUsage();
    const begun = performance.now();
    const made = act();
    const wallUs = (performance.now() - begun) * 1e3;
    const { user, system } = process.cpuUsage(cpu);
    spent.push({ wallUs, cpuUs: user + system });
    return made;
  };
  around(() => once(around));
  const [work, task] = spent as [Spent, Spent];
  return { ...work, task };
}

/** Every way once a round, to and fro, once each has run for long enough that its engine has made its best code. */
async function interleave(kernel: string, ways: readonly Way[]): Promise<Timed[]> {
  const seen = [];
  for (const { name, start } of ways) {
    const running = await start();
    let last = 0;
    for (let spent = 0; spent < WARM_MS * 1e3; spent += last) last = (await running.run()).cpuUs;
    const every = last > LONG_US ? LONG_EVERY : HELD.includes(name) ? 1 : OTHERS_EVERY;
    seen.push({ name, start, running, spent: [] as Took[], every });
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (const way of round % 2 === 0 ? seen : seen.toReversed()) {
      const { spent, every, start } = way;
      if (round % every > 0) continue;
      // The earlier one ends after the new one is there, or the engine would make its code anew.
      if (spent.length > 0 && spent.length % RUNS_OF_START === 0) [way.running] = [await start(), way.running.end?.()];
      await tidyUp();
      // Caches are cold after that: a call that does nothing takes 160 us instead of 20.
      await way.running.run();
      spent.push(await way.running.run());
    }
  }
  for (const { running } of seen) running.end?.();
  return seen.flatMap(({ name, spent }) => {
    const tasks = WHOLE.includes(name) ? spent.flatMap(({ task }) => task ?? []) : [];
    const whole = tasks.length > 0 ? [timed(`${kernel}: ${wholeOf(name)}`, tasks)] : [];
    return [timed(`${kernel}: ${name}`, spent), ...whole];
  });
}

const wholeOf = (way: string) => `${way}, whole task`;

function timed(name: string, spent: readonly Spent[]): Timed {
  const [wall, cpu] = [spent.map(({ wallUs }) => wallUs), spent.map(({ cpuUs }) => cpuUs)];
  return {
    name,
    ...{ wallMinUs: Math.min(...wall), wallMedianUs: median(wall) },
    ...{ cpuMinUs: Math.min(...cpu), cpuMedianUs: median(cpu) },
  };
}

async function tidyUp(): Promise<void> {
  collectGarbage();
  await setTimeout(SWEEP_MS);
}

/**
 * Speeds of the tuned kernels on V8, unmetered, against the best build: how much of the native speed they have. By CPU time, since
 * others use the machine: wall times of one and the same build differ by half, CPU times by some percent.
 */
function measuresOf(kernels: readonly string[], times: readonly Timed[]): Measure[] {
  const of = (kernel: string, way: string, field: 'cpuMinUs' | 'cpuMedianUs') =>
    times.find(({ name }) => name === `${kernel}: ${way}`)?.[field] ?? Number.NaN;
  const speed = (kernel: string, ways: readonly string[], field: 'cpuMinUs' | 'cpuMedianUs', ours = OURS) =>
    Math.min(...ways.map((way) => of(kernel, way, field))) / of(kernel, ours, field);
  const measures: Measure[] = [];
  for (const [width, ways] of Object.entries(BEST)) {
    const all = (field: 'cpuMinUs' | 'cpuMedianUs') => kernels.map((kernel) => speed(kernel, ways, field));
    const [minima, medians] = [geometricMean(all('cpuMinUs')), geometricMean(all('cpuMedianUs'))];
    const must = width === '128 bits' ? 1 : undefined;
    measures.push({
      measure: `tuned kernels on V8, speed of the best C of ${width}: geometric mean`,
      value: `${short(minima)}x (minima), ${short(medians)}x (medians)`,
      must: must === undefined ? 'reported; aim >= 0.6x' : '>= 1x; no kernel under 0.8x is the aim',
      holds: must === undefined ? null : Math.min(minima, medians) >= must,
    });
  }
  const whole = (field: 'cpuMinUs' | 'cpuMedianUs') =>
    short(geometricMean(kernels.map((kernel) => speed(kernel, BEST['128 bits'], field, wholeOf(OURS)))));
  measures.push({
    measure:
      'the same of whole tasks, in fresh sandboxes and with input and output copied, of 128 bits: geometric mean',
    value: `${whole('cpuMinUs')}x (minima), ${whole('cpuMedianUs')}x (medians)`,
    must: 'reported',
    holds: null,
  });
  for (const kernel of kernels) {
    const parts = Object.entries(BEST).map(([width, ways]) => `${short(speed(kernel, ways, 'cpuMinUs'))}x of ${width}`);
    measures.push({ measure: `${kernel}: speed, by minima`, value: parts.join(', '), must: 'reported', holds: null });
  }
  const noise = kernels.map(
    (kernel) => of(kernel, 'gcc, 128 bits, again', 'cpuMinUs') / of(kernel, 'gcc, 128 bits', 'cpuMinUs'),
  );
  measures.push({
    measure: 'noise: the same build against itself, minima',
    value: `${short(Math.min(...noise))}x to ${short(Math.max(...noise))}x`,
    must: 'reported',
    holds: null,
  });
  return measures;
}

const ROWS = ['tuned', 'readable', FROM_C];
const COLUMNS = ['V8', 'V8 metered', 'Wasmtime', 'Wasmtime metered'];

/** Every way in one figure: how much of the best C of 128 bits it has, over the kernels that have such a way. */
function rowsOf(kernels: readonly string[], times: readonly Timed[]): Measure[] {
  const spent = (kernel: string, way: string) => times.find(({ name }) => name === `${kernel}: ${way}`)?.cpuMinUs;
  const ways = [
    ...ROWS.flatMap((row) => COLUMNS.map((column) => `${row}, ${column}`)),
    'JavaScript',
    ...WHOLE.map(wholeOf),
  ];
  return ways.map((way) => {
    const speeds = kernels.flatMap((kernel) => {
      const own = spent(kernel, way);
      const best = Math.min(...BEST['128 bits'].map((build) => spent(kernel, build) ?? Number.NaN));
      return own === undefined ? [] : [best / own];
    });
    const value = `${short(geometricMean(speeds))}x over ${speeds.length} kernels`;
    return { measure: `${way}: speed of the best C of 128 bits, by minima`, value, must: 'reported', holds: null };
  });
}
