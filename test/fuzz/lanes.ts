// The ways to run a kernel that are held against each other: engines in this thread, watched to the end, and V8 in a pool.
import { setFlagsFromString } from 'node:v8';
import { admit, type Grant } from 'lodger';
import { createPool } from 'lodger/host';
import { loadAddon } from '../../host/platform/native.ts';
import { node, nodeV8 } from '../../host/platform/node.ts';
import { createWasmtime } from '../../host/platform/wasmtime.ts';
import type { Engine } from '../../runtime/engine/engine.ts';
import type { Kernel } from '../../runtime/job/kernel.ts';
import { fillLimits } from '../../runtime/job/limits.ts';
import { execute } from '../../runtime/sandbox/execute.ts';
import { compileFor } from '../../runtime/sandbox/sandbox.ts';
import type { Ending } from './compare.ts';
import type { Plot } from './fuzz.ts';

/** One task of a generated kernel. */
export interface Given {
  readonly input: Uint8Array;
  readonly seed: number;
  readonly index: number;
  readonly memoryBytesMax: number;
  /** Only for kernels that may loop for ever. */
  readonly wallMsMax?: number;
}

/** One way to run kernels. */
export interface Lane {
  readonly name: string;
  /** Prepares and compiles. */
  load(kernel: Kernel): Promise<(given: Given) => Ending | Promise<Ending>>;
  close(): Promise<void>;
}

/** An engine in this thread; `before` is called before each run. */
export function threadLane(name: string, engine: Engine, before?: () => void): Lane {
  const watched = watch(engine);
  return {
    name,
    load: async (kernel) => {
      const ready = await compileFor(engine, kernel);
      return ({ input, seed, index, memoryBytesMax, wallMsMax }) => {
        const limits = fillLimits({ memoryBytesMax, ...(wallMsMax !== undefined && { wallMsMax }) });
        before?.();
        const place = { engine: watched.engine, platform: node };
        const outcome = execute(place, ready, { input, limits, blobs: {}, seed, index, digests: false });
        const memory = watched.memory();
        return memory === undefined ? { outcome } : { outcome, memory };
      };
    },
    close: async () => undefined,
  };
}

/** The engine, but whoever ends a guest gets a copy of its last memory. Globals are in it, since the kernel is asked to show them. */
function watch(engine: Engine): { readonly engine: Engine; memory(): Uint8Array | undefined } {
  let last: Uint8Array | undefined;
  const instantiate: Engine['instantiate'] = (...args) => {
    last = undefined;
    const guest = engine.instantiate(...args);
    const endIt = guest.end.bind(guest);
    const end = () => {
      try {
        guest.call('cabi_post_run', 0);
      } catch {
        // One whose time is up does not answer any more.
      }
      last = guest.bytes().slice();
      return endIt();
    };
    return Object.assign(guest, { end });
  };
  return { engine: { ...engine, instantiate }, memory: () => last };
}

const GRANTS: readonly Grant[] = [{ kind: 'log' }, { kind: 'random' }];

/** V8 in a pool's threads, where a guest that loops for ever can be ended. */
async function poolLane(): Promise<Lane> {
  const pool = await createPool({ engine: 'v8', threads: 1 });
  return {
    name: 'v8 in a pool',
    load: async ({ bytes }) => {
      const kernel = await admit(bytes);
      return async ({ input, seed, index, memoryBytesMax, wallMsMax }) => {
        const limits = { memoryBytesMax, ...(wallMsMax !== undefined && { wallMsMax }) };
        return { outcome: await pool.run({ kernel, input, seed, index, limits, grants: [...GRANTS] }) };
      };
    },
    close: () => pool.close('end'),
  };
}

/** The lanes that a kernel is run on. */
export interface Lanes {
  /** For kernels that end by themselves: V8's baseline or optimising compiler, Wasmtime with and without looking at its epoch, in turn. */
  of(seed: number): readonly [Lane, Lane];
  /** For kernels that may not: both can end them. */
  readonly endless: readonly [Lane, Lane];
  close(): Promise<void>;
}

/** All lanes of this machine. Throws `ERR_ENGINE_MISSING` with the remedy. Compiled code is not kept: no kernel comes twice. */
export async function openLanes(): Promise<Lanes> {
  const addon = loadAddon();
  const v8 = nodeV8();
  const v8s = [
    threadLane('v8 baseline', v8 as Engine, () => setFlagsFromString('--liftoff')),
    // V8 compiles a function when it is first called, by the flags of that moment.
    threadLane('v8 optimising', v8 as Engine, () => setFlagsFromString('--no-liftoff')),
  ];
  const stoppable = threadLane('wasmtime', createWasmtime(addon) as Engine);
  const wasmtimes = [
    stoppable,
    threadLane('wasmtime without epochs', createWasmtime(addon, { stoppable: false }) as Engine),
  ];
  const pooled = await poolLane();
  const turn = (lanes: readonly Lane[], number: number) => lanes[number % lanes.length] as Lane;
  return {
    of: (seed) => [turn(v8s, seed), turn(wasmtimes, Math.floor(seed / 2))],
    endless: [pooled, stoppable],
    close: () => pooled.close(),
  };
}

/** One kernel in so many may loop for ever; it costs as much as ten others. */
const ENDLESS_EVERY = 50;

/** Which lanes a seed's kernel runs on, and what it may have. */
export function plotOn(lanes: Lanes, endlessEvery = ENDLESS_EVERY): (seed: number) => Plot {
  return (seed) =>
    seed % endlessEvery === endlessEvery - 1
      ? { lanes: lanes.endless, options: { isEndless: true } }
      : { lanes: lanes.of(seed), options: {} };
}
