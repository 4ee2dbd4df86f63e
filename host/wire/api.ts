// The forms of a site's HTTP interface, all of it under `/api/1`. JSON but for inputs and outcomes, which are frames (`frames.ts`).
// The OpenAPI document is made from these.
import * as v from 'valibot';
import { JOB } from '../../runtime/base/limits.ts';
import { digest, integer, oneOf } from '../../runtime/base/schema.ts';
import { ArgsSchema } from '../../runtime/job/args.ts';
import { LimitsSchema } from '../../runtime/job/limits.ts';
import {
  type Confidence,
  ConfidenceSchema,
  type Requirements,
  RequirementsSchema,
  SITE_TERMS,
} from '../../runtime/job/site-terms.ts';
import { BlobKeySchema } from '../../runtime/job/tree.ts';
import { GrantSchema } from '../../runtime/policy/grant.ts';
import { CALLER, CEILING } from './ceilings.ts';
import { PAUSES, type Pause } from './site.ts';

const COUNT = integer(0, Number.MAX_SAFE_INTEGER);
const word = (max = 128) => v.pipe(v.string('a text'), v.maxLength(max, `at most ${max} characters`));

/** An id that a caller gives, so that what is sent again is not done again. */
export const IdSchema = v.pipe(
  v.string('an id'),
  v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'an id of 1 to 64 letters, digits, dots, hyphens and underscores'),
);

/** The id of a job as the site has it: its merges are jobs of its own, a level each. */
export const JobIdSchema = v.pipe(
  v.string('an id'),
  v.regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}(?:~[0-9]{1,2})?$/,
    'the id of a job, and of a level of its merges ~ and its number',
  ),
);

export { type Confidence, ConfidenceSchema, type Requirements, RequirementsSchema };

/** `POST /jobs`: a job whose inputs follow. Kernel and blobs are at the site already. */
export const ManifestSchema = v.strictObject({
  version: v.literal(1, '1, the only version there is'),
  id: v.exactOptional(IdSchema),
  ...SITE_TERMS,
  kernel: digest(),
  limits: v.exactOptional(LimitsSchema),
  grants: v.exactOptional(v.pipe(v.array(GrantSchema), v.maxLength(CEILING.grants))),
  blobs: v.exactOptional(v.record(BlobKeySchema, digest())),
  args: v.exactOptional(ArgsSchema),
  seed: v.exactOptional(COUNT),
  deterministic: v.exactOptional(v.boolean('true or false')),
  /** In ms since 1970; tasks are not begun after it. */
  deadline: v.exactOptional(COUNT),
  /** Merges the results of the job, `arity` at a time, tree-wise; the last one is the job's. `values`: whether they are MessagePack. */
  merge: v.exactOptional(
    v.strictObject({ kernel: digest(), arity: integer(2, JOB.mergeArity.max), values: v.boolean('true or false') }),
  ),
});
export type Manifest = v.InferOutput<typeof ManifestSchema>;

/**
 * `POST /jobs/:id/inputs`: one frame of `frames.ts`. The message; the inputs' bytes follow it, one behind the other. `from` is the place
 * of the first, so that what is sent again is not added again. `last` ends the list.
 */
export const InputsSchema = v.strictObject({
  from: COUNT,
  /** Bytes of each input; a digest stands for one that is a blob. */
  inputs: v.pipe(v.array(v.union([COUNT, digest()])), v.maxLength(CALLER.jobTasks.max)),
  last: v.boolean(),
});
export type Inputs = v.InferOutput<typeof InputsSchema>;

const AskedBlobs = v.pipe(v.array(digest()), v.maxLength(CALLER.groupBlobs.max));
/** `POST /blobs/missing`. */
export const MissingSchema = v.strictObject({ digests: AskedBlobs });

/** `PUT /blobs`: the frame's message. The bytes of the blobs follow, one behind the other. */
export const GroupSchema = v.strictObject({
  /** What each is, and how many bytes it has. */
  blobs: v.pipe(
    v.array(v.strictTuple([digest(), v.pipe(COUNT, v.maxValue(CALLER.groupBytes.max))])),
    v.maxLength(CALLER.groupBlobs.max),
  ),
});

/** A task's place in its life. `provisional`: there is a result, on one host's word, that may still be taken back. */
export const TASK_STATES = [
  'waiting',
  'leased',
  'checking',
  'provisional',
  'disputed',
  'done',
  'failed',
  'cancelled',
] as const;
export type TaskState = (typeof TASK_STATES)[number];

export type JobState = 'open' | 'done' | 'cancelled';

/** `GET /jobs` (a list of these) and `GET /jobs/:id`. Times in ms since 1970. */
export interface JobStatus {
  readonly id: string;
  readonly account: string;
  readonly name: string;
  readonly state: JobState;
  readonly manifest: Manifest;
  readonly submitted: number;
  readonly ended: number | null;
  /** In words: why it was ended before it was done, or why nothing more of it is begun; empty where there is nothing to say. */
  readonly reason: string;
  /** Whether all inputs are there. */
  readonly sealed: boolean;
  readonly tasks: number;
  readonly counts: Readonly<Record<TaskState, number>>;
  readonly fuel: number;
  /** Runs that were delivered, and how many of them checked others. */
  readonly runs: number;
  readonly checks: number;
  /** Parts of results of steppers that were run again, and the fuel that this took. */
  readonly audits: { readonly count: number; readonly fuel: number };
  /** Tasks a second over the last minute, and how long the rest may take; null where nobody can say. */
  readonly rate: number;
  readonly msLeft: number | null;
  /** Of a job with a merge: the merges that there are so far. */
  readonly merges?: { readonly tasks: number; readonly done: number };
}

/** `GET /jobs/:id/tasks/:index`: one task and why it stands where it stands. */
export interface TaskStatus {
  readonly index: number;
  readonly state: TaskState;
  readonly input: { readonly digest: string | null; readonly bytes: number };
  readonly leases: readonly { readonly host: string; readonly since: number; readonly share: number | null }[];
  readonly runs: readonly {
    readonly host: string;
    readonly at: number;
    /** Digest of output and fuel, or the code of a failure. */
    readonly answer: string;
    readonly fuel: number | null;
    readonly check: boolean;
  }[];
  readonly confidence: number | null;
  /** In words: why it is where it is, and what ends that. */
  readonly why: string;
}

/** `GET /jobs/:id/places` (a list of these): where tasks of a job ran, and run, the place with most of them first. */
export interface PlaceStatus {
  readonly host: string;
  /** As its owner calls it; empty where the caller may not see the host. */
  readonly name: string;
  /** The other site that it stands for; null for a host of this one. */
  readonly site: string | null;
  /** Tasks whose answer is of this host, or whose only run so far. */
  readonly ran: number;
  readonly leased: number;
}

/** `GET /hosts`. */
export interface HostStatus {
  readonly host: string;
  readonly account: string;
  readonly name: string;
  readonly kind: 'node' | 'tab';
  readonly connected: boolean;
  readonly since: number;
  readonly seen: number;
  readonly trusted: boolean;
  readonly banned: boolean;
  readonly paused: Pause | null;
  readonly threads: number;
  readonly fuelPerSecond: number;
  readonly isolation: readonly string[];
  readonly engines: readonly { readonly name: string; readonly version: string }[];
  readonly leased: number;
  readonly tasksDone: number;
  readonly fuel: number;
  /** Results of its own that were checked and agreed, and those that did not. */
  readonly agreed: number;
  readonly disagreed: number;
  readonly policyVersion: number;
  /** In words: why it has no work; empty where it has. */
  readonly why: string;
}

/** `GET /jobs/:id/events`, `GET /events`: server-sent events, `event` by name and `data` as JSON. */
export interface SiteEvents {
  readonly job: JobStatus;
  readonly host: HostStatus;
  readonly site: SiteStatus;
  readonly log: { readonly job: string; readonly task: number; readonly level: string; readonly text: string };
}

/** `GET /site`. */
export interface SiteStatus {
  readonly name: string;
  readonly version: string;
  /** The site's public key, in hex. */
  readonly key: string;
  readonly started: number;
  readonly hosts: number;
  readonly jobsOpen: number;
  readonly tasksPerSecond: number;
  readonly fuelPerSecond: number;
  readonly policyVersion: number;
}

/** What a site lends to others and has to do, as it tells them. */
export interface SiteCapacity {
  readonly name: string;
  readonly hosts: number;
  readonly threads: number;
  readonly fuelPerSecond: number;
  /** What it could give to tasks that came now. */
  readonly freeFuelPerSecond: number;
  /** In units for 10^9 fuel. */
  readonly price: number;
}

/** Another site, and what goes between it and this one. */
export interface OtherSite extends SiteCapacity {
  /** Ms since it was last heard. */
  readonly ageMs: number;
  /** Whether it has shown its key, and may be given work. */
  readonly open: boolean;
  /** Tasks of this site that it has, and batches of its own that are under way here. */
  readonly tasksThere: number;
  readonly batchesHere: number;
}

/** The sites that work for each other, as this one sees them. */
export interface SitesStatus {
  /** Whether this site has joined others. */
  readonly joined: boolean;
  readonly connected: boolean;
  /** What is wrong with the server between them; empty for nothing that is known. */
  readonly trouble: string;
  readonly own: SiteCapacity | null;
  readonly others: readonly OtherSite[];
}

/** Roles of tokens, and what each may do. */
export const ROLES = ['operator', 'submitter', 'host'] as const;
export type Role = (typeof ROLES)[number];

export const AccountSchema = v.strictObject({
  id: IdSchema,
  quotas: v.exactOptional(
    v.strictObject({
      tasksQueued: v.exactOptional(COUNT),
      storedBytes: v.exactOptional(COUNT),
      fuelPerDay: v.exactOptional(COUNT),
    }),
  ),
});
export const TokenSchema = v.strictObject({
  role: oneOf(ROLES),
  name: v.exactOptional(word(64)),
  /** In ms since 1970. */
  expires: v.exactOptional(COUNT),
});

/** Every refusal: the code, and what to do. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
}

export { PAUSES };
