// Kernels that a site prepares for tabs: the very bytes that a host makes for itself, the very refusals, for those alone who have a lease that names them.
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { createAgent } from 'lodger/host';
import { expect, onTestFinished, test, vi } from 'vitest';
import { openBlobs } from '../../host/coordinator/blobs.ts';
import { PREPARING } from '../../host/coordinator/ceilings.ts';
import { createPreparing } from '../../host/coordinator/preparing.ts';
import { frameOf } from '../../host/wire/frame.ts';
import type { PreparedAnswer } from '../../host/wire/prepared.ts';
import type { ToHost } from '../../host/wire/site.ts';
import { admit } from '../../runtime/admit/admit.ts';
import { ADMISSION } from '../../runtime/base/admission.ts';
import type { LodgerError } from '../../runtime/base/errors.ts';
import { prepare } from '../../runtime/prepare/prepare.ts';
import { ROOT } from '../project/files.ts';
import { createEcho } from '../site/echo.ts';
import { openSite, removeFolder, submitTasks } from '../site/opened.ts';
import { kernelOf } from '../wasm/kernel.ts';
import { type Served, serveSite } from './served.ts';

const digestOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const built = (name: string) => readFile(join(ROOT, `dist/kernels/${name}.wasm`));

/** A folder of blobs, and what prepares them. */
async function open() {
  const folder = await mkdtemp(join(tmpdir(), 'lodger-preparing-'));
  const blobs = await openBlobs(folder);
  const preparing = createPreparing(blobs);
  onTestFinished(async () => {
    await preparing.close();
    await rm(folder, { recursive: true });
  });
  const add = async (bytes: Uint8Array) => {
    await blobs.put(digestOf(bytes), bytes);
    return digestOf(bytes);
  };
  return { blobs, preparing, add };
}

const bytesOf = async (parts: AsyncIterable<Uint8Array>) => {
  const all: Uint8Array[] = [];
  for await (const part of parts) all.push(part);
  return Buffer.concat(all);
};

test.each(['align', 'wave', 'portfolio'])(
  '%s is prepared to the bytes and the facts that a host finds itself',
  async (name) => {
    const { blobs, preparing, add } = await open();
    const bytes = await built(name);
    const kernel = await admit(bytes);
    for (const nans of ['canonical', 'raw'] as const) {
      const answer = await preparing.prepared(await add(bytes), nans);
      if (answer.state === 'refused') throw new Error(answer.message);
      const {
        facts,
        state,
        bytes: module,
      } = prepare(kernel, {
        ...{ memoryForm: 'imported', metered: true, canonicalNaNs: nans === 'canonical' },
      });
      expect({ facts: answer.facts, state: answer.layout }).toEqual({ facts, state });
      expect((await bytesOf(blobs.read(answer.module))).equals(module)).toBe(true);
    }
  },
);

test.each<[string, Uint8Array]>([
  ['is no WebAssembly', Buffer.from('not a kernel')],
  ['is larger than any kernel', new Uint8Array(ADMISSION.moduleBytes.default + 1)],
  ['imports what the world has not', kernelOf({ imports: [{ module: 'env', name: 'print', type: 'i>' }] })],
  ['runs nothing', kernelOf({ run: null })],
  ['begins by itself', kernelOf({ start: 0, functions: [{ type: '>', code: '' }] })],
  ['the engine refuses', kernelOf({ functions: [{ type: '>i', code: 'f64.const 1' }] })],
])('what %s is refused with the code and the words that a host has for it', async (_, bytes) => {
  const { preparing, add } = await open();
  const { code, message } = (await admit(bytes).then(
    () => ({ code: 'admitted', message: '' }),
    (error: unknown) => error,
  )) as LodgerError;
  expect(code).not.toBe('admitted');
  expect(await preparing.prepared(await add(bytes), 'canonical')).toEqual({ state: 'refused', code, message });
});

test('each is prepared once, and once more when its module was swept away', async () => {
  const { blobs, preparing, add } = await open();
  const kernel = await add(await built('echo'));
  const asked = await Promise.all([1, 2, 3].map(() => preparing.prepared(kernel, 'canonical')));
  const [first] = asked as [PreparedAnswer & { state: 'prepared' }];
  for (const each of asked) expect(each).toBe(first);
  expect(blobs.deleteUnused(first.module, Date.now() + 1_000)).toBe(true);
  expect(await preparing.prepared(kernel, 'canonical')).toEqual(first);
  expect(blobs.has(first.module)).toBe(true);
});

test('a kernel that is not prepared in time is refused for that, its thread is ended, and it may be asked for again', async () => {
  const { preparing, add } = await open();
  const kernel = await add(await built('align'));
  const ended = vi.spyOn(Worker.prototype, 'terminate');
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers().restoreAllMocks());
  const { max } = PREPARING.ms;
  const asked = preparing.prepared(kernel, 'canonical');
  while (vi.getTimerCount() === 0) await turn();
  vi.advanceTimersByTime(max - 1);
  expect(ended).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  const message = `this host failed: the kernel was not prepared within ${max} ms`;
  expect(await asked).toEqual({ state: 'refused', code: 'ERR_HOST_FAULT', message });
  expect(ended).toHaveBeenCalledOnce();
  expect(await preparing.prepared(kernel, 'canonical')).toMatchObject({ state: 'prepared' });
});

test('a tab that holds what was prepared of a kernel gets the job of that kernel before an older one', async () => {
  const opened = await openSite({ kernelOf: (module) => preparing.kernelOf(module) });
  const preparing = createPreparing(opened.blobs);
  onTestFinished(async () => {
    await preparing.close();
    await opened.close();
    await removeFolder(opened.folder);
  });
  const bytes = await built('echo');
  const kernel = digestOf(bytes);
  await opened.blobs.put(kernel, bytes);
  const answer = await preparing.prepared(kernel, 'canonical');
  if (answer.state === 'refused') throw new Error(answer.message);
  await submitTasks(opened, 1, { id: 'older' });
  await submitTasks({ ...opened, kernel }, 1, { id: 'held' });
  for (const [holds, first] of [
    [[], 'older'],
    [[answer.module], 'held'],
  ] as const) {
    const leased: string[] = [];
    // What it has on lease it gives back by leaving.
    const hears = (message: ToHost) => {
      if (message.type === 'lease') leased.push(message.job);
      return message.type !== 'lease';
    };
    const tab = createEcho({ kind: 'tab', holds: [...holds], slots: 1, pulls: 1, hears });
    tab.join(opened.site);
    await vi.waitFor(() => expect(leased[0]).toBe(first), { timeout: 30_000 });
    tab.leave();
  }
});

test('more kernels than may wait are refused, and those that wait are prepared', async () => {
  const { preparing, add } = await open();
  const most = PREPARING.waiting.max;
  const kernels = await Promise.all(Array.from({ length: most + 1 }, (_, at) => add(Buffer.from(`no kernel ${at}`))));
  const told = await Promise.allSettled(kernels.map((kernel) => preparing.prepared(kernel, 'canonical')));
  expect(told.filter(({ status }) => status === 'fulfilled')).toHaveLength(most);
  expect(told.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'ERR_QUOTA_SPENT' } });
  expect(await preparing.prepared(kernels.at(-1) as string, 'canonical')).toMatchObject({ state: 'refused' });
});

test('a tab is told of kernels that a lease named to it, and of no others', async () => {
  await using served = await serveSite();
  const [lab, lender] = [await served.tokenOf('lab', 'submitter'), await served.tokenOf('lender', 'host')];
  const stranger = await served.tokenOf('stranger', 'host');
  const client = served.client(lab);
  const [kernel, idle] = [await client.putBlob(await built('echo')), await client.putBlob(await built('wave'))];
  const ask = (token: string, digest: string, query = '?nans=canonical') =>
    served.call('GET', `kernels/${digest}/prepared${query}`, { token });
  expect((await ask(lender, kernel)).status).toBe(404);
  await using agent = await lend(served, lender);
  await client.ask('submit', { json: { version: 1, kernel, id: 'job' } });
  const body = frameOf({ from: 0, inputs: [1], last: true }, new Uint8Array(1));
  await served.call('POST', 'jobs/job/inputs', { token: lab, body });
  await vi.waitFor(() => expect(agent.status().tasksDone).toBe(1), { timeout: 30_000 });
  const told = await ask(lender, kernel);
  expect(told.status).toBe(200);
  const { module } = told.body as { module: string };
  expect((await served.call('GET', `blobs/${module}`, { token: lender })).status).toBe(200);
  for (const [token, digest, status] of [
    [stranger, kernel, 404],
    [await served.tokenOf('lab', 'host'), idle, 404],
    [lab, kernel, 403],
  ] as const)
    expect((await ask(token, digest)).status).toBe(status);
  expect((await served.call('GET', `blobs/${module}`, { token: stranger })).status).toBe(404);
  expect((await ask(lender, kernel, '')).status).toBe(400);
});

/** A host of this account. */
async function lend({ site, folder }: Served, token: string) {
  const agent = await createAgent({
    ...{ site: site.url, token, data: join(folder, 'host'), isolation: 'thread' },
    policy: { version: 1, threads: 1, battery: 'always', memoryFreeBytesMin: 0, diskFreeBytesMin: 0 },
  });
  return { ...agent, [Symbol.asyncDispose]: () => agent.close() };
}
