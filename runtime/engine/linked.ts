// What is kept of a module from task to task on V8: imports that are made once, and lead to whatever task has them, and an instance that was
// put back as it was at first.
import type { AnyCall, HostImports } from '../abi/imports.ts';
import { MEMORY_IMPORT, RESET_EXPORT } from '../prepare/form.ts';
import type { Held } from './memories.ts';

export type Export = (a: number, b: number, c: number, d: number) => number;

/** What an instance exports. */
export type Exported = Readonly<Record<string, Export | WebAssembly.Global>>;

/** An instance and its memory. */
export interface Built {
  readonly exports: Exported;
  readonly held: Held;
}

/**
 * V8 keeps a dead instance, with all that its imports hold, until it collects its old generation: imports that were made for one task
 * would take that task's objects there with them, and a collection takes as long as hundreds of small tasks.
 */
export interface Linked {
  readonly imports: WebAssembly.Imports;
  /** The imports of the task that has these: one at a time. None: they are free. */
  task?: (() => HostImports) | undefined;
  /** An instance whose task is done. It holds its module: nothing may hold it but what the module leads to. */
  back?: Built | undefined;
  /** How a new instance's memory begins, before it is zero; undefined where none can be put back. */
  data?: Uint8Array | undefined;
}

const kept = new WeakMap<WebAssembly.Module, Linked>();

/** What is kept of a module, for one task; where another instance has it, something new. */
export function linkedOf(module: WebAssembly.Module): Linked {
  let linked = kept.get(module);
  if (!linked || linked.task) {
    linked = newLinked(module);
    kept.set(module, linked);
  }
  return linked;
}

/** The instance that was put back, as it was at first, if this is its memory, or else a new one. The memory is zeroed. */
export function build(module: WebAssembly.Module, linked: Linked, held: Held, back: Built | undefined): Built {
  const { imports, data } = linked;
  if (data && back?.held === held) {
    (back.exports[RESET_EXPORT] as Reset)();
    held.view.set(data);
    return back;
  }
  const { module: host, name } = MEMORY_IMPORT;
  const given = { ...imports, [host]: { ...imports[host], [name]: held.memory } };
  const exports = new WebAssembly.Instance(module, given).exports as Exported;
  const reset = exports[RESET_EXPORT] as Reset | undefined;
  linked.data ??= reset && held.view.slice(0, reset());
  return { exports, held };
}

/** Keeps an instance whose task is done, and whose memory is kept, unless it has state that no reset would reach. */
export function putBack(linked: Linked, built: Built): void {
  if (!linked.data) return;
  const { held } = built;
  held.owner = new WeakRef(linked);
  linked.back = built;
}

type Reset = () => number;

function newLinked(module: WebAssembly.Module): Linked {
  const linked: Linked = { imports: {} };
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    if (kind !== 'function') continue;
    linked.imports[from] ??= {};
    linked.imports[from][name] = (...args: unknown[]) => callOf(linked, from, name)(...args);
  }
  return linked;
}

/** Only an instance whose task runs calls anything. */
function callOf({ task }: Linked, from: string, name: string): AnyCall {
  const imports = (task as () => HostImports)();
  return imports[from]?.[name] as AnyCall;
}
