// Where tasks of a job ran, and run. Pure: reads the state, changes nothing.
import type { PlaceStatus } from '../wire/api.ts';
import { siteOf } from './belief.ts';
import type { Job } from './job.ts';
import type { State } from './state.ts';

/** Those with most tasks are shown, so many. */
const PLACES_MAX = 200;

/** `mayName`: whether whoever asks may see hosts of an account. Of what is not on disk nothing is told. */
export function placesOf(state: State, job: Job, mayName: (account: string) => boolean): PlaceStatus[] {
  const places = new Map<string, { ran: number; leased: number }>();
  const at = (host: string) => {
    const known = places.get(host) ?? { ran: 0, leased: 0 };
    places.set(host, known);
    return known;
  };
  const { answerIn, firstIn } = job.detail;
  for (let task = 0; task < job.tasks; task++) {
    const event = answerIn[task] || firstIn[task] || 0;
    const host = event <= job.shown ? job.eventHosts[event] : undefined;
    if (host !== undefined) at(host).ran++;
  }
  for (const { holder, left } of state.leases.held(job.id)) if (holder.host) at(holder.host.id).leased += left.size;
  return [...places]
    .map(([host, counts]) => {
      const { account = '', name = '' } = state.hosts.get(host)?.record ?? {};
      return { host, name: mayName(account) ? name : '', site: siteOf(account), ...counts };
    })
    .sort((one, other) => other.ran + other.leased - one.ran - one.leased || (one.host < other.host ? -1 : 1))
    .slice(0, PLACES_MAX);
}
