// Agents as users have them: processes of their own, at a real site, spoken to from the command line, killed and started again.
import { type ChildProcess, execFileSync } from 'node:child_process';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { Kernel, Outcome } from 'lodger';
import { connect, createCoordinator } from 'lodger/host';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import type { AgentStatus } from '../../host/agent/contracts.ts';
import { findJail } from '../../host/platform/jail.ts';
import type { FromHost } from '../../host/wire/site.ts';
import { lodger, start } from '../cli/lodger.ts';
import { builtKernel } from '../kernels/built.ts';
import { DO, guest, inputOf, inputs, markOf } from '../pool/guest.ts';
import { scratch, servedSite } from './started.ts';
import { termsOf } from './terms.ts';

let kernel: Kernel;
beforeAll(async () => {
  kernel = await guest();
});

/** `lodger join` in a process that does not outlast the test. */
async function joined(
  url: string,
  ...args: string[]
): Promise<{ child: ChildProcess; data: string; ended: ReturnType<typeof start>['ended'] }> {
  const data = args.includes('--data') ? (args[args.indexOf('--data') + 1] as string) : await scratch();
  const more = args.includes('--data') ? args : [...args, '--data', data];
  const { child, ended } = start(['join', url, ...(args.includes('--strict') ? [] : ['--strict', 'any']), ...more]);
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return { child, data, ended };
}

const statusOf = async (data: string): Promise<AgentStatus> =>
  JSON.parse((await lodger(['agent', 'status', '--data', data, '--json'])).stdout) as AgentStatus;

/** Processes whose parent it is. */
const childrenOf = (pid: number | undefined): number[] => {
  try {
    return execFileSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' })
      .split('\n')
      .filter(Boolean)
      .map(Number);
  } catch {
    return [];
  }
};
const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};
const marks = async (outcomes: AsyncIterable<Outcome>): Promise<number[]> => {
  const found: number[] = [];
  for await (const outcome of outcomes) found.push(outcome.state === 'done' ? markOf(outcome.output) : -1);
  return found;
};

test('a job at a real site is done by agents in processes, in order, also when the site goes and comes back', async () => {
  const data = join(await scratch(), 'site');
  let site = await createCoordinator({ data });
  const { url } = site;
  const token = site.operatorToken as string;
  onTestFinished(() => site.close());
  const { data: folder } = await joined(url, '--token', token);
  const runner = await connect(url, token, { patienceMs: 30_000 });
  onTestFinished(() => runner.close());
  const given = [...inputs(300), inputOf(DO.echo, 300, 200_000)];
  expect(await marks(runner.map({ kernel, inputs: given }))).toEqual(given.map(markOf));

  await site.close();
  const away = await lodger(['agent', 'status', '--data', folder, '--json']);
  expect(JSON.parse(away.stdout)).toMatchObject({ connected: false, tasksHeld: 0, tasksDone: 301, reportsKept: 0 });
  site = await createCoordinator({ data, port: Number(new URL(url).port) });
  expect(await marks(runner.map({ kernel, inputs: inputs(50) }))).toEqual([...inputs(50)].map(markOf));
}, 60_000);

test('a job that requires walls runs behind them, and on no host that lacks them', async () => {
  const site = await createCoordinator({ data: join(await scratch(), 'site') });
  onTestFinished(() => site.close());
  const token = site.operatorToken as string;
  await joined(site.url, '--token', token, '--isolation', 'thread');
  const isolation = ['landlock', 'seccomp', 'lock'];
  const runner = await connect(site.url, token, { terms: { requirements: { isolation } } });
  onTestFinished(() => runner.close());
  const done = marks(runner.mapAs('walled', { kernel, inputs: inputs(3) }));
  done.catch(() => undefined);
  const why = async () => (await runner.site.ask('task', { params: { job: 'walled', task: '0' } })).why;
  await expect.poll(why, { timeout: 30_000 }).toContain('the host lacks isolation: landlock, seccomp, lock');
  // A machine without a jail has no host that could take it.
  if ('missing' in findJail()) return;
  await joined(site.url, '--token', token, '--strict', isolation.join());
  expect(await done).toEqual([...inputs(3)].map(markOf));
}, 60_000);

test.runIf(process.platform === 'linux')(
  'an agent that was killed leaves no process, is the same host when it is started again, and its job ends',
  async () => {
    const { site, url } = await servedSite();
    const all = 40;
    site.add('job', termsOf(site.put(kernel.bytes)), [...inputs(all - 1, () => DO.burn), ...inputs(1, () => DO.loop)]);
    const first = await joined(url);
    await site.until('some results', () => site.results.size > 4);
    const cells = childrenOf(first.child.pid);
    expect(cells.length).toBeGreaterThan(0);
    first.child.kill('SIGKILL');
    await first.ended;
    await site.until('its cells are gone', () => !cells.some(isAlive));
    await joined(url, '--data', first.data);
    // Those in one batch with it are run again on the other thread.
    await site.until('all but the endless one', () => site.results.size === all - 1);
    const hosts = site.heard.flatMap((one) => (one.type === 'hello' ? [Buffer.from(one.key).toString('hex')] : []));
    expect(hosts).toHaveLength(2);
    expect(new Set(hosts).size).toBe(1);
    expect(site.faults).toEqual([]);
    expect(site.again).toBe(0);
  },
  60_000,
);

test('a stepper whose host is killed goes on at another from the last image that the site has; images are what has changed', async () => {
  const { site, url } = await servedSite({ leaseTasks: 1 });
  const { wasm } = await builtKernel('stepper', 'incremental');
  const long = new Uint8Array(Uint32Array.of(4_000_000_000).buffer);
  site.add('job', termsOf(site.put(wasm), { limits: { wallMsMax: 600_000 }, everyMs: 100 }), [long]);
  /** Images of each host in turn. */
  const images = () =>
    site.heard.reduce<Extract<FromHost, { type: 'image' }>[][]>((all, one) => {
      if (one.type === 'hello') all.push([]);
      if (one.type === 'image') all.at(-1)?.push(one);
      return all;
    }, []);
  const first = await joined(url, '--isolation', 'thread');
  await site.until('four images', () => (images()[0]?.length ?? 0) >= 4);
  first.child.kill('SIGKILL');
  await first.ended;
  await joined(url, '--isolation', 'thread');
  await site.until('an image of the next host', () => (images()[1]?.length ?? 0) > 0);
  const [before = [], [next] = []] = images();
  const last = before.at(-1);
  expect(next?.step).toBeGreaterThan(last?.step ?? Number.POSITIVE_INFINITY);
  expect(site.blobRequests).toContain(`GET ${last?.image.slice(0, 8)}`);
  // Each is told behind which it comes, and has less in it than the first one, which is whole.
  expect(before.map(({ parent }) => parent)).toEqual([null, ...before.slice(0, -1).map(({ image }) => image)]);
  const [whole = 0, ...changes] = before.map(({ image }) => site.blobs.get(image)?.byteLength ?? 0);
  expect(Math.max(...changes)).toBeLessThan(whole);
  expect(site.faults).toEqual([]);
}, 60_000);

test.runIf(process.platform === 'linux').each(['SIGKILL', 'SIGSTOP'] as const)(
  'an agent whose cells get %s goes on, and every task is done once',
  async (signal) => {
    const { site, url } = await servedSite();
    const all = 300;
    site.add('job', termsOf(site.put(kernel.bytes)), [...inputs(all, () => DO.burn)]);
    const { child } = await joined(url);
    await site.until('some results', () => site.results.size > 4);
    const cells = childrenOf(child.pid);
    // Behind walls a cell is the child of one that waits for it.
    for (const cell of cells.flatMap((pid) => [pid, ...childrenOf(pid)].slice(-1))) process.kill(cell, signal);
    await site.until('all results', () => site.results.size === all);
    expect(new Set([...site.results.values()].map(({ code }) => code))).toEqual(new Set(['']));
    expect(child.exitCode).toBeNull();
    expect(site.faults).toEqual([]);
    expect(site.again).toBe(0);
  },
  60_000,
);

test('an agent is shown, paused, resumed and ended from the command line, and runs at the lowest priority', async () => {
  const { site, url } = await servedSite();
  const { child, data, ended } = await joined(url);
  await site.until('connected', () => site.heard.some(({ type }) => type === 'pull'));
  if (process.platform === 'linux') expect(getPriority(child.pid)).toBe(19);
  site.add('job', termsOf(site.put(kernel.bytes)), [...inputs(3, () => DO.loop)]);
  await site.until('work', () => site.heard.some((one) => one.type === 'beat' && one.paused === null));

  const paused = await lodger(['agent', 'pause', '8', '--data', data]);
  expect(paused.stdout).toContain('paused (asked): paused by its owner, for another ');
  await site.until('given back', () => site.heard.some(({ type }) => type === 'release'));
  expect(await statusOf(data)).toMatchObject({ state: 'paused', paused: 'asked', tasksHeld: 0 });
  const resumed = await lodger(['agent', 'resume', '--data', data]);
  expect(resumed).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('working') });
  await site.until(
    'work again',
    () => site.heard.findLast(({ type }) => type === 'pull' || type === 'release')?.type === 'pull',
  );
  site.say({ type: 'cancel', fence: [1, 2], tasks: null });

  await lodger(['agent', 'pause', '--data', data]);
  await lodger(['agent', 'finish', '--data', data]);
  expect(await ended).toMatchObject({ exitCode: 0 });
  const gone = await lodger(['agent', 'status', '--data', data]);
  expect(gone).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('ERR_NOT_FOUND') });
}, 60_000);

test('with --json every change of state is a line of JSON on standard output, and nothing else is said', async () => {
  const site = await createCoordinator({ data: join(await scratch(), 'site') });
  onTestFinished(() => site.close());
  const { data, ended } = await joined(site.url, '--token', site.operatorToken as string, '--json');
  await expect
    .poll(
      () =>
        statusOf(data).then(
          ({ connected }) => connected,
          () => false,
        ),
      { timeout: 30_000 },
    )
    .toBe(true);
  const { host } = await statusOf(data);
  for (const action of ['pause', 'resume', 'finish']) await lodger(['agent', action, '--data', data]);
  const { exitCode, stdout, stderr } = await ended;
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  const events = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(events).toContainEqual({ event: 'connected', host, site: expect.any(String) });
  const paused = events.findIndex(({ reason }) => reason === 'asked');
  expect(events[paused]).toEqual({ event: 'paused', reason: 'asked', why: expect.stringContaining('agent resume') });
  expect(events.slice(paused)).toContainEqual({ event: 'resumed' });
}, 60_000);

test.each([
  [['join'], 'ERR_OPTION_INVALID'],
  [['join', 'http://127.0.0.1:1', '--quiet', '--json'], 'option "--quiet" must be left out with --json'],
  [['join', 'ftp://example.org'], 'option "site" must be an address'],
  [['join', 'http://127.0.0.1:1', '--policy', 'nowhere.json'], 'ERR_FILE'],
  [['join', 'http://127.0.0.1:1', '--token', 'a', '--token-file', 'b'], 'option "--token" must be left out'],
  [
    ['join', 'http://127.0.0.1:1', '--strict', 'most'],
    'option "--strict" must be one of any, floor, all, or names of walls',
  ],
  [['agent', 'sleep'], 'option "action" must be one of status, pause, resume, finish'],
  [['agent', 'pause', '0'], 'option "hours" must be a number of hours'],
  [['agent', 'finish', '8'], 'option "hours" must be left out but with pause'],
])('lodger %j is refused', async (args, message) => {
  const data = args[0] === 'join' ? ['--data', await scratch()] : [];
  const { exitCode, stderr } = await lodger([...args, ...data]);
  expect(stderr).toContain(message);
  expect(exitCode).toBe(2);
});
