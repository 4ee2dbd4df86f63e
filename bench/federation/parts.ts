// Processes of the benchmark of many sites.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Done, Order } from './site.ts';

export interface SiteProcess {
  readonly child: ChildProcess;
  order(order: Order): Promise<Done>;
  end(): Promise<void>;
}

export interface SiteSetting {
  readonly folder: string;
  readonly nats: string;
  readonly hosts: number;
  readonly leaseMs?: number;
  /** Its hosts keep what they are given. */
  readonly keeps?: boolean;
}

export async function startSite(name: string, setting: SiteSetting): Promise<SiteProcess> {
  const { folder, nats, hosts, leaseMs = 5_000, keeps = false } = setting;
  const args = [folder, name, nats, String(hosts), String(leaseMs), ...(keeps ? ['keeps'] : [])];
  const child = fork(fileURLToPath(new URL('site.js', import.meta.url)), args);
  await once(child, 'message');
  return {
    child,
    order: async (order) => {
      const done = once(child, 'message');
      child.send(order);
      return ((await done) as [Done])[0];
    },
    end: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  };
}
