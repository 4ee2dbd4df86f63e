// Component-level types, read from the binary into the text that WIT would write, so that equal text means equal type.
// Format: component-model design/mvp/Binary.md, "Type Definitions".
import { COMPONENT } from '../../base/reading.ts';
import type { Reader } from '../../wasm/reader.ts';
import { quote } from '../quote.ts';
import { broken, complex, readExternName, readList } from './read.ts';
import { type ComponentType, define } from './spaces.ts';

/** A name inside a type. What does not follow WIT's rule for names could spell the text of another type. */
const LABEL = /^(?:[a-z][a-z0-9]*|[A-Z][A-Z0-9]*)(?:-(?:[a-z0-9]+|[A-Z0-9]+))*$/;

const PRIMITIVES: Readonly<Record<number, string>> = {
  127: 'bool',
  126: 's8',
  125: 'u8',
  124: 's16',
  123: 'u16',
  122: 's32',
  121: 'u32',
  120: 's64',
  119: 'u64',
  118: 'f32',
  117: 'f64',
  116: 'char',
  115: 'string',
};

/** Types that the world does not have, under the names people know. */
const FOREIGN: Readonly<Record<number, string>> = {
  62: 'resources',
  63: 'resources',
  65: 'component types',
  67: 'asynchronous functions',
  101: 'streams',
  102: 'futures',
  104: 'resources',
  105: 'resources',
  110: 'flags',
  113: 'variants',
};

type Types = readonly ComponentType[];

/** Reads one type definition. `types` are those that it may name. */
export function readType(reader: Reader, types: Types): ComponentType {
  const at = reader.at;
  const form = reader.byte();
  switch (form) {
    case 0x40:
      return { kind: 'func', text: bounded(readFunction(reader, types)) };
    case 0x42:
      return { kind: 'instance', functions: readInstanceType(reader) };
    default:
      return { kind: 'value', text: bounded(readDefined(reader, types, form, at)) };
  }
}

/** The function type behind an index, as text. */
export function functionText(reader: Reader, types: Types): string {
  return textOf(types, reader.at, reader.u32(), 'func');
}

function readDefined(reader: Reader, types: Types, form: number, at: number): string {
  const primitive = PRIMITIVES[form];
  if (primitive !== undefined) return primitive;
  const value = () => readValueType(reader, types);
  const label = () => readLabel(reader);
  switch (form) {
    case 0x72:
      return `record { ${readList(reader, () => `${label()}: ${value()}`).join(', ')} }`;
    case 0x70:
      return `list<${value()}>`;
    case 0x6f:
      return `tuple<${readList(reader, value).join(', ')}>`;
    case 0x6d:
      return `enum { ${readList(reader, label).join(', ')} }`;
    case 0x6b:
      return `option<${value()}>`;
    case 0x6a:
      return resultText(readOptional(reader, value), readOptional(reader, value));
    default:
      if (FOREIGN[form] !== undefined) complex(`it uses ${FOREIGN[form]}`);
      return broken(`unknown type form 0x${form.toString(16)}`, at);
  }
}

function resultText(ok: string | undefined, error: string | undefined): string {
  if (error !== undefined) return `result<${ok ?? '_'}, ${error}>`;
  return ok === undefined ? 'result' : `result<${ok}>`;
}

function readFunction(reader: Reader, types: Types): string {
  const params = readList(reader, () => `${readLabel(reader)}: ${readValueType(reader, types)}`).join(', ');
  if (reader.byte() === 0x00) return `func(${params}) -> ${readValueType(reader, types)}`;
  // The other form is a list of named results, of which only the empty one was kept by the standard.
  if (reader.u32() !== 0) complex('it uses functions with named results');
  return `func(${params})`;
}

/** Reads the declarations of an instance type: its functions by name, and the types they use. */
function readInstanceType(reader: Reader): Map<string, string> {
  const types: ComponentType[] = [];
  const functions = new Map<string, string>();
  readList(reader, () => {
    const at = reader.at;
    const form = reader.byte();
    if (form === 0x01) return define(types, readMemberType(reader, types));
    if (form !== 0x04) return complex('an instance type of it has aliases or core types');

    const name = readExternName(reader);
    const sort = reader.byte();
    if (sort === 0x01) {
      if (functions.has(name)) broken(`${quote(name)} is exported twice`, at);
      functions.set(name, functionText(reader, types));
    } else if (sort === 0x03) {
      if (reader.byte() !== 0x00) complex('it uses resources');
      define(types, { kind: 'value', text: textOf(types, reader.at, reader.u32(), 'value') });
    } else complex(`an instance type of it exports ${quote(name)}, which is neither a function nor a type`);
  });
  return functions;
}

/** A type within an instance type. Only one level is followed, so that nesting costs no stack. */
function readMemberType(reader: Reader, types: Types): ComponentType {
  if (reader.peek() === 0x42) complex('it nests instance types');
  return readType(reader, types);
}

function readValueType(reader: Reader, types: Types): string {
  const primitive = PRIMITIVES[reader.peek()];
  if (primitive !== undefined) {
    reader.byte();
    return primitive;
  }
  const at = reader.at;
  const index = reader.s33();
  if (index < 0) complex('it uses value types that are not in the world');
  return textOf(types, at, index, 'value');
}

function textOf(types: Types, at: number, index: number, kind: 'value' | 'func'): string {
  const type = types[index];
  if (type?.kind !== kind) return broken(`no ${kind} type of index ${index}`, at);
  return type.text;
}

function readOptional<T>(reader: Reader, read: () => T): T | undefined {
  const at = reader.at;
  const present = reader.byte();
  if (present > 0x01) broken('neither present nor absent', at);
  return present === 0x01 ? read() : undefined;
}

function readLabel(reader: Reader): string {
  const at = reader.at;
  const label = reader.name();
  if (!LABEL.test(label)) broken('a name in a type is not in kebab-case', at);
  return label;
}

function bounded(text: string): string {
  if (text.length > COMPONENT.typeText.max) complex('a type of it is far longer than any in the world');
  return text;
}
