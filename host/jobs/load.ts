// A job file with what it names: the kernel admitted, the blobs read and pinned.
import { readdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { admit } from '../../runtime/admit/admit.ts';
import { ADMISSION } from '../../runtime/base/admission.ts';
import { LodgerError } from '../../runtime/base/errors.ts';
import { JOB_FILE, TASK } from '../../runtime/base/limits.ts';
import { toHex } from '../../runtime/base/platform.ts';
import { type InputPlan, type JobFile, type KernelPlace, parseJob } from '../../runtime/job/job.ts';
import type { Kernel } from '../../runtime/job/kernel.ts';
import { checkMerge } from '../../runtime/job/merge.ts';
import type { Merge, Terms } from '../../runtime/job/task.ts';
import type { Grant } from '../../runtime/policy/grant.ts';
import { node } from '../platform/node.ts';
import { fileError, readWhole } from './files.ts';
import { resolveGrants } from './grants.ts';

export interface LoadedJob {
  readonly file: JobFile;
  /** Paths in the file are relative to it. */
  readonly folder: string;
  readonly terms: Terms;
  readonly merge?: Merge;
  /** The kernel's file, and that of the kernel that merges. */
  readonly kernelPath: string;
  readonly mergePath?: string;
}

/** What a caller puts in the place of what a job file says; paths as the caller wrote them. */
export interface Changes {
  /** The file that is cut into tasks, or the only file of a list. */
  readonly input?: string;
  /** Files of blobs, by name. */
  readonly blobs: ReadonlyMap<string, { readonly file: string }>;
}

/** Reads a job file and what it names, inputs excepted. Throws `ERR_JOB_INVALID`, `ERR_FILE`, and what `admit` throws. */
export async function loadJob(path: string, changes: Changes = { blobs: new Map() }): Promise<LoadedJob> {
  const file = changed(parseJob(parseJson(await readWhole(path, JOB_FILE.fileBytes.max), path)), changes);
  const folder = dirname(resolve(path));
  const { kernel, path: kernelPath } = await findKernel('kernel', file.kernel, folder);
  const merge = file.merge && (await findKernel('merge.kernel', file.merge.kernel, folder));
  if (merge) checkMerge(kernel, merge.kernel);
  const { grants, blobs } = await loadBlobs(file.blobs, folder);
  const others = await resolveGrants(file.grants, file.pinned, folder);
  return {
    file,
    folder,
    kernelPath,
    ...(merge && { merge: { ...file.merge, kernel: merge.kernel }, mergePath: merge.path }),
    terms: {
      kernel,
      limits: file.limits,
      grants: [...others.grants, ...grants],
      blobs: { ...others.blobs, ...blobs },
      ...(file.args === undefined ? {} : { args: file.args }),
      ...(file.seed === undefined ? {} : { seed: file.seed }),
      ...(file.deterministic === undefined ? {} : { deterministic: file.deterministic }),
    },
  };
}

/** A kernel from a file, admitted. */
export async function loadKernel(path: string): Promise<Kernel> {
  return admit(await readWhole(path, ADMISSION.moduleBytes.max), { platform: node });
}

/** Reads the files behind blobs. A digest that is given must be the file's: `ERR_BLOB_MISMATCH`. */
export async function loadBlobs(
  wanted: JobFile['blobs'],
  folder: string,
): Promise<{ readonly grants: Grant[]; readonly blobs: Record<string, Uint8Array> }> {
  const grants: Grant[] = [];
  const blobs: Record<string, Uint8Array> = {};
  for (const [name, { file, digest }] of wanted) {
    const bytes = await readWhole(resolve(folder, file), TASK.inputBytesMax.max);
    const found = toHex(node.digest(bytes));
    if (digest !== undefined && digest !== found) throw new LodgerError('ERR_BLOB_MISMATCH', [name, found, digest]);
    grants.push({ kind: 'blobs', name, digest: found });
    blobs[name] = bytes;
  }
  return { grants, blobs };
}

function changed(file: JobFile, { input, blobs }: Changes): JobFile {
  const merged = new Map(file.blobs);
  for (const [name, blob] of blobs) {
    if (!merged.has(name))
      throw new LodgerError('ERR_OPTION_INVALID', ['--blob', `a blob of the job file, not "${name}"`]);
    merged.set(name, { file: resolve(blob.file) });
  }
  return { ...file, blobs: merged, inputs: input === undefined ? file.inputs : moved(file.inputs, resolve(input)) };
}

function moved(plan: InputPlan, file: string): InputPlan {
  return plan.kind === 'files' ? { kind: 'files', files: [file] } : { ...plan, file };
}

function parseJson(bytes: Uint8Array, path: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    const reason = error instanceof SyntaxError ? error.message : 'its bytes are not UTF-8';
    throw new LodgerError('ERR_JOB_INVALID', [path, `JSON: ${reason}`], { cause: error });
  }
}

interface Found {
  readonly kernel: Kernel;
  readonly path: string;
}

/** `field` of the job file says where it is. */
async function findKernel(field: string, place: KernelPlace, folder: string): Promise<Found> {
  if (place.path === undefined) return neighbour(field, place.digest, folder);
  const path = resolve(folder, place.path);
  const kernel = await loadKernel(path);
  if (place.digest !== undefined && place.digest !== kernel.digest) {
    throw new LodgerError('ERR_JOB_INVALID', [
      `${field}.digest`,
      `${kernel.digest}, which is the digest of ${place.path}`,
    ]);
  }
  return { kernel, path };
}

/** The .wasm file beside the job file that has the digest. Throws `ERR_JOB_INVALID` also where there are too many to look at. */
async function neighbour(field: string, digest: string, folder: string): Promise<Found> {
  const entries = await readdir(folder).catch((error: unknown) => {
    throw fileError('read', folder, error);
  });
  const names = entries.filter((each) => each.endsWith('.wasm')).sort();
  const { max } = JOB_FILE.neighbours;
  if (names.length > max)
    throw new LodgerError('ERR_JOB_INVALID', [field, `a path: over ${max} .wasm files lie in ${folder}`]);
  for (const name of names) {
    const path = resolve(folder, name);
    const bytes = await readWhole(path, ADMISSION.moduleBytes.max);
    if (toHex(node.digest(bytes)) === digest) return { kernel: await admit(bytes, { platform: node }), path };
  }
  throw new LodgerError('ERR_JOB_INVALID', [field, `the digest of a .wasm file in ${folder}`]);
}
