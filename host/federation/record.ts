// What a site tells the others of itself, a small record that it renews with every beat.
import * as v from 'valibot';
import { integer } from '../../runtime/base/schema.ts';
import { ConfidenceSchema, SiteNameSchema } from '../../runtime/job/site-terms.ts';
import { PolicySchema } from '../../runtime/policy/policy.ts';

const AMOUNT = v.pipe(v.number('a number'), v.minValue(0, 'at least 0'), v.finite('a number'));

export const SiteRecordSchema = v.strictObject({
  version: v.literal(1),
  name: SiteNameSchema,
  /** Its Ed25519 key, in hex. */
  key: v.pipe(v.string('a key'), v.regex(/^[0-9a-f]{64}$/, '32 bytes in hex')),
  /** Where its blobs are read over HTTP; null if it cannot be reached. */
  url: v.nullable(v.pipe(v.string('a URL'), v.url('a URL'), v.maxLength(256))),
  hosts: integer(0, 10_000_000),
  threads: integer(0, 10_000_000),
  /** Fuel a second of all threads that are lent to it now. */
  fuelPerSecond: AMOUNT,
  /** Fuel of the tasks that wait or run there, for whomever. */
  queuedFuel: AMOUNT,
  /** In units for 10^9 fuel. */
  price: AMOUNT,
  /** Ms in which it gives back what it has leased, or gives it up. */
  deadlineMs: integer(1, 30 * 86_400_000),
  /** The most that its own hosts can be believed. */
  confidence: ConfidenceSchema,
  /** The highest limits and the grants that it allows tasks of others. */
  policy: PolicySchema,
  /** Walls that all its hosts have. */
  isolation: v.pipe(v.array(v.pipe(v.string('a text'), v.maxLength(32))), v.maxLength(16)),
});
export type SiteRecord = v.InferOutput<typeof SiteRecordSchema>;

/** A queue counts as free capacity spent for so long. */
const HORIZON_S = 60;

/** Fuel a second that a site could give to tasks that came now, beside its queue. */
export const freeFuelPerSecond = ({ fuelPerSecond, queuedFuel }: SiteRecord): number =>
  Math.max(0, fuelPerSecond - queuedFuel / HORIZON_S);
