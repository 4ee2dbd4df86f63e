// Where the site is: behind a URL, with a cache of its blobs on disk, or in this process, which has them already.
import { join } from 'node:path';
import { LodgerError } from '../../runtime/base/errors.ts';
import { formatSize } from '../../runtime/base/units.ts';
import type { Blobs, Connect } from '../lend/contracts.ts';
import { openCache } from './cache.ts';
import type { AgentOptions } from './contracts.ts';
import type { Memory } from './memory.ts';
import type { OwnerPolicy } from './policy.ts';
import { createRemote } from './remote.ts';

export interface Place {
  readonly url: string;
  readonly connect: Connect;
  readonly blobs: Blobs;
  /** What the cache may take on disk. */
  setBytesMax(bytesMax: number): Promise<void>;
  cached(): { readonly bytes: number; readonly files: number };
  close(): Promise<void>;
}

export interface PlaceOptions {
  readonly folder: string;
  readonly memory: Memory;
  /** As it is now. */
  readonly policy: () => OwnerPolicy;
  readonly wallClock: () => number;
}

export async function openPlace({ site, token }: AgentOptions, options: PlaceOptions): Promise<Place> {
  if (typeof site !== 'string') {
    const nothing = async () => undefined;
    const cached = () => ({ bytes: 0, files: 0 });
    return { url: 'this process', ...site, setBytesMax: nothing, cached, close: nothing };
  }
  const { folder, memory, policy, wallClock } = options;
  const remote = createRemote({ url: site, onBytes: memory.addTraffic, ...(token !== undefined && { token }) });
  const cache = await openCache(join(folder, 'cache'), policy().diskBytesMax);
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
        cache.get(digest, (from) => {
          mustHaveQuota();
          return remote.read(digest)(from);
        }),
      // What was worked for is delivered, whatever it costs.
      put: remote.write,
      holds: cache.holds,
    },
    setBytesMax: cache.setBytesMax,
    cached: () => ({ bytes: cache.bytes, files: cache.files }),
    close: remote.close,
  };
}
