// The engines of this machine, by name.
import type { Engine } from '../../runtime/engine/engine.ts';
import type { EngineChoice } from '../../runtime/job/form.ts';
import type { EngineName } from '../../runtime/job/outcome.ts';
import type { Place } from '../../runtime/sandbox/call.ts';
import { openCodeCache } from './code-cache.ts';
import { imaging } from './imaging.ts';
import { loadAddon } from './native.ts';
import { nodeV8 } from './node-v8.ts';
import { createWasmtime } from './wasmtime.ts';

const places = new Map<EngineName, Place>();

/** The engine of that name and what it runs on, one of each a thread. Throws `ERR_ENGINE_MISSING` with the remedy. */
export function placeOf(name: EngineName): Place {
  const known = places.get(name);
  if (known) return known;
  const made: Place = name === 'v8' ? { engine: nodeV8(), platform: imaging } : wasmtimePlace();
  places.set(name, made);
  return made;
}

/**
 * The engine that a caller asks for. `auto` is V8: it is on every machine, starts a kernel 1.1 to 1.3 times as fast, and its code takes less time
 * where a task computes for long (`npm run bench -- native`: 1.15 times as fast on average, gemm 1.4). Wasmtime's calls are as fast on average
 * (`npm run bench -- engines`: 0.5 to 1.25 of V8's time), and it stops a guest that is not metered within a millisecond and keeps its thread.
 */
export function nodeEngine(choice: EngineChoice = 'auto'): Engine {
  return placeOf(choice === 'auto' ? 'v8' : choice).engine;
}

/** The same for strangers' kernels: what it compiles is neither kept on this user's disk nor taken from there. */
export function engineForStrangers(choice: EngineChoice): Engine {
  return choice === 'wasmtime' ? (createWasmtime(loadAddon()) as Engine) : nodeEngine(choice);
}

function wasmtimePlace(): Place {
  const addon = loadAddon();
  const tells = addon.threadCpuMs() !== null;
  const platform = tells ? { ...imaging, cpuMs: () => addon.threadCpuMs() ?? 0 } : imaging;
  return { engine: createWasmtime(addon, { cache: openCodeCache() }) as Engine, platform };
}
