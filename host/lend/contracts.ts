// What lending a machine needs from whoever lends it: a line to the site, blobs, a key, clocks, and something that runs tasks.
import type { Digest, Platform } from '../../runtime/base/platform.ts';
import type { Kernel } from '../../runtime/job/kernel.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import type { Runner, Terms as TaskTerms } from '../../runtime/job/task.ts';
import type { Policy } from '../../runtime/policy/policy.ts';
import type { Attributes, FromHost, Pause, ToHost, WireTerms } from '../wire/site.ts';

/** One connection to a site, as the host holds it. */
export interface Line {
  send(message: FromHost): void;
  close(reason: string): void;
}

/** Opens a connection. `hear` gets what the site says, `closed` is called once when it is over. Rejects where there is none to be had. */
export type Connect = (hear: (message: ToHost) => void, closed: (reason: string) => void) => Line | Promise<Line>;

/** Kernels, inputs, outputs and images by digest. What `get` gives must not be changed, nor what `put` is given. */
export interface Blobs {
  /** Throws `ERR_SITE_UNREACHABLE` when the site is away, `ERR_NOT_FOUND` for what it does not have, `ERR_QUOTA_SPENT` for the owner's. */
  get(digest: Digest): Promise<Uint8Array>;
  /** Resolves when the site has it. */
  put(digest: Digest, bytes: Uint8Array): Promise<void>;
  /** Whether what `get` gives was compared with its digest; otherwise whoever gets it does that. */
  readonly areChecked?: boolean;
  /** What is here already, the most recently used first. */
  holds?(): readonly Digest[];
}

/** The kernel of that digest. Throws what `admit` throws, and like `Blobs.get`. */
export type KernelSource = (digest: Digest, terms: Pick<WireTerms, 'deterministic'>) => Promise<Kernel>;

/**
 * The digest that a site in this process has of a task's input, whose very bytes it gives to the task: nobody could change them between,
 * and to hash them once more would tell nothing. Nothing for what the site does not have any more.
 */
export type InputDigest = (job: string, task: number) => Digest | undefined;

/** The host's key: Ed25519. */
export interface Key {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** 64 bytes. */
  sign(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/** Time and chance, so that tests can do without. */
export interface Clock {
  /** Milliseconds that never go back. */
  now(): number;
  /** Calls `act` once after so many ms; what it gives takes that back. */
  after(ms: number, act: () => void): () => void;
  /** From 0 to 1. */
  random(): number;
}

/** What starts steppers, and goes on with them. */
export type Steppers = Pick<Runner, 'start' | 'resume'>;

/** A task that was begun. `cancel` ends its guest; its outcome then rejects, or says how far it got. */
export interface Begun {
  readonly outcome: Promise<Outcome>;
  cancel(): void;
}

/** What runs the tasks. Where it cannot give images of steppers, `steppers` is absent, and `run` is used. */
export interface Crew extends Pick<Runner, 'run'> {
  /**
   * Begins a task of a job, whose terms are the same object for all of its tasks. Absent where that takes no less than `run`. The input
   * must not change until the outcome is there.
   */
  begin?(terms: TaskTerms, one: { readonly input: Uint8Array; readonly index: number }): Begun;
  /** Told of whose task it is given next, by the very object that it is given. Absent where nobody is shown that. */
  whose?(given: object, account: string, task: number): void;
  /** A tab loads what they take with the first. */
  steppers?(): Promise<Steppers>;
  readonly threads: number;
  /** Gives guests the least of their cores that there is, at once, or all that they may have again. */
  hush?(isQuiet: boolean): void;
}

/** Who the machine is: attributes that nobody's policy changes. */
export type Machine = Pick<
  Attributes,
  'name' | 'kind' | 'program' | 'engines' | 'rewriter' | 'tariff' | 'memoryBytes' | 'isolation'
>;

/** What the owner lets in. */
export interface Terms {
  readonly policy: Policy;
  readonly kernels: Attributes['kernels'];
  readonly accounts: Attributes['accounts'];
  readonly priceFloor: number;
}

/** What happens, for whoever shows or logs it. */
export type Event =
  | { readonly event: 'connected'; readonly host: string; readonly site: string }
  | { readonly event: 'disconnected'; readonly reason: string; readonly retryMs: number }
  | { readonly event: 'refused'; readonly code: string; readonly message: string }
  | { readonly event: 'lease'; readonly job: string; readonly tasks: number }
  | { readonly event: 'reported'; readonly job: string; readonly tasks: number; readonly failed: number }
  | { readonly event: 'released'; readonly job: string; readonly tasks: number; readonly reason: Pause }
  | { readonly event: 'cancelled'; readonly tasks: number }
  | { readonly event: 'policy'; readonly version: number };

export interface LenderOptions {
  readonly connect: Connect;
  readonly blobs: Blobs;
  readonly key: Key;
  readonly digest: Platform['digest'];
  /** Where the site is in this process; absent where inputs are hashed where they are run. */
  readonly inputDigest?: InputDigest;
  readonly clock: Clock;
  readonly machine: Machine;
  readonly crew: Crew;
  readonly terms: Terms;
  /** The number of the first report: higher than any that a host of this key has sent. */
  readonly firstBatch: number;
  /** Where the site admits kernels: a kernel of which the facts are here. Absent where they are admitted here, from their bytes. */
  readonly kernels?: KernelSource;
  /** What runs parts of steppers' tasks again; absent where that is not done, as in tabs. */
  readonly audits?: () => Promise<typeof import('./audits.ts')>;
  readonly tell?: (event: Event) => void;
}

/** How it stands. */
export interface LenderStatus {
  readonly connected: boolean;
  /** Names that the site gave; null before the first welcome. */
  readonly host: string | null;
  readonly site: string | null;
  readonly paused: Pause | null;
  readonly policyVersion: number;
  /** Tasks that it holds, and reports that the site has not acknowledged. */
  readonly tasksHeld: number;
  readonly reportsKept: number;
  readonly tasksDone: number;
  readonly tasksFailed: number;
  readonly tasksReleased: number;
  readonly fuel: number;
  readonly fuelPerSecond: number;
}

/** Lends a machine to a site until it is closed, over as many connections as it takes. */
export interface Lender {
  status(): LenderStatus;
  /** Stops all guests at once and gives their tasks back, for a reason that is shown; null goes on. `load`: what others use of the CPU. */
  pause(reason: Pause | null, load?: number | null): void;
  /** What the owner lets in from here on; tasks that it does not cover are given back. */
  setTerms(terms: Terms): void;
  /** Other threads from here on; tasks under way stay where they are. */
  setCrew(crew: Crew): void;
  /** Takes nothing more; resolves when what it has is delivered. */
  finish(): Promise<void>;
  /** Gives back what it has and closes the connection. Resolves when no guest runs. */
  close(): Promise<void>;
}
