// Servers by the configuration that is in the package: its paths, ports and names of hosts replaced, everything else as users get it.
import { once } from 'node:events';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { ConnectionOptions } from '@nats-io/nats-core';
import { onTestFinished } from 'vitest';
import { runNats } from '../../bench/federation/nats.ts';
import { permissionsText } from '../../host/federation/permissions.ts';

const CONFIG = join(import.meta.dirname, '../../host/federation/config');
const TLS = join(import.meta.dirname, '../fixtures/tls');

/** Users of `hub.conf`, and their accounts. */
export const USERS = { north: 'acme', south: 'acme', lab: 'campus' } as const;
export type User = keyof typeof USERS;

export interface Hub {
  readonly url: string;
  /** Where leaf servers connect, for the user south. */
  readonly leafPort: number;
  /** What shows it who somebody is, and TLS. */
  as(user: User): Promise<ConnectionOptions>;
  /** Lines of its log about what somebody was not allowed. */
  violations(): Promise<readonly string[]>;
}

const passwordOf = (user: User): string => `secret-of-${user}`;

/** Starts the hub; it ends with the test. `quota`: what campus may store; `leaf`: whether south comes through a leaf server. */
export async function startHub({ quota = '1GB', leaf = false } = {}): Promise<Hub> {
  const folder = await scratch();
  for (const user of Object.keys(USERS)) {
    const text = permissionsText(user, leaf && user === 'south' ? 'leaf' : 'direct');
    await writeFile(join(folder, `${user}.permissions`), text);
  }
  for (const name of ['cert', 'key']) await copyFile(join(TLS, `${name}.pem`), join(folder, `${name}.pem`));
  const config = (await readFile(join(CONFIG, 'hub.conf'), 'utf8'))
    .replaceAll('/etc/nats/', `${folder}/`)
    .replace('/var/lib/nats', join(folder, 'streams'))
    .replace('max_file: 1GB', `max_file: ${quota}`)
    .replaceAll(/0\.0\.0\.0:\d+/g, '127.0.0.1:-1');
  const env = Object.fromEntries(
    Object.keys(USERS).map((user) => [`${user.toUpperCase()}_PASSWORD`, passwordOf(user as User)]),
  );
  const { ports } = await run(folder, config, env);
  return {
    url: `nats://localhost:${ports.nats}`,
    leafPort: ports.leafnodes,
    violations: async () => {
      const log = await readFile(join(folder, 'log'), 'utf8');
      return log.split('\n').filter((line) => line.includes('Violation'));
    },
    as: async (user) => ({
      ...{ user, pass: passwordOf(user) },
      tls: { ca: await readFile(join(TLS, 'cert.pem'), 'utf8') },
    }),
  };
}

/** Starts a server beside the site south, whose link goes to a port of this machine; it ends with the test. */
export async function startLeaf(port: number): Promise<{ readonly url: string }> {
  const folder = await scratch();
  const url = `tls://south:${passwordOf('south')}@localhost:${port}`;
  // The certificate of the tests is nobody's that a system knows.
  const ca = `{ url: $HUB_URL, tls { ca_file: "${join(TLS, 'cert.pem')}" } }`;
  const config = (await readFile(join(CONFIG, 'leaf.conf'), 'utf8'))
    .replace('{ url: $HUB_URL }', ca)
    .replace('127.0.0.1:4222', '127.0.0.1:-1');
  const { ports } = await run(folder, config, { HUB_URL: url });
  return { url: `nats://127.0.0.1:${ports.nats}` };
}

async function run(folder: string, config: string, env: Readonly<Record<string, string>>) {
  const [file, log] = [join(folder, 'nats.conf'), join(folder, 'log')];
  await writeFile(file, config);
  const child = await runNats(file, log, { ...process.env, ...env });
  onTestFinished(async () => {
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  });
  const text = await readFile(log, 'utf8');
  const portOf = (what: string) => Number(new RegExp(`${what} connections on [\\d.]+:(\\d+)`).exec(text)?.[1] ?? 0);
  return { ports: { nats: portOf('client'), leafnodes: portOf('leafnode') } };
}

async function scratch(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lodger-hub-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
