// Why a task does not run and a host has no work, in the words that everybody is told. Pure: reads the state, changes nothing.
import { TASK_STATES, type TaskStatus } from '../wire/api.ts';
import { heldBy, momentOf } from './dispatch.ts';
import { stops } from './ending.ts';
import type { Question } from './exams.ts';
import type { Job } from './job.ts';
import { roomsIn } from './purses.ts';
import { RESTS } from './resting.ts';
import { against } from './schedule.ts';
import type { Host, State } from './state.ts';

/** In words that follow why something waits. */
const NO_ROOM = 'what is under way may take all the fuel that is left';

/** Of a host that must not confirm what its own account has said, and what helps where all are so. */
const OWNED = 'belongs to an owner that has run it';
const REMEDY = 'a host of another account has to join, or an operator trust one of these (lodger hosts --trust HOST)';

/** Reasons that one answer tells, those of most hosts first. */
const REASONS_MAX = 3;

/** Why a task stands where it stands, and what ends that. */
export function whyTask(state: State, job: Job, index: number): string {
  const is = TASK_STATES[job.detail.states[index] as number] as TaskStatus['state'];
  const stopped = stops(state, job);
  switch (is) {
    case 'done':
    case 'failed':
      return `it is ${is}: its outcome is there`;
    case 'cancelled':
      return job.record.reason === '' ? 'the job was cancelled' : `the job has ended: ${job.record.reason}`;
    case 'leased':
      return 'a host has it on lease';
    case 'provisional':
      return 'there is a result on the word of one host; it is believed when the job ends, unless that host is found to lie';
    case 'checking':
    case 'disputed': {
      const asked = job.replicas.auditOf(index);
      const what = asked
        ? auditText(asked)
        : is === 'disputed'
          ? 'results of two hosts differ'
          : 'there is a result that another host has to confirm';
      if (state.leases.isOut(job.id, index)) return `${what}; a host has it on lease`;
      return `${what}; ${whoMay(state, job, index)}`;
    }
    case 'waiting':
      return stopped === '' ? whoMay(state, job, index) : `nothing more of this job is begun: ${stopped}`;
    default:
      return is satisfies never;
  }
}

/** Which of its steps are run again, and why. */
function auditText({ from, to, of, votes }: Question): string {
  const steps = `steps ${(from?.[0] ?? 0) + 1} to ${to === null ? 'the end' : to[0]}`;
  if (of.length > 1) return `results of two hosts differ first in ${steps}, and another host runs those again`;
  return votes.length > 0
    ? `another host found ${steps} of the result to be wrong, and a third one runs those again`
    : `there is a result, of which another host runs ${steps} again`;
}

function whoMay(state: State, job: Job, index: number): string {
  if (state.resting.has(job.account)) return `nothing more is begun: account "${job.account}" ${RESTS}`;
  if (job.replicas.runsOf(index).length === 0 && roomsIn(state)(job) === 0) return `it waits: ${NO_ROOM}`;
  const connected = [...state.hosts.values()].filter(({ connection }) => connection !== null);
  if (connected.length === 0) return 'no host is connected';
  const counts = new Map<string, number>();
  for (const host of connected) {
    const reason = againstTask(state, job, { index, host });
    if (reason === undefined) return 'it waits for a host with a free slot that may have it';
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  const all = [...counts].sort(([, a], [, b]) => b - a);
  const told = all.slice(0, REASONS_MAX).map(([reason, count]) => {
    return all.length === 1 ? `the host ${reason}` : `the host ${reason} (${count} of ${connected.length})`;
  });
  const isOfOwners = all.every(([reason]) => reason.startsWith(OWNED));
  const remedy = isOfOwners ? `; ${REMEDY}` : all.length > told.length ? '; and more' : '';
  return `no host that is connected may run it now: ${told.join('; ')}${remedy}`;
}

/** What stands against a host's running a task, in words that follow "the host"; undefined for nothing. */
function againstTask(state: State, job: Job, { index, host }: { index: number; host: Host }): string | undefined {
  const { record, paused, view } = host;
  const wanted = job.replicas.wantedOf(index);
  if (wanted?.not.includes(record.account)) return `${OWNED}: ${record.account}`;
  if (view) {
    const refused = against(job, view, momentOf(state));
    if (refused !== undefined) return refused;
    if (wanted?.trusted && wanted.audit === undefined && view.standing(job.id).kind !== 'trusted')
      return 'is not trusted, and the word of one that is has to decide';
  }
  return paused === null ? undefined : `is paused: ${paused}`;
}

/** Why a host has no work; empty where it has. */
export function whyHost(state: State, host: Host): string {
  const { connection, record, paused, view } = host;
  if (record.standing === 'banned') return 'it is banned';
  if (!connection) return 'it is not connected';
  if (heldBy(state, connection) > 0) return '';
  if (paused !== null) return `it is paused: ${paused}`;
  if (state.openJobs.size === 0) return 'there are no jobs';
  const open = [...state.openJobs.values()].filter((job) => job.open.length > 0);
  if (open.length === 0) return 'every task is done or with another host';
  if (open.every(({ account }) => state.resting.has(account))) return `whoever has something open ${RESTS}`;
  const roomOf = roomsIn(state);
  if (
    open.every((job) => roomOf(job) === 0 && !job.open.some(({ check, not }) => check && !not.includes(record.account)))
  )
    return NO_ROOM;
  if (connection.pulls.length === 0) return 'it has not asked for work';
  const moment = momentOf(state);
  let first: string | undefined;
  for (const job of open) {
    const refused = view ? against(job, view, moment) : undefined;
    if (refused === undefined) return `what is open has to be run by another owner: ${REMEDY}`;
    first ??= refused;
  }
  return `the host ${first}`;
}
