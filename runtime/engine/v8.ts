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

export interface V8Options {
  /** Is shown what each instance exports: for tools that have put something of theirs into the module. */
  readonly onInstance?: (exports: Exported) => void;
  /** Milliseconds. Without a clock no larger memories are kept, since none can be told that its guest used for long. */
  readonly now?: () => number;
}

/** The engine of this JavaScript host. `version` is V8's, as the host tells it. */
export function createV8(version: string, { onInstance, now }: V8Options = {}): Engine<WebAssembly.Module> {
  const room = createMemoryKeeper(now);
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

/** A memory that a guest has, and since when. */
interface Held {
  readonly memory: WebAssembly.Memory;
  readonly pagesMin: number;
  readonly pagesMax: number;
  readonly since: number;
}

interface MemoryKeeper {
  take(pagesMin: number, pagesMax: number): Held;
  give(held: Held): void;
}

/** A larger memory is kept if its guest had it for this long: zeroing takes about a tenth of that, and mapping and first touches more. */
const KEPT_MS_PER_BYTE = 1 / 2 ** 20;

/**
 * Mapping a memory costs V8 about 60 us, zeroing a small one a few. Only a memory of exactly its initial size is kept: one that has
 * grown is dropped, since the next guest would see its size. One of each size is enough for a thread, which runs a task at a time;
 * the least recently used goes first, so that a flood of odd sizes neither fills the host nor keeps others out.
 */
function createMemoryKeeper(now = () => 0): MemoryKeeper {
  const kept = new Map<number, WebAssembly.Memory>();
  let bytes = 0;
  const keyOf = (pagesMin: number, pagesMax: number) => pagesMin * 65_537 + pagesMax;
  const remove = (key: number): WebAssembly.Memory | undefined => {
    const memory = kept.get(key);
    if (kept.delete(key)) bytes -= memory?.buffer.byteLength ?? 0;
    return memory;
  };
  return {
    take(pagesMin, pagesMax) {
      const since = isLarge(pagesMin) ? now() : 0;
      const known = remove(keyOf(pagesMin, pagesMax));
      if (known) return { memory: known, pagesMin, pagesMax, since };
      try {
        return { memory: new WebAssembly.Memory({ initial: pagesMin, maximum: pagesMax }), pagesMin, pagesMax, since };
      } catch {
        throw new TaskFailure('ERR_HOST_MEMORY', `${pagesMin} pages of 64 KiB could not be mapped`);
      }
    },
    give({ memory, pagesMin, pagesMax, since }) {
      const size = pagesMin * PAGE;
      if (size > GUEST.memoryKeptBytes.default || memory.buffer.byteLength !== size) return;
      if (isLarge(pagesMin) && now() - since < size * KEPT_MS_PER_BYTE) return;
      new Uint8Array(memory.buffer).fill(0);
      kept.set(keyOf(pagesMin, pagesMax), memory);
      bytes += size;
      while (kept.size > GUEST.memoriesKept.default || bytes > GUEST.memoryKeptBytes.default)
        remove(kept.keys().next().value as number);
    },
  };
}

function isLarge(pages: number): boolean {
  return pages * PAGE > GUEST.memoryAlwaysKeptBytes.default;
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
  const held = keeper.take(min, pagesMax);
  const { memory } = held;
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
    keeper.give(held);
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
      keeper.give(held);
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
