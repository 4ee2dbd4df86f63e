// Tasks that do nothing, two threads: our pool against plain Piscina with one task a message.
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import { node } from '../host/platform/node.ts';
import { nodeV8 } from '../host/platform/node-v8.ts';
import { createDispatcher } from '../host/pool/dispatch.ts';
import type { Entry } from '../host/pool/lane.ts';
import { createPool } from '../host/pool/pool.ts';
import { startThreads } from '../host/pool/threads.ts';
import { TASK } from '../runtime/base/limits.ts';
import type { Outcome } from '../runtime/job/outcome.ts';
import { compileFor } from '../runtime/sandbox/compile.ts';
import { permitJob } from '../runtime/sandbox/permit.ts';
import { kernel } from './kernels.ts';
import { type Result, ratio } from './result.ts';
import { interleave } from './rounds.ts';

const THREADS = 2;
const IN_FLIGHT = [64, 512] as const;
const INPUT = new Uint8Array(8);

const file = (name: string) => fileURLToPath(new URL(`./threads/${name}.js`, import.meta.url));

export default async function measure(): Promise<Result> {
  const nothing = await kernel('nothing');
  const live = await kernel('nothing', 'incremental');
  const module = new WebAssembly.Module(nothing.core as Uint8Array<ArrayBuffer>);
  const options = { minThreads: THREADS, maxThreads: THREADS, maxQueue: 4_096 };
  const bare = new Piscina({ ...options, filename: file('bare'), workerData: module });
  const noop = new Piscina({ ...options, filename: file('echo') });
  const pool = await createPool({ threads: THREADS });
  const threads = startThreads(new URL('./threads/live.js', import.meta.url), THREADS, 1);
  const dispatcher = createDispatcher({ threads, threadCount: THREADS, engine: nodeV8(), metered: false, cpuShare: 1 });
  const wallMsDefault = TASK.wallMsMax.default;
  const permit = permitJob({ platform: node, metered: false, wallMsDefault }, { kernel: live, inputs: [] });
  const lane = dispatcher.open(permit, compileFor(nodeV8(), live, { metered: false }));
  const dispatched = () =>
    new Promise<unknown>((settle) => {
      const entry: Entry = {
        lane,
        index: 0,
        input: INPUT,
        settled: false,
        flight: undefined,
        attempts: 1,
        alone: false,
        submittedAt: 0,
        settle,
      };
      dispatcher.submit(entry);
    });

  /** `operations` are many enough for all variants to take about as long. */
  const flood = (name: string, inFlight: number, operations: number, one: () => Promise<unknown>) => ({
    name: `${name}, ${inFlight} in flight`,
    operations,
    once: async () => {
      let left = operations;
      const lanes = Array.from({ length: inFlight }, async () => {
        while (left-- > 0) check(await one());
      });
      await Promise.all(lanes);
    },
  });
  const times = await interleave(
    IN_FLIGHT.flatMap((inFlight) => [
      flood('fresh: our pool', inFlight, 16_384, () => pool.run({ kernel: nothing, input: INPUT })),
      flood('fresh: plain Piscina', inFlight, 4_096, () => bare.run(INPUT)),
      flood('dispatch alone: ours', inFlight, 65_536, dispatched),
      flood('no-op: plain Piscina', inFlight, 8_192, () => noop.run(INPUT)),
    ]),
    { rounds: 9, samples: 1 },
  );
  await Promise.all([pool.close(), threads.close(), bare.destroy(), noop.destroy()]);
  return {
    name: 'dispatch',
    times,
    measures: IN_FLIGHT.flatMap((n) => [
      ratio(
        `fresh instance a task, ${n} in flight`,
        times,
        [`fresh: our pool, ${n} in flight`, `fresh: plain Piscina, ${n} in flight`],
        0.25,
      ),
      ratio(
        `dispatch alone, ${n} in flight`,
        times,
        [`dispatch alone: ours, ${n} in flight`, `no-op: plain Piscina, ${n} in flight`],
        0.1,
      ),
    ]),
  };
}

function check(result: unknown): void {
  const output = result instanceof Uint8Array ? result : (result as Outcome).state === 'done';
  if (!output) throw new Error('a task failed');
}
