// One blob for many hosts of another site: what goes over the link between the two sites, with real hosts, counted on the way.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Agent, AgentOptions } from '../../host/agent/contracts.ts';
import type { Coordinator } from '../../host/coordinator/coordinator.ts';
import { createCoordinator } from '../../host/coordinator/door.ts';
import { createFederation } from '../../host/federation/door.ts';
import { loadJob } from '../../host/jobs/load.ts';
import { node } from '../../host/platform/node.ts';
import { toHex } from '../../runtime/base/platform.ts';
import { openLink } from './link.ts';

const ROOT = fileURLToPath(new URL(import.meta.url.includes('/dist/') ? '../../../' : '../../', import.meta.url));
const POLICY = { version: 1, threads: 1, memoryFreeBytesMin: 0, diskFreeBytesMin: 0, battery: 'always' } as const;
const JOBS_MAX = 5;
const OPERATOR = { account: 'operator', role: 'operator' } as const;

export interface Sharing {
  /** An empty folder. */
  readonly folder: string;
  /** The port of a server between sites, on loopback. */
  readonly natsPort: number;
  readonly hosts: number;
  readonly bytes: number;
  readonly createAgent: (options: AgentOptions) => Promise<Agent>;
}

export interface Shared {
  /** All that went between the sites while they knew each other: blobs over HTTP, and messages of the site with the hosts, both ways. */
  readonly linkBytes: number;
  /** Tasks that each host has done: one needs the blob. */
  readonly tasksDone: readonly number[];
}

/** Jobs of as many tasks as there are hosts, each of which digests the blob, until every host has. Throws where an outcome is not its digest. */
export async function shareBlob(sharing: Sharing): Promise<Shared> {
  const closers: (() => Promise<unknown>)[] = [];
  const closing = <T extends { close(): Promise<unknown> }>(opened: T): T => {
    closers.push(() => opened.close());
    return opened;
  };
  try {
    return await shareWith(sharing, closing);
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

async function shareWith(
  { folder, natsPort, hosts, bytes, createAgent }: Sharing,
  closing: <T extends { close(): Promise<unknown> }>(opened: T) => T,
): Promise<Shared> {
  const north = closing(await createCoordinator({ data: join(folder, 'north'), name: 'north' }));
  const south = closing(await createCoordinator({ data: join(folder, 'south'), name: 'south' }));
  const agents: Agent[] = [];
  for (let index = 0; index < hosts; index++) {
    const here = { site: south.url, token: south.operatorToken ?? '', data: join(folder, `host-${index}`) };
    agents.push(closing(await createAgent({ ...here, policy: POLICY, isolation: 'thread' })));
  }
  await using messages = await openLink(natsPort);
  await using blobs = await openLink(Number(new URL(north.url).port));
  const urls = { north: `http://127.0.0.1:${blobs.port}`, south: south.url };
  const servers = { north: `nats://127.0.0.1:${natsPort}`, south: `nats://127.0.0.1:${messages.port}` };
  for (const [name, coordinator] of [
    ['north', north],
    ['south', south],
  ] as const)
    closing(await createFederation({ coordinator, name, servers: [servers[name]], url: urls[name], keepSeconds: 0 }));
  const known = () => north.site.hosts(OPERATOR).find(({ account }) => account === '@south');
  const lent = () => south.site.hosts(OPERATOR).filter(({ connected }) => connected).length;
  while (!known() || lent() < hosts) await new Promise((resolve) => setTimeout(resolve, 20));
  await north.site.setStanding(OPERATOR, known()?.host ?? '', 'trusted');
  const blob = randomBytes(bytes);
  // Hosts that are quick take a second task: whoever has waited longest is first in the next job.
  for (let job = 0; job < JOBS_MAX && agents.some((agent) => agent.status().tasksDone === 0); job++)
    await digestThere(north, { hosts, blob });
  return {
    linkBytes: messages.bytes + blobs.bytes,
    tasksDone: agents.map((agent) => agent.status().tasksDone),
  };
}

async function digestThere(
  { site, blobs }: Coordinator,
  { hosts, blob }: { readonly hosts: number; readonly blob: Uint8Array },
): Promise<void> {
  const { file, terms } = await loadJob(join(ROOT, 'kernels/digest/job.json'));
  const digest = toHex(node.digest(blob));
  await blobs.put(digest, blob);
  await blobs.put(terms.kernel.digest, terms.kernel.bytes);
  const { limits = {} } = file;
  const { id } = await site.submit(OPERATOR, { version: 1, kernel: terms.kernel.digest, limits, sites: {} });
  await site.addInputs(OPERATOR, id, 0, Array(hosts).fill(digest), true);
  for await (const group of site.outcomes(OPERATOR, id, 0, new AbortController().signal))
    for (const { state, code, output } of group) {
      const text = typeof output === 'string' ? await textOf(blobs, output) : new TextDecoder().decode(output);
      if (state !== 'done' || !text.startsWith(`sha256 ${digest}\n`))
        throw new Error(`a task of the blob is ${state} ${code}`);
    }
}

async function textOf(blobs: Coordinator['blobs'], digest: string): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of blobs.read(digest)) parts.push(part);
  return Buffer.concat(parts).toString();
}
