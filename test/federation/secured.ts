// Sites from the command line whose every link is listened to: with certificates of a test's own authority, or with none.
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Link, openLink, type See } from '../../bench/federation/link.ts';
import { createSiteClient, type SiteClient } from '../../host/client/site.ts';
import { scratch } from '../agent/started.ts';
import { type Ended, lodger, ROOT } from '../cli/lodger.ts';
import { freePort, type SiteProcess, startSite } from '../client/process.ts';
import type { Authority } from './authority.ts';
import { type NatsServer, startNats } from './server.ts';
import { until } from './sites.ts';

export const PASSWORD = 'the-password-of-all-sites';

/** A server between sites, and what its sites show it. */
export interface Between {
  readonly nats: NatsServer;
  /** Absent where nothing is encrypted. */
  readonly authority: Authority | undefined;
  /** A file. */
  readonly credentials: string;
  readonly see: See;
}

export interface Setting {
  readonly threads: number;
  /** By whose certificates it knows other sites; the server's authority if nothing is said. */
  readonly trusts?: Authority;
  /** Of what goes to this site and back over HTTP. */
  readonly see?: See;
}

export interface Secured {
  readonly site: SiteProcess;
  /** To what it tells others as its address. */
  readonly link: Link;
  /** `lodger` with arguments, at this site. */
  call(...words: string[]): Promise<Ended>;
  /** Over HTTP, as its operator. */
  readonly client: SiteClient;
}

/** Starts the server. It has a password and, with an authority, a certificate. */
export async function openBetween(authority: Authority | undefined, see: See = () => undefined): Promise<Between> {
  const credentials = join(await scratch(), 'sites.creds');
  await writeFile(credentials, `sites:${PASSWORD}\n`);
  const { cert, key } = (await authority?.certify('DNS:localhost,IP:127.0.0.1')) ?? {};
  const tls = cert === undefined ? '' : `tls { cert_file: "${cert}", key_file: "${key}" }\n`;
  const nats = await startNats(`${tls}authorization { user: sites, password: "${PASSWORD}" }\n`);
  onTestFinished(() => nats[Symbol.asyncDispose]());
  return { nats, authority, credentials, see };
}

/** What says how to reach the server through a port. */
export function serverArgs({ authority, credentials }: Between, port: number): string[] {
  const way = authority ? ['--nats', `tls://localhost:${port}`, '--nats-ca', authority.ca] : [];
  return [...(authority ? way : ['--nats', `nats://localhost:${port}`]), '--nats-credentials', credentials];
}

/** Starts a site; it ends with the test. */
export async function openSecured(between: Between, name: string, setting: Setting): Promise<Secured> {
  const { authority, see } = between;
  const { threads, trusts = authority } = setting;
  const port = await freePort();
  const messages = await listened(between.nats.port, see);
  const link = await listened(port, (piece, way) => {
    see(piece, way);
    setting.see?.(piece, way);
  });
  const folder = await scratch();
  const { cert, key } = (await authority?.certify('DNS:localhost,IP:127.0.0.1')) ?? {};
  const site = await startSite([
    ...['--data', join(folder, 'data'), '--token-file', join(folder, 'token'), '--listen', `127.0.0.1:${port}`],
    ...['--threads', `${threads}`, '--site', name, '--url', `${authority ? 'https' : 'http'}://localhost:${link.port}`],
    ...serverArgs(between, messages.port),
    ...(cert !== undefined && key !== undefined ? ['--tls-cert', cert, '--tls-key', key] : []),
    ...(trusts ? ['--sites-ca', trusts.ca] : []),
  ]);
  onTestFinished(() => site.kill('SIGTERM'));
  const env = { LODGER_SITE: site.url, LODGER_TOKEN: site.token ?? '' };
  const call = (...words: string[]) => lodger([...words, ...(authority ? ['--ca', authority.ca] : [])], { env });
  const trusted = authority && { ca: await readFile(authority.ca, 'utf8') };
  const client = createSiteClient(site.url, site.token ?? '', { patienceMs: 5_000, ...trusted });
  onTestFinished(() => client.close());
  return { site, link, call, client };
}

/** Once it has met them, their results are taken on their word. */
export async function trustThere({ client }: Secured, names: readonly string[]): Promise<void> {
  for (const name of names) {
    let host: string | undefined;
    await until(async () => {
      host = (await client.ask('hosts')).find(({ account }) => account === `@${name}`)?.host;
      return host !== undefined;
    });
    await client.ask('setStanding', { params: { host: host ?? '' }, json: { standing: 'trusted' } });
  }
}

/** A job whose tasks give their inputs back: files of so many random bytes each. Resolves to its file, and what is in the inputs. */
export async function echoJob(tasks: number, bytes: number): Promise<{ file: string; inputs: readonly Buffer[] }> {
  const folder = await scratch();
  const inputs = Array.from({ length: tasks }, () => randomBytes(bytes));
  const files = inputs.map((_, index) => `${index}.bin`);
  for (const [index, input] of inputs.entries()) await writeFile(join(folder, files[index] as string), input);
  const file = join(folder, 'job.json');
  const limits = { memoryBytesMax: '64MiB', outputBytesMax: '16MiB', wallMsMax: '60s' };
  const kernel = join(ROOT, 'dist/kernels/echo.wasm');
  await writeFile(file, JSON.stringify({ version: 1, kernel, inputs: { files }, limits }));
  return { file, inputs };
}

async function listened(port: number, see: See): Promise<Link> {
  const link = await openLink(port, see);
  onTestFinished(() => link[Symbol.asyncDispose]());
  return link;
}
