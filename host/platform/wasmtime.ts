// The Wasmtime engine: the same interface as V8's, over the native addon. The canonical ABI is driven and checked where V8's is.
import { createHash } from 'node:crypto';
import type { HostFunction } from '../../runtime/abi/imports.ts';
import { describe, LodgerError } from '../../runtime/base/errors.ts';
import { CRANELIFT, PAGE } from '../../runtime/base/limits.ts';
import type { Engine, Guest, Ready, Stops } from '../../runtime/engine/engine.ts';
import { trapName } from '../../runtime/engine/traps.ts';
import { explainThrown } from '../../runtime/engine/v8.ts';
import { TaskFailure } from '../../runtime/job/outcome.ts';
import { METER_EXPORTS, METER_IMPORTS } from '../../runtime/meter/names.ts';
import type { CodeCache } from './code-cache.ts';
import type { Addon, NativeGuest, NativeModule } from './native.ts';

/** A compiled kernel in one thread. */
export interface WasmtimeKernel {
  readonly module: NativeModule;
  /** Export name -> index. */
  readonly exports: ReadonlyMap<string, number>;
}

export interface WasmtimeOptions {
  /** Where compiled code is kept between processes; nowhere without it. */
  readonly cache?: CodeCache;
  /**
   * Whether guests that are not metered can be cancelled and have deadlines. Their code then looks at a word at every loop and call, which
   * takes 1.5 times as long on average.
   */
  readonly stoppable?: boolean;
}

/** Wasmtime, as the addon has it. */
export function createWasmtime(
  addon: Addon,
  { cache, stoppable = true }: WasmtimeOptions = {},
): Engine<WasmtimeKernel> {
  return {
    name: 'wasmtime',
    version: addon.version(),
    memoryForm: 'defined',
    ...(stoppable && { stopper: { cancel: (job) => void addon.cancel(job), forget: (job) => addon.forget(job) } }),
    compile: async ({ bytes, metered, complexity }) => {
      const { function: worst, total } = complexity;
      const linear = worst > CRANELIFT.complexity.default || total > CRANELIFT.complexityTotal.default;
      const settings = { stoppable: stoppable && !metered, linear };
      const digest = createHash('sha256').update(bytes).digest('hex');
      const name = `${digest}.${addon.version()}.${addon.compatibility(settings)}`;
      const kept = await cache?.read(name);
      if (kept) {
        try {
          return kernelOf(addon.deserialize(kept, settings));
        } catch {
          // From another processor or setting: compiled anew below.
        }
      }
      const module = await addon.compile(bytes, settings).catch((cause: Error) => {
        throw new LodgerError('ERR_KERNEL_MALFORMED', [cause.message, 0], { cause });
      });
      await cache?.write(name, module.serialize());
      return kernelOf(module);
    },
    share: ({ module }) => module.number,
    adopt: (shared) => {
      const module = addon.adopt(shared as number);
      if (!module) throw new LodgerError('ERR_HOST_FAULT', [`no compiled kernel ${shared} in this process`]);
      return kernelOf(module);
    },
    instantiate,
    explain: explainThrown,
  };
}

function kernelOf(module: NativeModule): WasmtimeKernel {
  return { module, exports: new Map(module.functions.map((name, index) => [name, index])) };
}

function instantiate(
  { facts, metered, compiled: { module, exports } }: Ready<WasmtimeKernel>,
  imports: Parameters<Engine['instantiate']>[1],
  memoryPagesMax: number,
  { wallMsMax, job }: Stops = {},
): Guest {
  // In the order of the module's imports, as the addon asks for them.
  const functions = facts.imports.map((wanted) => imports[wanted.module]?.[wanted.function] as HostFunction);
  if (metered) {
    const { module: name, refill, stackSpent } = METER_IMPORTS;
    functions.push(imports[name]?.[refill] as HostFunction, imports[name]?.[stackSpent] as HostFunction);
  }
  const fail = (thrown: unknown, wanted: string): never => {
    throw failureOf(thrown, wanted, wallMsMax);
  };
  let native: NativeGuest;
  try {
    native = module.instantiate(memoryPagesMax * PAGE, wallMsMax, job);
  } catch (thrown) {
    return fail(thrown, `${facts.memory.min} pages of 64 KiB could not be mapped`);
  }
  let view = new Uint8Array(native.memory());
  let calls = 0;
  let mayHaveGrown = false;
  return {
    mayLeave: true,
    bytes: () => {
      // The memory never moves, but a buffer does not grow with it. Between calls one look is enough.
      if (calls > 0 || mayHaveGrown) {
        if (native.size !== view.byteLength) view = new Uint8Array(native.memory());
        mayHaveGrown = false;
      }
      return view;
    },
    call: (name, a = 0, b = 0, c = 0, d = 0) => {
      calls++;
      try {
        return native.call(exports.get(name) as number, a, b, c, d, functions);
      } catch (thrown) {
        return fail(thrown, 'the kernel was to have more pages, and they could not be mapped');
      } finally {
        calls--;
        mayHaveGrown = true;
      }
    },
    getFuel: () => native.getGlobal(METER_EXPORTS.fuel),
    setFuel: (fuel) => native.setGlobal(METER_EXPORTS.fuel, fuel),
    end: () => native.end(),
  };
}

/** The addon's codes as failures of a task, with the words that V8's have. `wanted`: which memory this host would not give. */
function failureOf(thrown: unknown, wanted: string, wallMsMax: number | undefined): unknown {
  if (!(thrown instanceof Error) || thrown instanceof TaskFailure) return thrown;
  const { code, message } = thrown as Error & { readonly code?: string };
  switch (code) {
    case 'ERR_TRAP':
      return new TaskFailure('ERR_TRAP', trapName(message));
    case 'ERR_STACK_SPENT':
      return new TaskFailure('ERR_STACK_SPENT');
    case 'ERR_WALL_SPENT':
      return new TaskFailure('ERR_WALL_SPENT', wallMsMax ?? 0);
    case 'ERR_HOST_MEMORY':
      return new TaskFailure('ERR_HOST_MEMORY', wanted);
    case 'ERR_ABORTED':
      // Whoever cancelled it does not wait for this outcome.
      return new TaskFailure('ERR_HOST_FAULT', describe('ERR_ABORTED'));
    default:
      return thrown;
  }
}
