// What becomes of blobs: those that a kept job names stay, whatever happens meanwhile; others go, and their accounts get their quota back.
import { afterEach, expect, test } from 'vitest';
import { sweepBlobs } from '../../host/coordinator/sweep.ts';
import { createUsage } from '../../host/coordinator/usage.ts';
import { node } from '../../host/platform/node.ts';
import { toHex } from '../../runtime/base/platform.ts';
import { createEcho, OWN_CALLER } from './echo.ts';
import { collect, type Opened, openSite, removeFolder, SUBMITTER, temporaryFolder } from './opened.ts';

const DAY_MS = 86_400_000;
const folders: string[] = [];
afterEach(async () => {
  for (const each of folders.splice(0)) await removeFolder(each);
});

/** A site some days from now, with what accounts use. */
async function open(days: number, folder?: string) {
  const path = folder ?? (await temporaryFolder());
  if (!folder) folders.push(path);
  let later = 0;
  const clock = () => Date.now() + (days + later) * DAY_MS;
  const opened = await openSite({ folder: path, clock });
  const accounts = { quotas: () => ({ tasksQueued: 1e6, storedBytes: 1e9, fuelPerDay: 1e9 }) };
  const usage = createUsage({ ...opened, accounts, now: clock });
  const close = async () => {
    await usage.close();
    await opened.close();
  };
  /** Once all is on disk, so many days later. `bring` notes as a PUT over HTTP does. */
  const sweep = async (by = 0) => {
    later += by;
    await opened.store.put(['probe'], 0);
    return sweepBlobs({ ...opened, usage, now: clock });
  };
  const bring = async (account: string, text: string) => {
    const bytes = new TextEncoder().encode(text.padEnd(100_000, '.'));
    const digest = toHex(node.digest(bytes));
    await opened.blobs.put(digest, bytes);
    await usage.own(account, digest, bytes.length);
    return digest;
  };
  return { ...opened, usage, close, sweep, bring };
}

async function jobWith({ site, kernel }: Opened, input: string, keepDays: number): Promise<string> {
  const { id } = await site.submit(SUBMITTER, { version: 1, kernel, keepDays });
  await site.addInputs(SUBMITTER, id, 0, [input], true);
  return id;
}

test('blobs that no kept job names are deleted a day later and their quota comes back; those of kept jobs stay, after a restart too', async () => {
  const first = await open(0);
  const [kept, brief, unused] = [await first.bring('ann', 'kept'), await first.bring('ann', 'brief'), 'unused'];
  const lone = await first.bring('bob', unused);
  createEcho({ caller: OWN_CALLER }).join(first.site);
  for (const job of [await jobWith(first, kept, 365), await jobWith(first, brief, 5)]) await collect(first.site, job);
  // Not while they are young.
  expect(await first.sweep()).toBe(0);
  expect(first.usage.storedBytes('bob')).toBe(100_000);
  await first.close();

  const second = await open(2, first.folder);
  expect(await second.sweep()).toBe(1);
  expect([kept, brief, lone].map((digest) => second.blobs.has(digest))).toEqual([true, true, false]);
  expect([second.usage.storedBytes('ann'), second.usage.storedBytes('bob')]).toEqual([200_000, 0]);
  await second.close();

  const third = await open(6, first.folder);
  expect(await third.sweep()).toBe(1);
  expect([kept, brief, third.kernel].map((digest) => third.blobs.has(digest))).toEqual([true, false, true]);
  expect(third.usage.storedBytes('ann')).toBe(100_000);
  await third.close();

  const last = await open(400, first.folder);
  await last.sweep();
  expect([kept, last.kernel].map((digest) => last.blobs.has(digest))).toEqual([false, false]);
  expect([last.usage.storedBytes('ann'), await last.site.jobs(SUBMITTER)]).toEqual([0, []]);
  await last.close();
});

test('a blob that another account has a job for stays, though its first owner gets the quota back', async () => {
  const site = await open(0);
  const shared = await site.bring('ann', 'shared');
  await site.bring('bob', 'shared');
  await jobWith(site, shared, 5);
  await site.sweep(3);
  expect(site.blobs.has(shared)).toBe(true);
  expect([site.usage.owns('ann', shared), site.usage.owns('bob', shared)]).toEqual([true, false]);
  expect([site.usage.storedBytes('ann'), site.usage.storedBytes('bob')]).toEqual([100_000, 0]);
  await site.close();
});

test('a sweep deletes nothing that a job names at that moment, and nothing that was asked for just now', async () => {
  const site = await open(0);
  const [named, asked] = [await site.bring('ann', 'named'), await site.bring('ann', 'asked')];
  const { id } = await site.site.submit(SUBMITTER, { version: 1, kernel: site.kernel });
  // Its inputs are not on disk while the sweep looks.
  const adding = site.site.addInputs(SUBMITTER, id, 0, [named], true);
  const sweeping = site.sweep(2);
  expect(site.refs.has(named, 'ann')).toBe(false);
  await Promise.all([adding, sweeping]);
  expect([site.blobs.has(named), site.blobs.has(asked)]).toEqual([true, false]);
  const again = await site.bring('ann', 'asked');
  await site.blobs.use(again);
  expect(await site.sweep(-1.1)).toBe(0);
  await site.close();
});

test('images go with the end of their job, and what outputs are made of with the job itself', async () => {
  const site = await open(0);
  const [image, parent] = [await site.bring('bob', 'image'), await site.bring('bob', 'parent')];
  const output = await site.bring('bob', 'output');
  const job = { id: 'job', account: 'ann' };
  await Promise.all([...site.refs.addImage(job, image, parent), ...site.refs.add(job, [output])]);
  expect(site.refs.parentOf('job', image)).toBe(parent);
  await Promise.all(site.refs.remove(job, 'image'));
  await site.sweep(2);
  expect([image, output].map((digest) => site.blobs.has(digest))).toEqual([false, true]);
  expect(site.usage.owns('ann', output)).toBe(true);
  await Promise.all(site.refs.remove(job));
  await site.sweep(2);
  expect(site.blobs.has(output)).toBe(false);
  await site.close();
});
