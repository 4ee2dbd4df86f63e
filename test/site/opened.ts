// A site on a folder of its own, and what tests do with one again and again.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { type BlobFolder, openBlobs } from '../../host/coordinator/blobs.ts';
import type { Caller, Delivered, Site, Store } from '../../host/coordinator/contracts.ts';
import { createRefs, type Refs } from '../../host/coordinator/refs.ts';
import { createSite } from '../../host/coordinator/site.ts';
import type { SiteOptions } from '../../host/coordinator/state.ts';
import { openStore } from '../../host/coordinator/store.ts';
import { node } from '../../host/platform/node.ts';
import type { Manifest } from '../../host/wire/api.ts';
import { toHex } from '../../runtime/base/platform.ts';

export const SUBMITTER: Caller = { account: 'ann', role: 'submitter' };
export const OPERATOR: Caller = { account: 'site', role: 'operator' };

export interface Opened {
  readonly folder: string;
  readonly store: Store;
  readonly blobs: BlobFolder;
  readonly site: Site;
  readonly refs: Refs;
  /** Digest of a blob that passes for a kernel: echo hosts do not look at it. */
  readonly kernel: string;
  close(): Promise<void>;
}

export async function temporaryFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'lodger-site-'));
}

/** Opens a site; with `folder` on what is there already. */
export async function openSite(
  { folder, ...options }: Partial<SiteOptions> & { readonly folder?: string } = {},
  wrap: (store: Store) => Store = (store) => store,
): Promise<Opened> {
  const path = folder ?? (await temporaryFolder());
  const store = wrap(await openStore(join(path, 'state')));
  const blobs = await openBlobs(join(path, 'blobs'));
  const bytes = new TextEncoder().encode('a kernel');
  const kernel = toHex(node.digest(bytes));
  await blobs.put(kernel, bytes);
  const refs = createRefs(store);
  const site = await createSite({ store, blobs, refs, ...options }).catch(async (error: unknown) => {
    await store.close();
    throw error;
  });
  const close = async () => {
    await site.close();
    await store.close();
  };
  return { folder: path, store, blobs, site, refs, kernel, close };
}

/** Opens sites for the tests of a file: what a test leaves open is closed behind it, and its folder goes. */
export function openerOfTests(): typeof openSite {
  const left = new Set<Opened>();
  afterEach(async () => {
    for (const each of [...left]) {
      await each.close();
      await removeFolder(each.folder);
    }
  });
  return async (...args) => {
    const opened = await openSite(...args);
    const close = () => {
      left.delete(kept);
      return opened.close();
    };
    const kept = { ...opened, close };
    left.add(kept);
    return kept;
  };
}

/** Waits until something holds, however long that takes; the test's own time ends it. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

export const removeFolder = (folder: string) => rm(folder, { recursive: true, force: true });

/** The input of a task: something else for each. */
export const inputOf = (task: number) => new TextEncoder().encode(`input ${task}`);

/** Submits a job of so many tasks, in requests of so many. */
export async function submitTasks(
  { site, kernel }: Pick<Opened, 'site' | 'kernel'>,
  tasks: number,
  { id, perRequest = 1_000, ...manifest }: Partial<Manifest> & { readonly perRequest?: number } = {},
): Promise<string> {
  const { id: job } = await site.submit(SUBMITTER, { version: 1, kernel, ...(id && { id }), ...manifest });
  for (let from = 0; from < tasks; from += perRequest) {
    const count = Math.min(perRequest, tasks - from);
    const inputs = Array.from({ length: count }, (_, index) => inputOf(from + index));
    await site.addInputs(SUBMITTER, job, from, inputs, from + count === tasks);
  }
  return job;
}

/** Outcomes of a job from a place on, as they come, until it has ended. */
export async function collectInto(
  site: Site,
  job: string,
  from: number,
  hear: (outcome: Delivered) => void,
): Promise<void> {
  for await (const each of site.outcomes(SUBMITTER, job, from, new AbortController().signal)) each.forEach(hear);
}

/** All outcomes of a job, once it has ended. */
export async function collect(site: Site, job: string, from = 0): Promise<Delivered[]> {
  const found: Delivered[] = [];
  for await (const each of site.outcomes(SUBMITTER, job, from, new AbortController().signal)) found.push(...each);
  return found;
}
