// What instances on V8 import: functions that are made once a module, and lead to whatever task has them.
import type { AnyCall, HostImports } from '../abi/imports.ts';
import { MEMORY_IMPORT } from '../prepare/form.ts';

/**
 * V8 keeps a dead instance, with all that its imports hold, until it collects its old generation: imports that were made for one task
 * would take that task's objects there with them, and a collection takes as long as hundreds of small tasks.
 */
export interface Linked {
  readonly imports: WebAssembly.Imports;
  /** The imports of the task that has these: one at a time. None: they are free. */
  task: (() => HostImports) | undefined;
}

const kept = new WeakMap<WebAssembly.Module, Linked>();

/** Takes the imports of a module for one task: those that are kept, or, where another instance has them, new ones. */
export function link(module: WebAssembly.Module, memory: WebAssembly.Memory, task: () => HostImports): Linked {
  let linked = kept.get(module);
  if (!linked || linked.task) {
    linked = newLinked(module);
    kept.set(module, linked);
  }
  linked.task = task;
  hostOf(linked)[MEMORY_IMPORT.name] = memory;
  return linked;
}

/** The task has ended: nothing of it is held any more. */
export function unlink(linked: Linked): void {
  linked.task = undefined;
  delete hostOf(linked)[MEMORY_IMPORT.name];
}

function newLinked(module: WebAssembly.Module): Linked {
  const linked: Linked = { imports: { [MEMORY_IMPORT.module]: {} }, task: undefined };
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

const hostOf = ({ imports }: Linked) => imports[MEMORY_IMPORT.module] as WebAssembly.ModuleImports;
