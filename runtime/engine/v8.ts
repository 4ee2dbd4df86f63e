// The V8 engine: the WebAssembly of the JavaScript host, with kept memories so that a fresh instance costs microseconds.
import type { HostImports } from '../abi/imports.ts';
import { LodgerError } from '../base/errors.ts';
import { GUEST, PAGE } from '../base/limits.ts';
import { TaskFailure } from '../job/outcome.ts';
import { METER_EXPORTS, METER_IMPORTS } from '../meter/names.ts';
import { MEMORY_IMPORT } from '../prepare/form.ts';
import { type Engine, type Guest, MORE_PAGES, type Ready } from './engine.ts';
import { isTraced, placesIn, trapName } from './traps.ts';

/** What an instance exports. */
export type Exported = Readonly<Record<string, Export | WebAssembly.Global>>;

/**
 * The engine of this JavaScript host. `version` is V8's, as the host tells it. `onInstance` is shown what each instance exports: for tools
 * that have put something of theirs into the module.
 */
export function createV8(version: string, onInstance?: (exports: Exported) => void): Engine<WebAssembly.Module> {
  const room = createMemoryKeeper();
  return {
    name: 'v8',
    version,
    memoryForm: 'imported',
    compile: async (prepared) => {
      try {
        return await WebAssembly.compile(prepared.bytes as Uint8Array<ArrayBuffer>);
      } catch (cause) {
        throw new LodgerError('ERR_KERNEL_MALFORMED', [String((cause as Error).message), 0], { cause });
      }
    },
    // Threads of one process share a module's code, optimised code included.
    share: (compiled) => compiled,
    adopt: (shared) => shared as WebAssembly.Module,
    instantiate: (ready, importsOf, memoryPagesMax) =>
      instantiate({ keeper: room, onInstance }, ready, importsOf(), memoryPagesMax),
    explain,
  };
}

type Export = (a: number, b: number, c: number, d: number) => number;

interface MemoryKeeper {
  take(pagesMin: number, pagesMax: number): WebAssembly.Memory;
  give(memory: WebAssembly.Memory, pagesMin: number, pagesMax: number): void;
}

/**
 * Mapping a memory costs V8 about 60 us, zeroing a small one a few. Only a memory of exactly its initial size is kept: one that has
 * grown is dropped, since the next guest would see its size. One of each size is enough for a thread, which runs a task at a time;
 * the least recently used goes first, so that a flood of odd sizes neither fills the host nor keeps others out.
 */
function createMemoryKeeper(): MemoryKeeper {
  const kept = new Map<number, WebAssembly.Memory>();
  const keyOf = (pagesMin: number, pagesMax: number) => pagesMin * 65_537 + pagesMax;
  return {
    take(pagesMin, pagesMax) {
      const key = keyOf(pagesMin, pagesMax);
      const memory = kept.get(key);
      kept.delete(key);
      if (memory) return memory;
      try {
        return new WebAssembly.Memory({ initial: pagesMin, maximum: pagesMax });
      } catch {
        throw new TaskFailure('ERR_HOST_MEMORY', `${pagesMin} pages of 64 KiB could not be mapped`);
      }
    },
    give(memory, pagesMin, pagesMax) {
      const size = pagesMin * PAGE;
      if (size > GUEST.memoryKeptBytes.default || memory.buffer.byteLength !== size) return;
      new Uint8Array(memory.buffer).fill(0);
      kept.set(keyOf(pagesMin, pagesMax), memory);
      if (kept.size > GUEST.memoriesKept.default) kept.delete(kept.keys().next().value as number);
    },
  };
}

interface Maker {
  readonly keeper: MemoryKeeper;
  readonly onInstance: ((exports: Exported) => void) | undefined;
}

function instantiate(
  { keeper, onInstance }: Maker,
  ready: Ready<WebAssembly.Module>,
  imports: HostImports,
  memoryPagesMax: number,
): Guest {
  const { min, max } = ready.facts.memory;
  const pagesMax = Math.min(memoryPagesMax, max ?? 65_536);
  const memory = keeper.take(min, pagesMax);
  const growRefused = (pages: number): undefined => {
    // Beyond its limit a guest reads -1. A growth within it that this host could not give is the host's fault.
    if (memory.buffer.byteLength / PAGE + (pages >>> 0) > pagesMax) return;
    throw new TaskFailure('ERR_HOST_MEMORY', MORE_PAGES);
  };
  imports[MEMORY_IMPORT.module] = {
    ...imports[MEMORY_IMPORT.module],
    [MEMORY_IMPORT.name]: memory as never,
    ...(ready.metered && { [METER_IMPORTS.growRefused]: growRefused }),
  };
  let exports: Exported;
  try {
    exports = new WebAssembly.Instance(ready.compiled, imports as never).exports as never;
  } catch (thrown) {
    keeper.give(memory, min, pagesMax);
    throw thrown;
  }
  onInstance?.(exports);
  let view = new Uint8Array(memory.buffer);
  const fuel = exports[METER_EXPORTS.fuel] as WebAssembly.Global<'i64'>;
  return {
    getFuel: () => Number(fuel.value),
    setFuel: (left) => {
      fuel.value = BigInt(left);
    },
    mayLeave: true,
    // A memory that has grown has a new buffer, and the old one has become empty.
    bytes: () => {
      if (view.byteLength === 0) view = new Uint8Array(memory.buffer);
      return view;
    },
    // Fixed parameters: spreading arguments costs more than the call.
    call: (name, a = 0, b = 0, c = 0, d = 0) => (exports[name] as Export)(a, b, c, d),
    end: () => {
      const size = memory.buffer.byteLength;
      keeper.give(memory, min, pagesMax);
      return size;
    },
  };
}

function explain(thrown: unknown): TaskFailure {
  const isTrap = thrown instanceof WebAssembly.RuntimeError;
  const failure = isTrap ? new TaskFailure('ERR_TRAP', trapName(thrown.message)) : explainThrown(thrown);
  if (isTraced(failure)) failure.places = placesIn(thrown as Error);
  return failure;
}

/** What an import threw, which is JavaScript whatever the engine. */
export function explainThrown(thrown: unknown): TaskFailure {
  if (thrown instanceof TaskFailure) return thrown;
  if (thrown instanceof RangeError && /call stack/.test(thrown.message)) return new TaskFailure('ERR_STACK_SPENT');
  if (thrown instanceof RangeError) return new TaskFailure('ERR_HOST_MEMORY', thrown.message);
  return new TaskFailure('ERR_HOST_FAULT', thrown instanceof Error ? thrown.message : String(thrown));
}
