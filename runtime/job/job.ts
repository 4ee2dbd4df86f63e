// The job file: a kernel, its inputs and their terms, parsed from the document that `form.ts` describes.
import { LodgerError } from '../base/errors.ts';
import { JOB, JOB_FILE, type LimitName, TASK } from '../base/limits.ts';
import { check, refuseInherited } from '../base/schema.ts';
import { parseDuration, parseSize } from '../base/units.ts';
import { type Grant, type PinnedText, parseGrant } from '../policy/grant.ts';
import { type EngineChoice, JobFileSchema, type ViewName, type WrittenJob } from './form.ts';
import type { SomeLimits } from './limits.ts';
import type { SiteTerms } from './site-terms.ts';

/** Where a kernel is: at a path, under a digest (sought beside the job file), or at a path and with that digest. */
export type KernelPlace =
  | { readonly path: string; readonly digest?: string }
  | { readonly path?: never; readonly digest: string };

/** What becomes the tasks. A record begins at each line that starts with `startsWith`, and ends before the next one. */
export type InputPlan =
  | { readonly kind: 'files'; readonly files: readonly string[] }
  | { readonly kind: 'lines'; readonly file: string }
  | { readonly kind: 'records'; readonly file: string; readonly startsWith: string; readonly perTask: PerTask };

/** How many whole records make a task: as many as fit into the bytes (one at least), or a number of them. */
export type PerTask = { readonly bytes: number; readonly records?: never } | { readonly records: number };

export type ResultPlan =
  | { readonly kind: 'folder'; readonly folder: string; readonly pictures: boolean }
  | { readonly kind: 'file'; readonly file: string; readonly as: 'base64' | 'text' | 'json' };

/** A job file, parsed. Paths are relative to the file's folder; sizes are bytes and times ms. */
export interface JobFile {
  readonly version: 1;
  readonly kernel: KernelPlace;
  readonly inputs: InputPlan;
  readonly merge?: { readonly kernel: KernelPlace; readonly arity?: number };
  /** Each implies its grant; the digest is the file's own where none is given. */
  readonly blobs: ReadonlyMap<string, { readonly file: string; readonly digest?: string }>;
  /** Folders that are to be pinned, each implying its grant; the digest is the folder's own where none is given. */
  readonly pinned: readonly PinnedText[];
  /** All but those of blobs and of folders to pin. */
  readonly grants: readonly Exclude<Grant, { kind: 'blobs' }>[];
  readonly limits: SomeLimits;
  readonly args?: readonly string[];
  readonly seed?: number;
  readonly deterministic?: boolean;
  readonly engine: EngineChoice;
  readonly results?: ResultPlan;
  readonly site?: SiteTerms;
  readonly view?: ViewName;
}

/** A job file from unknown data. Throws `ERR_JOB_INVALID` with the path of what is wrong and what it must be. */
export function parseJob(value: unknown): JobFile {
  refuseInherited(value, 'ERR_JOB_INVALID');
  const written = check(JobFileSchema, value, 'ERR_JOB_INVALID');
  const { args, seed, deterministic, engine = 'auto', results, site, view, merge } = written;
  return {
    version: 1,
    kernel: kernelPlace(written.kernel),
    inputs: inputPlan(written.inputs),
    ...(merge === undefined ? {} : { merge: { ...merge, kernel: kernelPlace(merge.kernel) } }),
    ...permissions(written),
    limits: limitsOf(written.limits ?? {}),
    engine,
    ...(args === undefined ? {} : { args }),
    ...(seed === undefined ? {} : { seed }),
    ...(deterministic === undefined ? {} : { deterministic }),
    ...(results === undefined ? {} : { results: resultPlan(results) }),
    ...(site === undefined ? {} : { site }),
    ...(view === undefined ? {} : { view }),
  };
}

function kernelPlace(kernel: WrittenJob['kernel']): KernelPlace {
  if (typeof kernel !== 'string') return kernel;
  return kernel.startsWith('sha256:') ? { digest: kernel.slice('sha256:'.length) } : { path: kernel };
}

function inputPlan(inputs: WrittenJob['inputs']): InputPlan {
  if ('files' in inputs) return { kind: 'files', files: inputs.files };
  if ('lines' in inputs) return { kind: 'lines', file: inputs.lines };
  const { file, startsWith, bytesPerTask, recordsPerTask } = inputs.records;
  if (recordsPerTask !== undefined && bytesPerTask !== undefined) {
    throw invalid('inputs.records', 'given one of bytesPerTask and recordsPerTask, not both');
  }
  const bytes = sizeOf(
    bytesPerTask ?? JOB_FILE.bytesPerTask.default,
    'inputs.records.bytesPerTask',
    JOB_FILE.bytesPerTask.max,
  );
  return {
    kind: 'records',
    file,
    startsWith,
    perTask: recordsPerTask === undefined ? { bytes } : { records: recordsPerTask },
  };
}

/** Blobs may be written as grants, too; one name must not mean two files. */
function permissions(written: WrittenJob): Pick<JobFile, 'blobs' | 'pinned' | 'grants'> {
  const blobs = new Map<string, { file: string; digest?: string }>();
  for (const [name, blob] of Object.entries(written.blobs ?? {}))
    blobs.set(name, typeof blob === 'string' ? { file: blob } : blob);
  const pinned: PinnedText[] = [];
  const grants: Exclude<Grant, { kind: 'blobs' }>[] = [];
  for (const [index, text] of (written.grants ?? []).entries()) {
    const grant = asJobError(`grants.${index}`, () => parseGrant(text));
    if ('folder' in grant) pinned.push(grant);
    else if (grant.kind !== 'blobs') grants.push(grant);
    else if (blobs.has(grant.name)) throw invalid(`grants.${index}`, `the only one for blob "${grant.name}"`);
    else if ('file' in grant) blobs.set(grant.name, { file: grant.file });
  }
  if (blobs.size + pinned.length + grants.length > JOB.grants.max)
    throw invalid('blobs', `at most ${JOB.grants.max}, with the grants`);
  return { blobs, pinned, grants };
}

function limitsOf(written: NonNullable<WrittenJob['limits']>): SomeLimits {
  const entries = (Object.keys(written) as LimitName[]).map((name) => {
    const value = written[name] ?? TASK[name].default;
    const read = TASK[name].unit === 'ms' ? durationOf : sizeOf;
    return [name, read(value, `limits.${name}`, TASK[name].max)];
  });
  return Object.fromEntries(entries) as SomeLimits;
}

function resultPlan(results: NonNullable<WrittenJob['results']>): ResultPlan {
  if ('folder' in results) {
    const { folder, pictures = true } = results;
    return { kind: 'folder', folder, pictures };
  }
  return { kind: 'file', file: results.file, as: results.as ?? 'base64' };
}

function sizeOf(written: number | string, where: string, max: number): number {
  const bytes = typeof written === 'number' ? written : asJobError(where, () => parseSize(written, where));
  if (bytes > max) throw invalid(where, `at most ${max}`);
  return bytes;
}

function durationOf(written: number | string, where: string, max: number): number {
  const ms = typeof written === 'number' ? written : asJobError(where, () => parseDuration(written, where));
  if (ms > max) throw invalid(where, `at most ${max} ms`);
  return ms;
}

/** A refusal of something inside the file, as a refusal of the file. */
function asJobError<T>(where: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof LodgerError) throw invalid(where, `valid: ${error.message}`);
    throw error;
  }
}

function invalid(where: string, must: string): LodgerError {
  return new LodgerError('ERR_JOB_INVALID', [where, must]);
}
