// What a host that is killed costs of a stepper: counted in steps that are done again.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { connect } from '../../host/client/connect.ts';
import { node } from '../../host/platform/node.ts';
import { admit } from '../../runtime/admit/admit.ts';
import { serveSite } from '../coordinator/served.ts';
import { builtKernel } from '../kernels/built.ts';
import { until } from './opened.ts';

const LEND = fileURLToPath(new URL('../../dist/test/site/lend-steps.js', import.meta.url));
/** About a second of work: images are so far apart, at the same steps on every machine. */
const MARK_FUEL = 1_000_000_000;
/** More numbers than anybody gets to. */
const INPUT = new Uint8Array(Uint32Array.of(4_000_000_000).buffer);
/** Steps that a host does beyond one that it has said. */
const UNSAID = 50;

interface Host {
  readonly child: ChildProcess;
  readonly steps: number[];
  readonly images: number[];
}

function startHost(url: string, token: string, name: string): Host {
  const child = spawn(process.execPath, [LEND, url, token, name], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const host: Host = { child, steps: [], images: [] };
  let rest = '';
  child.stdout?.on('data', (part: Buffer) => {
    const lines = (rest + part.toString()).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const [what, step] = line.split(' ');
      (what === 'step' ? host.steps : host.images).push(Number(step));
    }
  });
  return host;
}

const last = (steps: readonly number[]) => steps.at(-1) ?? 0;

/** Kills a host when it has done some of the steps behind an image that is at the site; gives the steps from image to image. */
async function killBetween({ child, steps, images }: Host, share: number): Promise<number> {
  await until(() => images.length >= 2);
  const interval = last(images) - (images.at(-2) ?? 0);
  await until(() => last(steps) >= last(images) + share * interval);
  const gone = once(child, 'close');
  child.kill('SIGKILL');
  await gone;
  return interval;
}

test('a host that is killed costs one interval of a stepper at most: the next one goes on from the last image', async () => {
  await using served = await serveSite({ leaseMs: 2_000 });
  const token = await served.tokenOf('lab', 'host');
  const runner = await connect(served.site.url, served.token, { terms: { markFuel: MARK_FUEL } });
  const kernel = await admit((await builtKernel('stepper', 'incremental')).wasm, { platform: node });
  const control = new AbortController();
  const job = runner.mapAs(
    'steps',
    { kernel, inputs: [INPUT], limits: { wallMsMax: 600_000 } },
    { signal: control.signal },
  );
  const told = job.next().catch(() => undefined);
  const again: number[] = [];
  let before: { readonly steps: readonly number[]; readonly interval: number } | undefined;
  for (const [at, share] of [0.2, 0.5, 0].entries()) {
    const { steps, ...host } = startHost(served.site.url, token, `host ${at}`);
    await until(() => steps.length > 0);
    if (before) {
      const from = (steps[0] as number) - 1;
      expect(from).toBeGreaterThan(0);
      again.push((last(before.steps) + UNSAID - from) / before.interval);
    }
    if (at < 2) before = { steps, interval: await killBetween({ steps, ...host }, share) };
  }
  // As shares of the steps between two images.
  for (const [at, share] of again.entries()) {
    expect(share).toBeGreaterThan([0.2, 0.5][at] as number);
    expect(share).toBeLessThanOrEqual(1);
  }
  control.abort();
  await told;
  await runner.close();
}, 60_000);
