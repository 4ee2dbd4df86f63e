// What an engine has to offer: the one interface behind which V8 and Wasmtime stand.
import type { HostImports } from '../abi/imports.ts';
import type { GuestMemory } from '../abi/memory.ts';
import type { KernelFacts } from '../job/kernel.ts';
import type { EngineName, TaskFailure } from '../job/outcome.ts';
import type { Prepared, StateLayout } from '../prepare/prepare.ts';

/** What is said of a growth that a host could not give. */
export const MORE_PAGES = 'the kernel was to have more pages, and they could not be mapped';

/** A running instance. It is used from one thread, and ends once. Whatever `call` throws, `Engine.explain` understands. */
export interface Guest extends GuestMemory {
  /** Of a metered kernel: what is left of the fuel given; below zero when more was used. */
  getFuel(): number;
  setFuel(fuel: number): void;
  /**
   * What was left when a function of the guest's returned last within `callWhole`, until it is taken: whoever changes the fuel in
   * between takes it before.
   */
  takeFuelSeen?(): number | undefined;
  /**
   * Gives the memory back; the bytes that it had. Nothing of this task can be reached afterwards. `done`: every call has returned, none was
   * left by a trap or for an error. An engine may put the instance of such a guest back for a later one, as long as no guest can tell.
   */
  end(how?: 'done'): number;
}

/** A kernel that is compiled: plain facts, and code that can be shared with threads where the engine allows it. */
export interface Ready<Compiled = unknown> {
  readonly facts: KernelFacts;
  /** Whether it counts its fuel: it then asks its host for more, who can end it there. */
  readonly metered: boolean;
  /** Whether NaNs that its arithmetic makes have the same bits on every machine. */
  readonly canonicalNaNs: boolean;
  /** Of a stepper that can be imaged. */
  readonly state?: StateLayout;
  readonly compiled: Compiled;
}

/** How a guest that is not metered may be stopped while it runs, where the engine can do that. */
export interface Stops {
  /** It ends with `ERR_WALL_SPENT` that many milliseconds after it was made. */
  readonly wallMsMax?: number | undefined;
  /** The number by which `Stopper.cancel` knows it; unique in the process, below 2^53. */
  readonly job?: number | undefined;
}

/** Stops guests of any thread of this process that are not metered. */
export interface Stopper {
  /** Ends the guest of that job soon, or the moment it begins. */
  cancel(job: number): void;
  /** Forgets a cancel that no guest will answer to any more. */
  forget(job: number): void;
}

export interface Engine<Compiled = unknown> {
  readonly name: EngineName;
  readonly version: string;
  /** What `prepare` has to make of the memory: an import that the host can keep, or a definition for the engine's own pool. */
  readonly memoryForm: Prepared['memoryForm'];
  /** Where the engine can stop a guest that is not metered. Without it only the end of the guest's thread does. */
  readonly stopper?: Stopper;
  /** Checks and compiles. Throws `ERR_KERNEL_MALFORMED` on what does not validate. */
  compile(prepared: Prepared): Promise<Compiled>;
  /** What a message to another thread carries of a compiled kernel. It must be held here for as long as it is used there. */
  share(compiled: Compiled): unknown;
  /** The compiled kernel, in the thread that got such a message. */
  adopt(shared: unknown): Compiled;
  /**
   * A fresh instance, or one that is as a fresh one to the last bit, with memory that can grow to `memoryPagesMax` pages. An engine may make
   * it only when it is first called. What it throws, `explain` understands. `importsOf` is asked for the imports once, or never if none is
   * called; a metered kernel has METER_IMPORTS as well. `stops` is for engines with a stopper.
   */
  instantiate(ready: Ready<Compiled>, importsOf: () => HostImports, memoryPagesMax: number, stops?: Stops): Guest;
  /** What was thrown out of `instantiate` or `call`, as a failure of the task. */
  explain(thrown: unknown): TaskFailure;
}
