// A site's memory between two starts: jobs, hosts, leases, and the one way by which anything is written and then shown.
import type { KeyObject } from 'node:crypto';
import type { Digest } from '../../runtime/base/platform.ts';
import type { Policy } from '../../runtime/policy/policy.ts';
import type { Attributes, Pause, ToHost } from '../wire/site.ts';
import type { BlobFolder } from './blobs.ts';
import type { Caller, HostView, SiteKey, Store } from './contracts.ts';
import type { Inputs } from './inputs.ts';
import type { Job } from './job.ts';
import type { Lease, Leases } from './leases.ts';
import type { Rate } from './rate.ts';
import type { Refs } from './refs.ts';
import type { Speed } from './speed.ts';

/** Ceilings of accounts; what is absent is not bounded. */
export interface Quotas {
  readonly tasksQueued?: number;
  readonly fuelPerDay?: number;
}

/** What a site needs of its surroundings. */
export interface SiteOptions {
  readonly store: Store;
  readonly blobs: BlobFolder;
  readonly name?: string;
  /** For leases: a clock that never goes back. For stamps and deadlines: the wall's. Both in ms. */
  readonly now?: () => number;
  readonly clock?: () => number;
  readonly leaseMs?: number;
  readonly beatMs?: number;
  readonly quotas?: (account: string) => Quotas;
  /** Fuel that an account has had since midnight, and what it has now. */
  readonly fuelToday?: (account: string) => number;
  readonly onFuel?: (account: string, fuel: number) => void;
  /** Which jobs name which blobs; whoever deletes blobs has to have the same. */
  readonly refs?: Refs;
  /** Whether somebody may read a blob, and so name it as what its own host has made: anybody all of them by default. */
  readonly mayRead?: (caller: Caller, digest: Digest) => boolean;
  /** A job of an account has a blob as an output. */
  readonly onOutput?: (account: string, digest: Digest) => void;
  /** Of which kernel this is what was prepared of it for tabs, if it is known. */
  readonly kernelOf?: (module: Digest) => Digest | undefined;
  readonly log?: (level: 'info' | 'warn' | 'error', message: string) => void;
  /** Told of a task's log lines once they are on disk. */
  readonly onLog?: (job: string, task: number, lines: readonly (readonly [level: number, text: string])[]) => void;
}

export type Surroundings = Required<SiteOptions>;

/** What is kept of a host over starts. */
export interface HostRecord {
  readonly key: Uint8Array;
  readonly account: string;
  readonly name: string;
  readonly kind: 'node' | 'tab';
  readonly since: number;
  readonly seen: number;
  readonly standing: 'known' | 'trusted' | 'banned';
  readonly tasksDone: number;
  readonly fuel: number;
  readonly agreed: number;
  readonly disagreed: number;
}

export interface Host {
  readonly id: string;
  record: HostRecord;
  readonly key: KeyObject;
  connection: Connection | null;
  /** Its newest connection, which may be over. */
  last: Connection | null;
  /** What ran out while it was away. */
  missing: Missing | null;
  attributes: Attributes | null;
  view: HostView | null;
  readonly speed: Speed;
  paused: Pause | null;
  load: number | null;
  policyVersion: number;
  /** Given by an operator's token: its results are believed. */
  own: boolean;
}

/** Tasks that a host had on lease when it was away for too long. */
export interface Missing {
  readonly session: number;
  /** Whether they were counted as lost with it. */
  readonly counted: boolean;
  readonly leases: readonly { readonly job: string; readonly tasks: readonly number[] }[];
}

/** A host's connection, from its opening until its leases are over. */
export interface Connection {
  readonly caller: Caller;
  readonly nonce: Uint8Array<ArrayBuffer>;
  readonly send: (message: ToHost) => void;
  readonly close: (reason: string) => void;
  host: Host | null;
  open: boolean;
  /** Which process of the host it is; null where it does not say. */
  session: number | null;
  /** Whether it was the host that ended it, and how: its network may just be silent. */
  ended: 'no' | 'goodbye' | 'broken';
  /** When it was last heard, by the clock that never goes back. */
  seen: number;
  /** Slots of pulls that no lease has answered yet. */
  readonly pulls: number[];
  /** Jobs whose terms it has. */
  readonly told: Set<string>;
}

export interface State {
  readonly with: Surroundings;
  readonly key: SiteKey;
  readonly inputs: Inputs;
  readonly epoch: number;
  readonly started: number;
  readonly jobs: Map<string, Job>;
  /** Jobs that are not ended. */
  readonly openJobs: Map<string, Job>;
  readonly hosts: Map<string, Host>;
  readonly connections: Set<Connection>;
  /** Connections with a pull that no lease has answered. */
  readonly wanting: Set<Connection>;
  readonly leases: Leases<Connection>;
  chain: Digest;
  policy: { readonly version: number; readonly policy: Policy };
  /** Fuel of each account, halved once a day: shares are fair over days. */
  readonly used: Map<string, number>;
  /** When that was, by the clock that never goes back. */
  faded: number;
  /** Accounts that have used their fuel of the day: nothing more of theirs is begun. */
  readonly resting: Set<string>;
  readonly tasksRate: Rate;
  readonly fuelRate: Rate;
  /** Over: closed, or something could not be written. Nothing may act on it any more. */
  over: boolean;
  /**
   * Calls `shown` when the puts are safe on disk, in the order of calls: nothing may be told to anybody before. What memory says is ahead
   * of the disk until then, so a put that fails ends this state.
   */
  write(puts: readonly Promise<void>[], shown?: () => void): Promise<void>;
  /** There may be work for hosts that wait. */
  stir(): void;
  /** More of a job is final and on disk: it may be merged. */
  merge(job: Job): void;
  /** Something that is shown has changed. */
  changed(kind: 'job' | 'host' | 'site', id: string): void;
}

export type SiteLease = Lease<Connection>;
