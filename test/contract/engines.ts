// The engines that tests run on. A machine without the native library tests V8 alone; `test/engine/wasmtime.test.ts` says so.
import { nodeEngine, placeOf } from '../../host/platform/engines.ts';
import { LodgerError } from '../../runtime/base/errors.ts';
import type { Engine } from '../../runtime/engine/engine.ts';
import type { EngineName } from '../../runtime/job/outcome.ts';

/** Why there is no Wasmtime on this machine; undefined if there is. */
export const WASMTIME_MISSING = reasonOf('wasmtime');

/** The names of the engines of this machine. */
export const ENGINE_NAMES: readonly EngineName[] = WASMTIME_MISSING === undefined ? ['v8', 'wasmtime'] : ['v8'];

/** The engines of this machine by name. */
export const ENGINES: readonly (readonly [EngineName, () => Engine])[] = ENGINE_NAMES.map((name) => [
  name,
  () => nodeEngine(name),
]);

/** What is said where an engine is missing for that reason: a line, or nothing. Throws it where `CI` is `true`: there all engines have to be. */
export function notTested(missing: string | undefined, ci: string | undefined): string {
  if (missing === undefined) return '';
  if (ci === 'true') throw new Error(missing);
  return `NOT TESTED: the Wasmtime engine. ${missing}\n`;
}

/** The engine without its shorter way through a whole call. */
export function stepByStep(engine: Engine): Engine {
  const instantiate: Engine['instantiate'] = (...args) =>
    Object.defineProperty(engine.instantiate(...args), 'callWhole', { value: undefined });
  return { ...engine, instantiate };
}

function reasonOf(name: EngineName): string | undefined {
  try {
    placeOf(name);
    return undefined;
  } catch (error) {
    if (error instanceof LodgerError && error.code === 'ERR_ENGINE_MISSING') return error.message;
    throw error;
  }
}
