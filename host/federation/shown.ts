// What a site shows its operator of the others.
import type { SiteCapacity, SitesStatus } from '../wire/api.ts';
import type { FederationStatus } from './federation.ts';
import { freeFuelPerSecond, type SiteRecord } from './record.ts';

/** `here`: whose batches are under way here, one entry each. */
export function shownOf(status: FederationStatus, here: readonly string[]): SitesStatus {
  return {
    ...{ joined: true, connected: status.connected, trouble: status.trouble, own: capacityOf(status.own) },
    others: status.sites.map(({ record, ageMs, open, tasks }) => ({
      ...capacityOf(record),
      ...{ ageMs, open, tasksThere: tasks },
      batchesHere: here.filter((asker) => asker === record.name).length,
    })),
  };
}

function capacityOf(record: SiteRecord): SiteCapacity {
  const { name, hosts, threads, fuelPerSecond, price } = record;
  return { name, hosts, threads, fuelPerSecond, freeFuelPerSecond: freeFuelPerSecond(record), price };
}
