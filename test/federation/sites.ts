// Sites of one federation in this process, with hosts that answer each task with its input.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Coordinator } from '../../host/coordinator/coordinator.ts';
import { createCoordinator } from '../../host/coordinator/door.ts';
import { createFederation } from '../../host/federation/door.ts';
import type { Federation, FederationOptions } from '../../host/federation/federation.ts';
import { node } from '../../host/platform/node.ts';
import { toHex } from '../../runtime/base/platform.ts';
import { createEcho, type EchoHost, type EchoOptions, OWN_CALLER } from '../site/echo.ts';

export const OPERATOR = { account: 'operator', role: 'operator' } as const;

export interface FederatedSite {
  readonly name: string;
  readonly coordinator: Coordinator;
  readonly federation: Federation;
  readonly hosts: readonly EchoHost[];
  readonly kernel: string;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface SiteSetting extends Partial<FederationOptions> {
  readonly hosts?: number;
  readonly echo?: EchoOptions;
  readonly tls?: { readonly key: string; readonly cert: string };
}

/** Starts one: `await using site = await joinSite(url, 'north')`. */
export async function joinSite(url: string, name: string, setting: SiteSetting = {}): Promise<FederatedSite> {
  const { hosts: count = 2, echo, tls, ...options } = setting;
  const folder = await mkdtemp(join(tmpdir(), `lodger-${name}-`));
  const coordinator = await createCoordinator({ data: join(folder, 'data'), name, ...(tls && { tls }) });
  const bytes = new TextEncoder().encode('a kernel');
  const kernel = toHex(node.digest(bytes));
  const hosts = Array.from({ length: count }, (_, index) => {
    const host = createEcho({ name: `${name}-${index}`, caller: OWN_CALLER, ...echo });
    host.join(coordinator.site);
    return host;
  });
  const federation = await createFederation({
    coordinator,
    name,
    servers: [url],
    leaseMs: 1_500,
    keepSeconds: 0,
    ...options,
  });
  return {
    ...{ name, coordinator, federation, hosts, kernel },
    [Symbol.asyncDispose]: async () => {
      await federation.close();
      await coordinator.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Has an operator trust what one site does for another, once that has met it. */
export async function trustEach(sites: readonly FederatedSite[]): Promise<void> {
  for (const { coordinator } of sites)
    for (const other of sites.filter((each) => each.coordinator !== coordinator)) {
      const met = () => coordinator.site.hosts(OPERATOR).find(({ account }) => account === `@${other.name}`);
      await until(() => met() !== undefined);
      await coordinator.site.setStanding(OPERATOR, met()?.host ?? '', 'trusted');
    }
}

export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 10));
}
