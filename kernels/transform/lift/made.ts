// What the compiler made, kept while it makes it: the array accesses, fields and values that its finished tree does not name.
import {
  type Function as AscFunction,
  type Class,
  type Compiler,
  Compiler as CompilerClass,
  type ForStatement,
  type Program,
  type Property,
  type Type,
} from 'assemblyscript';
import type { Ref } from './tables.ts';

/** How an array lays out its elements: in itself, or where it points. */
export type Layout = 'static' | 'array' | 'typed';

/** One `a[i]` or `a[i] = x` on an array of numbers, checked by its own code, which the compiler put in place. */
export interface Access {
  readonly layout: Layout;
  /** Bytes of an element: 1, 2, 4 or 8. */
  readonly bytes: number;
  readonly signed: boolean;
  /** The type of the element as a value. */
  readonly type: number;
  readonly array: Ref;
  readonly index: Ref;
  /** What is written; undefined for a read. */
  readonly value: Ref | undefined;
}

/** Where a field lies in its object. */
export interface Field {
  readonly offset: number;
  readonly bytes: number;
  readonly isSigned: boolean;
  /** Of a class of the compiler's library. */
  readonly isLibrary: boolean;
}

/** Everything that is noted of one program. */
export interface Made {
  readonly accesses: Map<Ref, Access>;
  readonly breakValues: Map<Ref, Ref>;
  readonly globalSets: Map<Ref, { readonly name: string; readonly value: Ref }>;
  /** Name of a field's getter or setter -> the field. */
  readonly getters: Map<string, Field>;
  readonly setters: Map<string, Field>;
}

/** Is called with a loop that was compiled, and answers with what takes its place. */
export type OnLoop = (compiler: Compiler, statement: ForStatement, compiled: Ref) => Ref;

/** The methods of the compiler that are listened to; its types call some of them private. */
interface CompilerInternals {
  readonly program: Program;
  compileForStatement(statement: ForStatement): Ref;
  makeCallInline(instance: AscFunction, operands: Ref[] | null, thisArg?: Ref, dropped?: boolean): Ref;
  makeBuiltinFieldGetter(property: Property): Ref;
  makeBuiltinFieldSetter(property: Property): Ref;
}

interface Listener {
  readonly made: Made;
  readonly onLoop: OnLoop;
}

/** A compiler takes no listener, so its class is changed, once; programs without a listener are compiled as ever. */
const listeners = new WeakMap<Program, Listener>();
let changed = false;

/** Notes what is made for a program from now on. */
export function listen(program: Program, onLoop: OnLoop): Made {
  const made: Made = {
    accesses: new Map(),
    breakValues: new Map(),
    globalSets: new Map(),
    getters: new Map(),
    setters: new Map(),
  };
  listeners.set(program, { made, onLoop });
  if (!changed) changeCompiler(CompilerClass.prototype as unknown as CompilerInternals);
  changed = true;
  keepParts(program, made);
  return made;
}

/** The tree does not give back these two. */
function keepParts(program: Program, made: Made): void {
  const { module } = program;
  const { br, global_set } = module;
  module.br = (label, condition, value = 0) => {
    const ref = br.call(module, label, condition, value);
    made.breakValues.set(ref, value);
    return ref;
  };
  module.global_set = (name, value) => {
    const ref = global_set.call(module, name, value);
    made.globalSets.set(ref, { name, value });
    return ref;
  };
}

function changeCompiler(compiler: CompilerInternals): void {
  const { compileForStatement, makeCallInline, makeBuiltinFieldGetter, makeBuiltinFieldSetter } = compiler;
  compiler.compileForStatement = function (statement) {
    const compiled = compileForStatement.call(this, statement);
    return listeners.get(this.program)?.onLoop(this as unknown as Compiler, statement, compiled) ?? compiled;
  };
  compiler.makeCallInline = function (instance, operands, thisArg, dropped) {
    const ref = makeCallInline.call(this, instance, operands, thisArg, dropped);
    const access = accessOf(instance, operands ?? [], thisArg ?? 0);
    if (access !== undefined) listeners.get(this.program)?.made.accesses.set(ref, access);
    return ref;
  };
  compiler.makeBuiltinFieldGetter = function (property) {
    listeners.get(this.program)?.made.getters.set(property.getterInstance?.internalName ?? '', fieldOf(property));
    return makeBuiltinFieldGetter.call(this, property);
  };
  compiler.makeBuiltinFieldSetter = function (property) {
    const isPlain = !property.type.isManaged; // A managed one tells the collector, too.
    if (isPlain)
      listeners.get(this.program)?.made.setters.set(property.setterInstance?.internalName ?? '', fieldOf(property));
    return makeBuiltinFieldSetter.call(this, property);
  };
}

function fieldOf(property: Property): Field {
  const { internalName, memoryOffset: offset, type } = property;
  const isLibrary = internalName.startsWith('~lib/');
  return { offset, bytes: type.byteSize, isSigned: type.isSignedIntegerValue, isLibrary };
}

const ARRAY = /^~lib\/(?:staticarray\/(StaticArray)|array\/(Array)|typedarray\/(\w+Array))(?:<|$)/;
/** Typed array -> what tells a signed element; of a `Uint8ClampedArray` only reads are plain. */
const CLAMPED = 'Uint8ClampedArray';

/** What an accessor does that was just put in place; undefined if it is none, unchecked, or of anything but numbers. */
function accessOf(instance: AscFunction, operands: readonly Ref[], array: Ref): Access | undefined {
  const reads = instance.prototype.name === '__get';
  const [index, value] = operands;
  if ((!reads && instance.prototype.name !== '__set') || index === undefined || array === 0) return undefined;
  const owner = instance.parent as Class;
  const [, isStatic, isArray, typed] = ARRAY.exec(owner.internalName) ?? [];
  const layout = isStatic ? 'static' : isArray ? 'array' : typed ? 'typed' : undefined;
  if (layout === undefined || (!reads && (typed === CLAMPED || value === undefined))) return undefined;
  const element = layout === 'typed' ? elementOf(owner) : owner.typeArguments?.[0];
  if (element === undefined || !element.isNumericValue || element.byteSize > 8) return undefined;
  return {
    layout,
    bytes: element.byteSize,
    signed: element.isSignedIntegerValue,
    type: element.toRef(),
    array,
    index,
    value: reads ? undefined : value,
  };
}

/** The element of a typed array is what its index signature says. */
function elementOf(owner: Class): Type | undefined {
  return owner.indexSignature?.type;
}
