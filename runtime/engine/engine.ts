// What an engine has to offer: the one interface behind which V8 and Wasmtime stand.
import type { HostImports } from '../abi/imports.ts';
import type { GuestMemory } from '../abi/memory.ts';
import type { KernelFacts } from '../job/kernel.ts';
import type { EngineName, TaskFailure } from '../job/outcome.ts';
import type { Prepared } from '../prepare/prepare.ts';

/** A running instance. It is used from one thread, and ends once. Whatever `call` throws, `Engine.explain` understands. */
export interface Guest extends GuestMemory {
  /** Gives the memory back. Nothing of this task can be reached afterwards. */
  end(): void;
}

/** A kernel that is compiled: plain facts, and code that can be shared with threads where the engine allows it. */
export interface Ready<Compiled = unknown> {
  readonly facts: KernelFacts;
  readonly compiled: Compiled;
}

export interface Engine<Compiled = unknown> {
  readonly name: EngineName;
  readonly version: string;
  /** What `prepare` has to make of the memory: an import that the host can keep, or a definition for the engine's own pool. */
  readonly memoryForm: Prepared['memoryForm'];
  /** Checks and compiles. Throws `ERR_KERNEL_MALFORMED` on what does not validate. */
  compile(prepared: Prepared): Promise<Compiled>;
  /** A fresh instance with zeroed memory that can grow to `memoryPagesMax` pages. What it throws, `explain` understands. */
  instantiate(ready: Ready<Compiled>, imports: HostImports, memoryPagesMax: number): Guest;
  /** What was thrown out of `instantiate` or `call`, as a failure of the task. */
  explain(thrown: unknown): TaskFailure;
}
