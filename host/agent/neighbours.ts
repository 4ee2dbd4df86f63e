// Blobs from and for hosts of the same network, where the owner allows it: told to the site, asked of those that it names.
import { request } from 'undici';
import { LodgerError } from '../../runtime/base/errors.ts';
import type { Digest } from '../../runtime/base/platform.ts';
import { SITE } from '../wire/ceilings.ts';
import type { Announcement, Offer } from '../wire/neighbours.ts';
import type { Cache, Source } from './cache.ts';
import type { NeighbourTerms } from './policy.ts';
import { type Serving, startServing } from './serving.ts';

export interface Neighbourhood {
  /** The blob: what is here, what a neighbour gives, or what the site does, whatever goes wrong before. Throws like `Cache.get`. */
  get(digest: Digest, site: Source): Promise<Uint8Array>;
  /** What the owner allows from now on. Throws like `startServing`. */
  setTerms(terms: NeighbourTerms | undefined): Promise<void>;
  /** Bytes of whole blobs that came from neighbours, and bytes that went to them. */
  traffic(): { readonly came: number; readonly went: number };
  close(): Promise<void>;
}

export interface NeighbourhoodOptions {
  readonly cache: Cache;
  readonly announce: (announcement: Announcement) => Promise<{ readonly now: number }>;
  readonly offers: (digest: Digest) => Promise<readonly Offer[]>;
}

/** How often the site is told what is here; it forgets after a minute. */
const ANNOUNCE_MS = 15_000;
/** A neighbour that has not begun by then is slower than the site. */
const BEGIN_MS = 2_000;
const IDLE_MS = 10_000;

export function createNeighbourhood({ cache, announce, offers }: NeighbourhoodOptions): Neighbourhood {
  let terms: NeighbourTerms | undefined;
  let serving: Serving | undefined;
  let timer: NodeJS.Timeout | undefined;
  let clockAhead = 0;
  let [came, wentBefore] = [0, 0];
  /** Origins that gave other bytes than the digest says. */
  const liars = new Set<string>();

  const tell = async () => {
    if (!serving) return;
    const { port, secret } = serving;
    const asked = Date.now();
    // A site that is away, or knows nothing of neighbours, is told again later.
    const answer = await announce({ port, secret, holds: cache.holds().slice(0, SITE.holds.max) }).catch(
      () => undefined,
    );
    if (answer) clockAhead = answer.now - (asked + Date.now()) / 2;
  };
  const stop = async () => {
    clearInterval(timer);
    wentBefore += serving?.bytes() ?? 0;
    const old = serving;
    serving = undefined;
    await old?.close();
  };

  const from = async (digest: Digest, { url, ticket }: Offer): Promise<Uint8Array | undefined> => {
    const { origin } = new URL(url);
    if (liars.has(origin)) return undefined;
    try {
      return await cache.get(digest, sourceOf(url, ticket), 'not believed');
    } catch (error) {
      if (error instanceof LodgerError && error.code === 'ERR_HOST_FAULT') liars.add(origin);
      return undefined;
    }
  };

  const fromAny = async (digest: Digest): Promise<Uint8Array | undefined> => {
    for (const offer of await offers(digest).catch(() => [])) {
      const bytes = await from(digest, offer);
      came += bytes?.byteLength ?? 0;
      if (bytes) return bytes;
    }
    return undefined;
  };

  return {
    get: async (digest, site) => {
      if (!terms || cache.pathOf(digest) !== undefined) return cache.get(digest, site);
      const bytes = (await fromAny(digest)) ?? (await cache.get(digest, site));
      void tell();
      return bytes;
    },
    setTerms: async (given) => {
      if (JSON.stringify(given) === JSON.stringify(terms)) return;
      await stop();
      terms = given;
      if (!given) return;
      serving = await startServing({ terms: given, pathOf: cache.pathOf, siteClock: () => Date.now() + clockAhead });
      timer = setInterval(tell, ANNOUNCE_MS).unref();
      void tell();
    },
    traffic: () => ({ came, went: wentBefore + (serving?.bytes() ?? 0) }),
    close: stop,
  };
}

/** Plain HTTP to an address that the site has named; redirects are not followed, and what comes is checked by its digest. */
function sourceOf(url: string, ticket: string): Source {
  return async (from) => {
    const headers = { authorization: `Bearer ${ticket}`, ...(from > 0 && { range: `bytes=${from}-` }) };
    const answer = await request(url, { headers, headersTimeout: BEGIN_MS, bodyTimeout: IDLE_MS });
    if (answer.statusCode === (from > 0 ? 206 : 200)) return answer.body;
    await answer.body.dump();
    throw new LodgerError('ERR_NOT_FOUND', ['blob', url]);
  };
}
