// Where the tasks of a job ran, and run: by site, with the hosts of this one by name.
import type { JSX } from 'preact';
import { shown } from '../parts/format.ts';
import { Heads } from '../parts/heads.tsx';
import type { PlaceStatus } from '../wire/api.ts';

const NAMES_MAX = 6;

/** One site of a job, or this one. */
interface Row {
  readonly site: string | null;
  readonly hosts: readonly PlaceStatus[];
}

export function Places({ places }: { readonly places: readonly PlaceStatus[] }): JSX.Element {
  const rows = bySite(places);
  return (
    <section class="card flush" aria-labelledby="places">
      <header>
        <h2 id="places">Where the tasks ran</h2>
      </header>
      {rows.length === 0 ? (
        <p class="second">Nobody has run one yet.</p>
      ) : (
        <table class="table fold">
          <Heads columns={['Site', 'Hosts', { number: 'Tasks' }, { number: 'Running' }]} />
          <tbody>
            {rows.map(({ site, hosts }) => (
              <tr key={site ?? ''}>
                <th scope="row">{site === null ? 'this site' : shown(site, 64)}</th>
                <td data-label="Hosts">{site === null ? namesOf(hosts) : 'its own'}</td>
                <td class="num" data-label="Tasks">
                  {hosts.reduce((sum, { ran }) => sum + ran, 0)}
                </td>
                <td class="num" data-label="Running">
                  {hosts.reduce((sum, { leased }) => sum + leased, 0)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

/** A host as people know it: the site that it stands for, the name that its owner gave it, or the beginning of its id. */
export function placeName(host: string, places: readonly PlaceStatus[]): string {
  const { name = '', site = null } = places.find((place) => place.host === host) ?? {};
  return site === null ? shown(name, 40) || host.slice(0, 12) : `site ${shown(site, 64)}`;
}

function bySite(places: readonly PlaceStatus[]): Row[] {
  const sites = [...new Set(places.map(({ site }) => site))];
  return sites.map((site) => ({ site, hosts: places.filter((place) => place.site === site) }));
}

function namesOf(hosts: readonly PlaceStatus[]): string {
  const names = hosts.slice(0, NAMES_MAX).map(({ host }) => placeName(host, hosts));
  const more = hosts.length - names.length;
  return names.join(', ') + (more > 0 ? ` and ${more} more` : '');
}
