// The V8 engine: the WebAssembly of the JavaScript host, with kept memories so that a fresh instance costs microseconds.
import type { HostImports } from '../abi/imports.ts';
import { LodgerError } from '../base/errors.ts';
import { GUEST, PAGE } from '../base/limits.ts';
import { TaskFailure } from '../job/outcome.ts';
import { METER_EXPORTS, METER_IMPORTS } from '../meter/names.ts';
import { type Engine, type Guest, MORE_PAGES, type Ready } from './engine.ts';
import { type Linked, link, unlink } from './linked.ts';
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
      instantiate({ keeper: room, onInstance }, ready, importsOf, memoryPagesMax),
    explain,
  };
}

type Export = (a: number, b: number, c: number, d: number) => number;

/** A memory that guests have one after the other, and since when the last of them. */
interface Held {
  readonly memory: WebAssembly.Memory;
  readonly pagesMin: number;
  readonly pagesMax: number;
  /** All of it. A memory that has grown has a new buffer, and the old one has become empty. */
  view: Uint8Array<ArrayBuffer>;
  since: number;
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
  const kept = new Map<number, Held>();
  let bytes = 0;
  const keyOf = (pagesMin: number, pagesMax: number) => pagesMin * 65_537 + pagesMax;
  const remove = (key: number): Held | undefined => {
    const held = kept.get(key);
    if (kept.delete(key)) bytes -= held?.view.byteLength ?? 0;
    return held;
  };
  return {
    take(pagesMin, pagesMax) {
      const held = remove(keyOf(pagesMin, pagesMax)) ?? map(pagesMin, pagesMax);
      held.since = isLarge(pagesMin) ? now() : 0;
      return held;
    },
    give(held) {
      const { view, pagesMin, pagesMax, since } = held;
      const size = pagesMin * PAGE;
      if (size > GUEST.memoryKeptBytes.default || view.byteLength !== size) return;
      if (isLarge(pagesMin) && now() - since < size * KEPT_MS_PER_BYTE) return;
      view.fill(0);
      kept.set(keyOf(pagesMin, pagesMax), held);
      bytes += size;
      while (kept.size > GUEST.memoriesKept.default || bytes > GUEST.memoryKeptBytes.default)
        remove(kept.keys().next().value as number);
    },
  };
}

function map(pagesMin: number, pagesMax: number): Held {
  try {
    const memory = new WebAssembly.Memory({ initial: pagesMin, maximum: pagesMax });
    return { memory, pagesMin, pagesMax, view: new Uint8Array(memory.buffer), since: 0 };
  } catch {
    throw new TaskFailure('ERR_HOST_MEMORY', `${pagesMin} pages of 64 KiB could not be mapped`);
  }
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
  importsOf: () => HostImports,
  memoryPagesMax: number,
): Guest {
  const { min, max } = ready.facts.memory;
  const held = keeper.take(min, Math.min(memoryPagesMax, max ?? 65_536));
  let imports: HostImports | undefined;
  const linked = link(ready.compiled, held.memory, () => {
    imports ??= withGrowth(importsOf(), held);
    return imports;
  });
  try {
    const exports = new WebAssembly.Instance(ready.compiled, linked.imports).exports as Exported;
    onInstance?.(exports);
    return new V8Guest(exports, { keeper, held, linked });
  } catch (thrown) {
    unlink(linked);
    keeper.give(held);
    throw thrown;
  }
}

function withGrowth(imports: HostImports, { memory, pagesMax }: Held): HostImports {
  const growRefused = (pages: number): undefined => {
    // Beyond its limit a guest reads -1. A growth within it that this host could not give is the host's fault.
    if (memory.buffer.byteLength / PAGE + (pages >>> 0) > pagesMax) return;
    throw new TaskFailure('ERR_HOST_MEMORY', MORE_PAGES);
  };
  const { module, growRefused: name } = METER_IMPORTS;
  imports[module] = { ...imports[module], [name]: growRefused };
  return imports;
}

/** What goes back when a guest ends. */
interface Taken {
  readonly keeper: MemoryKeeper;
  readonly held: Held;
  readonly linked: Linked;
}

/** A class, since the functions of an object would be made for every task. */
class V8Guest implements Guest {
  mayLeave = true;
  private readonly exports: Exported;
  private readonly taken: Taken;
  private readonly fuel: WebAssembly.Global<'i64'>;

  constructor(exports: Exported, taken: Taken) {
    this.exports = exports;
    this.taken = taken;
    this.fuel = exports[METER_EXPORTS.fuel] as WebAssembly.Global<'i64'>;
  }

  getFuel(): number {
    return Number(this.fuel.value);
  }

  setFuel(left: number): void {
    this.fuel.value = BigInt(left);
  }

  bytes(): Uint8Array<ArrayBuffer> {
    const { held } = this.taken;
    if (held.view.byteLength === 0) held.view = new Uint8Array(held.memory.buffer);
    return held.view;
  }

  /** Fixed parameters: spreading arguments costs more than the call. */
  call(name: string, a = 0, b = 0, c = 0, d = 0): number {
    return (this.exports[name] as Export)(a, b, c, d);
  }

  end(): number {
    const { keeper, held, linked } = this.taken;
    const { byteLength } = this.bytes();
    unlink(linked);
    keeper.give(held);
    return byteLength;
  }
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
