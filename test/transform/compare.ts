// Builds a program with and without lifted loops, calls both alike, and compares what they give, how they trap and what they leave behind.
import { createContext, Script } from 'node:vm';
import type { Program } from 'assemblyscript';
import * as asc from 'assemblyscript/asc';
import { InlineAccessors } from '../../kernels/transform/inline.ts';
import type { LoopReport } from '../../kernels/transform/lift/report.ts';
import { createDice } from '../fuzz/dice.ts';
import { type RandomProgram, randomArguments } from './program.ts';

/** Lifts a program's loops: the transform, or a mutant of it. */
export type Lift = (
  program: Program,
  options: { readonly trips: number; readonly onReport: (report: LoopReport) => void },
) => void;

export interface Terms {
  readonly runtime: 'stub' | 'minimal' | 'incremental';
  readonly level: 1 | 3;
  /** The fewest rounds of a loop for which the proof is tried. */
  readonly trips: number;
}

export interface Assembled {
  readonly module: WebAssembly.Module;
  readonly reports: readonly LoopReport[];
}

/** Compiles one text, lifted if there is something that lifts. Throws what the compiler says. */
export async function assemble(text: string, { runtime, level, trips }: Terms, lift?: Lift): Promise<Assembled> {
  const written = new Map<string, Uint8Array | string>();
  const said: string[] = [];
  const reports: LoopReport[] = [];
  class Lifting {
    afterInitialize(program: Program): void {
      lift?.(program, { trips, onReport: (report) => reports.push(report) });
    }
  }
  const { error } = await asc.main(['m.ts', '-o', 'm.wasm', `-O${level}`, '--enable', 'simd', '--runtime', runtime], {
    stdout: asc.createMemoryStream(),
    stderr: asc.createMemoryStream(),
    transforms: [InlineAccessors, Lifting] as unknown as never[],
    reportDiagnostic: ({ message }) => said.push(message),
    readFile: (name) => (name === 'm.ts' ? text : null),
    writeFile: (name, contents) => void written.set(name, contents),
    listFiles: () => [],
  });
  const wasm = written.get('m.wasm');
  if (error !== null || !(wasm instanceof Uint8Array))
    throw new Error(`${error?.message}\n${said.join('\n')}\n${text}`);
  return { module: new WebAssembly.Module(Uint8Array.from(wasm)), reports };
}

interface Running {
  readonly memory: WebAssembly.Memory;
  readonly reset: () => void;
  readonly hash: () => bigint;
  readonly [kernel: `k${number}`]: (...numbers: readonly number[]) => number;
}

/** What a call did, as one text. */
export function observe(running: Running, kernel: number, numbers: readonly number[]): string {
  running.reset();
  let end: string;
  try {
    const value = running[`k${kernel}`]?.(...numbers);
    end = `gives ${value}`;
  } catch (error) {
    end = (error as Error).message;
  }
  try {
    return `${end}, leaves ${running.hash()}`;
  } catch (error) {
    return `${end}, leaves a ruin: ${(error as Error).message}`;
  }
}

/** An instance; a trap of the program's own is an error with its text and place. */
export function start(module: WebAssembly.Module): Running {
  const text = (pointer: number): string => {
    const { buffer } = running.memory;
    const bytes = new DataView(buffer).getUint32(pointer - 4, true);
    return Buffer.from(buffer, pointer, bytes).toString('utf16le');
  };
  const abort = (message: number, file: number, line: number, column: number) => {
    throw new Error(`traps: ${message && text(message)} at ${file && text(file)}:${line}:${column}`);
  };
  const running = new WebAssembly.Instance(module, { env: { abort } }).exports as unknown as Running;
  return running;
}

export interface Compared {
  readonly cases: number;
  readonly trapped: number;
  readonly lifted: number;
  readonly lanes: number;
  /** The first difference in words, if there is one. */
  readonly difference: string | undefined;
}

interface Comparing {
  readonly lift: Lift;
  readonly seed: number;
  readonly calls: number;
  /** The program without lifted loops, if it was built before. */
  readonly plain?: Assembled;
}

/** Compares so many calls of every function of a program. */
export async function compare(
  { text, kernels }: RandomProgram,
  terms: Terms,
  { lift, seed, calls, plain }: Comparing,
): Promise<Compared> {
  const made = await assemble(text, terms, lift);
  const modules = [(plain ?? (await assemble(text, terms))).module, made.module] as const;
  let [left, right] = [start(modules[0]), start(modules[1])];
  const roll = createDice(seed).below;
  const counts = {
    cases: 0,
    trapped: 0,
    lifted: made.reports.filter(({ state }) => state === 'lifted').length,
    lanes: made.reports.filter((report) => report.state === 'lifted' && report.lanes > 1).length,
  };
  for (let kernel = 0; kernel < kernels; kernel++) {
    const difference = within(SECONDS_MAX, () => {
      for (let call = 0; call < calls; call++) {
        const numbers = randomArguments(roll);
        const wanted = observe(left, kernel, numbers);
        const found = observe(right, kernel, numbers);
        counts.cases++;
        if (wanted !== found) return `k${kernel}(${numbers.join(', ')}): ${wanted}; lifted: ${found}`;
        if (wanted.startsWith('gives')) continue;
        counts.trapped++;
        // A trap leaves the collector's stack where it was.
        [left, right] = [start(modules[0]), start(modules[1])];
      }
      return undefined;
    });
    if (difference !== undefined) return { ...counts, difference };
  }
  return { ...counts, difference: undefined };
}

/** In seconds: every loop of a program ends; a mutant may destroy what it counts with. */
const SECONDS_MAX = 10;

/** Calls a function, and gives up on it after a while, even if it is in a loop of WebAssembly. */
export function within(seconds: number, call: () => string | undefined): string | undefined {
  try {
    return new Script('call()').runInContext(createContext({ call }), { timeout: seconds * 1000 }) as
      | string
      | undefined;
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return 'does not end';
    throw error;
  }
}
