// What a task gets of the network: answers of the origins it was granted, and nothing else, on every engine and in every place.
import { createSandbox, type Grant, type Kernel, parsePolicy, type Runner } from 'lodger';
import { createPool } from 'lodger/host';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ENGINE_NAMES } from '../contract/engines.ts';
import { bytesOf, guest, told } from './guests.ts';
import { openServer, type TestServer } from './servers.ts';

const WHERE = ['thread', 'process'] as const;
const PLACES = ENGINE_NAMES.flatMap((engine) => WHERE.map((where) => ({ engine, where })));

let stranger: TestServer;
let second: TestServer;
let first: TestServer;
let kernel: Kernel;
beforeAll(async () => {
  kernel = await guest('requests');
  stranger = await openServer();
  second = await openServer(stranger.origin);
  first = await openServer(second.origin);
});
afterAll(async () => {
  for (const server of [first, second, stranger]) await server.close();
});

const grant = (origin: string, ...methods: ('GET' | 'POST' | 'HEAD')[]): Grant => ({ kind: 'http', origin, methods });

/** What is asked, and what comes; `F` and `S` stand for the granted servers, `X` for another. */
const ANSWERS: readonly (readonly [string, string])[] = [
  ['GET|F/hello|', '200 5 hello'],
  ['HEAD|F/hello|', '200 0 '],
  ['POST|F/echo|some words', '200 10 some words'],
  ['POST|F/echo|', '200 0 '],
  ['GET|F/missing|', '404 12 nothing here'],
  ['GET|F/chain/5|', '200 10 at the end'],
  ['GET|F/away|', '200 5 hello'],
  ['POST|F/see|words', '200 5 hello'],
  ['GET|F/chain/6|', 'no "F/chain/6" was redirected over 5 times'],
  ['GET|F/loop|', 'no "F/loop" was redirected over 5 times'],
  ['GET|S/away|', 'no "S": it was redirected to "X", an origin that is not granted'],
  ['GET|F/metadata|', 'no "F": it was redirected to "http://169.254.169.254", an origin that is not granted'],
  ['GET|F/file|', 'no "F": it was redirected to "null", an origin that is not granted'],
  ['GET|X/hello|', 'no "X", an origin that is not granted'],
  ['POST|S/echo|words', 'no "S", which is granted for GET, not "POST"'],
  ['get|F/hello|', 'no "F", which is granted for GET, HEAD, POST, not "get"'],
  ['GET|F/hello|words', 'no a GET has no body'],
  ['GET|F@localhost/hello|', 'has a user name or a password in it'],
  ['GET|http://user:word@HOST/hello|', 'has a user name or a password in it'],
  ['GET|/hello|', 'no "/hello" is no address'],
  ['GET|file:///etc/passwd|', 'no "null", an origin that is not granted'],
  ['GET|F/short|', 'no "F": it ended the connection'],
  ['GET|F/headers|', 'no "F": its headers are too long'],
  ['GET|F/endless|', 'no "F": its answer has over 16777216 bytes'],
];

/** With the addresses of the servers. */
const named = (text: string) =>
  text
    .replace(/\bF(?=[/@"])/g, first.origin)
    .replace(/\bS(?=[/"])/g, second.origin)
    .replace(/\bX(?=[/"])/g, stranger.origin)
    .replace('HOST', `127.0.0.1:${first.port}`);

describe.each(PLACES)('on $engine, in a $where,', ({ engine, where }) => {
  let runner: Runner;
  beforeAll(async () => {
    runner = await createPool({ engine, threads: 1, isolation: where });
  });
  afterAll(() => runner.close());
  const run = (lines: string, grants: readonly Grant[], more: object = {}) =>
    runner.run({ kernel, input: bytesOf(named(lines)), grants, ...more });
  const both = () => [grant(first.origin, 'GET', 'HEAD', 'POST'), grant(second.origin, 'GET')];

  test('a guest gets answers of its origins, and whatever else it tries is refused in its own words', async () => {
    stranger.seen.length = 0;
    const answers = told(await run(ANSWERS.map(([line]) => line).join('\n'), both()));
    for (const [place, [line, said]] of ANSWERS.entries()) {
      const wanted = /^(?:no |\d)/.test(said) ? named(said) : expect.stringContaining(said);
      expect([line, answers[place]]).toEqual([line, wanted]);
    }
    expect(stranger.seen).toEqual([]);
  });

  test('every request is in the receipt, redirects among them, with its status and bytes', async () => {
    const outcome = await run('GET|F/away|\nPOST|F/echo|four\nGET|F/short|\nGET|X/hello|', both());
    expect(outcome.receipt).toMatchObject({ deterministic: false, calls: { 'http.request': 4 } });
    const all = [`http:${first.origin}:GET,HEAD,POST`, `http:${second.origin}:GET`];
    expect(outcome.receipt.outside).toEqual({
      ...{ asked: all, given: all },
      requests: [
        { method: 'GET', origin: first.origin, status: 302, bytesSent: 0, bytesReceived: 6 },
        { method: 'GET', origin: second.origin, status: 200, bytesSent: 0, bytesReceived: 5 },
        { method: 'POST', origin: first.origin, status: 200, bytesSent: 4, bytesReceived: 4 },
        { method: 'GET', origin: first.origin, status: 0, bytesSent: 0, bytesReceived: 5 },
      ],
    });
  });

  test('what is sent has no cookie and no header but those of a list', async () => {
    first.seen.length = 0;
    await run('GET|F/cookie|\nGET|F/hello|\nPOST|F/echo|words', both());
    expect(first.seen.map(({ headers }) => Object.keys(headers).sort())).toEqual([
      ['accept', 'accept-encoding', 'connection', 'host', 'user-agent'],
      ['accept', 'accept-encoding', 'connection', 'host', 'user-agent'],
      ['accept', 'accept-encoding', 'connection', 'content-length', 'content-type', 'host', 'user-agent'],
    ]);
  });

  test('a body that is compressed is given as it came, and not unpacked', async () => {
    const [answer = ''] = told(await run('GET|F/bomb|', both()));
    expect(Number(answer.split(' ')[1])).toBeLessThan(100_000);
  });

  test.each([['silent'], ['half']])('a task that waits for a %s server ends when its time is up', async (what) => {
    const { threadRestarts } = statsOf(runner);
    const outcome = await run(`GET|F/${what}|`, both(), { limits: { wallMsMax: 300 } });
    expect(outcome).toMatchObject({ state: 'failed', code: 'ERR_WALL_SPENT' });
    expect(outcome.receipt.outside?.requests).toMatchObject([{ origin: first.origin, status: 0 }]);
    expect(statsOf(runner).threadRestarts).toBe(threadRestarts);
  });

  test('a task that waits for a server is aborted, and its thread goes on', async () => {
    const control = new AbortController();
    const before = first.seen.length;
    const ended = runner.run(
      { kernel, input: bytesOf(named('GET|F/silent|')), grants: both() },
      { signal: control.signal },
    );
    while (first.seen.length === before) await new Promise((resolve) => setTimeout(resolve, 5));
    control.abort();
    await expect(ended).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    expect(told(await run('GET|F/hello|', both()))).toEqual(['200 5 hello']);
    expect(statsOf(runner).threadRestarts).toBe(0);
  });

  test('a job of tasks that wait is mapped in order, and each has its own receipt', async () => {
    const inputs = Array.from({ length: 20 }, (_, index) => bytesOf(named(`POST|F/echo|${'x'.repeat(index)}`)));
    let index = 0;
    for await (const outcome of runner.map({ kernel, inputs, grants: both() })) {
      expect(told(outcome)).toEqual([`200 ${index} ${'x'.repeat(index)}`]);
      expect(outcome.receipt.outside?.requests).toMatchObject([{ bytesSent: index, bytesReceived: index }]);
      index++;
    }
    expect(index).toBe(20);
  });
});

test('a task that may have a small share of its core has not worked while it waited', async () => {
  const pool = await createPool({ threads: 1, cpuShare: 0.05 });
  const input = bytesOf(`GET|${first.origin}/slow|\nPOST|${first.origin}/echo|${'x'.repeat(2 ** 20)}`);
  const grants = [grant(first.origin, 'GET', 'POST')];
  // As work, the 400 ms would have to be followed by 7.6 s of rest.
  const outcome = await pool.run({ kernel, input, grants, limits: { wallMsMax: 5_000 } });
  await pool.close();
  expect(told(outcome)).toEqual(['200 4 slow', `200 1048576 ${'x'.repeat(60)}`]);
});

const statsOf = (runner: Runner) => (runner as unknown as { stats(): { threadRestarts: number } }).stats();

test('a job asks for three origins, its owner allows two, the task sees two, and the receipt shows both lists', async () => {
  const asked = [grant(first.origin, 'GET', 'POST'), grant(second.origin, 'GET'), grant(stranger.origin, 'GET')];
  const policy = parsePolicy({ version: 1, grants: [grant(first.origin, 'GET'), grant(second.origin, 'GET', 'POST')] });
  const pool = await createPool({ threads: 1, policy });
  const lines = ['GET|F/hello|', 'POST|F/echo|x', 'GET|S/hello|', 'GET|X/hello|'].join('\n');
  const input = bytesOf(named(lines));
  const outcome = await pool.run({ kernel, input, grants: asked });
  const refused = pool.run({ kernel, input, grants: [grant(stranger.origin, 'GET')] });
  await expect(refused).rejects.toMatchObject({ code: 'ERR_POLICY_EXCEEDED' });
  await pool.close();
  expect(told(outcome)).toEqual([
    '200 5 hello',
    `no "${first.origin}", which is granted for GET, not "POST"`,
    '200 5 hello',
    `no "${stranger.origin}", an origin that is not granted`,
  ]);
  expect(outcome.receipt.outside).toMatchObject({
    asked: [`http:${first.origin}:GET,POST`, `http:${second.origin}:GET`, `http:${stranger.origin}:GET`],
    given: [`http:${first.origin}:GET`, `http:${second.origin}:GET`],
  });
});

test('a policy that says nothing of requests allows none', async () => {
  const pool = await createPool({ threads: 1, policy: parsePolicy({ version: 1 }) });
  const task = pool.run({ kernel, input: bytesOf(''), grants: [grant(first.origin, 'GET')] });
  await expect(task).rejects.toMatchObject({ code: 'ERR_POLICY_EXCEEDED' });
  await pool.close();
});

test("a sandbox in the caller's own thread gives no requests, and says what does", async () => {
  const task = createSandbox().run({ kernel, input: bytesOf(''), grants: [grant(first.origin, 'GET')] });
  await expect(task).rejects.toMatchObject({
    code: 'ERR_GRANT_UNAVAILABLE',
    message: expect.stringContaining('use createPool()'),
  });
});

test('kernels that do not count their fuel wait and end as others do', async () => {
  for (const engine of ENGINE_NAMES) {
    const pool = await createPool({ engine, threads: 1, metered: false });
    const run = (what: string) =>
      pool.run({
        kernel,
        input: bytesOf(`GET|${first.origin}/${what}|`),
        grants: [grant(first.origin, 'GET')],
        limits: { wallMsMax: 400 },
      });
    expect(told(await run('hello'))).toEqual(['200 5 hello']);
    expect(await run('silent')).toMatchObject({
      code: 'ERR_WALL_SPENT',
      receipt: { outside: { requests: [{ status: 0 }] } },
    });
    expect(told(await run('hello'))).toEqual(['200 5 hello']);
    await pool.close();
  }
});
