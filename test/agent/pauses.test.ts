// What an agent promises to the owner of the machine: it yields at once, says why, and steppers keep their work.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { admit, createSandbox, type Kernel, memoryStore, parsePolicy } from 'lodger';
import { beforeAll, describe, expect, test } from 'vitest';
import type { CpuTimes } from '../../host/agent/sources.ts';
import { packImage } from '../../host/wire/image.ts';
import { builtKernel } from '../kernels/built.ts';
import { DO, guest, inputs } from '../pool/guest.ts';
import type { TinySite } from './site.ts';
import { scratch, servedSite, startAgent } from './started.ts';
import { everything, termsOf } from './terms.ts';

let kernel: Kernel;
let stepper: Uint8Array;
beforeAll(async () => {
  kernel = await guest();
  stepper = (await builtKernel('stepper', 'incremental')).wasm;
});

const HOW = ['thread', 'process'] as const;
const CALM = { version: 1, threads: 2, memoryFreeBytesMin: 0, diskFreeBytesMin: 0 } as const;
const LONG = new Uint8Array(Uint32Array.of(4_000_000_000).buffer);
const releases = (site: TinySite) => site.heard.flatMap((one) => (one.type === 'release' ? [one] : []));
const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};
const quiet = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('an agent whose owner wants the machine', () => {
  test.each(HOW)('stops its guests in a %s, gives their tasks back and goes on when it may', async (isolation) => {
    const { site, url } = await servedSite();
    site.add('job', termsOf(site.put(kernel.bytes)), [...inputs(6, () => DO.loop)]);
    const { agent } = await startAgent({ site: url, isolation, strict: 'any' });
    await site.until('leases', () => agent.status().tasksHeld === 6);
    agent.pause();
    await site.until('all given back', () => releases(site).flatMap(({ tasks }) => tasks).length === 6);
    expect(new Set(releases(site).map(({ reason }) => reason))).toEqual(new Set(['asked']));
    expect(agent.status()).toMatchObject({ state: 'paused', paused: 'asked', tasksHeld: 0, tasksReleased: 6 });
    expect(agent.status().why).toBe('paused by its owner, until "lodger agent resume"');
    const told = site.heard.findLast((one) => one.type === 'beat');
    expect(told).toMatchObject({ paused: 'asked' });
    agent.resume();
    await site.until('leases again', () => agent.status().tasksHeld === 6);
  });

  test('uses no CPU for guests while it is paused', async () => {
    const { site, url } = await servedSite();
    site.add('job', termsOf(site.put(kernel.bytes)), [...inputs(4, () => DO.loop)]);
    const { agent } = await startAgent({ site: url });
    await site.until('leases', () => agent.status().tasksHeld === 4);
    const before = cpuMs();
    await quiet(500);
    const working = cpuMs() - before;
    agent.pause();
    await site.until('all given back', () => releases(site).length > 0);
    // Two endless loops take what they can get; a paused agent looks at its clock. A machine under load may take its time to get there.
    const used = async () => {
      const from = cpuMs();
      await quiet(500);
      return cpuMs() - from;
    };
    await expect.poll(used, { timeout: 20_000 }).toBeLessThan(working / 2);
  });

  test('remembers a pause of some hours over a restart', async () => {
    const { url } = await servedSite();
    const { agent, folder } = await startAgent({ site: url });
    agent.pause(8);
    await agent.close();
    const { agent: again } = await startAgent({ site: url, data: folder });
    expect(again.status()).toMatchObject({
      state: 'paused',
      paused: 'asked',
      why: expect.stringContaining('7 h 59 min'),
    });
    again.resume();
    expect(again.status().state).toBe('working');
    expect(() => again.pause(-1)).toThrow('option "hours" must be a number above 0');
  });

  test.each(HOW)(
    'lets the image of a stepper in a %s go to the site, and another goes on from it',
    async (isolation) => {
      const { site, url } = await servedSite({ leaseTasks: 1 });
      site.add('job', termsOf(site.put(stepper), { limits: { wallMsMax: 600_000 }, everyMs: 60_000 }), [LONG]);
      const { agent } = await startAgent({ site: url, isolation, strict: 'any' });
      await site.until('some progress', () =>
        site.heard.some((one) => one.type === 'beat' && (one.progress[0]?.[2] ?? 0) > 0),
      );
      agent.pause();
      await site.until('a release', () => releases(site).length === 1);
      const image = site.heard.findLast((one) => one.type === 'image');
      expect(image?.share).toBeGreaterThan(0);
      const { agent: other } = await startAgent({ site: url, isolation, strict: 'any' });
      const share = image?.share ?? 1;
      await site.until('more progress', () =>
        site.heard.some((one) => one.type === 'beat' && (one.progress[0]?.[2] ?? 0) > share),
      );
      other.pause();
      await site.until('a later image', () => releases(site).length === 2);
      const later = site.heard.findLast((one) => one.type === 'image');
      expect(later?.share).toBeGreaterThan(share);
      expect(later?.step).toBeGreaterThan(image?.step ?? 0);
      expect(site.faults).toEqual([]);
    },
  );

  test.each(HOW)(
    'sends images of steppers in a %s as often as the job says, and comes to the same end from one of them',
    async (isolation) => {
      const { site, url } = await servedSite();
      const input = new Uint8Array(Uint32Array.of(300_000_000).buffer);
      site.add('job', termsOf(site.put(stepper), { everyMs: 50 }), [input]);
      const { agent } = await startAgent({ site: url, isolation, strict: 'any' });
      await site.until('three images', () => site.heard.filter((one) => one.type === 'image').length >= 3);
      agent.pause();
      await site.until('a release', () => releases(site).length === 1);
      agent.resume();
      await site.until('its end', () => site.results.has('job 0'));
      expect(site.results.get('job 0')).toMatchObject({ code: '' });
      const sum = (300_000_000n * 300_000_001n) / 2n;
      const { output } = site.results.get('job 0') ?? {};
      expect(Buffer.from(output as Uint8Array).readBigUInt64LE()).toBe(sum);
      expect(site.faults).toEqual([]);
    },
  );

  test.each([
    ['is none', async () => new Uint8Array(5_000).fill(1)],
    ['has another bit in one of its pages', () => damagedImage()],
  ])('begins a stepper anew whose image %s', async (_, damaged) => {
    const { site, url } = await servedSite();
    const input = new Uint8Array(Uint32Array.of(2_000_000).buffer);
    const image = site.put(await damaged());
    const { agent } = await startAgent({ site: url });
    await site.until('connected', () => agent.status().connected);
    site.add('job', termsOf(site.put(stepper)), [input], [image]);
    await site.until('its end', () => site.results.get('job 0')?.code === '');
    expect(site.blobRequests).toContain(`GET ${image.slice(0, 8)}`);
  });
});

/** A blob of an image that says of itself what is right, and whose last page is not. */
async function damagedImage(): Promise<Uint8Array> {
  const store = memoryStore();
  const sandbox = createSandbox();
  const steps = sandbox.start({ kernel: await admit(stepper), input: LONG }, { checkpoint: { store } });
  const { digest = '' } = (await steps.image()) ?? {};
  await steps.pause();
  const form = Uint8Array.from(store.get(digest) as Uint8Array);
  form[form.length - 1] = (form.at(-1) as number) ^ 1;
  return packImage({ parent: null, form });
}

describe('an agent whose policy', () => {
  test('is a file follows it, and keeps to the last valid one when there are errors in it', async () => {
    const { site, url } = await servedSite();
    const file = join(await scratch(), 'policy.json');
    const write = (policy: unknown) =>
      writeFileSync(file, typeof policy === 'string' ? policy : JSON.stringify(policy));
    write({ ...CALM, threads: 1 });
    const { agent, events } = await startAgent({ site: url, policy: file });
    expect(agent.status()).toMatchObject({ threads: 1, policyFile: file, policyError: null });
    write({ ...CALM, threads: 2, cpuShare: 0.5 });
    await site.until('two threads', () => agent.status().threads === 2);
    expect(agent.status().cpuShare).toBe(0.5);
    write('{ "version": 1, ');
    await site.until('an error', () => agent.status().policyError?.includes('it is no JSON'));
    write({ ...CALM, threads: 0 });
    await site.until('another', () => agent.status().policyError?.includes('"threads" must be an integer'));
    expect(agent.status()).toMatchObject({ threads: 2, state: 'working' });
    write({ ...CALM, threads: 2, hours: [] });
    await site.until('paused', () => agent.status().paused === 'hours');
    expect(agent.status().policyError).toBe(null);
    expect(events.filter(({ event }) => event === 'owner policy')).toHaveLength(4);
    site.add('job', termsOf(site.put(kernel.bytes)), [...inputs(3)]);
    write({ ...CALM, threads: 2 });
    await site.until('work', () => site.results.size === 3);
  });

  test('wants an idle machine yields to other programs, and works again when they are done', async () => {
    const { site, url } = await servedSite();
    // Two cores: others have so much of them, and the agent one thread of its own.
    let [busyMs, totalMs, others] = [0, 0, 0];
    const cpuTimes = (): CpuTimes => {
      totalMs += 200;
      busyMs += 100 + others;
      return { busyMs, totalMs, ownMs: new Map([[1, totalMs / 2]]) };
    };
    const policy = { ...CALM, onlyIdle: { cpuLoadMax: 0.25, windowMs: 1 } };
    site.add('job', termsOf(site.put(kernel.bytes)), [...inputs(2, () => DO.loop)]);
    const { agent } = await startAgent({ site: url, policy, sources: { cpuTimes } });
    await site.until('work', () => agent.status().tasksHeld === 2);
    others = 80;
    const { reason } = await site.until('a release', () => releases(site)[0]);
    expect(reason).toBe('other programs');
    await site.until('it is shown', () => agent.status().why.startsWith('other programs used 40 % of the cores'));
    others = 0;
    await site.until('work again', () => agent.status().tasksHeld === 2);
  });

  test('meets a policy of the site that lets nothing run says so, and asks for work again when it is lifted', async () => {
    const { site, url } = await servedSite();
    const { agent } = await startAgent({ site: url });
    await site.until('asked', () => site.heard.some(({ type }) => type === 'pull'));
    const open = parsePolicy(everything());
    site.setPolicy({ ...open, limits: { ...open.limits, memoryBytesMax: 0 } });
    await site.until('paused', () => agent.status().paused === 'site policy');
    expect(agent.status()).toMatchObject({ state: 'paused', why: "the site's policy lets no task run here" });
    site.setPolicy(open);
    site.add('job', termsOf(site.put(kernel.bytes)), [...inputs(3)]);
    await site.until('work', () => site.results.size === 3);
  });

  test('has a quota stops when it is used up, and says so', async () => {
    const { site, url } = await servedSite();
    const { agent } = await startAgent({ site: url, policy: { ...CALM, networkBytesPerDayMax: 4_000 } });
    site.add('job', termsOf(site.put(kernel.bytes)), [...inputs(400)]);
    await site.until('paused', () => agent.status().paused === 'quota');
    expect(agent.status().networkBytesToday).toBeGreaterThan(4_000);
  });
});

describe('kernels and blobs on disk', () => {
  test('are checked before they are used: a damaged one comes anew', async () => {
    const { site, url } = await servedSite();
    const digest = site.put(kernel.bytes);
    const { agent, folder } = await startAgent({ site: url });
    site.add('first', termsOf(digest), [...inputs(2)]);
    await site.until('the first', () => site.results.has('first 1'));
    expect(agent.status()).toMatchObject({ cacheFiles: 1, cacheBytes: kernel.bytes.byteLength });
    await agent.close();
    const path = join(folder, 'cache', digest);
    const bytes = readFileSync(path);
    bytes[20] = (bytes[20] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    await startAgent({ site: url, data: folder });
    site.add('second', termsOf(digest), [...inputs(2)]);
    await site.until('the second', () => site.results.has('second 1'));
    expect(site.blobRequests.filter((one) => one.startsWith('GET'))).toHaveLength(2);
    expect(readFileSync(path).equals(kernel.bytes)).toBe(true);
  });

  test('are gone on with where a download broke off, and refused if they are others than asked for', async () => {
    const { site, url } = await servedSite();
    const large = new Uint8Array(500_000).fill(5);
    large[0] = DO.echo;
    const digest = site.put(large);
    site.spoil.set(digest, 100_000);
    site.add('job', termsOf(site.put(kernel.bytes)), [digest]);
    await startAgent({ site: url });
    await site.until('its end', () => site.results.has('job 0'));
    expect(site.blobRequests.filter((one) => one.startsWith(`GET ${digest.slice(0, 8)}`))).toEqual([
      `GET ${digest.slice(0, 8)}`,
      expect.stringMatching(/bytes=[1-9]\d*-$/),
    ]);
    const other = site.put(new Uint8Array(400_000).fill(6));
    site.spoil.set(other, new Uint8Array(400_000).fill(7));
    site.add('other', termsOf(site.put(kernel.bytes)), [other]);
    await site.until('its failure', () => site.results.has('other 0'));
    expect(site.results.get('other 0')?.code).toBe('ERR_HOST_FAULT');
  });

  test('take no more room than the owner gives, the least recently used go first', async () => {
    const { site, url } = await servedSite({ leaseTasks: 1 });
    const blobs = Array.from({ length: 5 }, (_, mark) =>
      site.put(new Uint8Array(100_000).fill(mark + 10).fill(0, 0, 1)),
    );
    const policy = { ...CALM, threads: 1, diskBytesMax: 350_000 };
    site.add('job', termsOf(site.put(kernel.bytes)), blobs);
    const { agent } = await startAgent({ site: url, policy });
    await site.until('all', () => site.results.size === 5);
    expect(agent.status().cacheBytes).toBeLessThanOrEqual(350_000);
    expect(agent.status().cacheFiles).toBeGreaterThan(1);
    site.add('large', termsOf(site.put(kernel.bytes)), [site.put(new Uint8Array(400_000))]);
    expect((await site.until('a release', () => releases(site)[0])).reason).toBe('disk');
  });
});
