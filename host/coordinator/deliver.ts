// A report of a host becomes an event: what counts in it, what it settles, what has to be run again. Nothing of it is shown before the flush.
import { TASK } from '../../runtime/base/limits.ts';
import { faultOf } from '../../runtime/job/outcome.ts';
import type { Report } from '../wire/site.ts';
import { firstStanding } from './belief.ts';
import type { Caller, Range } from './contracts.ts';
import type { Effects } from './delivery.ts';
import { KEY, type Outputs, type RunEvent, USE } from './events.ts';
import { countDelivered, measure } from './hosts.ts';
import { digestOf } from './inputs.ts';
import { checkMarks } from './intervals.ts';
import type { Job } from './job.ts';
import { drop } from './open.ts';
import { partsOfRow } from './parts.ts';
import { countersign, verifiedHead } from './receipts.ts';
import { deliveryOf, intervalAt } from './rows.ts';
import { type Decided, gather, happen, nothingDecided, settleAs } from './settling.ts';
import type { Came } from './speed.ts';
import type { Connection, Host, SiteLease, State } from './state.ts';

/** How often a task that fails for its host's doing is tried. */
export const RETRIES = 5;

/** Takes a report. Throws a RangeError for one that an honest host does not send. */
export function deliver(state: State, connection: Connection, report: Report): void {
  const { host } = connection;
  if (!host) throw new RangeError('a report comes before hello');
  const job = state.jobs.get(report.job);
  const lease = state.leases.find(report.fence);
  checkColumns(report);
  if (lease && (lease.holder.host !== host || lease.job !== report.job))
    throw new RangeError(`lease ${report.fence.join('.')} is not of this host and job`);
  const acknowledge = () => {
    if (connection.open) connection.send({ type: 'ack', batch: report.batch });
  };
  if (!job || job.record.state !== 'open') {
    void state.write([], acknowledge);
    return;
  }
  checkFuels(report, job);
  if (take(state, job, { caller: connection.caller, host, report, lease }, acknowledge)) return;
  if (lease) for (const task of report.tasks) state.leases.drop(lease, task);
  void state.write([], acknowledge);
}

interface Batch {
  readonly caller: Caller;
  readonly host: Host;
  readonly report: Report;
  readonly lease: SiteLease | undefined;
}

/** Takes a batch in. Gives whether any of it is of use; throws a RangeError where the signature is not of this batch. */
function take(state: State, job: Job, batch: Batch, acknowledge: () => void): boolean {
  const { host, report, lease } = batch;
  const use = useOf(state, job, batch);
  if (use.every((each) => each === USE.dropped)) return false;
  const digests = report.outputs.map((output, row) => (report.codes[row] === '' ? digestOf(output) : ''));
  const decided = nothingDecided();
  const event = eventOf(state, job, batch, { digests, use, settled: decided.settled });
  if (lease && state.leases.current(lease.fence)) measure(host, cameOf(state, lease, event));
  if (lease) for (const task of report.tasks) state.leases.drop(lease, task);
  judgeRows(job, event, { use, digests, decided });
  const outputs: Outputs = { outputs: report.outputs, logs: report.logs };
  countDelivered(state, host, event);
  const { store } = state.with;
  const puts = [store.put(KEY.outputs(job.id, job.events + 1), outputs), store.put(KEY.chain, state.chain)];
  const brought = report.outputs.filter((output, row) => typeof output === 'string' && counts(use[row])) as string[];
  puts.push(...state.with.refs.add(job, brought));
  happen(state, job, event, {
    decided,
    puts,
    shown: () => {
      acknowledge();
      for (const digest of brought) state.with.onOutput(job.account, digest);
      showRun(state, job, event, outputs);
    },
  });
  return true;
}

/** What came of a lease, for the measure of its host: of what others had begun, nobody knows what it did itself. */
function cameOf(
  state: State,
  { job, since }: SiteLease,
  { fuels, parts }: Pick<RunEvent, 'fuels' | 'parts'>,
): Omit<Came, 'threads'> {
  return { job, since, now: state.with.now(), fuels: fuels.map((fuel, row) => (parts?.[row] ? null : fuel)) };
}

const counts = (use: number | undefined) => use === USE.first || use === USE.check;

/** What each row may count for. A host that gives no fence of this start may bring first answers, but not choose what to check. */
function useOf(state: State, job: Job, { caller, host, report, lease }: Batch): number[] {
  const asked = lease ? new Set(lease.tasks) : undefined;
  const old = report.fence[0] < state.epoch;
  const seen = new Set<number>();
  const { blobs, mayRead } = state.with;
  // A digest alone is no output: the job's account may read what is named here, so whoever names it has to have it.
  const hasBrought = (output: string) => blobs.has(output) && mayRead(caller, output);
  return report.tasks.map((task, row) => {
    if (task >= job.tasks || job.detail.settledIn[task] !== 0 || seen.has(task)) return USE.dropped;
    if (!(asked?.has(task) ?? old) || host.record.standing === 'banned') return USE.dropped;
    seen.add(task);
    if (report.intervals?.[row]) return auditUse(report.codes[row] as string, asked !== undefined);
    const hasRuns = job.detail.firstIn[task] !== 0;
    if (hasRuns && !asked) return USE.dropped;
    const [code, output] = [report.codes[row] as string, report.outputs[row]];
    const faulty = code !== '' ? faultOf(code) !== 'job' : typeof output === 'string' && !hasBrought(output);
    if (faulty) return USE.fault;
    return hasRuns ? USE.check : USE.first;
  });
}

/** Of a part that was run again. Where the kernel failed in it, that is an answer. */
function auditUse(code: string, isAsked: boolean): number {
  if (!isAsked) return USE.dropped;
  return code !== '' && faultOf(code) !== 'job' ? USE.unable : USE.audit;
}

/** Rows with marks whose images this site cannot give to those who are to check them. */
function unservedIn(state: State, caller: Caller, { marks = [] }: Report): number[] {
  const { blobs, mayRead, refs } = state.with;
  const isHere = (image: string) => blobs.has(image) && mayRead(caller, image) && refs.has(image);
  return marks.flatMap((row, at) => (row && !row.every(([, , , image]) => isHere(image)) ? [at] : []));
}

/** What others had made of each row's task. */
function partsIn(state: State, job: Job, { id }: Host, { tasks, marks }: Report): RunEvent['parts'] {
  if (!marks || job.images.size === 0) return undefined;
  const parts = tasks.map((task, row) => partsOfRow(state, job, { host: id, task, marks: marks[row] ?? null }));
  return parts.some((each) => each !== null) ? parts : undefined;
}

interface Rows extends Pick<RunEvent, 'settled'> {
  /** Digests of outputs in hex; empty for tasks that failed. */
  readonly digests: readonly string[];
  readonly use: number[];
}

/** The batch as it is kept, signed by both. What its rows count for, and what they settle, is written into it when it is judged. */
function eventOf(state: State, job: Job, { caller, host, report }: Batch, { digests, use, settled }: Rows): RunEvent {
  const inputs = report.tasks.map((task) => (task < job.tasks ? state.inputs.digest(job.id, job.starts, task) : ''));
  const head = verifiedHead(report, { host: host.id, kernel: job.kernel, inputs, outputs: digests }, host.key);
  const before = state.chain;
  const { chain, siteSignature } = countersign(head, before, state.key);
  state.chain = chain;
  const { kind, late, checksEver } = firstStanding(job, host);
  const unserved = unservedIn(state, caller, report);
  const parts = partsIn(state, job, host, report);
  return {
    type: 'run',
    at: state.with.clock(),
    host: host.id,
    owner: host.record.account,
    kind,
    late,
    before: checksEver,
    fence: report.fence,
    engine: report.engine,
    rewriter: report.rewriter,
    tariff: report.tariff,
    deterministic: report.deterministic,
    tasks: report.tasks,
    codes: report.codes,
    fuels: report.fuels,
    wallMs: report.wallMs,
    memoryBytesPeak: report.memoryBytesPeak,
    use,
    settled,
    digests: bytesOf(digests),
    signed: { head, hostSignature: report.signature, before, siteSignature },
    ...(report.intervals && { intervals: report.intervals }),
    ...(report.marks && { marks: report.marks }),
    ...(unserved.length > 0 && { unserved }),
    ...(parts && { parts }),
  };
}

/** Digests one behind the other; zeros where there is none. */
function bytesOf(digests: readonly string[]): Buffer {
  const bytes = Buffer.alloc(32 * digests.length);
  for (const [row, digest] of digests.entries()) bytes.write(digest, 32 * row, 'hex');
  return bytes;
}

type Judged = Omit<Rows, 'settled'>;

/** What follows from each row, into `decided`. What turns out to be of no use is marked so. */
function judgeRows(job: Job, event: RunEvent, { use, digests, decided }: Judged & { readonly decided: Decided }): void {
  const retries = job.record.manifest.retries ?? RETRIES;
  const here = { event: 0, host: event.host };
  for (const [row, task] of event.tasks.entries()) {
    if (use[row] === USE.dropped) continue;
    if (use[row] === USE.fault && (job.detail.faults.get(task) ?? 0) >= retries) {
      use[row] = USE.givenUp;
      settleAs(decided.settled, task, { from: 0, wrong: 0, runs: 1, fuel: 0, failed: true });
      decided.states.set(task, 'failed');
      gather(job, decided, job.replicas.abandon(task), here);
      continue;
    }
    if (use[row] === USE.fault) {
      const range = job.replicas.wantedOf(task);
      if (range) decided.wanted.push(range);
      decided.states.set(task, job.replicas.stateOf(task));
      continue;
    }
    // A late result is of a task that may be open again.
    if (job.open.length > 0) job.open = dropOpen(job.open, task);
    const effects = effectsOf(job, event, row, { use, digests });
    if (effects.dropped) use[row] = USE.dropped;
    gather(job, decided, effects, here);
  }
}

function effectsOf(job: Job, event: RunEvent, row: number, { use, digests }: Judged): Effects {
  const task = event.tasks[row] as number;
  if (use[row] === USE.unable) return job.replicas.audit(task, intervalAt(event, row), null);
  const run = deliveryOf(event, row, digests[row]);
  return use[row] === USE.audit
    ? job.replicas.audit(task, intervalAt(event, row), run)
    : job.replicas.deliver(task, run);
}

/** The list without a task, which is in it only where its lease was over. */
function dropOpen(open: readonly Range[], task: number): readonly Range[] {
  return open.some(({ from, to }) => from <= task && task < to) ? drop(open, task, task + 1) : open;
}

/** The event is on disk. */
function showRun(state: State, job: Job, event: RunEvent, { logs }: Outputs): void {
  for (const [row, log] of logs.entries())
    if (log && event.use[row] === USE.first) state.with.onLog(job.id, event.tasks[row] as number, log[0]);
  state.changed('host', event.host);
}

/** Fuel that no run of the task can take would empty budgets and quotas of others. */
function checkFuels({ fuels }: Report, { record }: Job): void {
  const most = record.manifest.limits?.fuelMax ?? TASK.fuelMax.default;
  for (const fuel of fuels)
    if (fuel !== null && fuel > most) throw new RangeError(`a task took ${fuel} fuel where its limit is ${most}`);
}

const COLUMNS = ['codes', 'outputs', 'fuels', 'fuelsAtLeast', 'wallMs', 'memoryBytesPeak', 'logs'] as const;
const CODE = /^(?:ERR_[A-Z_]{1,60})?$/;

function checkColumns(report: Report): void {
  const { length } = report.tasks;
  if (length === 0) throw new RangeError('a report has no tasks');
  for (const column of COLUMNS)
    if (report[column].length !== length) throw new RangeError(`column ${column} of a report has another length`);
  if (report.signature.byteLength !== 64) throw new RangeError('a signature has 64 bytes');
  for (const column of [report.intervals, report.marks])
    if (column && column.length !== length) throw new RangeError('a column of a report has another length');
  for (const [row, marks] of (report.marks ?? []).entries()) if (marks) checkMarks(marks, report.fuels[row] ?? null);
  for (const [row, code] of report.codes.entries()) {
    if (!CODE.test(code)) throw new RangeError(`"${code.slice(0, 64)}" is no code`);
    if (code !== '' && typeof report.outputs[row] === 'string') throw new RangeError('a message is no blob');
  }
}
