// How a task ended, and what it used.
import { describe, ERRORS, type ErrorCode, type FailureCode, type Fault } from '../base/errors.ts';
import type { Digest } from '../base/platform.ts';
import type { OutsideReport } from './outside.ts';

export type EngineName = 'v8' | 'wasmtime';

/** What a task used. Times in ms, sizes in bytes. */
export interface Receipt {
  readonly version: 1;
  readonly kernel: Digest;
  readonly engine: { readonly name: EngineName; readonly version: string };
  /** Version of the rewriter that prepared the module. */
  readonly rewriter: number;
  /** Version of the table by which fuel is counted; absent where the kernel was not metered. */
  readonly tariff?: number;
  /**
   * What the task used: the exact sum by the tariff, equal on every engine and machine; the limit where that was spent. Absent where the
   * kernel was not metered, or was stopped in the middle of something: by a trap, a full stack, its time, its host.
   */
  readonly fuel?: number;
  /** Of a task that was stopped in the middle: its fuel at its last host call or the last return of a function of its own. */
  readonly fuelAtLeast?: number;
  readonly wallMs: number;
  /** Absent where the platform does not tell a thread's CPU time. */
  readonly cpuMs?: number;
  /** The memory's size at the end: WebAssembly memories never shrink. Absent where the thread had to be ended with the task in it. */
  readonly memoryBytesPeak?: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Calls of each import, as `log.write`; what was never called is absent. */
  readonly calls: Readonly<Record<string, number>>;
  /** When asked for (`digests: true`). The output's is absent when the task failed. */
  readonly inputDigest?: Digest;
  readonly outputDigest?: Digest;
  /**
   * Whether every run of this task on any machine gives the same bytes and the same fuel: it counted its fuel, had only grants that give
   * every run the same answer, and canonical NaNs. The features that differ between machines are not admitted.
   */
  readonly deterministic: boolean;
  /** 1, or more when an attempt was lost with, or held up by, another task of its batch or of its cell. */
  readonly attempts: number;
  /** Of a task that was granted files or http: what it asked for and got, and each request that left this machine. */
  readonly outside?: OutsideReport;
  /** The walls around the process that ran it, by name; absent where it ran in its caller's own process. */
  readonly isolation?: readonly string[];
}

/** In the order of their numbers in the world. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;

export interface LogLine {
  readonly level: (typeof LOG_LEVELS)[number];
  readonly text: string;
}

/** What the kernel wrote to `log`, up to the task's ceilings. */
export interface TaskLog {
  readonly lines: readonly LogLine[];
  readonly linesDropped: number;
}

export interface Done {
  readonly state: 'done';
  readonly output: Uint8Array;
  readonly log: TaskLog;
  readonly receipt: Receipt;
}

/** A place in a kernel's code, where it was or from where it called. */
export interface Frame {
  /** Index of the function in the kernel's core module, imported ones first. */
  readonly function: number;
  /** What the module's name section calls it: a guest's text. */
  readonly name?: string;
  /** Byte of the core module at which the instruction begins. */
  readonly offset: number;
}

export interface Failed {
  readonly state: 'failed';
  readonly code: FailureCode;
  readonly fault: Fault;
  readonly message: string;
  /**
   * Where the kernel was when it trapped, failed or recursed too deeply, the innermost place first, at most TRACE_FRAMES_MAX. For people:
   * it is no part of what replicas are compared by, and absent where an engine does not tell it.
   */
  readonly trace?: readonly Frame[];
  readonly log: TaskLog;
  readonly receipt: Receipt;
}

export type Outcome = Done | Failed;

/** As many frames as every engine tells of: V8 gives ten, host functions among them. */
export const TRACE_FRAMES_MAX = 6;

/** Why a task failed: thrown inside a running task, never out of it. `args` fill the code's text. */
export class TaskFailure extends Error {
  readonly code: FailureCode;
  /** Where the guest was, in the module that the engine compiled. Engines set it. */
  places?: readonly Frame[];

  constructor(code: FailureCode, ...args: readonly (string | number | bigint)[]) {
    super(describe(code, ...args));
    this.code = code;
  }
}

/** The fault of a code; an unknown code, from a newer host say, is nobody's but the host's. */
export function faultOf(code: string): Fault {
  return Object.hasOwn(ERRORS, code) ? ERRORS[code as ErrorCode].fault : 'host';
}
