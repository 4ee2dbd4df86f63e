// The form of a job file as it is written. `schemas/job.schema.json`, by which editors complete and check it, is made from this.
import * as v from 'valibot';
import { JOB, JOB_FILE, type LimitName, TASK } from '../base/limits.ts';
import { digest, integer, oneOf } from '../base/schema.ts';
import { DURATION_TEXT, SIZE_TEXT } from '../base/units.ts';
import { BlobNameSchema } from '../policy/grant.ts';
import { ArgsSchema } from './args.ts';
import { SiteTermsSchema } from './site-terms.ts';

/** What can be made of a job's outputs at its end, for people to look at. */
export const VIEW_NAMES = ['hits'] as const;
export type ViewName = (typeof VIEW_NAMES)[number];

/** Engines that a job or a caller may name; `auto` leaves the choice to the host. */
export const ENGINE_CHOICES = ['auto', 'v8', 'wasmtime'] as const;
export type EngineChoice = (typeof ENGINE_CHOICES)[number];

const NAMED_DIGEST = /^(?!sha256:)[^\0]{1,4096}$|^sha256:[0-9a-f]{64}$/;
const OWN_FOLDER = /^(?![/\\])(?![A-Za-z]:)(?!(?:[^\0]*[/\\])?\.\.(?:[/\\]|$))[^\0]{1,4096}$/;

const path = (text = 'a path') => v.pipe(v.string(text), v.regex(/^[^\0]{1,4096}$/, text));
const quantity = (pattern: RegExp, max: number, text: string) =>
  v.union([integer(0, max), v.pipe(v.string(text), v.regex(pattern, text))], text);
const size = (max: number) => quantity(SIZE_TEXT, max, 'bytes or a size such as "64MiB"');
/** The schema with a sentence that editors show. */
const about = <T extends v.GenericSchema>(schema: T, text: string) => v.pipe(schema, v.description(text));
const limit = (name: LimitName) => {
  const { unit, max } = TASK[name];
  const schema =
    unit === 'bytes'
      ? size(max)
      : unit === 'ms'
        ? quantity(DURATION_TEXT, max, 'ms or a time such as "10s"')
        : integer(0, max);
  return v.exactOptional(about(schema, `Default: ${TASK[name].default} ${unit}.`));
};

const kernel = v.union(
  [
    v.pipe(v.string(), v.regex(NAMED_DIGEST, 'a path, or sha256: and 64 hex digits')),
    v.strictObject({ path: path(), digest: digest() }),
  ],
  'a path, "sha256:<hex>" or { "path", "digest" }',
);

const merge = v.strictObject({
  kernel: about(kernel, 'The kernel that takes an array of results and gives one of their kind.'),
  arity: v.exactOptional(
    about(
      integer(2, JOB.mergeArity.max),
      `How many results, in the order of the inputs, become one. Default: ${JOB.mergeArity.default}.`,
    ),
  ),
});

const records = v.strictObject({
  file: path(),
  startsWith: v.pipe(
    v.string('a text'),
    v.regex(/^[^\r\n\0]{1,64}$/, 'a text of 1 to 64 characters in one line'),
    v.description('A record begins at each line that starts with this text, and ends before the next such line.'),
  ),
  bytesPerTask: v.exactOptional(
    about(
      size(JOB_FILE.bytesPerTask.max),
      'As many whole records a task as fit into this size, one at least. Default: 256KiB.',
    ),
  ),
  recordsPerTask: v.exactOptional(about(integer(1, JOB_FILE.recordsPerTask.max), 'This many whole records a task.')),
});

const inputs = v.union(
  [
    v.strictObject({
      files: v.pipe(
        v.array(path(), 'a list of paths'),
        v.minLength(1, 'one path at least'),
        v.maxLength(JOB_FILE.files.max, `at most ${JOB_FILE.files.max} paths`),
        v.description('Each file is the input of one task.'),
      ),
    }),
    v.strictObject({ lines: about(path(), 'Each line of this file that is not empty is the input of one task.') }),
    v.strictObject({ records: about(records, 'A file cut between its records, such as FASTA at ">".') }),
  ],
  '{ "files": [...] }, { "lines": "x.ndjson" } or { "records": { "file", "startsWith" } }',
);

const blob = v.union([path(), v.strictObject({ file: path(), digest: digest() })], 'a path or { "file", "digest" }');

const limits = v.strictObject({
  memoryBytesMax: limit('memoryBytesMax'),
  inputBytesMax: limit('inputBytesMax'),
  outputBytesMax: limit('outputBytesMax'),
  logBytesMax: limit('logBytesMax'),
  logLinesMax: limit('logLinesMax'),
  fuelMax: limit('fuelMax'),
  wallMsMax: limit('wallMsMax'),
});

const ownPath = () => {
  const text = 'a path inside the folder of the job file';
  return v.pipe(v.string(text), v.regex(OWN_FOLDER, text));
};

const results = v.union(
  [
    v.strictObject({
      folder: about(ownPath(), 'One file a task, named by its place: 000000.out, 000001.out.'),
      pictures: v.exactOptional(
        about(
          v.boolean('true or false'),
          'Whether a picture lies beside each output that can be drawn. Default: true.',
        ),
      ),
    }),
    v.strictObject({
      file: about(ownPath(), 'One line of JSON a task, in the order of the inputs.'),
      as: v.exactOptional(
        about(
          oneOf(['base64', 'text', 'json']),
          'How outputs are written; what is no text or JSON is base64. Default: base64.',
        ),
      ),
    }),
  ],
  '{ "folder", "pictures" } or { "file", "as" }',
);

const grants = v.pipe(
  v.array(v.string('a text such as "log"')),
  v.maxLength(JOB.grants.max, `at most ${JOB.grants.max} grants`),
);

/** The document. Only what JSON Schema can say, too, is checked here; `parseJob` sees to the rest. */
export const JobFileSchema = v.strictObject({
  $schema: v.exactOptional(v.string('a text')),
  version: about(v.literal(1, '1, the only version there is'), 'Version of the form of job files.'),
  kernel: about(kernel, 'The kernel: its path; its digest, sought among the .wasm files beside the job file; or both.'),
  inputs: about(inputs, 'What becomes the tasks. Paths are relative to the folder of the job file.'),
  merge: v.exactOptional(about(merge, 'Makes one result of all: what the job gives then.')),
  blobs: v.exactOptional(
    about(v.record(BlobNameSchema, blob), 'Read-only data for every task, by name. Each implies its grant.'),
  ),
  grants: v.exactOptional(
    about(
      grants,
      'What the kernel may use: log, random, clock, files:/PATH=FOLDER:read, http:ORIGIN:GET. What is not granted does not exist.',
    ),
  ),
  limits: v.exactOptional(about(limits, 'What each task may use at most.')),
  args: v.exactOptional(about(ArgsSchema, 'Arguments of a WASI program.')),
  seed: v.exactOptional(
    about(integer(0, Number.MAX_SAFE_INTEGER), 'The same seed gives every task the same random bytes again.'),
  ),
  deterministic: v.exactOptional(
    about(
      v.boolean('true or false'),
      'Whether NaNs have the same bits on every machine. Without it float kernels run a little faster. Default: true.',
    ),
  ),
  engine: v.exactOptional(about(oneOf(ENGINE_CHOICES), 'The engine that runs the tasks. Default: auto.')),
  results: v.exactOptional(about(results, 'Where outputs go, inside the folder of the job file. Absent: nowhere.')),
  site: v.exactOptional(about(SiteTermsSchema, 'What the job asks of a site, where it is submitted to one.')),
  view: v.exactOptional(about(oneOf(VIEW_NAMES), 'How the outputs are shown at the end.')),
});

export type WrittenJob = v.InferOutput<typeof JobFileSchema>;
