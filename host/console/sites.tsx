// Sites that work for each other: what each lends, how much of it is free, and what goes between them and this one.
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Badge, Problem } from '../parts/controls.tsx';
import { duration, short, shown } from '../parts/format.ts';
import { Heads } from '../parts/heads.tsx';
import { Mark } from '../parts/icons.tsx';
import type { OtherSite, SiteCapacity, SitesStatus } from '../wire/api.ts';
import { SITE } from '../wire/ceilings.ts';
import { api, type Refused } from './api.ts';
import { problemOf } from './use.ts';

const LOOK_MS = 2_000;

export function SitesPage(): JSX.Element {
  const [sites, setSites] = useState<SitesStatus>();
  const [problem, setProblem] = useState<Refused>();
  useEffect(() => {
    const look = () =>
      api.sites().then(
        (status) => {
          setSites(status);
          setProblem(undefined);
        },
        (error: unknown) => setProblem(problemOf(error)),
      );
    void look();
    const timer = setInterval(look, LOOK_MS);
    return () => clearInterval(timer);
  }, []);
  return (
    <>
      <h1>Sites</h1>
      {problem && <Problem title="The sites are not known now" message={problem.message} code={problem.code} />}
      {sites?.joined && sites.own ? <Joined sites={sites} own={sites.own} /> : sites && <Alone />}
    </>
  );
}

function Alone(): JSX.Element {
  return (
    <section class="card empty">
      <Mark size={40} />
      <p>
        This site works by itself. To share work with others, start it with{' '}
        <code>lodger serve --nats URL --site NAME</code>.
      </p>
    </section>
  );
}

function Joined({ sites, own }: { readonly sites: SitesStatus; readonly own: SiteCapacity }): JSX.Element {
  const { others, connected, trouble } = sites;
  return (
    <>
      {!connected && (
        <p class="note fail" role="status">
          The server between the sites is away. Every site goes on by itself, and settles when it is back.
          {trouble !== '' && ` The server says: ${shown(trouble)}`}
        </p>
      )}
      <section class="card flush" aria-labelledby="sites">
        <header>
          <h2 id="sites">{others.length === 1 ? '1 other site' : `${others.length} other sites`}</h2>
          <Badge state={connected ? 'running' : 'failed'} word={connected ? 'connected' : 'not connected'} />
        </header>
        <table class="table fold">
          <Heads
            columns={[
              'Site',
              'State',
              { number: 'Hosts' },
              { number: 'Fuel a second' },
              { number: 'Free' },
              { number: 'Price' },
              { number: 'Our tasks there' },
              { number: 'Its batches here' },
            ]}
          />
          <tbody>
            <tr class="chosen">
              <th scope="row">{shown(own.name, 64)}</th>
              <td class="end">
                <Badge state="running" word="this site" />
              </td>
              <Capacity of={own} />
              <td class="num" data-label="Our tasks there">
                -
              </td>
              <td class="num" data-label="Its batches here">
                -
              </td>
            </tr>
            {others.map((site) => (
              <Row key={site.name} site={site} />
            ))}
          </tbody>
        </table>
      </section>
    </>
  );
}

function Row({ site }: { readonly site: OtherSite }): JSX.Element {
  const isSilent = site.ageMs > SITE.siteSilentMs.default;
  const state = isSilent ? 'away' : site.open ? 'lending' : 'waiting';
  const words = { away: `silent for ${duration(site.ageMs)}`, lending: 'here', waiting: 'not met yet' } as const;
  return (
    <tr>
      <th scope="row">{shown(site.name, 64)}</th>
      <td class="end">
        <Badge state={state} word={words[state]} />
      </td>
      <Capacity of={site} />
      <td class="num" data-label="Our tasks there">
        {site.tasksThere}
      </td>
      <td class="num" data-label="Its batches here">
        {site.batchesHere}
      </td>
    </tr>
  );
}

function Capacity({
  of: { hosts, fuelPerSecond, freeFuelPerSecond, price },
}: {
  readonly of: SiteCapacity;
}): JSX.Element {
  const share = fuelPerSecond > 0 ? Math.round((freeFuelPerSecond / fuelPerSecond) * 100) : 0;
  return (
    <>
      <td class="num" data-label="Hosts">
        {hosts}
      </td>
      <td class="num" data-label="Fuel a second">
        {short(fuelPerSecond)}
      </td>
      <td class="num" data-label="Free">
        {`${share} %`}
      </td>
      <td class="num" data-label="Price">
        {price}
      </td>
    </>
  );
}
