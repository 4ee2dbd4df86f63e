// A site of a federation in a process of its own, with two hosts that take their time: killed by its parent, and started again on its folder.
import { join } from 'node:path';
import process from 'node:process';
import { createCoordinator } from '../../host/coordinator/door.ts';
import { createFederation } from '../../host/federation/door.ts';
import type { Lease } from '../../host/wire/site.ts';
import { createEcho, echoKeys, OWN_CALLER } from '../site/echo.ts';
import { collectInto, SUBMITTER, submitTasks } from '../site/opened.ts';

const [, , folder = '', name = '', nats = ''] = process.argv;
const { TASKS, FROM = '0', CLOCK_MS = '0' } = process.env;
const OPERATOR = { account: 'operator', role: 'operator' } as const;
const LEASE_MS = 40;
const SLOTS = 16;
/** As the hosts tell their speed, two leases at a time: the site shares tasks out by it. */
const FUEL = (1e9 * LEASE_MS) / 1_000 / (2 * SLOTS);

const clock = Date.now;
Date.now = () => clock() + Number(CLOCK_MS);
const coordinator = await createCoordinator({ data: join(folder, name), name });
const { site, blobs } = coordinator;
for (let index = 0; index < 2; index++) {
  // A key of each start: results of hosts that were killed with the site are not brought again.
  const host = createEcho({
    ...{ name: `${name}-${index}`, caller: OWN_CALLER, slots: SLOTS, keys: echoKeys() },
    answer: (_job, _task, output) => ({ code: '', output, fuel: FUEL }),
    hears: (message) => {
      if (message.type !== 'lease') return undefined;
      setTimeout(() => answer(message), LEASE_MS);
      return false;
    },
  });
  const terms = new Map<string, NonNullable<Lease['terms']>>();
  const answer = (lease: Lease) => {
    if (lease.terms) terms.set(lease.job, lease.terms);
    host.say(host.report({ ...lease, terms: terms.get(lease.job) as NonNullable<Lease['terms']> }, SLOTS));
  };
  host.join(site);
  setInterval(() => host.say({ type: 'beat', paused: null, load: null, progress: [] }), 1_000);
}
await createFederation({ coordinator, name, servers: [nats], leaseMs: 1_500, keepSeconds: 0 });
// Its operator takes the word of every site that it meets.
setInterval(() => {
  for (const { host, account, trusted } of site.hosts(OPERATOR))
    if (account.startsWith('@') && !trusted) void site.setStanding(OPERATOR, host, 'trusted');
}, 100);

if (TASKS !== undefined) {
  const bytes = new TextEncoder().encode('a kernel');
  const kernel = (await import('node:crypto')).createHash('sha256').update(bytes).digest('hex');
  await blobs.put(kernel, bytes);
  await submitTasks({ site, kernel }, Number(TASKS), { id: 'far', perRequest: 1_000, sites: {} });
  await collectInto(site, 'far', Number(FROM), ({ index, state, output }) => {
    process.stdout.write(`${index} ${state} ${Buffer.from(output as Uint8Array).toString()}\n`);
  });
  const ran = new Map<string, number>();
  for await (const { head } of site.receipts(SUBMITTER, 'far', 0)) ran.set(head.host, (ran.get(head.host) ?? 0) + 1);
  const far = site.hosts(OPERATOR).filter(({ account }) => account.startsWith('@'));
  const names = far.map(({ host, account }) => [account, ran.get(host) ?? 0]);
  const receipts = [...ran.values()].reduce((sum, count) => sum + count, 0);
  const { counts, runs, state } = site.job(SUBMITTER, 'far');
  process.stdout.write(`end ${JSON.stringify({ counts, runs, state, receipts, far: Object.fromEntries(names) })}\n`);
}
