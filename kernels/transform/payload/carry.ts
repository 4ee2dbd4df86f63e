// Which types of an author a payload carries: walks the compiler's resolved types, and refuses the others with their place.
import { type Class, ClassPrototype, type Program, PropertyPrototype, type Range, type Type } from 'assemblyscript';
import { PAYLOAD } from '../../../runtime/base/reading.ts';
import type { NumberName, NumbersName, ScalarName } from '../../../runtime/payload/schema.ts';
import { type Refuse, unfit, unfitField } from './refusal.ts';

/** A type as the generated code needs it. `text` names it in that code, `id` tells it from the others. */
export type Carried =
  | { readonly kind: 'scalar'; readonly name: ScalarName }
  | { readonly kind: 'nullable'; readonly of: Carried; readonly text: string }
  | CarriedNumbers
  | CarriedArray
  | CarriedClass;

export interface CarriedNumbers {
  readonly kind: 'numbers';
  readonly id: number;
  readonly text: string;
  readonly numbers: NumbersName;
  readonly element: NumberName;
  readonly holder: 'view' | 'Array' | 'StaticArray';
}

export interface CarriedArray {
  readonly kind: 'array';
  readonly id: number;
  readonly text: string;
  readonly element: Carried;
}

export interface CarriedClass {
  readonly kind: 'class';
  readonly id: number;
  readonly text: string;
  /** In the schema. */
  readonly name: string;
  readonly fields: readonly CarriedField[];
}

export interface CarriedField {
  readonly name: string;
  readonly type: Carried;
  /** Of the field's type, in generated code. */
  readonly text: string;
  readonly offset: number;
  readonly optional: boolean;
  /** The field, if it has an initial value that a missing one is to get. */
  readonly initial?: PropertyPrototype;
}

/** AssemblyScript's typed arrays -> JavaScript's. */
const VIEWS: Readonly<Record<string, readonly [NumbersName, NumberName]>> = {
  Int8Array: ['Int8Array', 'i8'],
  Uint8Array: ['Uint8Array', 'u8'],
  Uint8ClampedArray: ['Uint8ClampedArray', 'u8'],
  Int16Array: ['Int16Array', 'i16'],
  Uint16Array: ['Uint16Array', 'u16'],
  Int32Array: ['Int32Array', 'i32'],
  Uint32Array: ['Uint32Array', 'u32'],
  Int64Array: ['BigInt64Array', 'i64'],
  Uint64Array: ['BigUint64Array', 'u64'],
  Float32Array: ['Float32Array', 'f32'],
  Float64Array: ['Float64Array', 'f64'],
};
/** What an array of numbers becomes on a host. */
const ARRAYS = new Map(
  Object.values(VIEWS)
    .filter(([name]) => name !== 'Uint8ClampedArray')
    .map(([name, element]) => [element, name]),
);

export interface Walk {
  /** The type as a payload carries it; undefined where it was refused. */
  carried(type: Type, range: Range): Carried | undefined;
  /** The author's classes under the names that generated code calls them by. */
  readonly aliases: ReadonlyMap<string, ClassPrototype>;
  /** How generated code names a type. */
  readonly textOf: (type: Type) => string;
}

/** Begins to walk the types of one program. What is met twice is one `Carried`, so that recursive types end. */
export function createWalk(program: Program, refuse: Refuse): Walk {
  const known = new Map<string, Carried>();
  const names = new Set<string>();
  const aliases = new Map<string, ClassPrototype>();

  const aliasOf = (prototype: ClassPrototype): string => {
    if (prototype.internalName.startsWith('~lib/')) return prototype.name;
    for (const [alias, one] of aliases) if (one === prototype) return alias;
    const alias = `Author${aliases.size}`;
    aliases.set(alias, prototype);
    return alias;
  };
  const textOf = (type: Type): string => {
    const { classReference: found } = type;
    if (!type.isReference || found === null) return type.toString();
    const arguments_ = found.typeArguments?.map(textOf) ?? [];
    const text = aliasOf(found.prototype) + (arguments_.length > 0 ? `<${arguments_.join(', ')}>` : '');
    return type.isNullableReference ? `(${text} | null)` : text;
  };

  const carried = (type: Type, range: Range): Carried | undefined => {
    const reason = unfit(program, type);
    if (reason !== undefined) {
      refuse(range, reason);
      return undefined;
    }
    if (type.isNullableReference) {
      const of = carried(type.nonNullableType, range);
      return of && { kind: 'nullable', of, text: textOf(type) };
    }
    const found = type.classReference;
    if (!type.isReference || found === null) return { kind: 'scalar', name: type.toString() as ScalarName };
    if (found === program.stringInstance) return { kind: 'scalar', name: 'string' };
    const text = textOf(type);
    const before = known.get(text);
    if (before !== undefined) return before;
    const view = found.internalName.startsWith('~lib/typedarray/') ? VIEWS[found.prototype.name] : undefined;
    if (view === undefined) return isArray(program, found) ? array(found, text, range) : object(found, text);
    const [numbers, element] = view;
    return remember(text, { kind: 'numbers', id: known.size, text, numbers, element, holder: 'view' });
  };

  const remember = <T extends Carried>(text: string, one: T): T => {
    known.set(text, one);
    return one;
  };

  const array = (found: Class, text: string, range: Range): Carried | undefined => {
    const element = found.typeArguments?.[0];
    const of = element && carried(element, range);
    if (of === undefined) return undefined;
    const holder = found.prototype === program.arrayPrototype ? 'Array' : 'StaticArray';
    const numbers = of.kind === 'scalar' ? ARRAYS.get(of.name as NumberName) : undefined;
    const id = known.size;
    if (numbers === undefined) return remember(text, { kind: 'array', id, text, element: of });
    const name = (of as { name: NumberName }).name;
    return remember(text, { kind: 'numbers', id, text, numbers, element: name, holder });
  };

  const object = (found: Class, text: string): Carried => {
    const fields: CarriedField[] = [];
    const one = remember(text, { kind: 'class', id: known.size, text, name: schemaName(found, names), fields });
    let count = 0;
    for (const member of found.members?.values() ?? []) {
      const property = member instanceof PropertyPrototype ? member.instance : null;
      const declaration = property?.prototype.fieldDeclaration;
      if (!property?.isField || !declaration) continue;
      count++;
      const fault = unfitField(property);
      if (fault !== undefined) refuse(declaration.name.range, fault);
      const type = fault === undefined ? carried(property.type, (declaration.type ?? declaration).range) : undefined;
      if (type === undefined) continue;
      const initial = initialOf(found, property.prototype);
      fields.push({
        name: property.name,
        type,
        text: textOf(property.type),
        offset: property.memoryOffset,
        optional: type.kind === 'nullable' || initial !== undefined,
        ...(initial && { initial }),
      });
    }
    const { max } = PAYLOAD.fields;
    const place = found.prototype.declaration.name.range;
    if (count > max) refuse(place, `'${found.name}' has ${count} fields; a payload carries ${max} of a class at most`);
    if (count === 0) refuse(place, `'${found.name}' has no fields, and a payload carries nothing else of a class`);
    return one;
  };
  return { carried, aliases, textOf };
}

function isArray(program: Program, found: Class): boolean {
  return found.prototype === program.arrayPrototype || found.prototype === program.staticArrayPrototype;
}

/** A field's initial value can be made outside the constructor, unless it needs the object or stands for a type parameter. */
function initialOf(owner: Class, property: PropertyPrototype): PropertyPrototype | undefined {
  const { initializerNode: initial, fieldDeclaration } = property;
  if (initial === null || !fieldDeclaration?.type || owner.typeArguments?.length) return undefined;
  // What it inherits may be generic all the same.
  const home = property.parent;
  if (home instanceof ClassPrototype && home.typeParameterNodes?.length) return undefined;
  return /\bthis\b/.test(initial.range.toString()) ? undefined : property;
}

/** The class's name as an identifier that no other class of the schema has. */
function schemaName(found: Class, taken: Set<string>): string {
  const short = found.name
    .replace(/[^<>,]*\//g, '')
    .replace(/[^\p{ID_Continue}$]+/gu, '_')
    .replace(/_+$/, '')
    .slice(0, 80);
  let name = short === '' ? 'Class' : short;
  for (let count = 2; taken.has(name) || name in Object.prototype; count++) name = `${short}_${count}`;
  taken.add(name);
  return name;
}
