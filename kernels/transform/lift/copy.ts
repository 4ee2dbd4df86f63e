// Copies the body of a loop with its proven accesses as plain loads and stores, and labels of its own.
import { getExpressionType } from 'assemblyscript';
import type { Scene } from './affine.ts';
import { type Emit, shiftOf } from './emit.ts';
import type { Access } from './made.ts';
import { type Node, nodeOf } from './node.ts';
import type { Place, Plan, Stream } from './plan.ts';
import type { Hoisted, Prelude } from './prelude.ts';
import type { Pointer } from './proof.ts';
import { BINARY, type Ref, TYPE } from './tables.ts';

/** Steps of more bytes are not put into an instruction's offset, which has to stay below 2^32. */
const OFFSET_MAX = 2 ** 16;

/** What a copy is made with. */
export interface Copying {
  readonly emit: Emit;
  readonly scene: Scene;
  readonly plan: Plan;
  readonly prelude: Prelude;
  readonly pointers: ReadonlyMap<Stream, Pointer>;
  /** Makes labels unique: two blocks of one function must not share a name. */
  readonly suffix: string;
}

/** Copies an expression of the loop. */
export function createCopy(copying: Copying): (ref: Ref) => Ref {
  const { emit, scene, plan, prelude } = copying;
  const { module } = emit;
  const labels = new Map<string, string>();

  const copy = (ref: Ref): Ref => {
    if (ref === 0) return 0;
    const access = scene.made.accesses.get(ref);
    const proven = plan.proven.get(ref);
    if (access !== undefined && proven !== undefined) return copyProven(access, proven);
    const base = plan.checked.get(ref);
    const refuse = access && base && throwOf(ref, access);
    if (access !== undefined && base !== undefined && refuse) return copyChecked(access, prelude.hoist(base), refuse);
    const held = prelude.held(ref);
    return held === undefined ? copyNode(ref, nodeOf(ref, scene.made)) : emit.get(held);
  };

  const copyProven = (access: Access, place: Place): Ref => {
    const [pointer, offset] = addressOf(copying, place);
    const { bytes, signed, type, value } = access;
    return value === undefined
      ? module.load(bytes, signed, pointer, type, offset)
      : module.store(bytes, pointer, copy(value), type, offset);
  };

  /** The check as it was, with the length in a local. The value is computed before the check, as in the accessor. */
  const copyChecked = (access: Access, { data, length }: Hoisted, refuse: Ref): Ref => {
    const { bytes, signed, type, value } = access;
    const index = emit.fresh('i32');
    const held = value === undefined ? undefined : emit.freshAs(type);
    const address = () =>
      emit.add(emit.get(data), emit.binary(BINARY.ShlI32, emit.get(index), emit.i32(shiftOf(bytes))));
    const statements = [emit.set(index, copy(access.index))];
    if (held !== undefined) statements.push(emit.set(held, copy(value ?? 0)));
    statements.push(module.if(emit.binary(BINARY.GeU32, emit.get(index), emit.get(length)), copy(refuse)));
    statements.push(
      held === undefined
        ? module.load(bytes, signed, address(), type, 0)
        : module.store(bytes, address(), emit.get(held), type, 0),
    );
    return module.block(null, statements, held === undefined ? type : 0);
  };

  /** What an accessor does with a wrong index: the first `if` of its own. */
  const throwOf = (ref: Ref, { array, index, value }: Access): Ref | undefined => {
    const search = (at: Ref): Ref | undefined => {
      if (at === 0 || at === array || at === index || at === value) return undefined;
      const node = nodeOf(at, scene.made);
      if (node.kind === 'if') return node.parts[1];
      for (const part of node.parts) {
        const found = search(part);
        if (found !== undefined) return found;
      }
      return undefined;
    };
    return search(ref);
  };

  const copyNode = (ref: Ref, node: Node): Ref => {
    const own = (name: string | null): string | null => {
      if (name === null) return null;
      labels.set(name, `${name}${copying.suffix}`);
      return labels.get(name) ?? name;
    };
    const type = getExpressionType(ref);
    switch (node.kind) {
      case 'block': {
        const label = own(node.name);
        return module.block(label, node.parts.map(copy), type);
      }
      case 'loop': {
        const label = own(node.name);
        return module.loop(label, copy(node.parts[0] ?? 0));
      }
      case 'break': {
        const [value, condition] = node.parts.map(copy);
        return module.br(labels.get(node.name) ?? node.name, condition, value);
      }
      default:
        return copySimple(ref, node);
    }
  };

  const copySimple = (ref: Ref, node: Node): Ref => {
    const parts = node.parts.map(copy);
    const [first = 0, second = 0, third = 0] = parts;
    const type = getExpressionType(ref);
    switch (node.kind) {
      case 'if':
        return module.if(first, second, third);
      case 'select':
        return module.select(first, second, third);
      case 'call':
        return module.call(node.target, parts, type);
      case 'local.set':
        return node.tee ? module.local_tee(node.index, first, false, type) : module.local_set(node.index, first, false);
      case 'global.set':
        return module.global_set(node.name, first);
      case 'load':
        return module.load(node.bytes, node.signed, first, type, node.offset);
      case 'store':
        // Only within an accessor that is copied as it is.
        return module.store(node.bytes, first, second, getExpressionType(second), node.offset);
      case 'unary':
        return module.unary(node.op, first);
      case 'binary':
        return module.binary(node.op, first, second);
      case 'drop':
        return module.drop(first);
      case 'return':
        return module.return(first);
      default:
        return module.copyExpression(ref);
    }
  };

  return copy;
}

/** Address and constant offset of a proven access for the counter's present value, or for one that is `ahead` more. */
export function addressOf(
  { emit, scene, pointers }: Pick<Copying, 'emit' | 'scene' | 'pointers'>,
  { stream, offset }: Place,
  ahead = 0,
): readonly [pointer: Ref, offset: number] {
  const pointer = pointers.get(stream);
  if (pointer === undefined) throw new Error('the stream was not proven');
  const { start, scale } = pointer;
  const isInOffset = typeof scale === 'number' && scale >= 0 && scale <= OFFSET_MAX;
  const distance = (offset - stream.low) * stream.base.access.bytes + (isInOffset ? ahead * scale : 0);
  if (scale === 0) return [emit.get(start), distance];
  const now = emit.module.local_get(scene.counter, TYPE.I32);
  const counter = isInOffset || ahead === 0 ? now : emit.add(now, emit.i32(ahead));
  const isPower = typeof scale === 'number' && scale > 0 && (scale & (scale - 1)) === 0;
  const scaled = isPower
    ? emit.binary(BINARY.ShlI32, counter, emit.i32(31 - Math.clz32(scale)))
    : emit.binary(BINARY.MulI32, counter, typeof scale === 'number' ? emit.i32(scale) : emit.get(scale));
  return [emit.add(emit.get(start), scaled), distance];
}
