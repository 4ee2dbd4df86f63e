// Why a payload cannot carry a type, in words for its author.
import {
  ClassPrototype,
  type Element,
  Interface,
  Namespace,
  type Program,
  type Property,
  type Range,
  type Type,
} from 'assemblyscript';
import { fieldFault, isScalar } from '../../../runtime/payload/schema.ts';

/** Takes a refusal and its place. */
export type Refuse = (range: Range, text: string) => void;

/** `CommonFlags` of asc, which are constant enums and so not there at run time. */
const FLAGS = { abstract: 1 << 7, private: 1 << 9, protected: 1 << 10 };

const HELP = 'use numbers, bool, string, classes, Array, StaticArray and typed arrays';

/** The reason against a type as such, whatever it holds; undefined if there is none. */
export function unfit(program: Program, type: Type): string | undefined {
  if (!type.isReference) {
    return isScalar(type.toString()) ? undefined : `'${type.toString()}' cannot be carried in a payload: ${HELP}`;
  }
  const found = type.classReference;
  if (found === null || type.signatureReference !== null) {
    return `'${type.toString()}' cannot be carried in a payload: functions and foreign references have no bytes`;
  }
  const cannot = `'${found.name.replace(/[^<>, ]*\//g, '')}' cannot be carried in a payload: `;
  if (isCarriedByLibrary(program, type)) return undefined;
  if (found.internalName.startsWith('~lib/')) return cannot + HELP;
  if (found instanceof Interface) return `${cannot}it is an interface, and bytes do not say which class to make`;
  if (found.prototype.is(FLAGS.abstract)) return `${cannot}it is abstract, and bytes do not say which class to make`;
  if (!type.isManaged) return `${cannot}it is unmanaged`;
  const heir = heirOf(program, found.prototype);
  return heir && `${cannot}'${heir.name}' extends it, and bytes do not say which of the two to make`;
}

function isCarriedByLibrary(program: Program, type: Type): boolean {
  const found = type.classReference;
  if (found === null) return false;
  if (found === program.stringInstance || found.internalName.startsWith('~lib/typedarray/')) return true;
  return found.prototype === program.arrayPrototype || found.prototype === program.staticArrayPrototype;
}

/** The reason against a field, whatever its type. */
export function unfitField(field: Property): string | undefined {
  const named = `field '${field.name}' cannot be carried in a payload: `;
  if (field.is(FLAGS.private)) return `${named}it is private, and a payload is open to everybody`;
  if (field.is(FLAGS.protected)) return `${named}it is protected, and a payload is open to everybody`;
  const fault = fieldFault(field.name);
  return fault && named + fault;
}

/** A class that extends this one. asc's own list is still empty when transforms ask. */
function heirOf(program: Program, prototype: ClassPrototype): ClassPrototype | undefined {
  for (const file of program.filesByName.values()) {
    for (const one of prototypesOf(file)) if (one.basePrototype === prototype) return one;
  }
  return undefined;
}

/** Every class that is declared in a file or namespace. */
function* prototypesOf(place: Element): Generator<ClassPrototype> {
  for (const element of place.members?.values() ?? []) {
    if (element instanceof ClassPrototype) yield element;
    else if (element instanceof Namespace) yield* prototypesOf(element);
  }
}
