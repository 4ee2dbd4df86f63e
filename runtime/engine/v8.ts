// The V8 engine: the WebAssembly of the JavaScript host, with kept memories and instances put back so that a fresh one costs microseconds.
import type { HostImports } from '../abi/imports.ts';
import { LodgerError } from '../base/errors.ts';
import { PAGE } from '../base/limits.ts';
import { TaskFailure } from '../job/outcome.ts';
import { METER_EXPORTS, METER_IMPORTS } from '../meter/names.ts';
import { type Engine, type Guest, MORE_PAGES, type Ready } from './engine.ts';
import { type Built, build, type Export, type Exported, type Linked, linkedOf, putBack } from './linked.ts';
import { createMemoryKeeper, type MemoryKeeper } from './memories.ts';
import { isTraced, placesIn, trapName } from './traps.ts';

export interface V8Options {
  /** Is shown what each instance exports: for tools that have put something of theirs into the module. None is then put back. */
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

interface Maker {
  readonly keeper: MemoryKeeper;
  readonly onInstance: ((exports: Exported) => void) | undefined;
}

/** The instance that was put back, if its memory may grow as far, or else a new one. */
function instantiate(
  maker: Maker,
  ready: Ready<WebAssembly.Module>,
  importsOf: () => HostImports,
  memoryPagesMax: number,
): Guest {
  const { min, max } = ready.facts.memory;
  const { keeper, onInstance } = maker;
  const linked = linkedOf(ready.compiled);
  const { back } = linked;
  const pagesMax = Math.min(memoryPagesMax, max ?? 65_536);
  const held = keeper.take(min, pagesMax, back?.held);
  let imports: HostImports | undefined;
  linked.task = () => {
    imports ??= withGrowth(importsOf(), held.memory, pagesMax);
    return imports;
  };
  try {
    const built = build(ready.compiled, linked, held, back);
    onInstance?.(built.exports);
    return new V8Guest(maker, linked, built);
  } catch (thrown) {
    linked.task = undefined;
    keeper.give(held);
    throw thrown;
  }
}

function withGrowth(imports: HostImports, memory: WebAssembly.Memory, pagesMax: number): HostImports {
  const growRefused = (pages: number): undefined => {
    // Beyond its limit a guest reads -1. A growth within it that this host could not give is the host's fault.
    if (memory.buffer.byteLength / PAGE + (pages >>> 0) > pagesMax) return;
    throw new TaskFailure('ERR_HOST_MEMORY', MORE_PAGES);
  };
  const { module, growRefused: name } = METER_IMPORTS;
  imports[module] = { ...imports[module], [name]: growRefused };
  return imports;
}

/** A class, since the functions of an object would be made for every task. */
class V8Guest implements Guest {
  mayLeave = true;
  private readonly maker: Maker;
  private readonly linked: Linked;
  private readonly built: Built;
  private readonly fuel: WebAssembly.Global<'i64'>;

  constructor(maker: Maker, linked: Linked, built: Built) {
    this.maker = maker;
    this.linked = linked;
    this.built = built;
    this.fuel = built.exports[METER_EXPORTS.fuel] as WebAssembly.Global<'i64'>;
  }

  getFuel(): number {
    return Number(this.fuel.value);
  }

  setFuel(left: number): void {
    this.fuel.value = BigInt(left);
  }

  bytes(): Uint8Array<ArrayBuffer> {
    const { held } = this.built;
    if (held.view.byteLength === 0) held.view = new Uint8Array(held.memory.buffer);
    return held.view;
  }

  /** Fixed parameters: spreading arguments costs more than the call. */
  call(name: string, a = 0, b = 0, c = 0, d = 0): number {
    return (this.built.exports[name] as Export)(a, b, c, d);
  }

  end(how?: 'done'): number {
    const { maker, linked, built } = this;
    const { byteLength } = this.bytes();
    linked.task = undefined;
    if (maker.keeper.give(built.held) && how && !maker.onInstance) putBack(linked, built);
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
