// The forms of a site's answers in JSON, as its callers check them and as the OpenAPI document shows them.
import * as v from 'valibot';
import { oneOf } from '../../runtime/base/schema.ts';
import { PolicySchema } from '../../runtime/policy/policy.ts';
import {
  AccountSchema,
  type HostStatus,
  type JobStatus,
  ManifestSchema,
  type PlaceStatus,
  ROLES,
  type SiteStatus,
  type SitesStatus,
  TASK_STATES,
  type TaskStatus,
} from './api.ts';
import { PAUSES } from './site.ts';

const COUNT = v.pipe(v.number('a number'), v.integer('an integer'), v.minValue(0, 'at least 0'));
const NUMBER = v.number('a number');
const TEXT = v.string('a text');

/** Objects of newer sites may say more: it is passed over. */
const form = <T extends v.ObjectEntries>(entries: T) => v.object(entries);

export const JobStatusSchema: v.GenericSchema<unknown, JobStatus> = form({
  id: TEXT,
  account: TEXT,
  name: TEXT,
  state: oneOf(['open', 'done', 'cancelled']),
  manifest: ManifestSchema,
  submitted: NUMBER,
  ended: v.nullable(NUMBER),
  reason: TEXT,
  sealed: v.boolean(),
  tasks: COUNT,
  counts: form(
    Object.fromEntries(TASK_STATES.map((state) => [state, COUNT])) as Record<
      (typeof TASK_STATES)[number],
      typeof COUNT
    >,
  ),
  fuel: COUNT,
  runs: COUNT,
  checks: COUNT,
  audits: v.strictObject({ count: COUNT, fuel: COUNT }),
  rate: NUMBER,
  msLeft: v.nullable(NUMBER),
  merges: v.exactOptional(form({ tasks: COUNT, done: COUNT })),
});

export const TaskStatusSchema: v.GenericSchema<unknown, TaskStatus> = form({
  index: COUNT,
  state: oneOf(TASK_STATES),
  input: form({ digest: v.nullable(TEXT), bytes: COUNT }),
  leases: v.array(form({ host: TEXT, since: NUMBER, share: v.nullable(NUMBER) })),
  runs: v.array(form({ host: TEXT, at: NUMBER, answer: TEXT, fuel: v.nullable(COUNT), check: v.boolean() })),
  confidence: v.nullable(NUMBER),
  why: TEXT,
});

export const PlaceStatusSchema: v.GenericSchema<unknown, PlaceStatus> = form({
  host: TEXT,
  name: TEXT,
  site: v.nullable(TEXT),
  ran: COUNT,
  leased: COUNT,
});

export const HostStatusSchema: v.GenericSchema<unknown, HostStatus> = form({
  host: TEXT,
  account: TEXT,
  name: TEXT,
  kind: oneOf(['node', 'tab']),
  connected: v.boolean(),
  since: NUMBER,
  seen: NUMBER,
  trusted: v.boolean(),
  banned: v.boolean(),
  paused: v.nullable(oneOf(PAUSES)),
  threads: COUNT,
  fuelPerSecond: NUMBER,
  isolation: v.array(TEXT),
  engines: v.array(form({ name: TEXT, version: TEXT })),
  leased: COUNT,
  tasksDone: COUNT,
  fuel: COUNT,
  agreed: COUNT,
  disagreed: COUNT,
  policyVersion: COUNT,
  why: TEXT,
});

export const SiteStatusSchema: v.GenericSchema<unknown, SiteStatus> = form({
  name: TEXT,
  version: TEXT,
  key: TEXT,
  started: NUMBER,
  hosts: COUNT,
  jobsOpen: COUNT,
  tasksPerSecond: NUMBER,
  fuelPerSecond: NUMBER,
  policyVersion: COUNT,
});

const CAPACITY = {
  name: TEXT,
  hosts: COUNT,
  threads: COUNT,
  fuelPerSecond: NUMBER,
  freeFuelPerSecond: NUMBER,
  price: NUMBER,
};

export const SitesStatusSchema: v.GenericSchema<unknown, SitesStatus> = form({
  joined: v.boolean(),
  connected: v.boolean(),
  trouble: TEXT,
  own: v.nullable(form(CAPACITY)),
  others: v.array(form({ ...CAPACITY, ageMs: NUMBER, open: v.boolean(), tasksThere: COUNT, batchesHere: COUNT })),
});

/** The policy in force, and its number. */
export const PolicyAnswerSchema = form({ version: COUNT, policy: PolicySchema });

/** A token as it is listed: by a part of its digest, never itself. */
export const TokenStatusSchema = form({
  id: TEXT,
  account: TEXT,
  role: oneOf(ROLES),
  name: TEXT,
  created: NUMBER,
  expires: v.nullable(NUMBER),
});
export type TokenStatus = v.InferOutput<typeof TokenStatusSchema>;

/** An account with what it may use and what it uses. */
export const AccountStatusSchema = form({
  id: TEXT,
  created: NUMBER,
  quotas: v.required(v.unwrap(AccountSchema.entries.quotas)),
  used: form({ tasksQueued: COUNT, storedBytes: COUNT, fuelPerDay: COUNT }),
  tokens: v.array(TokenStatusSchema),
});
export type AccountStatus = v.InferOutput<typeof AccountStatusSchema>;

/** What a job would cost, before it is begun. */
export const EstimateSchema = form({
  tasks: COUNT,
  /** Runs that are to be expected for all of its tasks, checks among them. */
  runs: NUMBER,
  /** Of all runs; null where no task of this kernel has run yet. */
  fuel: v.nullable(NUMBER),
  ms: v.nullable(NUMBER),
  /** In words: what the numbers rest on. */
  why: TEXT,
});
export type Estimate = v.InferOutput<typeof EstimateSchema>;

export const WhoSchema = form({ account: TEXT, role: oneOf(ROLES), site: TEXT });
export const RefusalSchema = form({ code: TEXT, message: TEXT });
