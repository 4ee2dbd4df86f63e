// What the tests do in a tab's I/O worker: the real runner, driven by messages from the page.

import { parse } from 'valibot';
import { createOwn } from '../../host/browser/own-kernels.ts';
import { createTabRunner, type TabRunner } from '../../host/browser/runner.ts';
import { createSiteKernels } from '../../host/browser/site-kernels.ts';
import type { KernelPort } from '../../host/browser/thread.ts';
import { PreparedSchema } from '../../host/wire/prepared.ts';
import { admit } from '../../runtime/admit/admit.ts';
import { portable, toHex } from '../../runtime/base/platform.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import type { Grant } from '../../runtime/policy/grant.ts';
import { memoryStore } from '../../runtime/snapshot/store.ts';

/** One thing to do, and what came of it goes back under the same number. */
interface Order {
  readonly id: number;
  readonly act: keyof typeof acts;
  readonly given: Record<string, unknown>;
}

let runner: TabRunner;

function openWorker(url: string): KernelPort {
  const worker = new Worker(url, { type: 'module' });
  return {
    post: (message, transfer = []) => worker.postMessage(message, transfer),
    hear: (listener) => {
      worker.onmessage = ({ data }) => listener(data);
    },
    terminate: () => worker.terminate(),
  };
}

/** What can be compared of it, as plain data. */
function endingOf(outcome: Outcome): object {
  const { state, log, receipt } = outcome;
  const { fuel, fuelAtLeast } = receipt;
  const used = { ...(fuel !== undefined && { fuel }), ...(fuelAtLeast !== undefined && { fuelAtLeast }) };
  const ending = state === 'done' ? { output: [...outcome.output] } : { code: outcome.code, message: outcome.message };
  return { state, lines: log.lines.map(({ level, text }) => `${level} ${text}`), ...used, ...ending };
}

const bytesOf = (value: unknown) => Uint8Array.from(value as number[]);
const kernels = new Map<string, Awaited<ReturnType<typeof admit>>>();

const load = async (url: string) => new Uint8Array(await (await fetch(url)).arrayBuffer());

/** Of a tab whose site prepares kernels. */
const site = createSiteKernels({
  ask: async (digest, nans) => parse(PreparedSchema, await (await fetch(`/prepared/${digest}/${nans}`)).json()),
  get: (digest) => load(`/blobs/${digest}`),
});
let isOfSite = false;

async function kernelAt(url: string) {
  const known = kernels.get(url);
  if (known) return known;
  const bytes = await load(url);
  const kernel = isOfSite
    ? await site.source(toHex(portable.digest(bytes)), { deterministic: true })
    : await admit(bytes, { platform: portable });
  kernels.set(url, kernel);
  return kernel;
}

const acts = {
  open: async ({
    worker,
    threads = 1,
    share = 1,
    isolated = globalThis.crossOriginIsolated,
    ofSite = false,
  }: Record<string, unknown>) => {
    isOfSite = ofSite as boolean;
    runner = createTabRunner({
      open: (reach) => openWorker((worker as string).replace(/(?=kernel-worker)/, reach === 'whole' ? 'whole-' : '')),
      threads: threads as number,
      share: share as number,
      isolated: isolated as boolean,
      platform: portable,
      engineVersion: 'test',
      compile: isOfSite ? site.compile : createOwn('test'),
      wayOut: new URL('/browser/way-out.js', location.origin).href,
    });
    await runner.ready;
    return { isolated: globalThis.crossOriginIsolated };
  },
  run: async ({ kernel, inputs, blobs = {}, ...terms }: Record<string, unknown>) => {
    const every = {
      ...(terms as { seed?: number; grants?: readonly Grant[]; args?: readonly string[] }),
      kernel: await kernelAt(kernel as string),
      blobs: Object.fromEntries(Object.entries(blobs as object).map(([name, bytes]) => [name, bytesOf(bytes)])),
    };
    const outcomes = (inputs as number[][]).map((input, index) =>
      runner.run({ ...every, input: bytesOf(input), index }),
    );
    return (await Promise.all(outcomes)).map(endingOf);
  },
  abort: async ({ kernel, input, afterMs }: Record<string, unknown>) => {
    const signal = AbortSignal.timeout(afterMs as number);
    const task = { kernel: await kernelAt(kernel as string), input: bytesOf(input) };
    return runner.run(task, { signal }).then(
      ({ state }) => state,
      (error: { code: string }) => error.code,
    );
  },
  move: async ({ kernel, input }: Record<string, unknown>) => {
    const store = memoryStore();
    const task = { kernel: await kernelAt(kernel as string), input: bytesOf(input) };
    let begin = () => {};
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const { start, resume } = await runner.steppers();
    const steps = start(task, { checkpoint: { store }, onProgress: () => begin() });
    await Promise.race([begun, steps.outcome]);
    const image = await steps.pause();
    if (!image) return { paused: false };
    const outcome = await resume(image.digest, { kernel: task.kernel }, { checkpoint: { store } }).outcome;
    return { paused: true, ...endingOf(outcome) };
  },
};

globalThis.onmessage = async ({ data }: MessageEvent<Order>) => {
  const { id, act, given } = data;
  try {
    globalThis.postMessage({ id, value: await acts[act](given) });
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    globalThis.postMessage({ id, error: { code, message } });
  }
};
