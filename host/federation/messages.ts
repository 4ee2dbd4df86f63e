// What sites say to each other: an offer of a batch, which names tasks and holds none of them, and what one asks of the other.
import * as v from 'valibot';
import { digest, integer } from '../../runtime/base/schema.ts';
import { ConfidenceSchema, RequirementsSchema, SiteNameSchema } from '../../runtime/job/site-terms.ts';
import { IdSchema } from '../wire/api.ts';
import { SITE } from '../wire/ceilings.ts';

const COUNT = integer(0, Number.MAX_SAFE_INTEGER);
const FenceSchema = v.strictTuple([COUNT, COUNT]);
const bytes = (max: number) =>
  v.pipe(
    v.custom<Uint8Array>((value) => value instanceof Uint8Array, 'bytes'),
    v.check((value) => value.byteLength <= max, `at most ${max} bytes`),
  );

/** A stream of offers takes messages of so many bytes at most. */
export const OFFER_BYTES_MAX = 4_096;

/** JSON in a stream: a batch of a job, by the digest of its lease. Whoever takes it asks the other site for the lease. */
export const OfferSchema = v.strictObject({
  version: v.literal(1),
  asker: SiteNameSchema,
  job: IdSchema,
  fence: FenceSchema,
  tasks: integer(1, SITE.batchTasks.max),
  digest: digest(),
});
export type Offer = v.InferOutput<typeof OfferSchema>;

/** An offer from the bytes of a message. Throws a RangeError. */
export function parseOffer(message: Uint8Array): Offer {
  try {
    return v.parse(OfferSchema, JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(message)));
  } catch (error) {
    throw new RangeError(`an offer is not understood: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Other sites that are named for the blobs of a lease, at most. */
export const HOLDERS_MAX = 16;

/** Another site that may have a blob, and what it gives it for: see `permit.ts`. */
const HolderSchema = v.strictObject({ site: SiteNameSchema, digest: digest(), permit: bytes(64) });
export type Holder = v.InferOutput<typeof HolderSchema>;

export const AskSchema = v.variant('kind', [
  /** Show that the key is yours, and say what you are. */
  v.strictObject({ kind: v.literal('hello'), nonce: bytes(32) }),
  /** The lease of an offer. `revision`: the fencing number of whoever has it. */
  v.strictObject({ kind: v.literal('lease'), fence: FenceSchema, revision: COUNT }),
  /** Results of a batch: a frame of a host's report. */
  v.strictObject({ kind: v.literal('report'), revision: COUNT, frame: bytes(SITE.frameBytes.max) }),
  /** Tasks that will not be done there; `dead` where they ended the site again and again. */
  v.strictObject({
    kind: v.literal('release'),
    fence: FenceSchema,
    revision: COUNT,
    tasks: v.pipe(v.array(COUNT), v.maxLength(SITE.batchTasks.max)),
    dead: v.boolean(),
  }),
  /** Where a blob is that a third site, the owner, has given to both. */
  v.strictObject({ kind: v.literal('blob'), owner: SiteNameSchema, digest: digest(), permit: bytes(64) }),
]);
export type Ask = v.InferOutput<typeof AskSchema>;

/** What a lease is run under beside its terms. */
const AskedSchema = v.strictObject({
  name: v.pipe(v.string(), v.maxLength(200)),
  confidence: ConfidenceSchema,
  requirements: RequirementsSchema,
  /** Until the deadline of the job: sites' clocks differ. */
  msLeft: v.nullable(COUNT),
  /** Where the blobs are, and what opens it. */
  url: v.nullable(v.pipe(v.string(), v.maxLength(256))),
  token: v.pipe(v.string(), v.maxLength(256)),
  /** Sites that may have large ones, too. */
  holders: v.pipe(v.array(HolderSchema), v.maxLength(HOLDERS_MAX)),
});
export type AskedOf = v.InferOutput<typeof AskedSchema>;

export const AnswerSchema = v.variant('state', [
  v.strictObject({ state: v.literal('hello'), frame: bytes(SITE.frameBytes.max) }),
  v.strictObject({ state: v.literal('lease'), frame: bytes(SITE.frameBytes.max), asked: AskedSchema }),
  /** Where it is read, and what opens it. */
  v.strictObject({
    state: v.literal('blob'),
    url: v.pipe(v.string(), v.maxLength(256)),
    token: v.pipe(v.string(), v.maxLength(256)),
  }),
  /** It is safe on disk. */
  v.strictObject({ state: v.literal('taken') }),
  /** Nobody needs it any more. */
  v.strictObject({ state: v.literal('gone') }),
  /** Ask again: the site cannot say now. */
  v.strictObject({ state: v.literal('later') }),
]);
export type Answer = v.InferOutput<typeof AnswerSchema>;
