// A site as a runner: what a pool gives, a site gives, too, to the byte.

import { createAgent } from 'lodger/host';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect, type SiteRunner } from '../../host/client/connect.ts';
import { nodeEngine } from '../../host/platform/engines.ts';
import { node } from '../../host/platform/node.ts';
import { admit } from '../../runtime/admit/admit.ts';
import type { Kernel } from '../../runtime/job/kernel.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import { createSandbox } from '../../runtime/sandbox/sandbox.ts';
import { type Served, serveSite } from '../coordinator/served.ts';
import { answer, kernelOf } from '../wasm/kernel.ts';

/** Gives its input back; traps on one that begins with 2. */
const RUN = `local.get 1 if local.get 0 i32.load8_u 0 0 i32.const 2 i32.eq if unreachable end end
  ${answer(0, 'local.get 0', 'local.get 1')}`;

let served: Served;
let runner: SiteRunner;
let kernel: Kernel;
let agent: Awaited<ReturnType<typeof createAgent>>;

beforeAll(async () => {
  served = await serveSite();
  agent = await createAgent({
    ...{ site: served.site.url, token: served.token, data: `${served.folder}/host`, isolation: 'thread' },
    policy: { version: 1, threads: 1, battery: 'always' },
  });
  runner = await connect(served.site.url, await served.tokenOf('lab', 'submitter'));
  kernel = await admit(kernelOf({ run: { locals: '', code: RUN }, memory: [1, 4_096] }), { platform: node });
});

afterAll(async () => {
  await runner.close();
  await agent.close();
  await served[Symbol.asyncDispose]();
});

const all = async (outcomes: AsyncIterable<Outcome>): Promise<Outcome[]> => {
  const found: Outcome[] = [];
  for await (const outcome of outcomes) found.push(outcome);
  return found;
};
const told = (outcome: Outcome) => {
  const { fuel, bytesIn, bytesOut, deterministic, engine, rewriter, tariff } = outcome.receipt;
  const receipt = { fuel, bytesIn, bytesOut, deterministic, engine, rewriter, tariff, kernel: outcome.receipt.kernel };
  return outcome.state === 'done'
    ? { output: Buffer.from(outcome.output).toString('base64').slice(0, 100), receipt }
    : { code: outcome.code, fault: outcome.fault, message: outcome.message, receipt };
};

test('a map gives what a sandbox gives, in order: outputs, failures, fuel, and data of any size', async () => {
  const inputs = [
    ...Array.from({ length: 300 }, (_, at) => Uint8Array.of(at % 3, at, at >> 8)),
    new Uint8Array(0),
    new Uint8Array(200_000).fill(7),
    new Uint8Array(65_536).fill(8),
    new Uint8Array(65_537).fill(9),
  ];
  const sandbox = createSandbox({ engine: nodeEngine('v8'), platform: node });
  const expected = await all(sandbox.map({ kernel, inputs }));
  const progress: unknown[] = [];
  const found = await all(runner.map({ kernel, inputs }, { onProgress: (each) => progress.push(each) }));
  expect(found.map(told)).toEqual(expected.map(told));
  expect(progress.at(-1)).toEqual({ done: 204, failed: 100, started: 304, total: 304 });
});

test('what a site has is not sent to it again: neither kernels nor large inputs, whoever gives them', async () => {
  const input = new Uint8Array(100_000).fill(5);
  await all(runner.map({ kernel, inputs: [input] }));
  const before = await piecesSent();
  const other = await connect(served.site.url, await served.tokenOf('lab', 'submitter'));
  for (const each of [runner, other]) expect(await all(each.map({ kernel, inputs: [input, input] }))).toHaveLength(2);
  expect(await piecesSent()).toBe(before);
  await all(other.map({ kernel, inputs: [input.map((byte) => byte + 1)] }));
  expect(await piecesSent()).toBe(before + 1);
  await other.close();
});

/** Requests with bytes of blobs that the site has answered. */
async function piecesSent(): Promise<number> {
  const headers = { authorization: `Bearer ${await served.tokenOf('site', 'operator')}` };
  const text = await (await fetch(`${served.site.url}/metrics`, { headers })).text();
  const lines = text.matchAll(
    /^lodger_answers_total\{route="PUT [^"]*\/blobs(?:\/:digest)?",status="(?:200|201|204|308)"\} (\d+)$/gm,
  );
  return [...lines].reduce((sum, [, count]) => sum + Number(count), 0);
}

test('inputs are what they were when they were given: the caller may use one buffer for all of them', async () => {
  const room = Buffer.alloc(2);
  const inputs = (function* () {
    for (let at = 0; at < 5; at++) yield room.fill(3 + at);
  })();
  const found = await all(runner.map({ kernel, inputs }));
  expect(found.map((outcome) => outcome.state === 'done' && outcome.output[0])).toEqual([3, 4, 5, 6, 7]);
});

test('one task runs like any other', async () => {
  const outcome = await runner.run({ kernel, input: Uint8Array.of(5, 6) });
  expect(outcome).toMatchObject({ state: 'done', output: Uint8Array.of(5, 6) });
});

test('an input may be made of the outcome before it: none waits for others to be sent with', async () => {
  let next: (input: Uint8Array | undefined) => void = () => undefined;
  const inputs = (async function* () {
    yield Uint8Array.of(0);
    for (;;) {
      const input = await new Promise<Uint8Array | undefined>((resolve) => {
        next = resolve;
      });
      if (!input) return;
      yield input;
    }
  })();
  const lengths: number[] = [];
  for await (const outcome of runner.map({ kernel, inputs })) {
    if (outcome.state !== 'done') throw new Error(outcome.message);
    lengths.push(outcome.output.length);
    next(outcome.output.length < 5 ? new Uint8Array(outcome.output.length + 1) : undefined);
  }
  expect(lengths).toEqual([1, 2, 3, 4, 5]);
});

test('inputs that throw end the job, with what they threw', async () => {
  const inputs = (async function* () {
    yield Uint8Array.of(0);
    throw new Error('the disk is on fire');
  })();
  await expect(all(runner.map({ kernel, inputs }))).rejects.toThrow('the disk is on fire');
  expect(await openJobs()).toBe(0);
});

test('a caller that leaves, or aborts, leaves no job behind', async () => {
  const endless = function* () {
    for (;;) yield Uint8Array.of(1);
  };
  for await (const outcome of runner.map({ kernel, inputs: endless() })) {
    expect(outcome.state).toBe('done');
    break;
  }
  expect(await openJobs()).toBe(0);
  const control = new AbortController();
  const aborted = (async () => {
    for await (const _ of runner.map({ kernel, inputs: endless() }, { signal: control.signal })) control.abort();
  })();
  await expect(aborted).rejects.toMatchObject({ code: 'ERR_ABORTED' });
  expect(await openJobs()).toBe(0);
});

async function openJobs(): Promise<number> {
  const jobs = await runner.site.ask('jobs');
  return jobs.filter(({ state }) => state === 'open').length;
}

test.each([
  ['a task with images', () => runner.run({ kernel, input: Uint8Array.of(1) }, { checkpoint: { store: {} as never } })],
  ['a task with a place', () => runner.run({ kernel, input: Uint8Array.of(1), index: 3 })],
  ['a stepper that is spoken to', async () => runner.start({ kernel, input: Uint8Array.of(1) }, {} as never)],
  ['an unknown option', () => runner.run({ kernel, input: Uint8Array.of(1) }, { treads: 1 } as never)],
  ['what is no kernel', () => runner.run({ kernel: {} as never, input: Uint8Array.of(1) })],
  ['an address that is none', () => connect('nowhere', 'x')],
])('%s is refused with a code', async (_, act) => {
  await expect(act()).rejects.toMatchObject({ code: 'ERR_OPTION_INVALID' });
});

test('a token that is not known, and a site that is not there, are told apart', async () => {
  await expect(connect(served.site.url, 'guessed')).rejects.toMatchObject({ code: 'ERR_ACCESS_DENIED' });
  await expect(connect('http://127.0.0.1:1', 'x')).rejects.toMatchObject({ code: 'ERR_SITE_UNREACHABLE' });
});

test('a job of another account is not there, and neither are its outcomes, inputs, receipts and events', async () => {
  const id = 'private';
  await all(runner.mapAs(id, { kernel, inputs: [Uint8Array.of(1)] }));
  const token = await served.tokenOf('rival', 'submitter');
  for (const path of ['', '/outcomes', '/states', '/tasks/0', '/receipts', '/events']) {
    const { status, code } = await served.call('GET', `jobs/${id}${path}`, { token });
    expect({ path, status, code }).toEqual({ path, status: 404, code: 'ERR_NOT_FOUND' });
  }
  expect((await served.call('POST', `jobs/${id}/cancel`, { token })).status).toBe(404);
  const input = { token, body: Buffer.from([9, 0, 0, 0, 1, 0, 0, 0, 0x80]) };
  expect((await served.call('POST', `jobs/${id}/inputs`, input)).status).toBeGreaterThanOrEqual(400);
  const manifest = { version: 1, kernel: kernel.digest };
  expect((await served.call('POST', 'jobs', { token, body: manifest })).status).toBe(404);
});

test('outcomes are read again from any place on', async () => {
  const inputs = Array.from({ length: 20 }, (_, at) => Uint8Array.of(0, at));
  await all(runner.mapAs('again', { kernel, inputs }));
  const from = async (place: number) => {
    const found: number[] = [];
    for await (const { index } of runner.site.outcomes('again', place)) found.push(index);
    return found;
  };
  expect(await from(0)).toEqual([...inputs.keys()]);
  expect(await from(17)).toEqual([17, 18, 19]);
  expect(await from(20)).toEqual([]);
});
