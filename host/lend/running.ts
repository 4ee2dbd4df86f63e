// Runs one task that a site gave, and says how it ended in the terms of a report.
import { type ErrorCode, LodgerError } from '../../runtime/base/errors.ts';
import { type Digest, type Platform, toHex } from '../../runtime/base/platform.ts';
import type { Kernel } from '../../runtime/job/kernel.ts';
import { LOG_LEVELS, type Outcome, type TaskLog } from '../../runtime/job/outcome.ts';
import type { Task } from '../../runtime/job/task.ts';
import { SITE } from '../wire/ceilings.ts';
import type { Interval } from '../wire/ledger.ts';
import type { Audit, Datum, WireTerms } from '../wire/site.ts';
import type { Begun, Crew, InputDigest } from './contracts.ts';
import type { Fetching, Shared } from './fetching.ts';
import type { Assigned, Audited } from './held.ts';
import { type By, byOf, type Ran } from './report.ts';
import type { Stepped } from './steppers.ts';

/** What a task of a site is run with, from its lease and the blobs behind it. */
export type Prepared = Task & { readonly kernel: Kernel; readonly input: Uint8Array };

export interface RunTools {
  readonly crew: () => Crew;
  readonly fetching: Fetching;
  readonly digest: Platform['digest'];
  readonly inputDigest?: InputDigest | undefined;
  /** Of this machine, for tasks that got no receipt. */
  readonly by: (terms: WireTerms) => By;
  /** A stepper with images, where the crew can. Undefined when it was stopped. */
  readonly runStepper: (assigned: Assigned, task: Prepared) => Promise<Stepped | undefined>;
  /** A part of one. */
  readonly runAudit: (assigned: Audited, task: Prepared) => Promise<Ran>;
}

/** Lines and bytes of a log that go into a report; more of them are counted. */
const LOG = { lines: 1_000, bytes: 64 * 1024 } as const;
const MESSAGE_BYTES = 4_096;
const text = new TextEncoder();
/** What the site or this machine refuses to the host, not to the task; and what came to it damaged. */
const ELSEWHERE: readonly ErrorCode[] = [
  'ERR_NOT_FOUND',
  'ERR_ACCESS_DENIED',
  'ERR_BLOB_MISMATCH',
  'ERR_QUEUE_FULL',
  'ERR_CLOSED',
];

/** Undefined for one that was stopped. Throws what is no outcome of the task: the owner's quota or a full disk. */
export async function runTask(tools: RunTools, assigned: Assigned): Promise<Ran | undefined> {
  const { control, held, index } = assigned;
  try {
    const found = tools.fetching.terms(held.terms);
    const terms = found instanceof Promise ? await unless(control.signal, found) : found;
    const { input } = assigned;
    const bytes = typeof input === 'string' ? await tools.fetching.blob(input, control.signal) : input;
    if (isAudit(assigned)) return await tools.runAudit(assigned, taskOf(assigned, terms, bytes));
    const hasSteps = terms.kernel.shape === 'stepper' && tools.crew().steppers !== undefined;
    const { outcome, marks = [] } = hasSteps
      ? ((await tools.runStepper(assigned, taskOf(assigned, terms, bytes))) ?? {})
      : { outcome: await begin(tools.crew(), assigned, { terms, bytes }).outcome };
    if (outcome === undefined || control.aborted) return undefined;
    const ran = await ranOf(tools, assigned, outcome);
    return marks.length > 0 ? { ...ran, marks } : ran;
  } catch (error) {
    if (control.aborted || isStopped(error)) return undefined;
    if (isOwners(error)) throw error;
    const { code, message } = failureOf(error);
    const input = inputOf(tools, assigned);
    const row = { task: index, input, code, output: clip(message), outputDigest: '', fuel: null, fuelAtLeast: null };
    const ran = { ...row, wallMs: 0, memoryBytesPeak: 0, log: null, by: tools.by(held.terms) };
    return isAudit(assigned) ? { ...ran, interval: intervalOf(assigned.audit) } : ran;
  }
}

const isAudit = (assigned: Assigned): assigned is Audited => assigned.audit !== null;

/** Which part of the task it is. */
export const intervalOf = ({ from, to }: Audit): Interval => [from?.step ?? 0, to];

function taskOf({ number }: Assigned, terms: Shared, input: Uint8Array): Prepared {
  return { ...terms, input, index: number };
}

function begin(
  crew: Crew,
  assigned: Assigned,
  { terms, bytes }: { readonly terms: Shared; readonly bytes: Uint8Array },
): Pick<Begun, 'outcome'> {
  const { control, number } = assigned;
  // It may have been stopped while its input was on its way.
  if (control.aborted) throw new LodgerError('ERR_ABORTED');
  if (!crew.begin) {
    const task = taskOf(assigned, terms, bytes);
    crew.whose?.(task, assigned.held.terms.account, number);
    return { outcome: crew.run(task, { signal: control.signal }) };
  }
  const begun = crew.begin(terms, { input: bytes, index: number });
  control.onAbort = begun.cancel;
  return begun;
}

/** Rejects with `ERR_ABORTED` when the task is stopped before that. */
function unless<T>(signal: AbortSignal, act: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(new LodgerError('ERR_ABORTED'));
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop);
    act.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

async function ranOf(tools: RunTools, assigned: Assigned, outcome: Outcome): Promise<Ran> {
  const { receipt } = outcome;
  const input = receipt.inputDigest ?? inputOf(tools, assigned);
  if (outcome.state === 'failed') return rowOf(assigned, outcome, { input, output: clip(outcome.message) });
  const { output } = outcome;
  const outputDigest = receipt.outputDigest ?? toHex(tools.digest(output));
  if (output.byteLength <= SITE.inlineBytes.max) return rowOf(assigned, outcome, { input, output, outputDigest });
  await tools.fetching.store(output, assigned.control.signal, outputDigest);
  return rowOf(assigned, outcome, { input, output: outputDigest, outputDigest });
}

interface Given {
  readonly input: Digest;
  readonly output: Datum;
  readonly outputDigest?: Digest;
}

/** In one piece: put together of parts, an object of so many fields is a table, and there is one a task. */
function rowOf({ index }: Assigned, outcome: Outcome, { input, output, outputDigest = '' }: Given): Ran {
  const { receipt, log } = outcome;
  return {
    task: index,
    input,
    code: outcome.state === 'failed' ? outcome.code : '',
    output,
    outputDigest,
    fuel: receipt.fuel ?? null,
    fuelAtLeast: receipt.fuelAtLeast ?? null,
    wallMs: receipt.wallMs,
    memoryBytesPeak: receipt.memoryBytesPeak ?? 0,
    log: logOf(log),
    by: byOf(receipt),
  };
}

/** The digest of a task's input. */
export function inputOf(
  { digest, inputDigest }: Pick<RunTools, 'digest' | 'inputDigest'>,
  { held, index, input }: Assigned,
): Digest {
  return typeof input === 'string' ? input : (inputDigest?.(held.job, index) ?? toHex(digest(input)));
}

function logOf({ lines, linesDropped }: TaskLog): Ran['log'] {
  if (lines.length === 0 && linesDropped === 0) return null;
  const kept: [number, string][] = [];
  let bytes = 0;
  for (const line of lines) {
    bytes += 3 * line.text.length;
    if (kept.length === LOG.lines || bytes > LOG.bytes) break;
    kept.push([LOG_LEVELS.indexOf(line.level), line.text]);
  }
  return [kept, linesDropped + lines.length - kept.length];
}

/** A stepper that was paused ends like this, too. */
function isStopped(error: unknown): boolean {
  return error instanceof LodgerError && error.code === 'ERR_ABORTED';
}

/** Refusals of this machine's owner, which say nothing of the task. */
function isOwners(error: unknown): boolean {
  return error instanceof LodgerError && (error.code === 'ERR_QUOTA_SPENT' || error.code === 'ERR_FILE');
}

/** What is the site's or this machine's doing is tried elsewhere; what is the kernel's or the job's is told as it is. */
function failureOf(error: unknown): { readonly code: ErrorCode; readonly message: string } {
  const message = error instanceof Error ? error.message : String(error);
  const isOurs = !(error instanceof LodgerError) || ELSEWHERE.includes(error.code);
  return isOurs ? { code: 'ERR_HOST_FAULT', message } : { code: error.code, message };
}

export function clip(message: string): Uint8Array {
  const bytes = text.encode(message);
  return bytes.byteLength <= MESSAGE_BYTES ? bytes : bytes.slice(0, MESSAGE_BYTES);
}
