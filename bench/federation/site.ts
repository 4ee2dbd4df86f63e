// A site of a federation in a process of its own, with echo hosts in it, for the benchmark: takes orders by messages of its parent.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import process from 'node:process';
import { createCoordinator } from '../../host/coordinator/door.ts';
import { createFederation } from '../../host/federation/door.ts';
import { createEcho, OWN_CALLER } from '../site/echo.ts';

/** What the parent may order. */
export type Order =
  | { readonly do: 'trust'; readonly sites: number }
  /** A job of so many tasks that other sites may run. */
  | { readonly do: 'run'; readonly tasks: number }
  /** A host that waits for work, and keeps what it is given. */
  | { readonly do: 'wait' }
  /** Nothing: what the process has used so far is told. */
  | { readonly do: 'tell' };

/** What it says when that is done. */
export interface Done {
  readonly ms: number;
  /** Of the process, since it began. */
  readonly cpuMs: number;
}

const [, , folder = '', name = '', nats = '', hosts = '0', leaseMs = '2000', keeps = ''] = process.argv;
const OPERATOR = { account: 'operator', role: 'operator' } as const;
const SUBMITTER = { account: 'ann', role: 'submitter' } as const;
const INPUTS_A_REQUEST = 5_000;

const coordinator = await createCoordinator({ data: join(folder, name), name });
const { site, blobs } = coordinator;
const bytes = new TextEncoder().encode('a kernel');
const kernel = createHash('sha256').update(bytes).digest('hex');
await blobs.put(kernel, bytes);
for (let index = 0; index < Number(hosts); index++) echo(`${name}-${index}`, keeps !== '');
const servers = [nats];
await createFederation({ coordinator, name, servers, leaseMs: Number(leaseMs), keepSeconds: 0 });
process.send?.('ready');

function echo(hostName: string, keeping: boolean, hear: () => void = () => undefined): void {
  const host = createEcho({
    ...{ name: hostName, caller: OWN_CALLER },
    hears: (message) => {
      if (message.type === 'lease') hear();
      return message.type === 'lease' && keeping ? false : undefined;
    },
  });
  host.join(site);
  // In-process hosts say that they are there.
  setInterval(() => host.say({ type: 'beat', paused: null, load: null, progress: [] }), 5_000);
}

const known = () => site.hosts(OPERATOR).filter(({ account }) => account.startsWith('@'));

async function trust(sites: number): Promise<void> {
  while (known().length < sites) await new Promise((resolve) => setTimeout(resolve, 20));
  for (const { host } of known()) await site.setStanding(OPERATOR, host, 'trusted');
}

async function run(tasks: number): Promise<void> {
  const { id } = await site.submit(SUBMITTER, { version: 1, kernel, sites: {} });
  for (let from = 0; from < tasks; from += INPUTS_A_REQUEST) {
    const count = Math.min(INPUTS_A_REQUEST, tasks - from);
    const inputs = Array.from({ length: count }, (_, index) => Buffer.from(`in-${from + index}`));
    await site.addInputs(SUBMITTER, id, from, inputs, from + count === tasks);
  }
  let next = 0;
  for await (const group of site.outcomes(SUBMITTER, id, 0, new AbortController().signal))
    for (const { index, state, output } of group)
      if (index !== next++ || state !== 'done' || Buffer.from(output as Uint8Array).toString() !== `in-${index}`)
        throw new Error(`task ${index} is not answered by its input`);
  if (next !== tasks) throw new Error(`${next} outcomes of ${tasks} tasks`);
}

process.on('message', (order: Order) => {
  void (async () => {
    const began = performance.now();
    if (order.do === 'trust') await trust(order.sites);
    else if (order.do === 'run') await run(order.tasks);
    else if (order.do === 'wait') await new Promise<void>((resolve) => echo('waiting', true, resolve));
    const { user, system } = process.cpuUsage();
    process.send?.({ ms: performance.now() - began, cpuMs: (user + system) / 1_000 } satisfies Done);
  })();
});
process.on('disconnect', () => process.exit(0));
