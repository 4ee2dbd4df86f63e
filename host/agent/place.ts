// Where the site is: behind a URL, with a cache of its blobs on disk, or in this process, which has them already.
import { join } from 'node:path';
import { LodgerError } from '../../runtime/base/errors.ts';
import { formatSize } from '../../runtime/base/units.ts';
import type { Blobs, Connect, InputDigest } from '../lend/contracts.ts';
import { openCache } from './cache.ts';
import type { AgentOptions } from './contracts.ts';
import type { Memory } from './memory.ts';
import { createNeighbourhood } from './neighbours.ts';
import type { OwnerPolicy } from './policy.ts';
import { createRemote } from './remote.ts';

export interface Place {
  readonly url: string;
  readonly connect: Connect;
  readonly blobs: Blobs;
  readonly inputDigest?: InputDigest;
  /** What the owner lets it take on disk, and give to neighbours, from here on. */
  heed(policy: OwnerPolicy): Promise<void>;
  cached(): { readonly bytes: number; readonly files: number };
  /** Bytes that came from neighbours, and went to them. */
  neighbours(): { readonly came: number; readonly went: number };
  close(): Promise<void>;
}

export interface PlaceOptions {
  readonly folder: string;
  readonly memory: Memory;
  /** As it is now. */
  readonly policy: () => OwnerPolicy;
  readonly wallClock: () => number;
}

export async function openPlace({ site, token, ca }: AgentOptions, options: PlaceOptions): Promise<Place> {
  if (typeof site !== 'string') {
    const nothing = async () => undefined;
    const cached = () => ({ bytes: 0, files: 0 });
    const neighbours = () => ({ came: 0, went: 0 });
    return { url: 'this process', ...site, heed: nothing, cached, neighbours, close: nothing };
  }
  const { folder, memory, policy, wallClock } = options;
  const remote = createRemote({
    ...{ url: site, onBytes: memory.addTraffic },
    ...(token !== undefined && { token }),
    ...(ca !== undefined && { ca }),
  });
  const { http } = remote;
  const cache = await openCache(join(folder, 'cache'), policy().diskBytesMax);
  const neighbourhood = createNeighbourhood({
    cache,
    announce: (json) => http.ask('announce', { json }),
    offers: (digest) => http.ask('neighbours', { params: { digest } }),
  });
  const mustHaveQuota = () => {
    const most = policy().networkBytesPerDayMax;
    if (most === undefined || memory.networkBytesToday(wallClock()) < most) return;
    throw new LodgerError('ERR_QUOTA_SPENT', ['networkBytesPerDayMax', formatSize(most), 'it begins anew at midnight']);
  };
  return {
    url: site,
    connect: remote.connect,
    blobs: {
      get: (digest) =>
        neighbourhood.get(digest, (from) => {
          mustHaveQuota();
          return remote.read(digest)(from);
        }),
      // What was worked for is delivered, whatever it costs.
      put: remote.write,
      areChecked: true,
      holds: cache.holds,
    },
    heed: async ({ diskBytesMax, neighbours }) => {
      await cache.setBytesMax(diskBytesMax);
      await neighbourhood.setTerms(neighbours);
    },
    cached: () => ({ bytes: cache.bytes, files: cache.files }),
    neighbours: neighbourhood.traffic,
    close: async () => {
      await neighbourhood.close();
      await remote.close();
    },
  };
}
