// A site in one process: state and blobs in a folder, the site itself, and the server before it.
import { rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pino } from 'pino';
import { LodgerError } from '../../runtime/base/errors.ts';
import type { Digest } from '../../runtime/base/platform.ts';
import { fileError } from '../jobs/files.ts';
import type { SitesStatus } from '../wire/api.ts';
import { type Accounts, createAccounts } from './accounts.ts';
import { type BlobFolder, openBlobs } from './blobs.ts';
import type { Site, SiteKey } from './contracts.ts';
import { createProxies } from './http/address.ts';
import { createAuth } from './http/auth.ts';
import { blobHandlers } from './http/handle-blobs.ts';
import { groupHandlers } from './http/handle-groups.ts';
import { jobHandlers } from './http/handle-jobs.ts';
import { kernelHandlers } from './http/handle-kernels.ts';
import { neighbourHandlers } from './http/handle-neighbours.ts';
import { peopleHandlers } from './http/handle-people.ts';
import { createSites } from './http/handle-sites.ts';
import { createLogs } from './http/logs.ts';
import { createMetrics } from './http/metrics.ts';
import { createServer } from './http/server.ts';
import { createShown } from './http/shown.ts';
import { takeSockets } from './http/sockets.ts';
import { openSiteKey } from './keys.ts';
import { createNeighbours } from './neighbours.ts';
import { type CoordinatorOptions, fillOptions } from './options.ts';
import { createPreparing } from './preparing.ts';
import { createRefs } from './refs.ts';
import { createSite } from './site.ts';
import { openStore } from './store.ts';
import { sweepEvery } from './sweep.ts';
import { createUsage } from './usage.ts';

export type { CoordinatorOptions } from './options.ts';

export interface Coordinator {
  /** Where it answers, as `http://127.0.0.1:7700`. */
  readonly url: string;
  /** For a host in this very process. */
  readonly site: Site;
  readonly blobs: BlobFolder;
  readonly accounts: Accounts;
  /** The key that it signs with. */
  readonly key: SiteKey;
  /** A token of half a day with which another site may read these blobs, and bring those of its outputs. */
  readonly guest: (account: string, digests: readonly Digest[]) => string;
  /** Whether a blob is here that a job of an account names. */
  readonly hasFor: (account: string, digest: Digest) => boolean;
  /** Has other sites shown, and what goes between them and this one. */
  readonly showSites: (status: (() => SitesStatus) | undefined) => void;
  /** The token of the operator, told when the site is started for the first time and never again. */
  readonly operatorToken?: string;
  close(): Promise<void>;
}

const OPERATOR = 'operator';

/** What `createCoordinator` of `door.ts` does. */
export async function openCoordinator(options: CoordinatorOptions): Promise<Coordinator> {
  const filled = fillOptions(options);
  const log = pino({ level: filled.log, base: null }, pino.destination({ dest: 2, sync: true }));
  const store = await openStore(join(filled.data, 'state'));
  const closers: (() => Promise<unknown> | unknown)[] = [() => store.close()];
  const close = async () => {
    for (const each of closers.splice(0).reverse()) await each();
  };
  try {
    const blobs = await openBlobs(join(filled.data, 'blobs'));
    const accounts = createAccounts(store, Date.now);
    const refs = createRefs(store);
    const usage = createUsage({ store, accounts, refs, now: Date.now });
    closers.push(() => usage.close());
    const shown = createShown({ usage, refs, store, now: Date.now });
    const logs = createLogs();
    const preparing = createPreparing(blobs);
    closers.push(() => preparing.close());
    const sites = createSites();
    const site = await createSite({
      ...{ store, blobs, quotas: accounts.quotas, fuelToday: usage.fuelToday, onFuel: usage.addFuel },
      ...(filled.name !== undefined && { name: filled.name }),
      ...(filled.leaseMs !== undefined && { leaseMs: filled.leaseMs, beatMs: Math.floor(filled.leaseMs / 3) }),
      ...{ refs, mayRead: shown.mayRead, kernelOf: preparing.kernelOf },
      onOutput: async (account, digest) => {
        const size = await blobs.size(digest);
        // Where it cannot be written, the site itself stops.
        if (size !== null) await usage.own(account, digest, size).catch(() => undefined);
      },
      log: (level, message) => log[level](message),
      onLog: logs.tell,
    });
    closers.push(() => site.close());
    closers.push(sweepEvery({ blobs, refs, usage, now: Date.now, warn: (message) => log.warn(message) }));
    const auth = createAuth(accounts, Date.now, site.status().key);
    const metrics = createMetrics(site);
    const { tls, host, port } = filled;
    const proxies = createProxies(filled.trustProxy ?? []);
    const server = await createServer({
      ...{ auth, log, metrics, proxies, ...(tls && { tls }), embed: filled.embed ?? [] },
      requestMs: filled.requestMs,
      handlers: {
        ...jobHandlers({ site, usage, blobs, logs }),
        ...peopleHandlers({
          ...{ site, accounts, usage, auth },
          visitors: filled.visitors ?? true,
        }),
        ...blobHandlers({ blobs, usage, shown }),
        ...groupHandlers({ blobs, usage, shown }),
        ...kernelHandlers({ preparing, refs, shown }),
        ...sites.handlers,
        ...neighbourHandlers({ neighbours: createNeighbours(Date.now), shown, clock: Date.now }),
      },
    });
    closers.push(() => server.close());
    const sockets = takeSockets(server.server, { site, auth, accounts, shown, log, proxies });
    closers.push(() => sockets.close());
    await server.listen({ host, port }).catch((error: Error) => {
      throw new LodgerError('ERR_OPTION_INVALID', ['listen', `an address that is free: ${error.message}`]);
    });
    // Last of all: a start that fails has told nobody.
    const operatorToken = await firstToken(accounts, filled.tokenFile);
    const url = urlOf(server.server.address() as AddressInfo, tls !== undefined);
    log.info({ url }, 'the site answers');
    const guest = (account: string, digests: readonly Digest[]) => {
      shown.show(account, digests);
      return auth.guest(account);
    };
    const hasFor = (account: string, digest: Digest) => blobs.has(digest) && refs.has(digest, account);
    const key = await openSiteKey(store);
    const parts = { url, site, blobs, accounts, key, guest, hasFor, showSites: sites.show, close };
    return { ...parts, ...(operatorToken !== undefined && { operatorToken }) };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Of a site whose operator has no token: one, which counts for nothing where it cannot be written to its file. */
async function firstToken(accounts: Accounts, file: string | undefined): Promise<string | undefined> {
  if (accounts.list().some(({ id, tokens }) => id === OPERATOR && tokens.length > 0)) return undefined;
  await accounts.set({ id: OPERATOR });
  const { id, token } = await accounts.make(OPERATOR, { role: 'operator', name: 'first' });
  try {
    if (file !== undefined) await writeSecret(file, token);
    return token;
  } catch (error) {
    await accounts.revoke(OPERATOR, id);
    throw error;
  }
}

/** A file that only its owner may read, from its first moment on. Throws `ERR_FILE`. */
async function writeSecret(path: string, text: string): Promise<void> {
  try {
    await rm(path, { force: true });
    await writeFile(path, `${text}\n`, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    throw fileError('write', path, error);
  }
}

function urlOf({ address, family, port }: AddressInfo, isTls: boolean): string {
  const host = family === 'IPv6' ? `[${address}]` : address;
  return `${isTls ? 'https' : 'http'}://${host}:${port}`;
}
