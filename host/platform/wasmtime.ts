// The Wasmtime engine: the same interface as V8's, over the native addon. The canonical ABI is driven and checked where V8's is.
import { LodgerError } from '../../runtime/base/errors.ts';
import { CRANELIFT } from '../../runtime/base/limits.ts';
import type { Engine } from '../../runtime/engine/engine.ts';
import { explainThrown } from '../../runtime/engine/v8.ts';
import { METER_IMPORTS } from '../../runtime/meter/names.ts';
import type { CodeCache } from './code-cache.ts';
import type { Addon } from './native.ts';
import { kernelOf, WasmtimeGuest, type WasmtimeKernel } from './wasmtime-guest.ts';

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
    instantiate: ({ facts, metered, compiled }, imports, memoryPagesMax, { wallMsMax, job } = {}) => {
      // In the order of the module's imports, as the addon asks for them.
      const given = facts.imports.map((wanted) => imports[wanted.module]?.[wanted.function]);
      const functions = facts.repeats ? facts.repeats.map((index) => given[index]) : given;
      const { module, refill, stackSpent } = METER_IMPORTS;
      // A growth that this host could not give ends the guest before it asks.
      if (metered) functions.push(imports[module]?.[refill], imports[module]?.[stackSpent], nothing);
      const memoryPagesMin = facts.memory.min;
      return new WasmtimeGuest(compiled, { memoryPagesMin, memoryPagesMax, wallMsMax, job, imports: functions });
    },
    explain: explainThrown,
  };
}

function nothing(): undefined {}
