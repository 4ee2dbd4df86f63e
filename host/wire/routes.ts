// Every route of a site's HTTP interface, as a table: its server serves it, its callers call it, the OpenAPI document shows it.
import * as v from 'valibot';
import { digest, integer, oneOf } from '../../runtime/base/schema.ts';
import { PolicySchema } from '../../runtime/policy/policy.ts';
import {
  AccountStatusSchema,
  EstimateSchema,
  HostStatusSchema,
  JobStatusSchema,
  PlaceStatusSchema,
  PolicyAnswerSchema,
  SiteStatusSchema,
  SitesStatusSchema,
  TaskStatusSchema,
  TokenStatusSchema,
  WhoSchema,
} from './answers.ts';
import { AccountSchema, IdSchema, JobIdSchema, ManifestSchema, MissingSchema, type Role, TokenSchema } from './api.ts';
import { CALLER } from './ceilings.ts';
import { SignedReceiptSchema } from './delivered.ts';
import { AnnouncedSchema, AnnouncementSchema, OfferSchema } from './neighbours.ts';
import { NANS, PreparedSchema } from './prepared.ts';

export const API = '/api/1';

/** What is sent: JSON of a form, frames of `frames.ts`, bytes as they are, lines of JSON, or server-sent events. */
type Content = 'json' | 'frames' | 'bytes' | 'lines' | 'events';

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** After `API`; `:name` stands for a part that `params` describes. */
  readonly path: string;
  /** Who may; an operator may always. */
  readonly roles: readonly Role[] | 'anyone';
  readonly about: string;
  readonly params?: v.GenericSchema;
  readonly query?: v.GenericSchema;
  readonly takes?: Content;
  readonly body?: v.GenericSchema;
  readonly gives: Content | 'nothing';
  readonly answer?: v.GenericSchema;
}

const count = v.pipe(v.string(), v.regex(/^\d{1,15}$/, 'a whole number'), v.transform(Number));
const word = v.pipe(v.string('a text'), v.maxLength(64, 'at most 64 characters'));
const job = v.strictObject({ job: JobIdSchema });
const from = v.strictObject({ from: v.exactOptional(count) });
const all: readonly Role[] = ['submitter', 'host'];
const submitter: readonly Role[] = ['submitter'];
const operator: readonly Role[] = [];

/** What an operator says of a host. */
export const STANDINGS = ['known', 'trusted', 'banned'] as const;
export type HostStanding = (typeof STANDINGS)[number];

/** `POST /estimate`: a job that is not submitted yet, and how many tasks it will have. */
const EstimateBody = v.strictObject({ manifest: ManifestSchema, tasks: integer(1, CALLER.jobTasks.max) });
const HostOrTask = v.union([v.strictObject({ host: word }), v.strictObject({ job: JobIdSchema, task: count })]);

export const ROUTES = {
  site: { method: 'GET', path: '/site', roles: all, about: 'the site', gives: 'json', answer: SiteStatusSchema },
  sites: {
    ...{
      method: 'GET',
      path: '/sites',
      roles: operator,
      about: 'other sites, and what goes between them and this one',
    },
    ...{ gives: 'json', answer: SitesStatusSchema },
  },
  who: { method: 'GET', path: '/who', roles: all, about: 'whose token this is', gives: 'json', answer: WhoSchema },
  signIn: {
    ...{ method: 'POST', path: '/session', roles: 'anyone', about: 'a cookie for a token, for pages' },
    ...{ takes: 'json', body: v.strictObject({ token: v.pipe(v.string(), v.maxLength(256)) }) },
    ...{ gives: 'json', answer: WhoSchema },
  },
  visit: {
    ...{ method: 'POST', path: '/visit', roles: 'anyone', gives: 'json' },
    about: 'a token of half a day for a tab that is lent by somebody who has none, where the site takes visitors',
    answer: v.object({ token: v.string(), ...WhoSchema.entries }),
  },
  signOut: { method: 'DELETE', path: '/session', roles: 'anyone', about: 'end the session', gives: 'nothing' },

  submit: {
    ...{ method: 'POST', path: '/jobs', roles: submitter, about: 'a job, whose inputs follow' },
    ...{ takes: 'json', body: ManifestSchema, gives: 'json', answer: JobStatusSchema },
  },
  estimate: {
    ...{ method: 'POST', path: '/estimate', roles: submitter, about: 'what a job would cost' },
    ...{ takes: 'json', body: EstimateBody, gives: 'json', answer: EstimateSchema },
  },
  jobs: {
    ...{ method: 'GET', path: '/jobs', roles: submitter, about: 'jobs, the newest first' },
    ...{ query: v.strictObject({ limit: v.exactOptional(count) }), gives: 'json', answer: v.array(JobStatusSchema) },
  },
  job: {
    ...{ method: 'GET', path: '/jobs/:job', roles: submitter, about: 'one job', params: job },
    ...{ gives: 'json', answer: JobStatusSchema },
  },
  cancel: {
    ...{ method: 'POST', path: '/jobs/:job/cancel', roles: submitter, about: 'end a job', params: job },
    ...{ gives: 'json', answer: JobStatusSchema },
  },
  inputs: {
    ...{ method: 'POST', path: '/jobs/:job/inputs', roles: submitter, about: 'inputs, as one frame', params: job },
    ...{ takes: 'frames', gives: 'json', answer: JobStatusSchema },
  },
  outcomes: {
    ...{ method: 'GET', path: '/jobs/:job/outcomes', roles: submitter, params: job, query: from, gives: 'frames' },
    about: 'final outcomes in input order, as they come; the answer ends with the job',
  },
  states: {
    ...{ method: 'GET', path: '/jobs/:job/states', roles: submitter, params: job, gives: 'bytes' },
    about: 'the state of every task, a byte each',
  },
  places: {
    ...{ method: 'GET', path: '/jobs/:job/places', roles: submitter, params: job, gives: 'json' },
    ...{ about: 'where tasks of a job ran, and run', answer: v.array(PlaceStatusSchema) },
  },
  task: {
    ...{ method: 'GET', path: '/jobs/:job/tasks/:task', roles: submitter, about: 'one task, and why it stands there' },
    ...{ params: v.strictObject({ job: JobIdSchema, task: count }), gives: 'json', answer: TaskStatusSchema },
  },
  receipts: {
    ...{ method: 'GET', path: '/jobs/:job/receipts', roles: submitter, about: 'countersigned receipts', params: job },
    ...{ query: from, gives: 'lines', answer: SignedReceiptSchema },
  },
  jobEvents: {
    ...{ method: 'GET', path: '/jobs/:job/events', roles: submitter, about: 'what changes in a job', params: job },
    gives: 'events',
  },
  events: { method: 'GET', path: '/events', roles: submitter, about: 'what changes at the site', gives: 'events' },

  hosts: {
    ...{ method: 'GET', path: '/hosts', roles: all, about: 'hosts that the caller may see' },
    ...{ gives: 'json', answer: v.array(HostStatusSchema) },
  },
  why: {
    ...{ method: 'GET', path: '/why', roles: all, about: 'why a host has no work, or a task does not run' },
    ...{ query: HostOrTask, gives: 'json', answer: v.object({ why: v.string() }) },
  },
  setStanding: {
    ...{ method: 'PUT', path: '/hosts/:host/standing', roles: operator, about: 'trust a host, or ban it' },
    ...{ params: v.strictObject({ host: word }), takes: 'json' },
    ...{ body: v.strictObject({ standing: oneOf(STANDINGS) }), gives: 'nothing' },
  },
  policy: {
    ...{ method: 'GET', path: '/policy', roles: all, about: 'the policy of the site' },
    ...{ gives: 'json', answer: PolicyAnswerSchema },
  },
  setPolicy: {
    ...{ method: 'PUT', path: '/policy', roles: operator, about: 'another policy, pushed to all hosts' },
    ...{ takes: 'json', body: PolicySchema, gives: 'json', answer: v.object({ version: v.number() }) },
  },
  simulatePolicy: {
    ...{ method: 'POST', path: '/policy/simulate', roles: operator, about: 'which hosts a policy would stop' },
    ...{ takes: 'json', body: PolicySchema, gives: 'json' },
    answer: v.array(v.object({ host: v.string(), stops: v.string() })),
  },

  accounts: {
    ...{ method: 'GET', path: '/accounts', roles: operator, about: 'accounts, their quotas and tokens' },
    ...{ gives: 'json', answer: v.array(AccountStatusSchema) },
  },
  setAccount: {
    ...{ method: 'PUT', path: '/accounts', roles: operator, about: 'make an account, or change its quotas' },
    ...{ takes: 'json', body: AccountSchema, gives: 'json', answer: AccountStatusSchema },
  },
  makeToken: {
    ...{ method: 'POST', path: '/accounts/:account/tokens', roles: operator, about: 'a token, told this once' },
    ...{ params: v.strictObject({ account: IdSchema }), takes: 'json', body: TokenSchema, gives: 'json' },
    answer: v.object({ token: v.string(), ...TokenStatusSchema.entries }),
  },
  revokeToken: {
    ...{ method: 'DELETE', path: '/accounts/:account/tokens/:token', roles: operator, about: 'end a token at once' },
    ...{ params: v.strictObject({ account: IdSchema, token: word }), gives: 'nothing' },
  },
  ticket: {
    ...{ method: 'POST', path: '/tickets', roles: ['host'], about: 'opens one WebSocket at /connect, within a minute' },
    ...{ gives: 'json', answer: v.object({ ticket: v.string() }) },
  },

  getBlob: {
    ...{ method: 'GET', path: '/blobs/:digest', roles: all, about: 'a blob, or a range of it; HEAD tells its size' },
    ...{ params: v.strictObject({ digest: digest() }), gives: 'bytes' },
  },
  putBlob: {
    ...{ method: 'PUT', path: '/blobs/:digest', roles: all, takes: 'bytes', gives: 'nothing' },
    params: v.strictObject({ digest: digest() }),
    about: 'a blob, whole or in pieces with Content-Range: 308 and Upload-Offset until it is whole, then 201',
  },
  missingBlobs: {
    ...{ method: 'POST', path: '/blobs/missing', roles: all, takes: 'json', gives: 'json', body: MissingSchema },
    about: 'which of these blobs the caller has to send; the others stay for a day',
    answer: v.object({ missing: v.array(v.string()) }),
  },
  putBlobs: {
    ...{ method: 'PUT', path: '/blobs', roles: all, takes: 'frames', gives: 'nothing' },
    about: 'small blobs, as one frame: answered when all of them are on the disk',
  },
  prepared: {
    ...{ method: 'GET', path: '/kernels/:digest/prepared', roles: ['host'], gives: 'json' },
    about:
      'a kernel of a job as this site admits and prepares it for tabs that have their scripts from it, or why it refuses it',
    ...{ params: v.strictObject({ digest: digest() }), query: v.strictObject({ nans: oneOf(NANS) }) },
    answer: PreparedSchema,
  },
  announce: {
    ...{ method: 'PUT', path: '/neighbours', roles: ['host'], about: 'what this host would give to others near it' },
    ...{ takes: 'json', body: AnnouncementSchema, gives: 'json', answer: AnnouncedSchema },
  },
  neighbours: {
    ...{
      method: 'GET',
      path: '/blobs/:digest/neighbours',
      roles: ['host'],
      about: 'hosts near the caller that have it',
    },
    ...{ params: v.strictObject({ digest: digest() }), gives: 'json', answer: v.array(OfferSchema) },
  },
} as const satisfies Record<string, Route>;

export type RouteName = keyof typeof ROUTES;
