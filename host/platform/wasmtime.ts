// The Wasmtime engine: the same interface as V8's, over the native addon. The canonical ABI is driven and checked where V8's is.
import type { HostFunction, HostImports } from '../../runtime/abi/imports.ts';
import { LodgerError } from '../../runtime/base/errors.ts';
import { CRANELIFT } from '../../runtime/base/limits.ts';
import type { Engine } from '../../runtime/engine/engine.ts';
import { explainThrown } from '../../runtime/engine/v8.ts';
import type { KernelFacts } from '../../runtime/job/kernel.ts';
import { METER_IMPORTS } from '../../runtime/meter/names.ts';
import type { CodeCache } from './code-cache.ts';
import type { Addon, Dispatch } from './native.ts';
import { WasmtimeGuest } from './wasmtime-guest.ts';
import { kernelOf, type WasmtimeKernel } from './wasmtime-kernel.ts';

export interface WasmtimeOptions {
  /** Where compiled code is kept between processes; nowhere without it. */
  readonly cache?: CodeCache;
  /**
   * Whether guests that are not metered can be cancelled and have deadlines. Their code then looks at a word at every loop and call, which takes 1.5 times
   * as long on average.
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
    compile: async (prepared) => {
      const { metered, complexity, key } = prepared;
      const { function: worst, total } = complexity;
      const linear = worst > CRANELIFT.complexity.default || total > CRANELIFT.complexityTotal.default;
      const settings = { stoppable: stoppable && !metered, linear };
      const name = `${key}.${addon.version()}.${addon.compatibility(settings)}`;
      const kept = await cache?.read(name);
      if (kept) {
        try {
          return kernelOf(addon.deserialize(kept, settings));
        } catch {
          // From another processor or setting: compiled anew below.
        }
      }
      const module = await addon.compile(prepared.bytes, settings).catch((cause: Error) => {
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
    instantiate: ({ facts, compiled }, importsOf, memoryPagesMax, { wallMsMax, job } = {}) => {
      const memoryPagesMin = facts.memory.min;
      // Most tasks call none: they are made, and looked for, when one is called.
      let imports: HostImports | undefined;
      const dispatch: Dispatch = (index, ...args) => {
        imports ??= importsOf();
        return importAt(facts, imports, index)(...args);
      };
      return new WasmtimeGuest(compiled, { memoryPagesMin, memoryPagesMax, wallMsMax, job, dispatch });
    },
    explain: explainThrown,
  };
}

/** The import at a place in the module: those of the kernel, and behind them the meter's. */
function importAt(facts: KernelFacts, imports: HostImports, index: number): HostFunction {
  const { imports: own, repeats } = facts;
  const wanted = own[repeats ? (repeats[index] ?? own.length) : index];
  if (wanted) return imports[wanted.module]?.[wanted.function] as HostFunction;
  const { module, refill, stackSpent } = METER_IMPORTS;
  const meter = [imports[module]?.[refill], imports[module]?.[stackSpent]];
  // A growth that this host could not give ends the guest before it asks.
  return meter[index - (repeats ?? own).length] ?? nothing;
}

function nothing(): undefined {}
