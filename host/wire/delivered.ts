// What a site hands to submitters, checked by them: final outcomes as frames, and receipts that can be checked offline.
import * as v from 'valibot';
import { digest, integer, oneOf } from '../../runtime/base/schema.ts';
import { SITE } from './ceilings.ts';
import type { BatchHead, Entry, Proof } from './ledger.ts';

const COUNT = integer(0, Number.MAX_SAFE_INTEGER);
const NUMBER = v.pipe(v.number('a number'), v.minValue(0, 'at least 0'), v.finite('a number'));
const word = (max = 128) => v.pipe(v.string('a text'), v.maxLength(max, `at most ${max} characters`));

/** Outcomes of a frame: those that have next to nothing to say are so many in its bytes. */
const ROWS_MAX = 4_096;
const column = <T extends v.GenericSchema>(schema: T) =>
  v.pipe(v.array(schema), v.maxLength(ROWS_MAX, `at most ${ROWS_MAX}`));

/**
 * `GET /jobs/:id/outcomes`: frames of `frames.ts`, in input order, one or more outcomes each: those of one host that follow each other.
 * What they have in common is said once, the rest is a column each. Of an output up to 64 KiB the number of its bytes, which follow the
 * message one behind the other; of a larger one the digest of a blob.
 */
export const DeliveredSchema = v.strictObject({
  /** Of the first; the others are those behind it. */
  index: COUNT,
  host: word(64),
  engine: v.strictObject({ name: oneOf(['v8', 'wasmtime']), version: word() }),
  rewriter: COUNT,
  tariff: COUNT,
  deterministic: v.boolean(),
  /** Of a job with a merge: whose outcome it is. */
  kernel: v.exactOptional(digest()),
  states: column(oneOf(['done', 'failed', 'cancelled'])),
  outputs: column(v.union([integer(0, SITE.inlineBytes.max), digest()])),
  codes: column(word(64)),
  messages: column(word(32_768)),
  logs: column(
    v.nullable(
      v.strictObject({
        lines: v.pipe(v.array(v.strictTuple([integer(0, 3), word(65_536)])), v.maxLength(100_000)),
        linesDropped: COUNT,
      }),
    ),
  ),
  fuels: column(v.nullable(COUNT)),
  wallMs: column(NUMBER),
  memoryBytesPeak: column(COUNT),
  runs: column(COUNT),
  confidences: column(NUMBER),
});
export type WireDelivered = v.InferOutput<typeof DeliveredSchema>;

const hex = (bytes: number) =>
  v.pipe(v.string(), v.regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`), `${bytes} bytes in hex`));

const EntrySchema: v.GenericSchema<unknown, Entry> = v.pipe(
  v.strictObject({
    version: v.literal(1, '1, the only version there is'),
    job: word(72),
    task: COUNT,
    kernel: digest(),
    input: digest(),
    output: v.pipe(v.string(), v.regex(/^(?:[0-9a-f]{64}|ERR_[A-Z_]{1,60})$/, 'a digest or a code')),
    fuel: v.nullable(COUNT),
    tariff: COUNT,
    rewriter: COUNT,
    interval: v.exactOptional(v.strictTuple([COUNT, v.nullable(COUNT)])),
    marks: v.exactOptional(digest()),
  }),
  v.transform((entry) => entry as Entry),
);

const HeadSchema: v.GenericSchema<unknown, BatchHead> = v.strictObject({
  version: v.literal(1, '1, the only version there is'),
  host: word(64),
  job: word(72),
  fence: v.strictTuple([COUNT, COUNT]),
  tasks: COUNT,
  fuel: COUNT,
  root: digest(),
});

const ProofSchema: v.GenericSchema<unknown, Proof> = v.pipe(
  v.array(v.strictTuple([oneOf(['left', 'right']), digest()])),
  v.maxLength(32, 'at most 32 steps'),
);

/** Everything that it takes to check one receipt offline. Keys, signatures and digests in hex. */
export const SignedReceiptSchema = v.strictObject({
  version: v.literal(1, '1, the only version there is'),
  entry: EntrySchema,
  proof: ProofSchema,
  head: HeadSchema,
  hostKey: hex(32),
  hostSignature: hex(64),
  before: digest(),
  siteKey: hex(32),
  siteSignature: hex(64),
});
export type WireReceipt = v.InferOutput<typeof SignedReceiptSchema>;
