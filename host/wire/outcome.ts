// Outcomes from unknown data: another process tells how a task ended.
import * as v from 'valibot';
import { ERRORS, type FailureCode } from '../../runtime/base/errors.ts';
import { GUEST, JOB, TASK } from '../../runtime/base/limits.ts';
import { HTTP } from '../../runtime/base/outside.ts';
import { digest, integer, oneOf } from '../../runtime/base/schema.ts';
import { LOG_LEVELS, TRACE_FRAMES_MAX } from '../../runtime/job/outcome.ts';

const COUNT = integer(0, Number.MAX_SAFE_INTEGER);
const TIME = v.pipe(v.number('a number'), v.minValue(0, 'at least 0'), v.finite('a number'));
const WORD = v.pipe(v.string('a text'), v.maxLength(128, 'at most 128 characters'));
/** A message of a guest and the words around it. */
const MESSAGE = v.pipe(v.string('a text'), v.maxLength(2 * GUEST.messageBytesMax.max, 'shorter'));

const FAILURES = Object.entries(ERRORS)
  .filter(([, { fault }]) => fault !== 'caller')
  .map(([code]) => code) as [FailureCode, ...FailureCode[]];

const GrantTextsSchema = v.pipe(
  v.array(v.pipe(v.string('a text'), v.maxLength(8_192, 'at most 8192 characters'))),
  v.maxLength(JOB.grants.max),
);

const OutsideSchema = v.strictObject({
  asked: GrantTextsSchema,
  given: GrantTextsSchema,
  files: v.exactOptional(v.strictObject({ opened: COUNT, bytesRead: COUNT, bytesWritten: COUNT })),
  requests: v.exactOptional(
    v.pipe(
      v.array(
        v.strictObject({
          method: WORD,
          origin: v.pipe(v.string('a text'), v.maxLength(HTTP.urlBytes.max)),
          status: integer(0, 999),
          bytesSent: COUNT,
          bytesReceived: COUNT,
        }),
      ),
      v.maxLength(HTTP.requests.max),
    ),
  ),
});

const ReceiptSchema = v.strictObject({
  version: v.literal(1),
  kernel: digest(),
  engine: v.strictObject({ name: oneOf(['v8', 'wasmtime']), version: WORD }),
  rewriter: COUNT,
  tariff: v.exactOptional(COUNT),
  fuel: v.exactOptional(COUNT),
  fuelAtLeast: v.exactOptional(COUNT),
  wallMs: TIME,
  cpuMs: v.exactOptional(TIME),
  memoryBytesPeak: v.exactOptional(COUNT),
  bytesIn: COUNT,
  bytesOut: COUNT,
  calls: v.record(WORD, COUNT),
  inputDigest: v.exactOptional(digest()),
  outputDigest: v.exactOptional(digest()),
  deterministic: v.boolean(),
  attempts: COUNT,
  outside: v.exactOptional(OutsideSchema),
});

const LogSchema = v.strictObject({
  lines: v.pipe(
    v.array(v.strictObject({ level: oneOf(LOG_LEVELS), text: v.string() })),
    v.maxLength(TASK.logLinesMax.max),
  ),
  linesDropped: COUNT,
});

/** Where a kernel was; its names have been cut where they were read. */
const TraceSchema = v.pipe(
  v.array(
    v.strictObject({
      function: COUNT,
      name: v.exactOptional(v.pipe(v.string('a text'), v.maxLength(256, 'shorter'))),
      offset: COUNT,
    }),
  ),
  v.maxLength(TRACE_FRAMES_MAX),
);

/** How a task ended, but for the output, which comes apart. */
export const OutcomeSchema = v.variant('state', [
  v.strictObject({ state: v.literal('done'), log: LogSchema, receipt: ReceiptSchema }),
  v.strictObject({
    state: v.literal('failed'),
    code: v.picklist(FAILURES),
    fault: oneOf(['job', 'host']),
    message: MESSAGE,
    trace: v.exactOptional(TraceSchema),
    log: LogSchema,
    receipt: ReceiptSchema,
  }),
]);
