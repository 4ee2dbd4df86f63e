// Proves that a component is its main core module and nothing more: that whoever runs the module alone, with the world's
// functions as its imports, does what the component would do. Everything is followed by symbol, from use to origin.
import type { StringEncoding } from '../../job/kernel.ts';
import { INTERFACE, SHAPES, WORLD, type WorldExport, type WorldInterface } from '../../job/world.ts';
import { quote } from '../quote.ts';
import { type MainModule, readMain, type Sections, type Source, splitModule } from './core.ts';
import { complex } from './read.ts';
import type { CoreItem, Lift, Lower, ModuleInstance, Sort, Spaces } from './spaces.ts';
import { type Fixup, isFixup, isShim, readFixup, readShim, type Shim } from './trampoline.ts';

/** Types of the world whose values lie in memory: those of its records and results all hold one of these. */
const POINTERS = /string|list/;

/** A core module and its one instance. */
interface Role<T> {
  readonly module: T;
  readonly instance: ModuleInstance;
}

interface Roles {
  readonly main: Role<MainModule> & { readonly index: number };
  readonly shim?: Role<Shim>;
  readonly fixup?: Role<Fixup>;
}

/** The main module's index and how its strings lie in memory; or `ERR_COMPONENT_COMPLEX`, with the first thing that is not simple. */
export function prove(spaces: Spaces): { main: number; encoding: StringEncoding } {
  const roles = assign(spaces);
  proveImports(roles);
  proveFixup(roles);
  proveExports(spaces, roles.main);
  for (const lower of spaces.lowers) proveLower(lower, roles.main);
  return { main: roles.main.index, encoding: commonEncoding(spaces) };
}

/** Finds out which module plays which part. */
function assign({ modules, coreInstances }: Spaces): Roles {
  const found: { main: number[]; shim: number[]; fixup: number[] } = { main: [], shim: [], fixup: [] };
  const sections = modules.map(splitModule);
  for (const [index, ids] of sections.entries())
    found[isShim(ids) ? 'shim' : isFixup(ids) ? 'fixup' : 'main'].push(index);
  const { main, shim, fixup } = found;
  const [index] = main;
  if (index === undefined || main.length > 1) return complex(`it has ${main.length} main core modules`);
  if (shim.length > 1 || fixup.length > 1) complex(`it has ${shim.length} shim and ${fixup.length} fix-up modules`);

  const role = <T>(of: number, read: (sections: Sections) => T): Role<T> => {
    const [instance, ...others] = coreInstances.filter((made) => 'module' in made && made.module === of);
    if (instance === undefined || !('module' in instance) || others.length > 0) {
      return complex('it makes more or less than one instance of a core module');
    }
    return { module: read(sections[of] ?? new Map()), instance };
  };
  return {
    main: { ...role(index, readMain), index },
    ...(shim[0] !== undefined && { shim: role(shim[0], readShim) }),
    ...(fixup[0] !== undefined && { fixup: role(fixup[0], readFixup) }),
  };
}

/** Every import of the main module must end at the lowered function of the same interface and name. */
function proveImports(roles: Roles): void {
  for (const { module, name } of roles.main.module.imports) {
    const wanted = INTERFACE.exec(module)?.[1];
    const lower = follow(given(roles.main.instance, { module, name }, 'func'), roles);
    if (lower.interface !== wanted || lower.function !== name) {
      complex(`import ${quote(name)} of ${quote(module)} is wired to "${lower.interface}.${lower.function}"`);
    }
  }
}

/** What an instance was given for one of its imports. */
function given(instance: ModuleInstance, { module, name }: Source, sort: Sort): CoreItem {
  const source = instance.args.get(module);
  if (source !== undefined && 'module' in source) return { from: 'instance', sort, instance: source, name };
  const item = source?.items.get(name);
  return item?.sort === sort
    ? item
    : complex(`a core module of it is not given its import ${quote(name)} of ${quote(module)}`);
}

/** From what the main module is given to the lowered function behind it, directly or through shim and fix-up. */
function follow(item: CoreItem, { shim, fixup }: Roles): Lower {
  if (item.from === 'lower') return item;
  const forward = item.instance === shim?.instance ? shim.module.forwards.get(item.name) : undefined;
  if (forward === undefined || shim === undefined) {
    return complex(
      `its main module is given ${quote(item.name)}, which is neither an import of the world nor forwarded to one`,
    );
  }
  const source = fixup?.module.slots.get(forward.slot);
  if (source === undefined || fixup === undefined)
    return complex(`slot ${forward.slot} of its shim module is never filled`);

  const lower = given(fixup.instance, source, 'func');
  if (lower.from !== 'lower') return complex(`slot ${forward.slot} of its shim module holds no import of the world`);
  const signature = signatureOf(lower);
  if (forward.signature !== signature || source.signature !== signature) {
    complex(`its shim and fix-up modules pass "${lower.interface}.${lower.function}" under another type`);
  }
  return lower;
}

function signatureOf(lower: Lower): string {
  const world: WorldInterface = WORLD[lower.interface];
  const core = world.functions[lower.function];
  return core ? `${core.params}>${core.results}` : '';
}

/** The fix-up may fill the shim's table only, and must call `_initialize` exactly if the main module has it. No other code runs by itself. */
function proveFixup({ main, shim, fixup }: Roles): void {
  const has = main.module.exports.has('_initialize');
  const { table, start } = fixup?.module ?? {};
  if (fixup !== undefined && table !== undefined) {
    const item = given(fixup.instance, table, 'table');
    const own = item.from === 'instance' && item.instance === shim?.instance && shim.module.tables.has(item.name);
    if (!own || table.limits !== shim.module.limits)
      complex('its fix-up module fills another table than that of its shim');
  }
  if (fixup === undefined || start === undefined) {
    if (has) complex('it never calls the "_initialize" of its main module');
    return;
  }
  if (!has || !isOwn(given(fixup.instance, start, 'func'), main, '_initialize') || start.signature !== '>') {
    complex('its fix-up module calls something other than "_initialize"');
  }
}

/** The exports must be those of one shape, each lifted from the main module's function of that name. */
function proveExports({ exports }: Spaces, main: Role<MainModule>): void {
  const names = [...exports.keys()].sort().join(', ');
  const shape = [SHAPES.kernel, SHAPES.stepper].find((functions) => Object.keys(functions).sort().join(', ') === names);
  if (shape === undefined)
    complex(`it exports ${names ? quote(names) : 'nothing'}; a kernel exports run, or begin, step and finish`);

  for (const [name, { wit }] of Object.entries(shape as Readonly<Record<string, WorldExport>>)) {
    const lift = exports.get(name);
    if (lift?.from !== 'lift') complex(`it exports ${quote(name)}, one of its imports`);
    if (lift.text !== wit) complex(`it exports ${quote(name)} as ${lift.text}, the world has ${wit}`);
    if (!isOwn(lift.item, main, name))
      complex(`its export ${quote(name)} is not the main module's function of that name`);
    proveOptions(name, lift, main, parametersOf(wit));
    if (lift.options.post === undefined) {
      if (main.module.exports.has(`cabi_post_${name}`)) complex(`it never calls "cabi_post_${name}"`);
    } else if (!isOwn(lift.options.post, main, `cabi_post_${name}`)) {
      complex(`it calls something other than "cabi_post_${name}" after ${quote(name)}`);
    }
  }
}

function proveLower(lower: Lower, main: Role<MainModule>): void {
  const name = `${lower.interface}.${lower.function}`;
  if (lower.options.post !== undefined) complex(`it gives the import ${quote(name)} a post-return`);
  proveOptions(name, lower, main, resultsOf(lower.text));
}

/** Memory and realloc must be the main module's, and present where the canonical ABI needs them. `stored` is what goes into memory anew. */
function proveOptions(name: string, { text, options }: Lift | Lower, main: Role<MainModule>, stored: string): void {
  const { memory, realloc } = options;
  const own = (item: CoreItem | undefined, field: string) => item === undefined || isOwn(item, main, field);
  if (!own(memory, 'memory')) complex(`${quote(name)} uses another memory than the main module's`);
  if (!own(realloc, 'cabi_realloc')) complex(`${quote(name)} allocates by something other than "cabi_realloc"`);
  if (memory === undefined && POINTERS.test(text)) complex(`${quote(name)} has no memory`);
  if (realloc === undefined && POINTERS.test(stored)) complex(`${quote(name)} has nothing to allocate by`);
}

/** The one encoding of all lifts and lowers. One that passes strings without naming an encoding has the canonical ABI's default, utf8. */
function commonEncoding({ exports, lowers }: Spaces): StringEncoding {
  const lifts = [...exports.values()].filter((target) => target.from === 'lift');
  const [first, ...others] = new Set(
    [...lifts, ...lowers].flatMap(({ text, options }) => options.encoding ?? (text.includes('string') ? 'utf8' : [])),
  );
  if (others.length > 0) complex(`it mixes string encodings: ${[first, ...others].join(', ')}`);
  if (first === 'latin1+utf16') complex('its strings are in latin1+utf16; build it with utf8 or utf16');
  return first === 'utf16' ? 'utf16' : 'utf8';
}

function isOwn(item: CoreItem, main: Role<MainModule>, name: string): boolean {
  return item.from === 'instance' && item.instance === main.instance && item.name === name;
}

function parametersOf(wit: string): string {
  return wit.split(' -> ')[0] ?? '';
}

function resultsOf(wit: string): string {
  return wit.split(' -> ')[1] ?? '';
}
