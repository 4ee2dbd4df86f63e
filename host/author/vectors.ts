// An author's test vectors: `tests/*.json`, each case an input and what must come of it.
import { dirname, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import * as v from 'valibot';
import { LodgerError } from '../../runtime/base/errors.ts';
import { JOB_FILE, TASK } from '../../runtime/base/limits.ts';
import { check, refuseInherited } from '../../runtime/base/schema.ts';
import { parseJob } from '../../runtime/job/job.ts';
import type { Kernel } from '../../runtime/job/kernel.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import type { Task } from '../../runtime/job/task.ts';
import { readWhole } from '../jobs/files.ts';
import { loadBlobs } from '../jobs/load.ts';
import { textOf } from '../jobs/results.ts';
import { inputOf, textOfOutput } from '../jobs/values.ts';

/** Cases that a file may have. */
const CASES_MAX = 10_000;
/** Characters of an output that a message shows. */
const SHOWN = 120;

const text = () => v.string('a text');
const ContentSchema = v.union(
  [
    v.strictObject({ text: text() }),
    v.strictObject({ base64: v.pipe(text(), v.base64('base64')) }),
    v.strictObject({ file: v.pipe(text(), v.minLength(1, 'a path')) }),
    v.strictObject({ json: v.unknown() }),
  ],
  'one of { "text" }, { "base64" }, { "file" } and { "json" }',
);
const CaseSchema = v.strictObject({
  name: v.pipe(text(), v.regex(/^[^\p{Cc}]{1,200}$/u, 'a line of 1 to 200 characters')),
  input: ContentSchema,
  output: v.exactOptional(ContentSchema),
  fails: v.exactOptional(v.strictObject({ code: v.exactOptional(text()), message: v.exactOptional(text()) })),
  grants: v.exactOptional(v.array(text(), 'a list of grants')),
  blobs: v.exactOptional(v.record(text(), text())),
  limits: v.exactOptional(v.record(text(), v.union([v.number(), text()], 'a number, or a text such as "64MiB"'))),
  seed: v.exactOptional(v.number('a number')),
});
const FileSchema = v.strictObject({
  version: v.literal(1, '1, the only version there is'),
  cases: v.pipe(v.array(CaseSchema, 'a list of cases'), v.maxLength(CASES_MAX, `at most ${CASES_MAX} cases`)),
});

type Content = v.InferOutput<typeof ContentSchema>;
type Written = v.InferOutput<typeof CaseSchema>;

/** One case, read: what the kernel is given, and what is wrong with what it did, if anything is. */
export interface Vector {
  readonly name: string;
  readonly task: Omit<Task, 'input' | 'kernel'>;
  /** Throws `ERR_OPTION_INVALID` where the kernel does not take such a value. */
  input(kernel: Kernel): Uint8Array;
  fault(kernel: Kernel, outcome: Outcome): string | undefined;
}

/** The cases of a file, with the files that they name. Throws `ERR_FILE` with the case and what is wrong with it. */
export async function readVectors(path: string): Promise<readonly Vector[]> {
  const cases = parse(path, new TextDecoder().decode(await readWhole(path, JOB_FILE.fileBytes.max)));
  const names = new Set<string>();
  const vectors: Vector[] = [];
  for (const one of cases) {
    if (names.has(one.name)) throw wrong(path, `two cases are called "${one.name}"`);
    if ((one.output === undefined) === (one.fails === undefined))
      throw wrong(path, `case "${one.name}": it has either "output" or "fails"`);
    names.add(one.name);
    vectors.push(await vectorOf(path, one));
  }
  return vectors;
}

function parse(path: string, written: string): readonly Written[] {
  try {
    const value: unknown = JSON.parse(written);
    refuseInherited(value, 'ERR_OPTION_INVALID');
    return check(FileSchema, value).cases;
  } catch (error) {
    throw wrong(path, (error as Error).message.replace(/^option /, ''), error);
  }
}

async function vectorOf(path: string, one: Written): Promise<Vector> {
  const { name, output, fails, seed } = one;
  const folder = dirname(path);
  const { limits, grants, blobs: wanted } = termsOf(path, one);
  const { grants: more, blobs } = await loadBlobs(wanted, folder);
  const given = await bytesOf(one.input, folder);
  const expected = output && (await bytesOf(output, folder));
  return {
    name,
    task: { limits, grants: [...grants, ...more], blobs, ...(seed !== undefined && { seed }) },
    input: (kernel) => ('base64' in one.input ? given : inputOf(kernel, given)),
    fault: (kernel, outcome) => {
      if (output && expected) return outputFault(kernel, outcome, { content: output, bytes: expected });
      return failureFault(outcome, fails ?? {});
    },
  };
}

/** Limits, grants and blobs are written as in a job file, and read as these are. */
function termsOf(path: string, { name, limits, grants, blobs, seed }: Written) {
  const terms = Object.fromEntries(
    Object.entries({ limits, grants, blobs, seed }).filter(([, value]) => value !== undefined),
  );
  try {
    return parseJob({ version: 1, kernel: 'kernel.wasm', inputs: { files: [name] }, ...terms });
  } catch (error) {
    throw wrong(path, `case "${name}": ${(error as Error).message.replace(/^job file: /, '')}`, error);
  }
}

async function bytesOf(content: Content, folder: string): Promise<Uint8Array> {
  if ('file' in content) return readWhole(resolve(folder, content.file), TASK.inputBytesMax.default);
  if ('base64' in content) return new Uint8Array(Buffer.from(content.base64, 'base64'));
  return new TextEncoder().encode('text' in content ? content.text : JSON.stringify(content.json));
}

function failureFault(outcome: Outcome, { code, message }: NonNullable<Written['fails']>): string | undefined {
  if (outcome.state === 'done') return `it was to fail${code === undefined ? '' : ` with ${code}`}, and is done`;
  if (code !== undefined && outcome.code !== code) return `it was to fail with ${code}, not ${said(outcome)}`;
  if (message !== undefined && outcome.message !== message)
    return `it was to fail with ${quoted(message)}, not ${said(outcome)}`;
  return undefined;
}

interface Expected {
  readonly content: Content;
  readonly bytes: Uint8Array;
}

/** Values are compared as such, whatever the order of their names in the file; all else byte by byte. */
function outputFault(kernel: Kernel, outcome: Outcome, { content, bytes }: Expected): string | undefined {
  if (outcome.state === 'failed') return `it failed: ${said(outcome)}`;
  const { output } = outcome;
  const value = 'base64' in content ? undefined : textOfOutput(kernel, output);
  if (value !== undefined || 'json' in content) {
    const got = value ?? textOf(output) ?? '';
    return isDeepStrictEqual(parsed(got), parsed(textOf(bytes) ?? ''))
      ? undefined
      : difference(got, textOf(bytes) ?? '');
  }
  if (Buffer.compare(output, bytes) === 0) return undefined;
  const [got, wanted] = [textOf(output), textOf(bytes)];
  if (got !== undefined && wanted !== undefined) return difference(got, wanted);
  const at = output.findIndex((byte, index) => byte !== bytes[index]);
  return `the output has ${output.length} bytes, not ${bytes.length}, or differs at byte ${at < 0 ? output.length : at}`;
}

function parsed(written: string): unknown {
  try {
    return JSON.parse(written);
  } catch {
    return { 'not JSON': written };
  }
}

function difference(got: string, wanted: string): string {
  return `the output is ${quoted(got)}, not ${quoted(wanted)}`;
}

function said({ code, message }: { readonly code: string; readonly message: string }): string {
  return `${quoted(message)} [${code}]`;
}

function quoted(written: string): string {
  return JSON.stringify(written.length > SHOWN ? `${written.slice(0, SHOWN)}...` : written);
}

function wrong(path: string, reason: string, cause?: unknown): LodgerError {
  return new LodgerError('ERR_FILE', ['read', path, reason], { cause });
}
