// What runs once before a lifted loop: values that stay the same are read into locals, wherever that cannot fail.
import { getExpressionType, type Local } from 'assemblyscript';
import { isKeptRead, keyOf, type Scene, type Term } from './affine.ts';
import { type Emit, shiftOf } from './emit.ts';
import { bare, nodeOf } from './node.ts';
import type { Base } from './plan.ts';
import { BINARY, type Ref, TYPE } from './tables.ts';

/** An array whose place and length are in locals. */
export interface Hoisted {
  readonly data: Local;
  readonly length: Local;
}

export interface Prelude {
  /** What has been written so far. */
  readonly statements: Ref[];
  /** Goes to the loop as it was unless the condition holds. */
  readonly guard: (condition: Ref) => void;
  /** The value of an expression that stays the same. */
  readonly evaluate: (ref: Ref) => Ref;
  /** The sum of terms, modulo 2^32. */
  readonly sum: (terms: readonly Term[]) => Ref;
  readonly hoist: (base: Base) => Hoisted;
  /** The local that an expression which stays the same was read into, if it was. */
  readonly held: (ref: Ref) => Local | undefined;
}

const PAGE_BITS = 16;
/** Before an object is its header. */
const HEADER_BYTES = 20;
/** Offset of what an array tells of itself; a StaticArray's size lies before it. */
const SIZE_BEFORE = 4;
const DATA = 4;
const LENGTH = { array: 12, typed: 8 } as const;

/** Begins the part before a loop; `leave` is the label that leads to the loop as it was. */
export function createPrelude(emit: Emit, scene: Scene, leave: string): Prelude {
  const { module } = emit;
  const statements: Ref[] = [];
  /** Here, locals are what they are set to in the loop, if that stays the same. */
  const settled: Scene = { ...scene, kept: new Set(scene.values.keys()) };
  const reads = new Map<string, Local>();
  const arrays = new Map<string, Hoisted>();

  const guard = (condition: Ref) => void statements.push(module.br(leave, emit.not(condition)));

  /**
   * The program might not have read here, or not yet: a reference may be null, or of another class. So it is read only if all of it,
   * header included, is in memory; what is read then is used only where the program would have read it, too.
   */
  const requireReadable = (pointer: Local, reach: number): void => {
    const start = emit.wideUnsigned(emit.binary(BINARY.SubI32, emit.get(pointer), emit.i32(HEADER_BYTES)));
    const end = emit.binary(BINARY.AddI64, start, emit.i64(HEADER_BYTES + reach));
    const pages = emit.wideUnsigned(module.memory_size());
    guard(emit.binary(BINARY.LeU64, end, emit.binary(BINARY.ShlI64, pages, emit.i64(PAGE_BITS))));
  };

  const hold = (type: 'i32' | 'i64', value: Ref): Local => {
    const local = emit.fresh(type);
    statements.push(emit.set(local, value));
    return local;
  };

  const read = (ref: Ref, key: string): Local => {
    const before = reads.get(key);
    if (before !== undefined) return before;
    const node = nodeOf(bare(ref, scene.made), scene.made);
    if (node.kind !== 'call') throw new Error('only reads are held');
    const [object] = node.parts;
    const pointer = hold('i32', evaluate(object ?? 0));
    const field = scene.made.getters.get(node.target);
    requireReadable(pointer, field === undefined ? 16 : field.offset + field.bytes);
    const type = getExpressionType(ref);
    const local = emit.freshAs(type);
    const value =
      field === undefined
        ? module.call(node.target, [emit.get(pointer)], type)
        : module.load(field.bytes, field.isSigned, emit.get(pointer), type, field.offset);
    statements.push(emit.set(local, value));
    reads.set(key, local);
    return local;
  };

  const evaluate = (ref: Ref): Ref => {
    const node = nodeOf(bare(ref, scene.made), scene.made);
    if (node.kind === 'binary') {
      const [left, right] = node.parts;
      return emit.binary(node.op, evaluate(left), evaluate(right));
    }
    const value = node.kind === 'local.get' ? scene.values.get(node.index) : undefined;
    if (value !== undefined) return evaluate(value);
    if (node.kind !== 'call') return module.copyExpression(bare(ref, scene.made));
    const key = keyOf(ref, settled);
    if (key === undefined) throw new Error('what changes in the loop is not read before it');
    return emit.get(read(ref, key));
  };

  const sum = (terms: readonly Term[]): Ref => {
    const products = terms.map(({ times, factors }) =>
      factors.map(evaluate).reduce((left, right) => emit.binary(BINARY.MulI32, left, right), emit.i32(times)),
    );
    return products.reduce(emit.add, emit.i32(0));
  };

  const hoist = ({ access, key }: Base): Hoisted => {
    const before = arrays.get(key);
    if (before !== undefined) return before;
    const { layout, bytes } = access;
    const pointer = hold('i32', evaluate(access.array));
    requireReadable(pointer, 16);
    const word = (offset: number) => module.load(4, false, emit.get(pointer), TYPE.I32, offset);
    const size = emit.binary(BINARY.SubI32, emit.get(pointer), emit.i32(SIZE_BEFORE));
    const bytesOf = layout === 'static' ? module.load(4, false, size, TYPE.I32, 0) : word(LENGTH[layout]);
    const length = hold(
      'i32',
      layout === 'array' ? bytesOf : emit.binary(BINARY.ShrU32, bytesOf, emit.i32(shiftOf(bytes))),
    );
    const data = layout === 'static' ? pointer : hold('i32', word(DATA));
    const hoisted = { data, length };
    arrays.set(key, hoisted);
    return hoisted;
  };

  const held = (ref: Ref): Local | undefined => {
    const key = isKeptRead(nodeOf(ref, scene.made), scene) ? keyOf(ref, scene) : undefined;
    return key === undefined ? undefined : reads.get(key);
  };

  return { statements, guard, evaluate, sum, hoist, held };
}
