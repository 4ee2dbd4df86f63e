// What an engine has to offer: the one interface behind which V8 and Wasmtime stand.
import type { KernelFacts } from '../job/kernel.ts';
import type { EngineName, TaskFailure } from '../job/outcome.ts';
import type { Prepared } from '../prepare/prepare.ts';

/** An import as an engine sees it: i32 as number, i64 as bigint. */
export type HostFunction = (...args: never[]) => number | bigint | undefined;

/** Module name -> function name -> function; made anew for one task. */
export type HostImports = Readonly<Record<string, Readonly<Record<string, HostFunction>>>>;

/** A running instance. It is used from one thread, and ends once. */
export interface Guest {
  /** The guest's memory as it is now; any call may move it. */
  bytes(): Uint8Array<ArrayBuffer>;
  /** Calls an export with i32 arguments. Whatever is thrown, `Engine.explain` understands. */
  call(name: string, ...args: number[]): number;
  /** Gives the memory back. Nothing of this task can be reached afterwards. */
  end(): void;
}

export interface Engine<Compiled = unknown> {
  readonly name: EngineName;
  readonly version: string;
  /** What `prepare` has to make of the memory: an import that the host can keep, or a definition for the engine's own pool. */
  readonly memoryForm: Prepared['memoryForm'];
  /** Checks and compiles. Throws `ERR_KERNEL_MALFORMED` on what does not validate. */
  compile(prepared: Prepared): Promise<Compiled>;
  /** A fresh instance with zeroed memory of at most `memoryPagesMax` pages, or a TaskFailure (`ERR_HOST_MEMORY`). */
  instantiate(compiled: Compiled, facts: KernelFacts, imports: HostImports, memoryPagesMax: number): Guest;
  /** What was thrown out of `instantiate` or `call`, as a failure of the task. */
  explain(thrown: unknown): TaskFailure;
}
