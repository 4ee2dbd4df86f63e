// Who lends: desktops and tabs, what they do, why they do not, how far they are believed.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { Badge, Facts, Problem } from '../parts/controls.tsx';
import { clock, duration, short, shown } from '../parts/format.ts';
import { Heads } from '../parts/heads.tsx';
import { Icon, Mark } from '../parts/icons.tsx';
import type { HostStatus } from '../wire/api.ts';
import { CROSS_ORIGIN } from '../wire/site.ts';
import { api, type Refused } from './api.ts';
import type { Live } from './live.ts';
import { problemOf } from './use.ts';

export function HostsPage({
  live,
  chosen,
  isOperator,
}: {
  readonly live: Live;
  readonly chosen: string | undefined;
  readonly isOperator: boolean;
}): JSX.Element {
  // In the order in which they came, so that no row moves under the pointer.
  const hosts = [...live.hosts.values()].sort((one, other) => one.since - other.since);
  const host = chosen === undefined ? undefined : live.hosts.get(chosen);
  return (
    <>
      <div class="row spread">
        <h1>Hosts</h1>
        <a class="btn" href="/join" target="_blank" rel="noreferrer">
          <Icon name="tab" />
          Show the join page
        </a>
      </div>
      <div class="deck side">
        <section class="card flush" aria-labelledby="list">
          <header>
            <h2 id="list">{hosts.length === 1 ? '1 host' : `${hosts.length} hosts`}</h2>
            <span class="small quiet">as of {clock(live.heardAt)}</span>
          </header>
          {hosts.length === 0 ? (
            <div class="empty">
              <Mark size={40} />
              <p>
                Nobody lends yet. Start a host with <code>lodger join {location.origin}</code>, or open the join page.
              </p>
            </div>
          ) : (
            <table class="table fold">
              <Heads
                columns={[
                  'Host',
                  'State',
                  { number: 'Threads' },
                  { number: 'Fuel a second' },
                  { number: 'Tasks' },
                  'Checks',
                ]}
              />
              <tbody>
                {hosts.map((each) => (
                  <Row key={each.host} host={each} isChosen={each.host === chosen} />
                ))}
              </tbody>
            </table>
          )}
        </section>
        {host ? (
          <Host key={host.host} host={host} isOperator={isOperator} />
        ) : (
          <section class="card" aria-labelledby="one">
            <h2 id="one">A host</h2>
            <p class="second">Choose one to see what it lends, why it has no work, and how far it is believed.</p>
          </section>
        )}
      </div>
    </>
  );
}

const stateOf = ({ connected, banned, paused, leased }: HostStatus): string => {
  if (banned) return 'banned';
  if (!connected) return 'away';
  if (paused !== null) return 'paused';
  return leased > 0 ? 'lending' : 'waiting';
};

/** A tab whose page is not isolated cannot speak to a task that runs. */
const modeOf = ({ isolation }: HostStatus): string =>
  isolation.includes(CROSS_ORIGIN)
    ? 'shares memory with its tasks: every task runs, and stops at once'
    : 'shares no memory with its tasks: short tasks and steppers run, and stop between steps';

function Row({ host, isChosen }: { readonly host: HostStatus; readonly isChosen: boolean }): JSX.Element {
  const state = stateOf(host);
  return (
    <tr class={isChosen ? 'chosen' : ''}>
      <th scope="row">
        <span class="row">
          <Icon name={host.kind === 'tab' ? 'tab' : 'screen'} />
          <a class="rowlink" href={`#/hosts/${host.host}`}>
            {shown(host.name, 40)}
          </a>
        </span>
      </th>
      <td class="end">
        <Badge state={state} word={state === 'paused' ? `paused: ${host.paused}` : state} />
      </td>
      <td class="num" data-label="Threads">
        {host.threads}
      </td>
      <td class="num" data-label="Fuel a second">
        {short(host.fuelPerSecond)}
      </td>
      <td class="num" data-label="Tasks">
        {host.tasksDone}
      </td>
      <td data-label="Checks">
        {host.trusted ? 'trusted' : `${host.agreed} agreed${host.disagreed > 0 ? `, ${host.disagreed} not` : ''}`}
      </td>
    </tr>
  );
}

function Host({ host, isOperator }: { readonly host: HostStatus; readonly isOperator: boolean }): JSX.Element {
  const [problem, setProblem] = useState<Refused>();
  const set = (standing: 'known' | 'trusted' | 'banned') =>
    api.setStanding(host.host, standing).then(
      () => setProblem(undefined),
      (error: unknown) => setProblem(problemOf(error)),
    );
  return (
    <section class="card" aria-labelledby="one">
      <header>
        <h2 id="one">{shown(host.name, 64)}</h2>
        <Badge state={stateOf(host)} />
      </header>
      {host.why !== '' && <p class="why">{host.why}</p>}
      {problem && <Problem title="Nothing was changed" message={problem.message} code={problem.code} />}
      <Facts
        rows={[
          ['Owner', shown(host.account, 64)],
          ['Kind', host.kind === 'tab' ? 'a tab' : 'a desktop'],
          ...(host.kind === 'tab' ? [['Mode', modeOf(host)] as const] : []),
          ['Last heard of', `${duration(Math.max(0, Date.now() - host.seen))} ago`],
          ['Fuel given', short(host.fuel)],
          ['Tasks held', host.leased],
          ['Engines', host.engines.map(({ name, version }) => shown(`${name} ${version}`, 40)).join(', ')],
          ['Policy', `version ${host.policyVersion}`],
        ]}
      />
      <h3>Walls around a task</h3>
      {host.isolation.length === 0 ? (
        <p class="second">None but the sandbox.</p>
      ) : (
        <ul class="row">
          {host.isolation.map((wall) => (
            <li class="tag">{shown(wall, 32)}</li>
          ))}
        </ul>
      )}
      <p class="small quiet">
        <code>{host.host}</code>
      </p>
      {isOperator && (
        <div class="row">
          <button class="btn" type="button" onClick={() => set(host.trusted ? 'known' : 'trusted')}>
            {host.trusted ? 'Trust no more' : 'Trust'}
          </button>
          <button class="btn grave" type="button" onClick={() => set(host.banned ? 'known' : 'banned')}>
            {host.banned ? 'Let back in' : 'Ban'}
          </button>
        </div>
      )}
    </section>
  );
}
