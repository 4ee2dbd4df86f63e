// What a component defines, as symbols: each index space holds what its entries stand for, not where they lie in the file.
import { COMPONENT } from '../../base/reading.ts';
import type { StringEncoding } from '../../job/kernel.ts';
import type { InterfaceName } from '../../job/world.ts';
import { complex } from './read.ts';

/** A component-level type. Value and function types are kept as WIT writes them, with every name resolved. */
export type ComponentType =
  | { readonly kind: 'value'; readonly text: string }
  | { readonly kind: 'func'; readonly text: string }
  | { readonly kind: 'instance'; readonly functions: ReadonlyMap<string, string> };

/** An imported instance of an interface of the world, checked against it. */
export interface ImportedInstance {
  readonly interface: InterfaceName;
  readonly functions: ReadonlyMap<string, string>;
}

export type Sort = 'func' | 'table' | 'memory';

/** What a module's instance exports under a name. */
export interface CoreExport {
  readonly from: 'instance';
  readonly sort: Sort;
  readonly instance: ModuleInstance;
  readonly name: string;
}

/** An imported function, lowered to a core function. */
export interface Lower {
  readonly from: 'lower';
  readonly sort: 'func';
  readonly interface: InterfaceName;
  readonly function: string;
  /** Its WIT type. */
  readonly text: string;
  readonly options: CanonOptions;
}

export type CoreItem = CoreExport | Lower;

/** Options of a lift or a lower, as given. */
export interface CanonOptions {
  encoding?: StringEncoding | 'latin1+utf16';
  memory?: CoreItem;
  realloc?: CoreItem;
  post?: CoreItem;
}

/** A core instance made from a module. */
export interface ModuleInstance {
  readonly module: number;
  readonly args: ReadonlyMap<string, CoreInstance>;
}

/** A core instance: made from a module, or put together from single items. */
export type CoreInstance = ModuleInstance | { readonly items: ReadonlyMap<string, CoreItem> };

/** A core function, lifted to a component function. */
export interface Lift {
  readonly from: 'lift';
  readonly item: CoreItem;
  readonly text: string;
  readonly options: CanonOptions;
}

export type ComponentFunction =
  | { readonly from: 'import'; readonly interface: InterfaceName; readonly function: string; readonly text: string }
  | Lift;

/** Every index space that a simple component has, and its exports by name. */
export interface Spaces {
  readonly modules: Uint8Array[];
  readonly coreInstances: CoreInstance[];
  readonly core: { readonly [S in Sort]: CoreItem[] };
  readonly lowers: Lower[];
  readonly types: ComponentType[];
  readonly instances: ImportedInstance[];
  readonly functions: ComponentFunction[];
  readonly exports: Map<string, ComponentFunction>;
}

export function createSpaces(): Spaces {
  return {
    modules: [],
    coreInstances: [],
    core: { func: [], table: [], memory: [] },
    lowers: [],
    types: [],
    instances: [],
    functions: [],
    exports: new Map(),
  };
}

/** Adds an entry, up to the ceiling. */
export function define<T>(space: T[], entry: T): void {
  const { max } = COMPONENT.definitions;
  if (space.length >= max) complex(`it has more than ${max} definitions of one kind`);
  space.push(entry);
}
