// Processes of the benchmark of sites, and what is done with a site over HTTP.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSiteClient, type SiteClient } from '../../host/client/site.ts';
import type { Ready } from './coordinator.ts';

const INPUTS_A_REQUEST = 20_000;

export interface Part<First> {
  readonly child: ChildProcess;
  readonly first: First;
  ask<T>(): Promise<T>;
  end(): Promise<void>;
}

/** Starts one of the programs beside this file and waits for what it tells first, if it does. */
export async function start<First>(
  program: 'coordinator' | 'host' | '../tab/tabs',
  args: readonly string[],
): Promise<Part<First>> {
  const child = fork(new URL(`./${program}.js`, import.meta.url), args, { serialization: 'advanced' });
  const first = program === 'coordinator' ? ((await once(child, 'message')) as [First])[0] : (undefined as First);
  return {
    child,
    first,
    ask: async <T>() => {
      child.send('');
      return ((await once(child, 'message')) as [T])[0];
    },
    end: async () => {
      const gone = once(child, 'exit');
      child.disconnect();
      await gone;
    },
  };
}

export interface Running {
  readonly coordinator: Part<Ready>;
  readonly submitter: SiteClient;
  readonly operator: SiteClient;
  readonly folder: string;
  /** Digest of the blob that stands for a kernel. */
  readonly kernel: string;
  close(): Promise<void>;
}

export async function startSite(folder?: string): Promise<Running> {
  const path = folder ?? (await mkdtemp(join(tmpdir(), 'lodger-bench-')));
  const coordinator = await start<Ready>('coordinator', [path]);
  const { url, submitter, operator } = coordinator.first;
  const client = createSiteClient(url, submitter, { patienceMs: 10_000 });
  const kernel = await client.putBlob(new TextEncoder().encode('a kernel'));
  const other = createSiteClient(url, operator || submitter, { patienceMs: 10_000 });
  const close = async () => {
    await client.close();
    await other.close();
    await coordinator.end();
    if (folder === undefined) await rm(path, { recursive: true, force: true });
  };
  return { coordinator, submitter: client, operator: other, folder: path, kernel, close };
}

/** Submits a job of tasks with small inputs. */
export async function submit(
  { submitter, kernel }: Running,
  tasks: number,
  manifest: Readonly<Record<string, unknown>>,
): Promise<string> {
  const { id } = await submitter.ask('submit', { json: { version: 1, kernel, ...manifest } });
  for (let from = 0; from < tasks; from += INPUTS_A_REQUEST) {
    const count = Math.min(INPUTS_A_REQUEST, tasks - from);
    const inputs = Array.from({ length: count }, (_, index) => Buffer.from(`in-${from + index}`));
    await submitter.addInputs(id, { from, inputs, last: from + count === tasks });
  }
  return id;
}
