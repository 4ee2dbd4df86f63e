// A report of a host becomes an event: what counts in it, what it settles, what has to be run again. Nothing of it is shown before the flush.
import { faultOf } from '../../runtime/job/outcome.ts';
import type { TaskState } from '../wire/api.ts';
import type { Report } from '../wire/site.ts';
import { verdictOf } from './belief.ts';
import { endIfDone, tell } from './ending.ts';
import { KEY, nothingSettled, type Outputs, type RunEvent, USE } from './events.ts';
import { countDelivered } from './hosts.ts';
import { digestOf } from './inputs.ts';
import { apply, countShown, type Job, keptOf, show } from './job.ts';
import { reopen } from './opening.ts';
import { chainAfter, countersign, verifiedHead } from './receipts.ts';
import { accept, convict, settleAs, sweepIfLast } from './settling.ts';
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
  const event = decide(state, job, { host, report, lease });
  if (lease) for (const task of report.tasks) state.leases.drop(lease, task);
  if (!event) {
    void state.write([], acknowledge);
    return;
  }
  carryOut(state, job, { host, event, outputs: { outputs: report.outputs, logs: report.logs }, acknowledge });
}

interface Delivery {
  readonly host: Host;
  readonly report: Report;
  readonly lease: SiteLease | undefined;
}

/** What each row is; nothing where none of it is of use. Throws a RangeError where the signature is not of this batch. */
function decide(state: State, job: Job, { host, report, lease }: Delivery): RunEvent | undefined {
  const use = useOf(state, job, { host, report, lease });
  if (!use.some((each) => each !== USE.dropped)) return undefined;
  const outputs = report.outputs.map((output, row) => (report.codes[row] === '' ? digestOf(output) : ''));
  const inputs = report.tasks.map((task) => state.inputs.digest(job.id, job.starts, task));
  const head = verifiedHead(report, { host: host.id, kernel: job.kernel, inputs, outputs }, host.key);
  const before = state.chain;
  state.chain = chainAfter(before, head);
  return {
    type: 'run',
    at: state.with.clock(),
    host: host.id,
    owner: host.record.account,
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
    digests: Buffer.concat(outputs.map((digest) => (digest === '' ? Buffer.alloc(32) : Buffer.from(digest, 'hex')))),
    signed: {
      head,
      hostSignature: report.signature,
      before,
      siteSignature: countersign(head, before, state.key),
    },
    settled: nothingSettled(),
    convicted: [],
  };
}

/** What each row counts for. A host that gives no fence of this start may bring first answers, but not choose what to check. */
function useOf(state: State, job: Job, { host, report, lease }: Delivery): number[] {
  const asked = lease ? new Set(lease.tasks) : undefined;
  const old = report.fence[0] < state.epoch;
  const seen = new Set<number>();
  return report.tasks.map((task, row) => {
    if (task >= job.tasks || job.detail.settledIn[task] !== 0 || seen.has(task)) return USE.dropped;
    if (!(asked?.has(task) ?? old) || host.record.standing === 'banned') return USE.dropped;
    seen.add(task);
    const runs = job.detail.runs.get(task);
    const code = report.codes[row] as string;
    if (runs && (!asked || runs.some(({ owner }) => owner === host.record.account))) return USE.dropped;
    const output = report.outputs[row];
    if (code !== '' ? faultOf(code) !== 'job' : typeof output === 'string' && !state.with.blobs.has(output))
      return USE.fault;
    return runs ? USE.check : USE.first;
  });
}

interface Effects {
  readonly host: Host;
  readonly event: RunEvent;
  readonly outputs: Outputs;
  readonly acknowledge: () => void;
}

/** Judges the rows, then changes memory, writes, and shows: in this order. */
function carryOut(state: State, job: Job, { host, event, outputs, acknowledge }: Effects): void {
  const number = job.events + 1;
  const { again, states, convicted } = judgeRows(state, job, { event, number });
  const final = { ...event, convicted };
  apply(job, number, final);
  reopen(state, job, again);
  const { store } = state.with;
  countDelivered(state, host, final);
  const puts = [
    store.put(KEY.event(job.id, number), final),
    store.put(KEY.outputs(job.id, number), outputs),
    store.put(KEY.chain, state.chain),
    store.put(KEY.host(host.id), host.record),
  ];
  void state.write(puts, () => {
    acknowledge();
    showRun(state, job, { number, event: final, states, outputs });
  });
  for (const id of convicted) convict(state, id);
  sweepIfLast(state, job);
}

interface Judged {
  readonly again: number[];
  readonly states: [task: number, state: TaskState][];
  readonly convicted: string[];
}

function judgeRows(state: State, job: Job, { event, number }: { event: RunEvent; number: number }): Judged {
  const again: number[] = [];
  const states: [number, TaskState][] = [];
  const convicted = new Set<string>();
  const retries = job.record.manifest.retries ?? RETRIES;
  for (const [row, task] of event.tasks.entries()) {
    if (event.use[row] === USE.dropped) continue;
    if (event.use[row] === USE.fault) {
      if ((job.detail.faults.get(task) ?? 0) < retries) {
        again.push(task);
        states.push([task, job.detail.runs.has(task) ? 'checking' : 'waiting']);
      } else {
        settleAs(event.settled, task, { from: 0, wrong: 0, runs: 1, failed: true });
        states.push([task, 'failed']);
      }
      continue;
    }
    const runs = [...(job.detail.runs.get(task) ?? []), keptOf(event, number, row)];
    const verdict = verdictOf(state, job, task, runs);
    switch (verdict.do) {
      case 'run':
      case 'replicate':
        again.push(task);
        states.push([task, runs.some(({ answer }) => answer !== runs[0]?.answer) ? 'disputed' : 'checking']);
        break;
      case 'hold':
        job.held.add(task);
        states.push([task, 'provisional']);
        break;
      case 'accept':
        states.push([task, accept(event.settled, task, runs, verdict)]);
        for (const each of verdict.convicted) convicted.add(each);
        break;
      default:
        verdict satisfies never;
    }
  }
  return { again, states, convicted: [...convicted] };
}

interface Shown {
  readonly number: number;
  readonly event: RunEvent;
  readonly states: readonly (readonly [number, TaskState])[];
  readonly outputs: Outputs;
}

/** The event is on disk. */
function showRun(state: State, job: Job, { number, event, states, outputs }: Shown): void {
  const fuel = countShown(job, number, event);
  for (const [task, to] of states) show(job, task, to);
  const now = state.with.now();
  job.rate.add(event.settled.tasks.length, now);
  state.tasksRate.add(event.settled.tasks.length, now);
  state.fuelRate.add(fuel, now);
  state.with.onFuel(job.account, fuel);
  for (const [row, log] of outputs.logs.entries())
    if (log && event.use[row] === USE.first) state.with.onLog(job.id, event.tasks[row] as number, log[0]);
  tell(state, job);
  state.changed('host', event.host);
  endIfDone(state, job);
}

const COLUMNS = ['codes', 'outputs', 'fuels', 'fuelsAtLeast', 'wallMs', 'memoryBytesPeak', 'logs'] as const;
const CODE = /^(?:ERR_[A-Z_]{1,60})?$/;

function checkColumns(report: Report): void {
  const { length } = report.tasks;
  if (length === 0) throw new RangeError('a report has no tasks');
  for (const column of COLUMNS)
    if (report[column].length !== length) throw new RangeError(`column ${column} of a report has another length`);
  if (report.signature.byteLength !== 64) throw new RangeError('a signature has 64 bytes');
  for (const [row, code] of report.codes.entries()) {
    if (!CODE.test(code)) throw new RangeError(`"${code.slice(0, 64)}" is no code`);
    if (code !== '' && typeof report.outputs[row] === 'string') throw new RangeError('a message is no blob');
  }
}
