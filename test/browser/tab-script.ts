// What the tests do in a tab's I/O worker: the real runner, driven by messages from the page.

import { createTabRunner, type TabRunner } from '../../host/browser/runner.ts';
import type { KernelPort } from '../../host/browser/thread.ts';
import { admit } from '../../runtime/admit/admit.ts';
import { portable } from '../../runtime/base/platform.ts';
import type { SomeLimits } from '../../runtime/job/limits.ts';
import { memoryStore } from '../../runtime/snapshot/store.ts';

/** One thing to do, and what came of it goes back under the same number. */
interface Order {
  readonly id: number;
  readonly act: keyof typeof acts;
  readonly given: Record<string, unknown>;
}

let runner: TabRunner;

function openWorker(url: string): KernelPort {
  const worker = new Worker(url);
  return {
    post: (message, transfer = []) => worker.postMessage(message, transfer),
    hear: (listener) => {
      worker.onmessage = ({ data }) => listener(data);
    },
    terminate: () => worker.terminate(),
  };
}

const bytesOf = (value: unknown) => Uint8Array.from(value as number[]);
const kernels = new Map<string, Awaited<ReturnType<typeof admit>>>();

async function kernelAt(url: string) {
  const known = kernels.get(url);
  if (known) return known;
  const kernel = await admit(new Uint8Array(await (await fetch(url)).arrayBuffer()), { platform: portable });
  kernels.set(url, kernel);
  return kernel;
}

const acts = {
  open: async ({
    worker,
    threads = 1,
    share = 1,
    isolated = globalThis.crossOriginIsolated,
  }: Record<string, unknown>) => {
    runner = createTabRunner({
      open: () => openWorker(worker as string),
      threads: threads as number,
      share: share as number,
      isolated: isolated as boolean,
      platform: portable,
      engineVersion: 'test',
    });
    await runner.ready;
    return { isolated: globalThis.crossOriginIsolated };
  },
  run: async ({ kernel, inputs, limits, seed, grants }: Record<string, unknown>) => {
    const job = {
      kernel: await kernelAt(kernel as string),
      inputs: (inputs as number[][]).map(bytesOf),
      ...(limits !== undefined && { limits: limits as SomeLimits }),
      ...(grants !== undefined && { grants: grants as never }),
      ...(seed !== undefined && { seed: seed as number }),
    };
    const outcomes = [];
    for await (const outcome of runner.map(job)) {
      const { state, receipt } = outcome;
      outcomes.push({
        state,
        fuel: receipt.fuel,
        ...(state === 'done' ? { output: [...outcome.output] } : { code: outcome.code }),
      });
    }
    return outcomes;
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
    const steps = runner.start(task, { checkpoint: { store } });
    const image = await steps.pause();
    if (!image) return { paused: false };
    const outcome = await runner.resume(image.digest, { kernel: task.kernel }, { checkpoint: { store } }).outcome;
    return {
      paused: true,
      step: image.step,
      fuel: outcome.receipt.fuel,
      output: outcome.state === 'done' ? [...outcome.output] : [],
    };
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
