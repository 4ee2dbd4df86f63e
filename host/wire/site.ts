// What a host and its site say to each other over a WebSocket of the sub-protocol `lodger.1`: two tagged unions, a frame a message.
// Either side checks whatever comes from the other.
import * as v from 'valibot';
import { digest, integer, oneOf } from '../../runtime/base/schema.ts';
import { ArgsSchema } from '../../runtime/job/args.ts';
import { LimitsSchema } from '../../runtime/job/limits.ts';
import { BlobKeySchema } from '../../runtime/job/tree.ts';
import { GrantSchema } from '../../runtime/policy/grant.ts';
import { PolicySchema } from '../../runtime/policy/policy.ts';
import { MARKS_MAX } from '../../runtime/snapshot/marks.ts';
import { CEILING, SITE } from './ceilings.ts';
import { decode, encode } from './codec.ts';

export const PROTOCOL = 'lodger.1';

const COUNT = integer(0, Number.MAX_SAFE_INTEGER);
const TIME = v.pipe(v.number('a number'), v.minValue(0, 'at least 0'), v.finite('a number'));
const word = (max = 128) => v.pipe(v.string('a text'), v.maxLength(max, `at most ${max} characters`));
const blob = (max: number) =>
  v.pipe(
    v.custom<Uint8Array>((value) => value instanceof Uint8Array, 'bytes'),
    v.check((bytes) => bytes.byteLength <= max, `at most ${max} bytes`),
  );
const column = <T extends v.GenericSchema>(schema: T, max: number = SITE.batchTasks.max) =>
  v.pipe(v.array(schema), v.maxLength(max, `at most ${max}`));

/** Which lease: the site's start, and a number within it. A later lease of a task has a higher one. */
const FenceSchema = v.strictTuple([COUNT, COUNT]);
export type Fence = v.InferOutput<typeof FenceSchema>;

/** Tasks that a host may hold, and so leases: more come from no honest site. */
export const HELD_MAX = 4 * SITE.batchTasks.max;

const HoldingSchema = v.strictTuple([FenceSchema, column(COUNT)]);
/** A lease, and tasks of it. */
export type Holding = v.InferOutput<typeof HoldingSchema>;

/** Up to 64 KiB as bytes, larger ones by the digest of a blob. */
const DatumSchema = v.union([blob(SITE.inlineBytes.max), digest()], 'bytes or a digest');
export type Datum = v.InferOutput<typeof DatumSchema>;

/** Why a host does not work, in the words that everybody is shown. */
export const PAUSES = [
  ...(['asked', 'finishing', 'hours', 'in use', 'other programs', 'battery', 'quota', 'disk', 'memory'] as const),
  ...(['hidden', 'data saver', 'pressure', 'site policy', 'nothing allowed'] as const),
] as const;
export type Pause = (typeof PAUSES)[number];

/** The wall that a tab has whose page is isolated from those of other origins; only then it shares memory with its tasks, and stops them at once. */
export const CROSS_ORIGIN = 'cross-origin';

/** What a host is and has: the attributes that requirements of jobs are held against. */
const AttributesSchema = v.strictObject({
  name: word(64),
  kind: oneOf(['node', 'tab']),
  program: word(),
  engines: v.pipe(v.array(v.strictObject({ name: oneOf(['v8', 'wasmtime']), version: word() })), v.maxLength(4)),
  rewriter: COUNT,
  tariff: COUNT,
  threads: integer(0, 1024),
  memoryBytes: COUNT,
  /** What one thread does, as measured over its last tasks. */
  fuelPerSecond: TIME,
  /** Walls around its kernels; empty where there are none. */
  isolation: v.pipe(v.array(word(32)), v.maxLength(16)),
  /** What its owner lets tasks use, already narrowed by the site's policy. */
  policy: PolicySchema,
  /** Kernels that it refuses or, if there are any, the only ones that it takes; likewise accounts. */
  kernels: v.strictObject({ allowed: v.exactOptional(column(digest())), refused: column(digest()) }),
  accounts: v.strictObject({ allowed: v.exactOptional(column(word(64))), refused: column(word(64)) }),
  /** The least that its owner wants, in the site's units for 10^9 fuel. */
  priceFloor: TIME,
  /** Whether it can run parts of a stepper's task again, from one image to a later step. */
  audits: v.exactOptional(v.boolean()),
  /** Blobs and kernels that it has. */
  holds: column(digest(), SITE.holds.max),
});
export type Attributes = v.InferOutput<typeof AttributesSchema>;

/** Steps of a task: behind which, up to which; null for its end. */
const IntervalSchema = v.strictTuple([COUNT, v.nullable(COUNT)]);
/** Of a result: step, fuel so far, digest of the state, blob of the image. */
const MarkSchema = v.strictTuple([COUNT, COUNT, digest(), digest()]);

/** One row a task, as columns: that is half the size of objects, and needs no state on either side. */
const ReportSchema = v.strictObject({
  type: v.literal('report'),
  /** Numbers the reports of a host; the site acknowledges by it, and drops what it has seen. */
  batch: COUNT,
  fence: FenceSchema,
  job: word(72),
  tasks: column(COUNT),
  /** Empty for a task that is done, otherwise the code that it failed with. */
  codes: column(word(64)),
  /** Outputs of tasks that are done, messages of those that failed as UTF-8. */
  outputs: column(DatumSchema),
  /** Null where it is not exact: then what it is at least counts for nothing but statistics. */
  fuels: column(v.nullable(COUNT)),
  fuelsAtLeast: column(v.nullable(COUNT)),
  wallMs: column(TIME),
  memoryBytesPeak: column(COUNT),
  /** Lines of the log as `[level, text]`, and how many were dropped; null for none. */
  logs: column(
    v.nullable(
      v.strictTuple([v.pipe(v.array(v.strictTuple([integer(0, 3), word(65_536)])), v.maxLength(1_000)), COUNT]),
    ),
  ),
  /** Of rows that are no runs but parts of one: which steps. Their output is the digest of the state behind them, their fuel what those took. */
  intervals: v.exactOptional(column(v.nullable(IntervalSchema))),
  /** Of results of steppers: the marks that its host can give images of, and before them the one that it went on from. */
  marks: v.exactOptional(column(v.nullable(v.pipe(v.array(MarkSchema), v.maxLength(MARKS_MAX + 1))))),
  engine: v.strictObject({ name: oneOf(['v8', 'wasmtime']), version: word() }),
  rewriter: COUNT,
  tariff: COUNT,
  deterministic: v.boolean(),
  isolation: v.pipe(v.array(word(32)), v.maxLength(16)),
  /** Ed25519 over the text of the batch: see `ledger.ts`. */
  signature: blob(64),
  /** How many more tasks it wants, in the same frame. */
  slots: integer(0, SITE.batchTasks.max),
});
export type Report = v.InferOutput<typeof ReportSchema>;

const FromHostSchema = v.variant('type', [
  /** The first message, after the site's `challenge`. `proof` signs its nonce: the host holds the key. */
  v.strictObject({
    type: v.literal('hello'),
    version: v.literal(1),
    key: blob(32),
    proof: blob(64),
    attributes: AttributesSchema,
    /** The same for as long as its process lives, and higher in the next one of its key: with the same it goes on with its leases. */
    session: v.exactOptional(COUNT),
    /** What it still has of leases of earlier connections: tasks that it runs, or has results of that were not acknowledged. */
    leases: v.exactOptional(column(HoldingSchema, HELD_MAX)),
  }),
  v.strictObject({ type: v.literal('attributes'), attributes: AttributesSchema }),
  v.strictObject({ type: v.literal('pull'), slots: integer(1, SITE.batchTasks.max) }),
  ReportSchema,
  /** Says that it is there, what it is doing, and why it is not. Any message renews its leases. */
  v.strictObject({
    type: v.literal('beat'),
    paused: v.nullable(oneOf(PAUSES)),
    /** CPU share of other programs, 0 to 1; null where it is not known. */
    load: v.nullable(TIME),
    /** Tasks of steppers under way: fence, task, share done. */
    progress: column(v.strictTuple([FenceSchema, COUNT, TIME])),
  }),
  /** Tasks that it will not finish, and why; steppers whose images the site has go on elsewhere. */
  v.strictObject({ type: v.literal('release'), fence: FenceSchema, tasks: column(COUNT), reason: oneOf(PAUSES) }),
  /** An image of a stepper is in the site's blobs: what comes before it is there, too. */
  v.strictObject({
    type: v.literal('image'),
    fence: FenceSchema,
    task: COUNT,
    image: digest(),
    parent: v.nullable(digest()),
    step: COUNT,
    share: TIME,
    fuel: COUNT,
    /** Digest of the state that it is of: whoever goes on from it can be held to nothing before that. */
    state: v.exactOptional(digest()),
    /** The image that its host went on from, where it was one with what was said of it. */
    from: v.exactOptional(digest()),
  }),
  v.strictObject({ type: v.literal('policy'), version: COUNT }),
]);
export type FromHost = v.InferOutput<typeof FromHostSchema>;

/** What the tasks of a job have in common; a host keeps it for as long as it is connected. */
const TermsSchema = v.strictObject({
  kernel: digest(),
  account: word(64),
  limits: LimitsSchema,
  grants: v.pipe(v.array(GrantSchema), v.maxLength(CEILING.grants)),
  /** Blobs of the grants, by name; fetched by digest. */
  blobs: v.record(BlobKeySchema, digest()),
  args: v.exactOptional(ArgsSchema),
  seed: COUNT,
  deterministic: v.boolean(),
  /** What the job pays at most for 10^9 fuel; absent where it pays what is asked. */
  priceMax: v.exactOptional(TIME),
  /** Steppers send an image at least this often; absent for kernels. */
  everyMs: v.exactOptional(COUNT),
  /** And one at each mark, so far apart: results are checked by them. Absent where they are not. */
  markFuel: v.exactOptional(COUNT),
});
export type WireTerms = v.InferOutput<typeof TermsSchema>;

const AuditSchema = v.strictObject({
  from: v.nullable(v.strictObject({ image: digest(), state: digest(), step: COUNT })),
  to: v.nullable(COUNT),
});
export type Audit = v.InferOutput<typeof AuditSchema>;

const LeaseSchema = v.strictObject({
  type: v.literal('lease'),
  fence: FenceSchema,
  job: word(72),
  /** With the first lease of a job on a connection. */
  terms: v.exactOptional(TermsSchema),
  tasks: column(COUNT),
  inputs: column(DatumSchema),
  /** Where the job is a part of another site's: the numbers of the tasks there, from which their seeds come. */
  numbers: v.exactOptional(column(COUNT)),
  /** Of steppers: the image to go on from. */
  images: v.exactOptional(column(v.nullable(digest()))),
  /** What was said of it, where its host has to answer for no more than what comes behind: it is the first of the marks then. */
  said: v.exactOptional(column(v.nullable(MarkSchema))),
  /** Where only a part of a task is to be run: from which image, whose state has this digest, or the beginning; and up to which step, or the end. */
  audits: v.exactOptional(column(v.nullable(AuditSchema))),
});
export type Lease = v.InferOutput<typeof LeaseSchema>;

const ToHostSchema = v.variant('type', [
  v.strictObject({ type: v.literal('challenge'), nonce: blob(32) }),
  v.strictObject({
    type: v.literal('welcome'),
    host: word(64),
    site: word(64),
    leaseMs: integer(100, 3_600_000),
    beatMs: integer(50, 600_000),
    policy: PolicySchema,
    policyVersion: COUNT,
  }),
  LeaseSchema,
  /** A report is safe on disk: the host may forget it. With the next lease, if one was asked for, in a frame of its own right behind. */
  v.strictObject({ type: v.literal('ack'), batch: COUNT }),
  /** Nobody needs these tasks any more: all of the lease, or some. */
  v.strictObject({ type: v.literal('cancel'), fence: FenceSchema, tasks: v.nullable(column(COUNT)) }),
  v.strictObject({ type: v.literal('policy'), version: COUNT, policy: PolicySchema }),
  /** The site closes the connection after this. */
  v.strictObject({ type: v.literal('refused'), code: word(64), message: word(4_096) }),
]);
export type ToHost = v.InferOutput<typeof ToHostSchema>;

export const encodeFrame = (message: FromHost | ToHost): Uint8Array => encode(message);

/** A message from a host. Throws a RangeError for what is none. */
export const parseFromHost = (frame: Uint8Array): FromHost => parse(FromHostSchema, frame);

/** A message from a site. Throws a RangeError for what is none. */
export const parseToHost = (frame: Uint8Array): ToHost => parse(ToHostSchema, frame);

function parse<T extends v.GenericSchema>(schema: T, frame: Uint8Array): v.InferOutput<T> {
  if (frame.byteLength > SITE.frameBytes.max) throw new RangeError(`a frame has ${frame.byteLength} bytes`);
  const result = v.safeParse(schema, decode(frame), { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw new RangeError(`a message is not understood: ${v.getDotPath(issue) ?? 'type'}: ${issue.message}`);
}
