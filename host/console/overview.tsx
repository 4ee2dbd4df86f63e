// The site at a glance: sums, jobs, throughput.
import type { JSX } from 'preact';
import { Chart } from '../parts/chart.tsx';
import { Badge, Facts } from '../parts/controls.tsx';
import { clock, duration, short, shown } from '../parts/format.ts';
import { Mark } from '../parts/icons.tsx';
import type { JobStatus, SiteStatus } from '../wire/api.ts';
import type { Live } from './live.ts';
import { SmallMap } from './task-map.tsx';

const JOBS_SHOWN = 100;

export function Overview({ live, isOperator }: { readonly live: Live; readonly isOperator: boolean }): JSX.Element {
  const { site, rates } = live;
  const jobs = [...live.jobs.values()].sort((one, other) => other.submitted - one.submitted);
  const hosts = [...live.hosts.values()].filter(({ connected }) => connected);
  const lending = hosts.filter(({ paused, banned }) => paused === null && !banned);
  const runs = jobs.reduce((sum, job) => sum + job.runs, 0);
  const checks = jobs.reduce((sum, job) => sum + job.checks, 0);
  const small = (value: string | number, unit: string) => (
    <>
      {value} <small>{unit}</small>
    </>
  );
  return (
    <>
      <div class="row spread">
        <h1>Overview</h1>
        <p class="small quiet">
          {live.isConnected ? 'live' : 'not connected'}, as of {clock(live.heardAt)}
        </p>
      </div>
      <section class="card" aria-label="Sums">
        <Facts
          kind="large"
          rows={[
            ['Throughput', small(short(site?.fuelPerSecond ?? 0), 'fuel a second')],
            ['Tasks', small(short(site?.tasksPerSecond ?? 0), 'a second')],
            ['Hosts lending', small(lending.length, `of ${hosts.length} connected`)],
            ['Jobs open', small(site?.jobsOpen ?? 0, `of ${jobs.length} shown`)],
            ['Spent on checks', small(runs > 0 ? `${Math.round((checks / runs) * 100)}%` : '0%', 'of runs')],
          ]}
        />
      </section>
      <section class="card flush" aria-labelledby="jobs">
        <header>
          <h2 id="jobs">Jobs</h2>
          <a href="#/submit">Submit a job</a>
        </header>
        {jobs.length === 0 ? (
          <div class="empty">
            <Mark size={40} />
            <p>
              No job is here yet. Submit one from this page, or with <code>lodger submit job.json</code>.
            </p>
          </div>
        ) : (
          <ul class="jobs">{jobs.slice(0, JOBS_SHOWN).map(Job)}</ul>
        )}
      </section>
      <section class="card" aria-labelledby="tp">
        <h2 id="tp">Throughput of the site</h2>
        <figure class="chart">
          <Chart
            values={rates}
            text={(value) => `${short(value)}/s`}
            label={`Fuel a second since this page was opened, ${short(rates.at(-1) ?? 0)} a second now`}
            from={rates.length > 1 ? `${duration(rates.length * 1_000)} ago` : ''}
            to="now"
          />
        </figure>
      </section>
      {site && <Metrics site={site} isOperator={isOperator} />}
    </>
  );
}

function Metrics({ site, isOperator }: { readonly site: SiteStatus; readonly isOperator: boolean }): JSX.Element {
  const { name, version, started, key, policyVersion } = site;
  return (
    <section class="card" aria-labelledby="metrics">
      <header>
        <h2 id="metrics">The site</h2>
        {isOperator && <a href="/metrics">All metrics, as Prometheus reads them</a>}
      </header>
      <Facts
        kind="wide"
        rows={[
          ['Name', shown(name, 64)],
          ['Version', version],
          ['Up for', duration(Date.now() - started)],
          ['Policy', `version ${policyVersion}`],
          ['Key that signs receipts', <code title={key}>{key.slice(0, 16)}</code>],
        ]}
      />
    </section>
  );
}

function Job(job: JobStatus): JSX.Element {
  const { id, name, account, manifest, state, counts, tasks, rate, msLeft, fuel, submitted, ended } = job;
  return (
    <li key={id}>
      <div class="what">
        <a href={`#/jobs/${encodeURIComponent(id)}`}>{shown(name || id, 80)}</a>
        <span class="small second">
          {shown(account)}, <span class="tag">{manifest.kernel.slice(0, 12)}</span>
        </span>
        <Badge state={state} word={state === 'open' ? 'under way' : state} />
      </div>
      <div class="how">
        <SmallMap counts={counts} tasks={tasks} />
        <div class="line">
          <span>
            <b>
              {counts.done} of {tasks}
            </b>{' '}
            accepted
          </span>
          {counts.failed > 0 && (
            <span>
              <b>{counts.failed}</b> failed
            </span>
          )}
          {state === 'open' ? (
            <>
              <span>
                <b>{short(rate)}</b> tasks a second
              </span>
              <span>{msLeft === null ? 'nobody can say how long' : `about ${duration(msLeft)} left`}</span>
            </>
          ) : (
            <span>
              {ended !== null && (
                <>
                  took <b>{duration(ended - submitted)}</b>,{' '}
                </>
              )}
              <b>{short(fuel)}</b> fuel
            </span>
          )}
        </div>
      </div>
    </li>
  );
}
