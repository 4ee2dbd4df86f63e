// What is settled before a task may run: its options are valid, its grants cover its imports, its blobs are what they claim to be.
import { LodgerError } from '../base/errors.ts';
import { type LimitName, type Limits, PAGE, TASK } from '../base/limits.ts';
import type { Platform } from '../base/platform.ts';
import { check } from '../base/schema.ts';
import { type Kernel, sealed } from '../job/kernel.ts';
import { fillLimits } from '../job/limits.ts';
import { checkMerge } from '../job/merge.ts';
import type { OutsideTerms } from '../job/outside.ts';
import { type Job, JobSchema, type Task, TaskSchema, type Terms } from '../job/task.ts';
import { IMPORTABLE } from '../job/world.ts';
import type { Room } from '../payload/bytes.ts';
import type { Grant, GrantKind } from '../policy/grant.ts';
import { narrowGrants, type Policy, permits } from '../policy/policy.ts';
import { digestOf, type Holder, settle, treeBlobs } from './settle.ts';

/** Terms that were checked and filled in. */
export interface Permit {
  readonly kernel: Kernel;
  readonly limits: Limits;
  /** What is left of those that were asked for. */
  readonly grants: readonly Grant[];
  readonly blobs: Readonly<Record<string, Uint8Array>>;
  readonly args?: readonly string[];
  readonly seed: number;
  readonly digests: boolean;
  readonly deterministic: boolean;
  /** Folders and origins, of a task that asks for some. */
  readonly outside?: OutsideTerms;
}

/** What a runner brings to the decision. */
export interface Permitter {
  readonly platform: Platform;
  readonly policy?: Policy;
  /** Whether it counts fuel. */
  readonly metered: boolean;
  /** What is asked for when the caller says nothing; a runner that cannot end a guest has none. */
  readonly wallMsDefault?: number;
  /** What it has for grants that reach beyond the task. */
  readonly holder?: Holder;
}

/** How to write each grant: the remedy in messages. */
const REMEDIES: Readonly<Record<GrantKind, string>> = {
  log: 'log',
  random: 'random',
  clock: 'clock',
  blobs: 'blobs:NAME=FILE',
  files: 'files:/PATH=FOLDER:read',
  http: 'http:ORIGIN:GET',
};

/** Checks a task from anywhere, all but its input. Throws a LodgerError of the caller's fault. */
export function permitTask(permitter: Permitter, task: Task): Permit {
  check(TaskSchema, task);
  return permitTerms(permitter, task);
}

/** Checks a job's terms; its inputs are checked one by one, as they come. */
export function permitJob(permitter: Permitter, job: Job): Permit {
  check(JobSchema, job);
  if (job.merge) {
    permitTerms(permitter, { ...job, kernel: job.merge.kernel });
    checkMerge(job.kernel, job.merge.kernel);
  }
  return permitTerms(permitter, job);
}

/** What a task brings beside its terms, as bytes. */
export function givenOf(
  permit: Permit,
  { input, index = 0 }: Task,
): { readonly input: Uint8Array; readonly index: number } {
  return { input: checkInput(permit, input), index };
}

/** The bytes of one input of a task or job: of a kernel with a payload schema, a value becomes what fits it, where `room` says. */
export function checkInput({ kernel, limits }: Permit, input: unknown, room?: Room): Uint8Array {
  const bytes = kernel.encode(input, room);
  const max = limits.inputBytesMax;
  if (bytes.byteLength <= max) return bytes;
  throw new LodgerError('ERR_OPTION_INVALID', [
    'input',
    `at most ${max} bytes (limits.inputBytesMax), not ${bytes.byteLength}`,
  ]);
}

/** The bytes of a job's inputs, as they come. */
export async function* checkInputs(permit: Permit, inputs: Job['inputs'], room?: Room): AsyncGenerator<Uint8Array> {
  for await (const input of inputs) yield checkInput(permit, input, room);
}

/** What a task gets that asks for nothing: the defaults, or less where the policy allows less. */
function lowered({ policy, metered, wallMsDefault }: Permitter): Limits {
  const defaults = fillLimits({
    ...(metered && { fuelMax: TASK.fuelMax.default }),
    ...(wallMsDefault !== undefined && { wallMsMax: wallMsDefault }),
  });
  const names = Object.keys(defaults) as LimitName[];
  const lower = (name: LimitName) => Math.min(defaults[name] as number, policy?.limits[name] ?? Infinity);
  return { ...defaults, ...Object.fromEntries(names.map((name) => [name, lower(name)])) };
}

/** Checks terms of a valid form. */
export function permitTerms(permitter: Permitter, terms: Terms): Permit {
  const kernel = sealed(terms.kernel);
  const wanted = terms.limits ?? {};
  if (wanted.wallMsMax !== undefined && permitter.wallMsDefault === undefined) {
    throw new LodgerError('ERR_LIMIT_UNENFORCED', [
      'wallMsMax',
      "a sandbox in the caller's own thread cannot end a guest that is not metered; use createPool()",
    ]);
  }
  if (wanted.fuelMax !== undefined && !permitter.metered) {
    throw new LodgerError('ERR_LIMIT_UNENFORCED', ['fuelMax', 'it was made with metered: false']);
  }
  const limits = { ...lowered(permitter), ...wanted };
  const asked = terms.grants ?? [];
  const grants = permitter.policy ? narrowGrants(permitter.policy, asked) : asked;
  cover(kernel, grants);
  mustReach(permitter.platform, kernel, asked);
  if (permitter.policy) permits(permitter.policy, limits, grants);
  const outside = settle({ holder: permitter.holder, isProgram: kernel.shape === 'command' }, asked, grants);
  const floor = kernel.memory.min * PAGE;
  if (limits.memoryBytesMax < floor) {
    throw new LodgerError('ERR_OPTION_INVALID', [
      'limits.memoryBytesMax',
      `at least ${floor}, what the kernel starts with`,
    ]);
  }
  return {
    kernel,
    limits,
    grants,
    blobs: matchBlobs(permitter.platform, { grants, ...(outside && { outside }) }, terms.blobs ?? {}),
    ...(terms.args && terms.args.length > 0 && { args: argsOf(kernel, terms.args) }),
    seed: terms.seed ?? 0,
    digests: terms.digests ?? false,
    deterministic: terms.deterministic ?? true,
    ...(outside && { outside }),
  };
}

/** Every import needs its grant. */
function cover(kernel: Kernel, grants: readonly Grant[]): void {
  for (const wanted of kernel.imports) {
    const { grant } = IMPORTABLE[wanted.interface];
    if (grant === null || grants.some(({ kind }) => kind === grant)) continue;
    throw new LodgerError('ERR_GRANT_MISSING', [`${wanted.module} ${wanted.function}`, REMEDIES[grant]]);
  }
}

/** A program has no call behind which these could stand: who grants them expects something that would not be there. */
const NOT_OF_PROGRAMS: readonly GrantKind[] = ['blobs', 'http'];

function mustReach({ today }: Platform, { shape }: Kernel, asked: readonly Grant[]): void {
  if (shape !== 'command') return;
  const stray = asked.find(({ kind }) => NOT_OF_PROGRAMS.includes(kind));
  const why =
    'a WASI program has its input, its output, its log, seeded random bytes, folders and a clock, and no more';
  if (stray) throw new LodgerError('ERR_GRANT_UNAVAILABLE', [stray.kind, why]);
  if (asked.some(({ kind }) => kind === 'clock') && !today)
    throw new LodgerError('ERR_GRANT_UNAVAILABLE', ['clock', 'its platform does not tell the time of day']);
}

function argsOf({ shape }: Kernel, args: readonly string[]): readonly string[] {
  if (shape !== 'command') throw new LodgerError('ERR_OPTION_INVALID', ['args', 'given for WASI programs only']);
  return args;
}

/** The granted blobs' bytes, each of the digest that its grant names, those of pinned folders among them. */
function matchBlobs(
  platform: Platform,
  { grants, outside }: { readonly grants: readonly Grant[]; readonly outside?: OutsideTerms },
  given: Readonly<Record<string, Uint8Array>>,
): Record<string, Uint8Array> {
  const blobs = treeBlobs(platform, outside, given);
  for (const grant of grants) {
    if (grant.kind !== 'blobs') continue;
    const bytes = Object.hasOwn(given, grant.name) ? given[grant.name] : undefined;
    if (!bytes) throw new LodgerError('ERR_OPTION_INVALID', [`blobs.${grant.name}`, 'given, since it is granted']);
    // The schema overlooks names that every object inherits, such as "constructor".
    if (!(bytes instanceof Uint8Array)) {
      throw new LodgerError('ERR_OPTION_INVALID', [`blobs.${grant.name}`, 'a Uint8Array']);
    }
    const digest = digestOf(platform, bytes);
    if (digest !== grant.digest) throw new LodgerError('ERR_BLOB_MISMATCH', [grant.name, digest, grant.digest]);
    blobs[grant.name] = bytes;
  }
  const stray = Object.keys(given).find((name) => !Object.hasOwn(blobs, name));
  if (stray !== undefined) throw new LodgerError('ERR_OPTION_INVALID', [`blobs.${stray}`, 'covered by a blobs grant']);
  return blobs;
}
