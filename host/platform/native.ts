// Loads the native addon, and is its only importer: one built here (`npm run build:native`), or a package made for this platform.
import { closeSync, existsSync, openSync, readFileSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { isMainThread } from 'node:worker_threads';
import { LodgerError } from '../../runtime/base/errors.ts';
import type { Changed } from '../../runtime/base/platform.ts';

/** A compiled module. It belongs to the process as long as some thread holds it. */
export interface NativeModule {
  readonly number: number;
  /** Names of the exported functions; `NativeGuest.call` takes their index. */
  readonly functions: readonly string[];
  serialize(): Uint8Array<ArrayBuffer>;
  instantiate(memoryBytesMax: number, wallMs?: number, job?: number): NativeGuest;
  /** What runs whole calls of it in this thread. */
  runner(): NativeRunner;
}

/** Calls a guest's import by its index in the module, with at most nine arguments. */
export type Dispatch = (index: number, ...args: never[]) => unknown;

/** Runs whole calls: no way back to JavaScript between the steps. It holds one guest at a time. */
export interface NativeRunner {
  /** Numbers that go in and come out, `REPORT` tells which is where; and behind them the bytes of a small output. */
  readonly report: ArrayBuffer;
  /**
   * A call in a fresh guest. If it is `done` by the report, the guest has ended, and gave all of what this gives, or what lies in the
   * report, or in the room if that is exactly as long. Else the report tells which step came to what does not fit, and what that gave.
   * Throws like a guest's `call`.
   */
  run(input: Uint8Array, dispatch: Dispatch, room?: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | undefined;
  /**
   * A program from its start to its end, in a fresh guest. In its imports the report has its fuel and the size of its memory, and takes
   * what its fuel is from then on; they must not call into it. Throws like a guest's `call`.
   */
  start(dispatch: Dispatch): void;
  /**
   * The memory of that guest. The buffer is emptied at its end where nothing is pooled; else it shows whatever guest lies there later: only
   * that one's own may look.
   */
  memory(): ArrayBuffer;
  /** The guest of the call that runs or has ended, to be driven step by step. */
  guest(): NativeGuest;
  /** Ends that guest, if it has not ended. The size of its memory is in the report, 0 if there was none. */
  end(): void;
}

/** Places of a runner's report, which is of 64-bit floats. `NaN` stands for what is not given. */
export const REPORT = {
  memoryBytesMax: 0,
  wallMs: 1,
  job: 2,
  inputBytes: 3,
  outputBytesMax: 4,
  /** One of `STEPS`. */
  step: 5,
  /** What the step gave, if it is `cabi_realloc` or `run`. */
  gave: 6,
  /** Bytes of memory at the end, and in a program's imports. */
  size: 7,
  /** What a metered module has at the start, and had left when one of its functions returned last, or a program called an import. */
  fuel: 8,
  /** Length of the output. */
  outputBytes: 9,
  /** Where a program's memory lies in the process. */
  memory: 10,
} as const;

/** How many numbers a report has. */
export const REPORT_WORDS = Object.keys(REPORT).length;

/** How far a whole call came. `declined`: nothing was begun. */
export const STEPS = {
  declined: 0,
  instantiate: 1,
  initialize: 2,
  realloc: 3,
  run: 4,
  post: 5,
  done: 6,
} as const;

/** A running instance. What its methods throw has one of `codes()` as its `code`, or was thrown by an import. */
export interface NativeGuest {
  call(index: number, a: number, b: number, c: number, d: number, dispatch: Dispatch): number;
  /** Bytes of memory now. */
  readonly size: number;
  /** The memory itself. The buffer is emptied when it is asked for again, and at the end. */
  memory(): ArrayBuffer;
  getGlobal(name: string): number;
  setGlobal(name: string, value: number): void;
  /** The counter of a metered module. */
  getFuel(): number;
  setFuel(fuel: number): void;
  /** Where it was when it failed: function index and offset in the module of each frame, in turn, the innermost first. */
  trace(): readonly number[];
  end(): void;
}

/** What an engine of the addon is made for; the process has one of each. */
export interface Settings {
  /** Guests can be cancelled and have deadlines, for which their code looks at a word at every loop and call. */
  readonly stoppable: boolean;
  /** Compiles in time that grows with the code alone, into code that takes longer. */
  readonly linear: boolean;
}

/** The addon. */
export interface Addon {
  version(): string;
  codes(): readonly string[];
  /** Changes with whatever compiled code depends on. */
  compatibility(settings: Settings): string;
  isPooled(settings: Settings): boolean;
  compile(bytes: Uint8Array, settings: Settings): Promise<NativeModule>;
  /** Trusts the bytes wholly. */
  deserialize(bytes: Uint8Array, settings: Settings): NativeModule;
  adopt(number: number): NativeModule | null;
  cancel(job: number): boolean;
  forget(job: number): void;
  shutDown(): void;
  threadCpuMs(): number | null;
  /** Both as `Platform` has them. */
  digestPages(memory: Uint8Array, pages: Uint32Array, digests: Uint8Array): boolean;
  takeChanged(memory: Uint8Array, copy: Uint8Array, changed: Uint32Array, mark: number): Changed;
  /** Takes from all threads of this process for ever that they execute a program. Throws where the system cannot. */
  lockExec(): void;
}

const require = createRequire(import.meta.url);

/** The folder of this package. */
export const ROOT = dirname(require.resolve('lodger/package.json'));

/** This platform as packages of native code are named: `linux-x64-gnu`, `darwin-arm64`, `win32-x64-msvc`. */
export const PLATFORM = [process.platform, process.arch, ...abiOf()].join('-');

/** Where a library that was built here lies. */
export const LIBRARY = join(ROOT, 'dist', 'native', `lodger.${PLATFORM}.node`);

/** Why there is none there, if it was to be built and could not be. */
export const WHY_MISSING = `${LIBRARY}.txt`;

/** Where a published one would come from: an optional dependency that npm installs on its platform only. */
export const LIBRARY_PACKAGE = `lodger-${PLATFORM}`;

let loaded: Addon | LodgerError | undefined;

/** The addon, loaded once a thread. Throws `ERR_ENGINE_MISSING` with the reason and the remedy. */
export function loadAddon(): Addon {
  loaded ??= load();
  if (loaded instanceof LodgerError) throw loaded;
  return loaded;
}

function load(): Addon | LodgerError {
  const built = existsSync(LIBRARY);
  try {
    const addon = require(built ? LIBRARY : LIBRARY_PACKAGE) as Addon;
    // A process waits at its end for its threads, and a thread in a guest does not hear it.
    if (isMainThread) process.on('exit', () => addon.shutDown());
    return addon;
  } catch (cause) {
    const reason = built
      ? `${LIBRARY} does not load: ${cause instanceof Error ? cause.message : String(cause)}`
      : `no library for ${PLATFORM} was built or installed${whyMissing()}; where Rust is, "npm run build:native" in a checkout builds it`;
    return new LodgerError('ERR_ENGINE_MISSING', ['wasmtime', reason], { cause });
  }
}

function whyMissing(): string {
  return existsSync(WHY_MISSING) ? ` (the last build: ${readFileSync(WHY_MISSING, 'utf8')})` : '';
}

/** By the loader that Node itself names: a report of the whole process would take milliseconds of each thread. */
function abiOf(): readonly string[] {
  if (process.platform === 'win32') return ['msvc'];
  if (process.platform !== 'linux') return [];
  const loader = /\/ld-(linux|musl)[\w.-]*\0/.exec(headOf('/proc/self/exe'))?.[1];
  if (loader !== undefined) return [loader === 'musl' ? 'musl' : 'gnu'];
  const { header } = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
  return [header.glibcVersionRuntime === undefined ? 'musl' : 'gnu'];
}

/** The first page of a file; nothing of one that cannot be read. */
function headOf(path: string): string {
  try {
    const file = openSync(path, 'r');
    try {
      const page = Buffer.alloc(4096);
      return page.toString('latin1', 0, readSync(file, page));
    } finally {
      closeSync(file);
    }
  } catch {
    return '';
  }
}
