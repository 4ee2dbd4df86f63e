// What the parts of a site know of each other: the store, the pure decisions' data, and the site itself as its server sees it.
import type { Digest } from '../../runtime/base/platform.ts';
import type { Sites } from '../../runtime/job/site-terms.ts';
import type { Policy } from '../../runtime/policy/policy.ts';
import type { Estimate } from '../wire/answers.ts';
import type {
  Confidence,
  HostStatus,
  JobStatus,
  Manifest,
  PlaceStatus,
  Requirements,
  SiteStatus,
  TaskStatus,
} from '../wire/api.ts';
import type { HostStanding } from '../wire/routes.ts';
import type { Attributes, Datum, Fence, FromHost, Lease, ToHost } from '../wire/site.ts';

/** A key: texts and numbers, ordered part by part. */
export type Key = readonly (string | number)[];

/** Ordered keys and values on disk. Writes of a turn are one transaction, in their order. */
export interface Store {
  get(key: Key): unknown;
  /** What `putBytes` put. */
  getBytes(key: Key): Uint8Array | undefined;
  /** From `from` up to but not including `to`. */
  range(from: Key, to: Key): Iterable<{ readonly key: Key; readonly value: unknown }>;
  /** The same without the values, which are not read. */
  keys(from: Key, to: Key): Iterable<Key>;
  /** Resolves when it is safe on disk, and rejects where it never will be. Results are in the order of the calls. */
  put(key: Key, value: unknown): Promise<void>;
  /** The same with bytes as they are, which must not change until they are written. */
  putBytes(key: Key, bytes: Uint8Array): Promise<void>;
  remove(key: Key): Promise<void>;
  close(): Promise<void>;
}

/** The site's Ed25519 key. */
export interface SiteKey {
  /** The public key, in hex. */
  readonly public: string;
  sign(bytes: Uint8Array): Uint8Array;
}

/** Bytes by their SHA-256, on disk. */
export interface Blobs {
  /** Bytes of a whole one; null where it is not, or not whole. */
  size(digest: Digest): Promise<number | null>;
  /** The same, and it stays for a day from now on, whoever refers to it. */
  use(digest: Digest): Promise<number | null>;
  /** Bytes that are there of what a sender has not brought whole. */
  partial(digest: Digest, by: string): Promise<number>;
  /**
   * Adds bytes at `from`, which is what `partial` tells. When `total` are there they are checked, made safe on disk and named, whether or
   * not somebody else has brought the same. Resolves to the bytes that are there. Throws `ERR_BLOB_MISMATCH` for other bytes, which are
   * dropped, `ERR_OPTION_INVALID` for another `from`, and `ERR_FILE` where the disk is full.
   */
  write(digest: Digest, source: AsyncIterable<Uint8Array>, place: BlobPlace): Promise<number>;
  /** Bytes `[from, to)`, checked where all are read. Throws `ERR_NOT_FOUND`. */
  read(digest: Digest, from?: number, to?: number): AsyncIterable<Uint8Array>;
}

export interface BlobPlace {
  readonly from: number;
  readonly total: number;
  /** Who sends it: nobody else can spoil its part, or learn from it. */
  readonly by: string;
  /** What came of it before is dropped. */
  readonly anew?: boolean;
}

/** Tasks `[from, to)` that each need one more run, by nobody whose owner is in `not`. */
export interface Range {
  readonly from: number;
  readonly to: number;
  readonly not: readonly string[];
  /** Whether the run checks one that is there: then a host that is itself to be checked is preferred. */
  readonly check: boolean;
  /** Whether only a trusted host's run helps. */
  readonly trusted: boolean;
  /** Where one interval of a stepper's result is to be run again: by a host of this version of the rewriter. A whole run helps as well. */
  readonly audit?: number;
}

/** How far a host is believed, in one job and over all of them. Plain data; counted only by `replicas.ts`. */
export interface Standing {
  readonly kind: 'trusted' | 'known' | 'anonymous';
  /** Checks that it passed in this job, and over its life. */
  readonly checks: number;
  readonly checksEver: number;
  /** Results that it delivered in this job, and in how many parts they can be checked: as many, unless there are steppers among them. */
  readonly results: number;
  readonly intervals?: number;
  /** Whether its key appeared after the job began: it has to pass more checks. */
  readonly late: boolean;
  readonly banned: boolean;
}

/** A job, as far as choosing goes. */
export interface JobView {
  readonly id: string;
  readonly account: string;
  readonly priority: number;
  readonly deadline: number | null;
  readonly submitted: number;
  readonly requirements: Requirements;
  readonly confidence: Confidence;
  /** Whether results may be held until the job's end. */
  readonly wait: boolean;
  /** What other sites may run it; absent where none may. */
  readonly sites?: Sites;
  readonly kernel: Digest;
  readonly blobs: readonly Digest[];
  readonly memoryBytes: number;
  readonly grants: Manifest['grants'];
  readonly deterministic: boolean;
  /** Mean of those delivered; null before the first. */
  readonly fuelPerTask: number | null;
  /** Share of its tasks that have an answer: `Replicas.terms`. */
  readonly progress: number;
  /** Tasks that it has so far. */
  readonly tasks: number;
  /** Share of its runs that hosts have delivered whom nobody answers for. */
  readonly anonymous: number;
  readonly open: readonly Range[];
}

/** A host, as far as choosing goes. `owner` is its account; all anonymous tabs have one. */
export interface HostView {
  readonly id: string;
  readonly owner: string;
  readonly attributes: Attributes;
  readonly holds: ReadonlySet<Digest>;
  readonly standing: (job: string) => Standing;
}

/** Part of a range that a host is to get. */
export interface Take {
  readonly job: string;
  readonly range: number;
  readonly from: number;
  readonly to: number;
}

/** One delivered run of a task. `answer` is the digest of output and fuel, or the code of a failure with the rewriter's version: `answerOf`. */
export interface Run {
  readonly host: string;
  readonly owner: string;
  readonly answer: string;
  readonly standing: Standing;
  /** Of a stepper's result that is checked in parts: how many there are, and how many were confirmed, of each host that made some of it. */
  readonly examined?: readonly Examined[];
  /** Whether it went on from what other hosts had made: then nobody can tell from its answer who of them was wrong. */
  readonly moved?: boolean;
}

export interface Examined {
  readonly standing: Standing;
  readonly seen: number;
  readonly parts: number;
}

/** What `trust.ts` says to do with a task, from its runs. */
export type Verdict =
  | { readonly do: 'run' }
  /** One more run, by a trusted host where nobody else's helps. */
  | { readonly do: 'replicate'; readonly wrong: number; readonly trusted: boolean }
  /** One interval once more, by a trusted host where there is one. */
  | { readonly do: 'audit'; readonly trusted: boolean; readonly disputed: boolean }
  /** Believed for now; may be taken back until the job ends. */
  | { readonly do: 'hold'; readonly wrong: number }
  /** These hosts are found wrong: their runs are void, and the rest is judged again. */
  | { readonly do: 'convict'; readonly hosts: readonly string[] }
  | { readonly do: 'accept'; readonly answer: string; readonly wrong: number };

/** What callers may do; an account sees its own alone. */
export interface Caller {
  readonly account: string;
  readonly role: 'operator' | 'submitter' | 'host';
  /** Of a host in the site's own process: what is said to it goes through no frame, and what it is given are the site's very bytes. */
  readonly isHere?: true;
}

/** A site without its sockets: everything that its server, and a host in its own process, asks of it. Refusals are LodgerErrors. */
export interface Site {
  readonly name: string;
  /** `numbers`: where it is a part of another site's job, the numbers of its tasks there. */
  submit(caller: Caller, manifest: Manifest, numbers?: readonly number[]): Promise<JobStatus>;
  /** Adds inputs from a place on; those that are there already are passed over. Resolves when they are on disk. */
  addInputs(caller: Caller, job: string, from: number, inputs: readonly Datum[], last: boolean): Promise<JobStatus>;
  cancel(caller: Caller, job: string): Promise<JobStatus>;
  /** The latest first, so many at most. */
  jobs(caller: Caller, most?: number): readonly JobStatus[];
  /** Tasks that are not final, by account: of those that have any. */
  tasksQueued(): ReadonlyMap<string, number>;
  job(caller: Caller, job: string): JobStatus;
  task(caller: Caller, job: string, index: number): TaskStatus;
  /** A state a task, as numbers that index `TASK_STATES`. */
  states(caller: Caller, job: string): Uint8Array;
  /** Where tasks of a job ran, and run: the places with most of them. */
  places(caller: Caller, job: string): readonly PlaceStatus[];
  /** Final outcomes in input order from a place on, as they come, some of those that are there at a time; ends when the job has. */
  outcomes(caller: Caller, job: string, from: number, signal: AbortSignal): AsyncIterable<readonly Delivered[]>;
  hosts(caller: Caller): readonly HostStatus[];
  why(caller: Caller, what: { readonly host: string } | { readonly job: string; readonly task: number }): string;
  status(): SiteStatus;
  /** Tells of what changes, at most four times a second for a thing. */
  watch(
    caller: Caller,
    hear: (event: 'job' | 'host' | 'site', data: JobStatus | HostStatus | SiteStatus) => void,
  ): () => void;
  policy(): { readonly version: number; readonly policy: Policy };
  /** Resolves when it is on disk; it is pushed to every host at once. */
  setPolicy(caller: Caller, policy: Policy): Promise<{ readonly version: number }>;
  /** Which hosts would have nothing to do under it, and why. */
  simulatePolicy(caller: Caller, policy: Policy): readonly { readonly host: string; readonly stops: string }[];
  /** What an operator says of a host: results of a trusted one are believed, a banned one gets no work. */
  setStanding(caller: Caller, host: string, standing: HostStanding): Promise<void>;
  /** What a job of so many tasks would cost. */
  estimate(caller: Caller, manifest: Manifest, tasks: number): Estimate;
  /** A host's connection, after the server has checked its token. */
  connect(caller: Caller, send: (message: ToHost) => void, close: (reason: string) => void): HostConnection;
  /** That of a host in this process, whose results are believed. */
  connectHere(send: (message: ToHost) => void, close: (reason: string) => void): HereConnection;
  /** The connection of another site, which is a host to this one. It is given tasks when this one chooses, not when it asks. */
  connectSite(caller: Caller, send: (message: ToHost) => void, close: (reason: string) => void): SiteConnection;
  /** What of this site's work others may do. */
  work(): OpenWork;
  /** Countersigned receipts of a job, each with its proof: see `ledger.ts` of the wire. */
  receipts(caller: Caller, job: string, from: number): AsyncIterable<SignedReceipt>;
  close(): Promise<void>;
}

export interface HostConnection {
  /** What the host has sent, parsed. Throws a RangeError for what it may not say; the server then closes the connection. */
  hear(message: FromHost): void;
  /** The connection is over: it broke, unless the host took its leave. */
  closed(how?: 'goodbye'): void;
}

/** Of a host in the site's own process, which is given the site's very bytes. */
export interface HereConnection extends HostConnection {
  /** The digest of the input of an open job's task; nothing for what is not open. */
  inputDigest(job: string, task: number): Digest | undefined;
}

export interface SiteConnection extends HostConnection {
  /** Leases it up to so many tasks of a job; false where there are none that it may run. */
  lease(job: string, slots: number): boolean;
  /** A lease with its terms and inputs, as often as it is asked for; nothing for one that is over. */
  leaseOf(fence: Fence): Lease | undefined;
  /** The other site is gone: what it has goes to others now, as from a host that was silent for too long. */
  lost(): void;
}

export interface OpenWork {
  /** Jobs that others may run, with something open. */
  readonly jobs: readonly JobView[];
  /** Whether a host of its own waits for work. */
  readonly idle: boolean;
}

/** A final outcome, as it is handed over. Outputs over 64 KiB are blobs. */
export type Delivered = import('../wire/outcomes.ts').Received;

/** Everything that it takes to check one receipt offline. Keys, signatures and digests in hex. */
export interface SignedReceipt {
  readonly version: 1;
  readonly entry: import('../wire/ledger.ts').Entry;
  readonly proof: import('../wire/ledger.ts').Proof;
  readonly head: import('../wire/ledger.ts').BatchHead;
  readonly hostKey: string;
  readonly hostSignature: string;
  /** Digest of the chain before this batch. */
  readonly before: Digest;
  readonly siteKey: string;
  readonly siteSignature: string;
}
