// The ways to run a kernel that are held against each other: engines in this thread, watched to the end, and V8 in a pool.
import { setFlagsFromString } from 'node:v8';
import { admit, type Grant } from 'lodger';
import { createPool } from 'lodger/host';
import { loadAddon } from '../../host/platform/native.ts';
import { node } from '../../host/platform/node.ts';
import { nodeV8 } from '../../host/platform/node-v8.ts';
import { createWasmtime } from '../../host/platform/wasmtime.ts';
import { TASK } from '../../runtime/base/limits.ts';
import type { Engine, Guest } from '../../runtime/engine/engine.ts';
import type { Kernel } from '../../runtime/job/kernel.ts';
import { fillLimits } from '../../runtime/job/limits.ts';
import { compileFor } from '../../runtime/sandbox/compile.ts';
import { execute } from '../../runtime/sandbox/execute.ts';
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
  readonly metered: boolean;
  /** Prepares and compiles. */
  load(kernel: Kernel): Promise<(given: Given) => Ending | Promise<Ending>>;
  close(): Promise<void>;
}

interface Ways {
  /** Called before each run. */
  readonly before?: () => void;
  readonly metered?: boolean;
}

/** An engine in this thread. */
export function threadLane(name: string, engine: Engine, { before, metered = false }: Ways = {}): Lane {
  const watched = watch(engine);
  return {
    name,
    metered,
    load: async (kernel) => {
      const ready = await compileFor(engine, kernel, { metered });
      return ({ input, seed, index, memoryBytesMax, wallMsMax }) => {
        const fuelMax = TASK.fuelMax.default;
        const limits = fillLimits({ memoryBytesMax, fuelMax, ...(wallMsMax !== undefined && { wallMsMax }) });
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

/**
 * The engine, but whoever ends a guest gets a copy of its last memory. Globals are in it, since the kernel is asked to show them. An engine
 * that ends guests within a whole call does so in every third run only: nobody can look then.
 */
function watch(engine: Engine): { readonly engine: Engine; memory(): Uint8Array | undefined } {
  let last: Uint8Array | undefined;
  let runs = 0;
  const instantiate: Engine['instantiate'] = (...args) => {
    last = undefined;
    const guest = engine.instantiate(...args);
    if (guest.callWhole && runs++ % 3 === 0) return guest;
    const endIt = guest.end.bind(guest);
    const end: Guest['end'] = (how) => {
      let left = how;
      try {
        guest.call('cabi_post_run', 0);
      } catch {
        // One whose time is up does not answer any more.
        left = undefined;
      }
      last = guest.bytes().slice();
      return endIt(left);
    };
    return Object.assign(guest, { end, callWhole: () => undefined });
  };
  return { engine: { ...engine, instantiate }, memory: () => last };
}

const GRANTS: readonly Grant[] = [{ kind: 'log' }, { kind: 'random' }];

/** V8 in a pool's threads, where a guest that loops for ever can be ended. */
async function poolLane(): Promise<Lane> {
  const pool = await createPool({ engine: 'v8', threads: 1 });
  return {
    name: 'v8 in a pool',
    metered: true,
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
  /** For kernels that end by themselves: V8's baseline or optimising compiler against Wasmtime, metered or not, in turn. */
  of(seed: number): readonly [Lane, Lane];
  /** For kernels that may not: metered, both can end them. */
  readonly endless: readonly [Lane, Lane];
  close(): Promise<void>;
}

/** All lanes of this machine. Throws `ERR_ENGINE_MISSING` with the remedy. Compiled code is not kept: no kernel comes twice. */
export async function openLanes(): Promise<Lanes> {
  const addon = loadAddon();
  const v8 = nodeV8() as Engine;
  // V8 compiles a function when it is first called, by the flags of that moment.
  const baseline = { before: () => setFlagsFromString('--liftoff') };
  const optimising = { before: () => setFlagsFromString('--no-liftoff') };
  const metered = { metered: true };
  const stoppable = createWasmtime(addon) as Engine;
  const free = createWasmtime(addon, { stoppable: false }) as Engine;
  const pairs: readonly (readonly [Lane, Lane])[] = [
    [threadLane('v8 baseline', v8, baseline), threadLane('wasmtime', stoppable)],
    [
      threadLane('v8 baseline, metered', v8, { ...baseline, ...metered }),
      threadLane('wasmtime, metered', stoppable, metered),
    ],
    [threadLane('v8 optimising', v8, optimising), threadLane('wasmtime without epochs', free)],
    [
      threadLane('v8 optimising, metered', v8, { ...optimising, ...metered }),
      threadLane('wasmtime, metered', stoppable, metered),
    ],
  ];
  const pooled = await poolLane();
  return {
    of: (seed) => pairs[seed % pairs.length] as readonly [Lane, Lane],
    endless: [pooled, threadLane('wasmtime, metered', stoppable, metered)],
    close: () => pooled.close(),
  };
}

/** One kernel in so many may loop for ever; it costs as much as ten others. */
const ENDLESS_EVERY = 50;

/** Which lanes a seed's kernel runs on, and what it may have. */
export function plotOn(lanes: Lanes, endlessEvery = ENDLESS_EVERY): (seed: number) => Plot {
  return (seed) => {
    const isEndless = seed % endlessEvery === endlessEvery - 1;
    const [one, other] = isEndless ? lanes.endless : lanes.of(seed);
    // Metered kernels have canonical NaNs; the others have to make them so by themselves.
    const metered = one.metered && other.metered;
    // They count the stack as well, so that a recursion has to end at the same depth.
    const options = { hasCanonicalNans: !metered, hasRecursion: metered };
    return { lanes: [one, other], options: { ...options, ...(isEndless && { isEndless }) } };
  };
}
