// Final outcomes in input order, and receipts: read from what is on disk, never ahead of it.
import { LodgerError } from '../../runtime/base/errors.ts';
import { bytesOf } from '../wire/outcomes.ts';
import type { Datum } from '../wire/site.ts';
import type { Delivered, SignedReceipt } from './contracts.ts';
import { beliefOf, KEY, type Outputs, type RunEvent, type SiteEvent, USE } from './events.ts';
import type { Job } from './job.ts';
import { entryOf, partsOfEntry, receiptsOf } from './receipts.ts';
import { hexAt } from './rows.ts';
import type { State } from './state.ts';

/** Events that are kept decoded for a reader: those of several hosts interleave. */
const KEPT_MAX = 32;

/** Outcomes that are there are read so many at a time, or so many bytes: a turn an outcome would take longer than to read it. */
const GROUP = { rows: 64, bytes: 64 * 1024 } as const;

/**
 * Outcomes from a place on, as they become final and are on disk; ends with the job, or when the signal says so. Throws what a site says
 * that is over: the reader comes again, and goes on from where it was.
 */
export async function* outcomes(
  state: State,
  job: Job,
  { from, signal }: { readonly from: number; readonly signal: AbortSignal },
): AsyncGenerator<readonly Delivered[]> {
  const read = createReader(state, job);
  const isOver = () => job.record.state !== 'open' && job.record.summary !== null;
  const isThere = (task: number) => isShown(job, task) || isOver();
  for (let task = from; ; ) {
    const first = task;
    if (!isThere(first)) await waitFor(state, job, signal, () => isThere(first));
    if (signal.aborted || (isOver() && task >= job.tasks)) return;
    const group: Delivered[] = [];
    let bytes = 0;
    do {
      const each = isShown(job, task) ? read(task) : notRun(task, job.record.reason);
      group.push(each);
      bytes += bytesOf(each);
      task++;
    } while (group.length < GROUP.rows && bytes < GROUP.bytes && task < job.tasks && isThere(task));
    yield group;
  }
}

/** Waits for what becomes true when more of a job is shown, or for the signal. Throws `ERR_CLOSED` when the site is over. */
export async function waitFor(state: State, job: Job, signal: AbortSignal, isSo: () => boolean): Promise<void> {
  while (!signal.aborted && !isSo()) {
    if (state.over) throw new LodgerError('ERR_CLOSED', ['site']);
    await nextOf(job, signal);
  }
}

/** Whether a task is final, with the event that made it so on disk. */
function isShown(job: Job, task: number): boolean {
  const settledIn = job.detail.settledIn[task] ?? 0;
  return settledIn !== 0 && settledIn <= job.shown;
}

/** Resolves when something more of a job is shown, or the signal is given. */
function nextOf(job: Job, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      job.listeners.delete(done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    job.listeners.add(done);
    signal.addEventListener('abort', done);
  });
}

/** Reads outcomes of a job, with what it has read last at hand. */
export function createReader(state: State, job: Job): (task: number) => Delivered {
  const kept = new Map<number, { readonly event: SiteEvent; readonly rows: Map<number, number>; outputs?: Outputs }>();
  const load = (number: number) => {
    let found = kept.get(number);
    if (!found) {
      const event = state.with.store.get(KEY.event(job.id, number)) as SiteEvent | undefined;
      if (!event) throw new Error(`event ${number} of job ${job.id} is not in the store`);
      const tasks = event.type === 'run' ? event.tasks : [];
      found = { event, rows: new Map(tasks.map((task, row) => [task, row])) };
      if (kept.size >= KEPT_MAX) for (const oldest of kept.keys()) if (kept.delete(oldest)) break;
      kept.set(number, found);
    }
    return found;
  };
  return (task) => {
    const { settledIn, answerIn } = job.detail;
    const { event: made } = load(settledIn[task] as number);
    const belief = beliefOf(made, task);
    const answer = load(answerIn[task] as number);
    if (answer.event.type === 'fail')
      return { ...notRun(task, answer.event.message), state: 'failed', code: answer.event.code, ...belief };
    if (answer.event.type !== 'run') throw new Error(`event ${answerIn[task]} of job ${job.id} has no answer`);
    answer.outputs ??= state.with.store.get(KEY.outputs(job.id, answerIn[task] as number)) as Outputs;
    return deliveredOf(answer.event, answer.outputs, { task, row: answer.rows.get(task) as number, ...belief });
  };
}

const text = new TextDecoder();
const NOTHING = new Uint8Array();
const MISSING = 'hosts named an output that they had not brought';

function deliveredOf(
  event: RunEvent,
  { outputs, logs }: Outputs,
  { task, row, runs, confidence }: { task: number; row: number; runs: number; confidence: number },
): Delivered {
  const output = outputs[row] as Datum;
  // Given up though its host said that it was done: nobody brought what was named as its output.
  const isMissing = event.codes[row] === '' && event.use[row] === USE.givenUp;
  const code = isMissing ? 'ERR_HOST_FAULT' : (event.codes[row] as string);
  const log = logs[row];
  return {
    index: task,
    state: code === '' ? 'done' : 'failed',
    output: code === '' ? output : NOTHING,
    code,
    message: isMissing ? MISSING : code === '' || typeof output === 'string' ? '' : text.decode(output),
    log: log ? { lines: log[0], linesDropped: log[1] } : null,
    fuel: event.fuels[row] ?? null,
    wallMs: event.wallMs[row] ?? 0,
    memoryBytesPeak: event.memoryBytesPeak[row] ?? 0,
    host: event.host,
    runs,
    confidence,
    engine: event.engine,
    rewriter: event.rewriter,
    tariff: event.tariff,
    deterministic: event.deterministic,
  };
}

/** Of a task that nobody ran. */
export function notRun(index: number, message: string): Delivered {
  return {
    index,
    state: 'cancelled',
    output: NOTHING,
    code: '',
    message,
    log: null,
    fuel: null,
    wallMs: 0,
    memoryBytesPeak: 0,
    host: '',
    runs: 0,
    confidence: 0,
    engine: { name: 'v8', version: '' },
    rewriter: 0,
    tariff: 0,
    deterministic: false,
  };
}

/** What receipts are given for: runs, and parts of them that were run again. */
const RUN: readonly (number | undefined)[] = [USE.first, USE.check, USE.audit];

/** Receipts of a job's runs that count, in the order in which they were delivered, from a number on; behind them those of its merges. */
export async function* receipts(state: State, jobs: readonly Job[], from: number): AsyncGenerator<SignedReceipt> {
  let number = 0;
  for (const job of jobs) number = yield* receiptsOfOne(state, job, { from, number });
}

async function* receiptsOfOne(
  state: State,
  job: Job,
  { from, number: before }: { readonly from: number; readonly number: number },
): AsyncGenerator<SignedReceipt, number> {
  let number = before;
  for (const { key, value } of state.with.store.range(...KEY.events(job.id))) {
    const event = value as SiteEvent;
    if ((key[2] as number) > job.shown) break;
    if (event.type !== 'run') continue;
    const rows = event.tasks.flatMap((_, row) => (RUN.includes(event.use[row]) ? [row] : []));
    const wanted = rows.slice(Math.max(0, from - number));
    number += rows.length;
    if (wanted.length === 0) continue;
    const host = state.hosts.get(event.host);
    if (!host) throw new Error(`host ${event.host} is not in the store`);
    const entries = event.tasks.map((task, row) =>
      entryOf({ job: job.id, rewriter: event.rewriter, tariff: event.tariff }, job.kernel, {
        task,
        input: state.inputs.digest(job.id, job.starts, task),
        output: (event.codes[row] as `ERR_${string}` | '') || hexAt(event.digests, row),
        fuel: event.fuels[row] ?? null,
        ...partsOfEntry(event, row),
      }),
    );
    const keys = { host: Buffer.from(host.record.key).toString('hex'), site: state.key.public };
    yield* receiptsOf(entries, wanted, event.signed, keys);
  }
  return number;
}
