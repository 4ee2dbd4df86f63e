// `lodger status [JOB]`: the site and its jobs, one job, or why a task does not run and a host has no work.
import type { Command } from 'commander';
import { formatCount, formatDuration, short } from '../../runtime/base/units.ts';
import type { SiteClient } from '../client/site.ts';
import type { JobStatus } from '../wire/api.ts';
import { example, type Finish } from './options.ts';
import { columns, print, printable, printJson } from './say.ts';
import { atSite, type SiteFlags, withSite } from './site.ts';
import { tableOf } from './table.ts';

interface StatusFlags extends SiteFlags {
  readonly why?: string;
  readonly json?: true;
}

export function addStatus(program: Command, finish: Finish): void {
  withSite(program.command('status'))
    .description('the site and its jobs, or one job, or why something does not run')
    .argument('[job]', 'the id of a job')
    .option(
      '--why <task|host>',
      'with a job, the number of a task: why it stands where it stands; else the name of a host',
    )
    .option('--json', 'print one JSON document')
    .addHelpText('after', example('lodger status', 'lodger status my-job --why 0'))
    .action(async (job: string | undefined, flags: StatusFlags) => {
      const { document, text } = await atSite(flags, (site) => statusOf(site, job, flags.why));
      await (flags.json ? printJson(document) : print(text));
      finish(0);
    });
}

async function statusOf(site: SiteClient, job: string | undefined, why: string | undefined) {
  if (job !== undefined && why !== undefined) return taskStatus(site, job, why);
  if (why !== undefined) {
    const found = await site.ask('why', { query: { host: why } });
    return { document: found, text: `${printable(found.why)}\n` };
  }
  if (job !== undefined) {
    const found = await site.ask('job', { params: { job } });
    return { document: found, text: jobText(found) };
  }
  const [found, jobs] = [await site.ask('site'), await site.ask('jobs')];
  const head = columns([
    ['site', `${found.name} ${found.version} at ${site.url}`],
    ['hosts', String(found.hosts)],
    ['jobs', `${found.jobsOpen} open`],
    ['speed', `${short(found.tasksPerSecond)} tasks a second, ${formatCount(found.fuelPerSecond)} fuel a second`],
  ]);
  const rows = jobs.map((each) => [each.id, printable(each.name), each.state, each.tasks, doneOf(each), leftOf(each)]);
  const text = `${head}\n${tableOf(['job', 'name', 'state', 'tasks', 'done', 'left'], rows, 'no jobs')}`;
  return { document: { site: found, jobs }, text };
}

async function taskStatus(site: SiteClient, job: string, task: string) {
  const found = await site.ask('task', { params: { job, task } });
  const rows = found.runs.map(
    ({ host, answer, check }) => `${host} ${answer.slice(0, 16)}${check ? ' (a check)' : ''}`,
  );
  const text = columns([
    ['task', `${found.index}: ${found.state}`],
    ['why', printable(found.why)],
    ['runs', rows.join('\n') || 'none'],
    ['leases', found.leases.map(({ host }) => host).join('\n') || 'none'],
  ]);
  return { document: found, text };
}

function jobText(job: JobStatus): string {
  const counts = Object.entries(job.counts).filter(([, count]) => count > 0);
  return columns([
    ['job', `${job.id} ${printable(job.name)}`.trim()],
    [
      'state',
      `${job.state}${job.sealed ? '' : ', inputs are still coming'}${job.reason === '' ? '' : `: ${printable(job.reason)}`}`,
    ],
    ['tasks', `${job.tasks}: ${counts.map(([name, count]) => `${count} ${name}`).join(', ') || 'none yet'}`],
    ...(job.merges ? [['merges', `${job.merges.tasks} so far, ${job.merges.done} of them done`] as const] : []),
    ['runs', `${job.runs}, ${job.checks} of them checks`],
    ...(job.audits.count > 0
      ? [['audits', `${job.audits.count} parts of results run again, ${formatCount(job.audits.fuel)} fuel`] as const]
      : []),
    ['fuel', formatCount(job.fuel)],
    ['speed', `${short(job.rate)} tasks a second, ${leftOf(job) || 'no time left'}`],
  ]);
}

/** Share of tasks that are over, for people. */
export function doneOf({ tasks, counts }: JobStatus): string {
  return tasks === 0 ? '0 %' : `${Math.floor((100 * (counts.done + counts.failed)) / tasks)} %`;
}

function leftOf({ state, msLeft }: JobStatus): string {
  if (state !== 'open') return '';
  return msLeft === null ? 'nobody can say how long' : `${formatDuration(msLeft)} left`;
}
