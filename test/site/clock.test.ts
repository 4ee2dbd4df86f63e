// A site and a host, each a process of its own, whose clocks on the wall jump by an hour, forwards and back, in the middle of a job.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { connect } from 'lodger/host';
import { expect, onTestFinished, test } from 'vitest';
import { lodger, scratch, start } from '../cli/lodger.ts';
import { startSite } from '../client/process.ts';
import { DO, guest, inputs, markOf } from '../pool/guest.ts';

const JUMPS = pathToFileURL(join(import.meta.dirname, 'clock-jumps.mjs')).href;
const ENV = { NODE_OPTIONS: `--import ${JUMPS}` };
const TASKS = 300;

test('no task is lost or run again when the clocks of a site and its host jump by an hour, and nobody is locked out', async () => {
  await using folder = await scratch();
  const at = (name: string) => join(folder.path, name);
  const site = await startSite(['--data', at('site'), '--listen', '127.0.0.1:0'], ENV);
  onTestFinished(() => site.kill());
  const token = site.token ?? '';
  await writeFile(at('policy.json'), JSON.stringify({ version: 1, threads: 1, battery: 'always' }));
  const host = start(
    ['join', site.url, '--token', token, '--data', at('host'), '--policy', at('policy.json'), '--isolation', 'thread'],
    { env: ENV },
  );
  onTestFinished(() => void host.child.kill('SIGKILL'));
  const runner = await connect(site.url, token);
  onTestFinished(() => runner.close());
  let next = 0;
  const given = inputs(TASKS, () => DO.burn);
  for await (const outcome of runner.mapAs('jumps', { kernel: await guest(), inputs: given })) {
    expect(outcome.state === 'done' ? markOf(outcome.output) : outcome.code).toBe(next++);
    // The site's forwards, the host's forwards, the site's back, the host's back: by two hours each.
    if (next % 75 === 20) site.signal('SIGUSR2');
    if (next % 75 === 50) host.child.kill('SIGUSR2');
  }
  expect(next).toBe(TASKS);
  const env = { LODGER_SITE: site.url, LODGER_TOKEN: token };
  const { runs, counts } = JSON.parse((await lodger(['status', 'jumps', '--json'], { env })).stdout);
  expect([runs, counts.done]).toEqual([TASKS, TASKS]);
  const [one] = JSON.parse((await lodger(['hosts', '--json'], { env })).stdout).hosts;
  expect(one).toMatchObject({ connected: true, disagreed: 0, tasksDone: TASKS });

  // Whoever asks too often, and does so when the clock is set back, waits seconds, and not two hours.
  const ask = () => fetch(`${site.url}/api/1/site`);
  site.signal('SIGUSR2');
  await ask();
  site.signal('SIGUSR2');
  let refused = await ask();
  while (refused.status !== 429) refused = await ask();
  expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(10);
}, 120_000);
