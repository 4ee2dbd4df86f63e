// The crowd of a simulated job, counted as machines come and go: those that somebody answers for, each an owner of its own.
import type { Standing } from '../../host/coordinator/contracts.ts';
import type { Crowd } from '../../host/coordinator/crowd.ts';
import type { Machine } from './fleet.ts';
import type { Place } from './views.ts';

/** How a machine is counted: not at all, as one that is there, or as one that is at the job, too. */
export const AWAY_NOW = 0;
const THERE_NOW = 1;
const AT_IT = 2;

/** As if nobody were there to whom a job could be left. */
export const NOBODY: Crowd = { hosts: 0, owners: 0, atIt: 0, ownersAtIt: 0, fuelPerSecond: 0 };

export function createCrowd(standing: (machine: Machine) => Standing) {
  let [hosts, atIt] = [0, 0];
  const is: Crowd = {
    get hosts() {
      return hosts;
    },
    get owners() {
      return hosts;
    },
    get atIt() {
      return atIt;
    },
    get ownersAtIt() {
      return atIt;
    },
    fuelPerSecond: 0,
  };
  return {
    is,
    /** A machine has come, gone, begun with the job or been found to lie. */
    look: (place: Place) => {
      const { machine, until, task, counted } = place;
      const isThere = until > 0 && !machine.banned && !machine.anonymous;
      const isAtIt = isThere && (task >= 0 || standing(machine).results > 0);
      const as = isAtIt ? AT_IT : isThere ? THERE_NOW : AWAY_NOW;
      hosts += Number(as >= THERE_NOW) - Number(counted >= THERE_NOW);
      atIt += Number(as >= AT_IT) - Number(counted >= AT_IT);
      place.counted = as;
    },
  };
}
