// What an agent promises to a site: every task that it took is answered once, signed, whatever happens to the connection.
import type { Kernel } from 'lodger';
import { beforeAll, describe, expect, test } from 'vitest';
import { DO, guest, inputOf, inputs } from '../pool/guest.ts';
import type { TinySite } from './site.ts';
import { sha } from './site-blobs.ts';
import { scratch, servedSite, startAgent } from './started.ts';
import { everything, termsOf } from './terms.ts';

let kernel: Kernel;
beforeAll(async () => {
  kernel = await guest();
});

const kernelIn = (site: TinySite) => site.put(kernel.bytes);
const allOf = (site: TinySite, count: number) => site.until(`${count} results`, () => site.results.size >= count);
const releases = (site: TinySite) => site.heard.flatMap((one) => (one.type === 'release' ? [one] : []));

describe('an agent', () => {
  test('runs what it leases and reports each task once, under its signature', async () => {
    const { site, url } = await servedSite();
    const given = [...inputs(150, (mark) => (mark % 10 === 9 ? DO.trap : DO.echo))];
    site.add('job', termsOf(kernelIn(site)), given);
    const { agent } = await startAgent({ site: url });
    await allOf(site, given.length);
    for (const [task, input] of given.entries()) {
      const { code, output, fuel } = site.results.get(`job ${task}`) ?? {};
      if (input[0] === DO.trap) expect(code).toBe('ERR_TRAP');
      else
        expect({ code, fuel, output: Buffer.from(output as Uint8Array) }).toEqual({
          ...{ code: '', output: Buffer.from(input), fuel: expect.any(Number) },
        });
    }
    expect(site.faults).toEqual([]);
    await site.until('all acknowledged', () => agent.status().reportsKept === 0);
    expect(agent.status()).toMatchObject({ state: 'working', tasksDone: 135, tasksFailed: 15, tasksHeld: 0 });
  });

  test('takes large inputs from the blobs of the site, and leaves large outputs there before it reports them', async () => {
    const { site, url } = await servedSite();
    const large = inputOf(DO.echo, 7, 300_000);
    site.add('job', termsOf(kernelIn(site)), [site.put(large)]);
    await startAgent({ site: url });
    await allOf(site, 1);
    expect(site.results.get('job 0')).toMatchObject({ code: '', output: sha(large) });
    expect(site.faults).toEqual([]);
  });

  test('lends to a site in its own process as to one behind a socket', async () => {
    const { site } = await servedSite();
    site.add('job', termsOf(kernelIn(site)), [...inputs(20)]);
    const get = async (digest: string) => site.blobs.get(digest) ?? new Uint8Array();
    const put = async (_: string, bytes: Uint8Array) => void site.put(bytes);
    const { agent } = await startAgent({ site: { connect: site.connect, blobs: { get, put } } });
    await allOf(site, 20);
    expect(site.faults).toEqual([]);
    expect(agent.status().url).toBe('this process');
  });

  test('keeps its reports until they are acknowledged, and delivers them again on a new connection', async () => {
    const { site, url } = await servedSite();
    site.acknowledges = false;
    site.add('job', termsOf(kernelIn(site)), [...inputs(10)]);
    const { agent } = await startAgent({ site: url });
    await allOf(site, 10);
    const kept = agent.status().reportsKept;
    expect(kept).toBeGreaterThan(0);
    site.acknowledges = true;
    site.drop();
    await site.until('acknowledged', () => agent.status().reportsKept === 0);
    const batches = site.heard.flatMap((one) => (one.type === 'report' ? [one.batch] : []));
    expect(batches).toHaveLength(2 * kept);
    expect(new Set(batches).size).toBe(kept);
  });

  test('works off what it has while the site is away, and delivers it when the site is back', async () => {
    const { site, url } = await servedSite();
    site.add('job', termsOf(kernelIn(site)), [...inputs(40, () => DO.burn)]);
    const { agent, events } = await startAgent({ site: url });
    await site.until('a result', () => site.results.size > 0);
    await site.stop();
    await site.until('all worked off', () => agent.status().tasksHeld === 0);
    expect(agent.status().connected).toBe(false);
    await site.listen(Number(new URL(url).port));
    await allOf(site, 40);
    expect(events.map(({ event }) => event)).toContain('disconnected');
    expect(site.faults).toEqual([]);
  });

  test('stops what the site cancels, and asks for something else', async () => {
    const { site, url } = await servedSite();
    site.add('job', termsOf(kernelIn(site)), [...inputs(4, () => DO.loop)]);
    const { agent } = await startAgent({ site: url });
    await site.until('a lease', () => agent.status().tasksHeld === 4);
    site.say({ type: 'cancel', fence: [1, 1], tasks: [0] });
    await site.until('one less', () => agent.status().tasksHeld === 3);
    site.say({ type: 'cancel', fence: [1, 1], tasks: null });
    site.add('other', termsOf(kernelIn(site)), [...inputs(3)]);
    await site.until('the other job', () => site.results.has('other 2'));
    expect([...site.results.keys()].filter((key) => key.startsWith('job'))).toEqual([]);
  });

  test('obeys the narrower of both policies, and acknowledges the one of the site by its version', async () => {
    const { site, url } = await servedSite();
    await startAgent({
      site: url,
      policy: { version: 1, threads: 1, grants: ['log', 'clock'], memoryFreeBytesMin: 0 },
    });
    const said = await site.until('hello', () => site.heard.find((one) => one.type === 'hello'));
    expect(said).toMatchObject({ attributes: { policy: { grants: [{ kind: 'clock' }, { kind: 'log' }] } } });
    site.setPolicy({ version: 1, limits: { ...limitsOf(), memoryBytesMax: 65_536 }, grants: [{ kind: 'log' }] });
    await site.until('an acknowledgement', () => site.heard.some((one) => one.type === 'policy' && one.version === 2));
    const told = site.heard.findLast((one) => one.type === 'attributes');
    expect(told).toMatchObject({
      attributes: { policy: { limits: { memoryBytesMax: 65_536 }, grants: [{ kind: 'log' }] } },
    });
    site.add('job', termsOf(kernelIn(site), { limits: { memoryBytesMax: 131_072 } }), [...inputs(2)]);
    const { reason } = await site.until('a release', () => releases(site)[0]);
    expect(reason).toBe('nothing allowed');
  });

  test.each([
    ['kernels', (digest: string) => ({ kernels: { refused: [digest] } })],
    ['accounts', () => ({ accounts: { allowed: ['bob'] } })],
    ['a price', () => ({ priceFloor: 3 })],
  ])('gives back tasks of %s that its owner does not let in', async (_, rule) => {
    const { site, url } = await servedSite();
    const digest = kernelIn(site);
    await startAgent({ site: url, policy: { version: 1, ...rule(digest) } });
    site.add('job', termsOf(digest, { priceMax: 2 }), [...inputs(1)]);
    const { reason } = await site.until('a release', () => releases(site)[0]);
    expect(reason).toBe('nothing allowed');
  });

  test.each([
    ['no message', Uint8Array.of(1, 2, 3), 'is not understood'],
    ['a message of no known type', Uint8Array.of(0x81, 0xa4, 0x74, 0x79, 0x70, 0x65, 0xa1, 0x78), 'is not understood'],
  ])('leaves a site that says %s, and comes back later', async (_, bytes, reason) => {
    const { site, url } = await servedSite();
    const { agent, events } = await startAgent({ site: url });
    await site.until('connected', () => agent.status().connected);
    site.sayBytes(bytes);
    await site.until('left', () => events.some((one) => one.event === 'disconnected' && one.reason.includes(reason)));
    site.add('job', termsOf(kernelIn(site)), [...inputs(3)]);
    await allOf(site, 3);
  });

  test.each([
    ['a job whose terms it never said', { tasks: [0], inputs: [new Uint8Array()] }],
    ['columns of unequal length', { tasks: [0, 1], inputs: [new Uint8Array()], terms: termsOf('0'.repeat(64)) }],
    ['no task', { tasks: [], inputs: [], terms: termsOf('0'.repeat(64)) }],
    ['a task twice', { tasks: [1, 1], inputs: [new Uint8Array(), new Uint8Array()], terms: termsOf('0'.repeat(64)) }],
  ])('leaves a site that leases %s', async (_, lease) => {
    const { site, url } = await servedSite();
    const { agent, events } = await startAgent({ site: url });
    await site.until('connected', () => agent.status().connected);
    site.say({ type: 'lease', fence: [1, 999], job: 'strange', ...lease });
    await site.until('left', () => events.some(({ event }) => event === 'disconnected'));
    expect(agent.status().tasksHeld).toBe(0);
  });

  test('says of a kernel that is none what is wrong with it, and of one that is not there that others may try', async () => {
    const { site, url } = await servedSite();
    site.add('bad', termsOf(site.put(Uint8Array.of(0, 1, 2))), [new Uint8Array()]);
    site.add('lost', termsOf('ab'.repeat(32)), [new Uint8Array()]);
    await startAgent({ site: url });
    await allOf(site, 2);
    expect(site.results.get('bad 0')?.code).toBe('ERR_KERNEL_MALFORMED');
    expect(site.results.get('lost 0')?.code).toBe('ERR_HOST_FAULT');
    expect(site.faults).toEqual([]);
  });

  test('is the same host after a restart, and numbers its reports higher', async () => {
    const { site, url } = await servedSite();
    const data = await scratch();
    for (const job of ['first', 'second']) {
      site.add(job, termsOf(kernelIn(site)), [...inputs(3)]);
      const { agent } = await startAgent({ site: url, data });
      await site.until(job, () => site.results.has(`${job} 2`));
      await agent.close();
    }
    const hosts = site.heard.flatMap((one) => (one.type === 'hello' ? [Buffer.from(one.key).toString('hex')] : []));
    expect(new Set(hosts).size).toBe(1);
    const batches = site.heard.flatMap((one) => (one.type === 'report' ? [one.batch] : []));
    expect(batches).toEqual([...batches].sort((a, b) => a - b));
    expect(new Set(batches).size).toBe(batches.length);
  });

  test('does not share its folder with another agent', async () => {
    const { url } = await servedSite();
    const { folder } = await startAgent({ site: url });
    await expect(startAgent({ site: url, data: folder })).rejects.toMatchObject({ code: 'ERR_FILE' });
  });

  test('finishes: takes nothing more, delivers what it has, and then says so', async () => {
    const { site, url } = await servedSite();
    site.add('job', termsOf(kernelIn(site)), [...inputs(200, () => DO.burn)]);
    const { agent } = await startAgent({ site: url });
    await site.until('a lease', () => agent.status().tasksHeld > 0);
    const held = agent.status().tasksHeld;
    await agent.finish();
    expect(agent.status()).toMatchObject({ paused: 'finishing', tasksHeld: 0, reportsKept: 0 });
    expect(site.results.size).toBeGreaterThanOrEqual(held);
    expect(site.results.size).toBeLessThan(200);
  });

  test.each([
    [{ site: 'ftp://example.org' }, 'option "site" must be an address such as http://127.0.0.1:7700'],
    [{ site: 'http://127.0.0.1:1', treads: 3 }, 'option "treads" must be a known option'],
    [
      { site: 'http://127.0.0.1:1', policy: { version: 1, threads: 0 } },
      'option "threads" must be an integer from 1 to 256',
    ],
  ])('is refused %o', async (options, message) => {
    await expect(startAgent(options as never)).rejects.toMatchObject({ code: 'ERR_OPTION_INVALID', message });
  });
});

function limitsOf() {
  const { memoryBytesMax, fuelMax, wallMsMax } = everything().limits;
  return {
    memoryBytesMax,
    fuelMax,
    wallMsMax,
    inputBytesMax: 1e6,
    outputBytesMax: 1e6,
    logBytesMax: 1e6,
    logLinesMax: 1e3,
  };
}
