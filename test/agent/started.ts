// Agents for tests: in folders that are gone after use, closed at the end of each test.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Agent, type AgentEvent, type AgentOptions, createAgent } from 'lodger/host';
import { onTestFinished } from 'vitest';
import { type TinySite, tinySite } from './site.ts';

export async function scratch(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lodger-agent-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export interface Started {
  readonly agent: Agent;
  readonly events: readonly AgentEvent[];
  readonly folder: string;
}

/** An agent on two threads of this process, unless something else is asked for. */
export async function startAgent(options: Pick<AgentOptions, 'site'> & Partial<AgentOptions>): Promise<Started> {
  const events: AgentEvent[] = [];
  const data = options.data ?? (await scratch());
  const isolation = options.isolation ?? 'thread';
  const policy = options.policy ?? { version: 1, threads: 2, memoryFreeBytesMin: 0, diskFreeBytesMin: 0 };
  const agent = await createAgent({ ...options, data, isolation, policy, tell: (event) => events.push(event) });
  onTestFinished(() => agent.close());
  return { agent, events, folder: data };
}

/** A site that listens on loopback until the test is over. */
export async function servedSite(options?: Parameters<typeof tinySite>[0]): Promise<{ site: TinySite; url: string }> {
  const site = tinySite(options);
  const url = await site.listen();
  onTestFinished(() => site.stop());
  return { site, url };
}
