// Reads the definitions of a component, section by section, into its index spaces. What no simple component has is refused here.
// Format: component-model design/mvp/Binary.md.
import { INTERFACE, type InterfaceName, WORLD, type WorldInterface } from '../../job/world.ts';
import type { Reader } from '../../wasm/reader.ts';
import { quote } from '../quote.ts';
import { broken, complex, expectEnd, readExternName, readList } from './read.ts';
import { functionText, readType } from './signatures.ts';
import {
  type CanonOptions,
  type ComponentFunction,
  type CoreInstance,
  type CoreItem,
  define,
  type Lower,
  type Sort,
  type Spaces,
} from './spaces.ts';

/** Sections by id: those that a simple component has, and why it has none of the others. */
const SECTIONS: Readonly<Record<number, ((reader: Reader, spaces: Spaces) => void) | string>> = {
  0: () => undefined,
  1: (reader, spaces) => define(spaces.modules, reader.take(reader.end - reader.at)),
  2: each((reader, spaces) => define(spaces.coreInstances, readCoreInstance(reader, spaces))),
  3: 'it defines core types',
  4: 'it contains another component',
  5: 'it makes or re-exports component instances',
  6: each(readAlias),
  7: each((reader, spaces) => define(spaces.types, readType(reader, spaces.types))),
  8: each(readCanon),
  9: 'it has a start function',
  10: each(readImport),
  11: each(readExport),
  12: 'it defines values',
};

const SORTS: Readonly<Record<number, Sort>> = { 0: 'func', 1: 'table', 2: 'memory' };

/** Sorts of component definitions, for messages. */
const KINDS = ['core modules', 'functions', 'values', 'types', 'components', 'instances'];

/** Reads one section: `reader` holds its bytes, and nothing else. */
export function readSection(id: number, reader: Reader, spaces: Spaces): void {
  const read = SECTIONS[id];
  if (read === undefined) broken(`section id ${id} is not known`, reader.at);
  if (typeof read === 'string') complex(read);
  read(reader, spaces);
  if (id > 1) expectEnd(reader);
}

function each(read: (reader: Reader, spaces: Spaces) => void) {
  return (reader: Reader, spaces: Spaces): void => {
    readList(reader, () => read(reader, spaces));
  };
}

function readCoreInstance(reader: Reader, spaces: Spaces): CoreInstance {
  const at = reader.at;
  const form = reader.byte();
  if (form === 0x00) {
    const module = reader.u32();
    entry(reader, spaces.modules, module, 'core module');
    const args = new Map<string, CoreInstance>();
    readList(reader, () => {
      const name = fresh(reader, args);
      if (reader.byte() !== 0x12) complex('a module of it is given something other than instances');
      args.set(name, entry(reader, spaces.coreInstances, reader.u32(), 'core instance'));
    });
    return { module, args };
  }
  if (form !== 0x01) return broken('unknown form of core instance', at);
  const items = new Map<string, CoreItem>();
  readList(reader, () => {
    const name = fresh(reader, items);
    const sort = readSort(reader);
    items.set(name, entry(reader, spaces.core[sort], reader.u32(), `core ${sort}`));
  });
  return { items };
}

function readAlias(reader: Reader, spaces: Spaces): void {
  const kind = reader.byte();
  if (kind === 0x00) {
    const sort = readSort(reader);
    if (reader.byte() !== 0x01) complex('it aliases a core item of an outer component');
    define(spaces.core[sort], exportOf(reader, spaces, sort));
    return;
  }
  if (kind !== 0x01) complex(`it aliases ${KINDS[kind] ?? 'unknown things'}`);
  if (reader.byte() !== 0x00) complex('it aliases a function of an outer component');
  const at = reader.at;
  const instance = entry(reader, spaces.instances, reader.u32(), 'instance');
  const name = reader.name();
  const text = instance.functions.get(name) ?? broken(`the instance has no function ${quote(name)}`, at);
  define(spaces.functions, { from: 'import', interface: instance.interface, function: name, text });
}

function exportOf(reader: Reader, spaces: Spaces, sort: Sort): CoreItem {
  const at = reader.at;
  const instance = entry(reader, spaces.coreInstances, reader.u32(), 'core instance');
  const name = reader.name();
  if ('module' in instance) return { from: 'instance', sort, instance, name };
  const item = instance.items.get(name);
  return item?.sort === sort ? item : broken(`the core instance has no ${sort} ${quote(name)}`, at);
}

function readCanon(reader: Reader, spaces: Spaces): void {
  const form = reader.byte();
  if (form > 0x01)
    complex(form <= 0x04 ? 'it uses resources' : 'it uses asynchronous functions, threads or other built-ins');
  if (reader.byte() !== 0x00) broken('only functions can be lifted and lowered', reader.at - 1);
  if (form === 0x00) {
    const item = entry(reader, spaces.core.func, reader.u32(), 'core func');
    const options = readOptions(reader, spaces);
    const text = functionText(reader, spaces.types);
    define(spaces.functions, { from: 'lift', item, options, text });
    return;
  }
  const target = entry(reader, spaces.functions, reader.u32(), 'function');
  const options = readOptions(reader, spaces);
  if (target.from !== 'import') complex('it calls its own exports as imports');
  const lower: Lower = { ...target, from: 'lower', sort: 'func', options };
  spaces.lowers.push(lower);
  define(spaces.core.func, lower);
}

function readOptions(reader: Reader, spaces: Spaces): CanonOptions {
  const options: CanonOptions = {};
  readList(reader, () => {
    const at = reader.at;
    const form = reader.byte();
    const func = () => entry(reader, spaces.core.func, reader.u32(), 'core func');
    const before = Object.keys(options).length;
    if (form === 0x00) options.encoding = 'utf8';
    else if (form === 0x01) options.encoding = 'utf16';
    else if (form === 0x02) options.encoding = 'latin1+utf16';
    else if (form === 0x03) options.memory = entry(reader, spaces.core.memory, reader.u32(), 'core memory');
    else if (form === 0x04) options.realloc = func();
    else if (form === 0x05) options.post = func();
    else complex('it uses asynchronous functions or unknown canonical options');
    if (Object.keys(options).length === before) broken('a canonical option is given twice', at);
  });
  return options;
}

function readImport(reader: Reader, spaces: Spaces): void {
  const at = reader.at;
  const name = readExternName(reader);
  const known = INTERFACE.exec(name)?.[1] ?? '';
  if (!Object.hasOwn(WORLD, known)) complex(`it imports ${quote(name)}, which the world does not have`);
  if (reader.byte() !== 0x05) complex(`it imports ${quote(name)} as something other than an instance`);
  const type = entry(reader, spaces.types, reader.u32(), 'type');
  if (type.kind !== 'instance') broken(`${quote(name)} is not of an instance type`, at);

  const world: WorldInterface = WORLD[known as InterfaceName];
  for (const [member, text] of type.functions) {
    const wanted = Object.hasOwn(world.functions, member) ? world.functions[member]?.wit : undefined;
    if (wanted === undefined) complex(`it imports ${quote(`${known}.${member}`)}, which the world does not have`);
    if (wanted !== text) complex(`it imports ${quote(`${known}.${member}`)} as ${text}, the world has ${wanted}`);
  }
  define(spaces.instances, { interface: known as InterfaceName, functions: type.functions });
}

function readExport(reader: Reader, spaces: Spaces): void {
  const at = reader.at;
  const name = readExternName(reader);
  const kind = reader.byte();
  if (kind !== 0x01)
    complex(`it exports ${quote(name)}, one of its ${KINDS[kind] ?? 'unknown things'}; a kernel exports functions`);
  const target: ComponentFunction = entry(reader, spaces.functions, reader.u32(), 'function');
  if (spaces.exports.has(name)) broken(`${quote(name)} is exported twice`, at);
  if (reader.byte() !== 0x00) {
    if (reader.byte() !== 0x01) broken(`${quote(name)} is said to be no function`, at);
    if (functionText(reader, spaces.types) !== target.text)
      complex(`it exports ${quote(name)} under another type than its own`);
  }
  spaces.exports.set(name, target);
  define(spaces.functions, target);
}

function readSort(reader: Reader): Sort {
  return SORTS[reader.byte()] ?? complex('it passes globals, types or modules between its core modules');
}

function fresh(reader: Reader, taken: ReadonlyMap<string, unknown>): string {
  const at = reader.at;
  const name = reader.name();
  if (taken.has(name)) broken(`${quote(name)} is given twice`, at);
  return name;
}

function entry<T>(reader: Reader, space: readonly T[], index: number, what: string): T {
  return space[index] ?? broken(`no ${what} of index ${index}`, reader.at);
}
