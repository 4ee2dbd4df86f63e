// Vectors: a lifted loop that does the same to every element runs two f64 or four f32 at a time. Each lane does what the scalar did, in
// its order, so the bits are the same: sums over elements, which would have to be reordered, stay scalar.
import { getExpressionType, type Local } from 'assemblyscript';
import { keyOf, scaleOf } from './affine.ts';
import { addressOf, type Copying } from './copy.ts';
import type { Count, Loop } from './counted.ts';
import { nodeOf } from './node.ts';
import type { Stream } from './plan.ts';
import type { Range } from './proof.ts';
import { BINARY, type Ref, TYPE, UNARY } from './tables.ts';

/** A loop of vectors, to be put before the scalar one, which does the last rounds. */
export interface Lanes {
  readonly statement: Ref;
  readonly lanes: number;
}

const VECTOR_BYTES = 16;
const UNROLL = 2;

interface Shape {
  readonly lanes: number;
  readonly type: number;
  readonly splat: number;
  readonly unary: ReadonlyMap<number, number>;
  readonly binary: ReadonlyMap<number, number>;
}

const UNARIES = ['Neg', 'Abs', 'Sqrt', 'Ceil', 'Floor', 'Trunc', 'Nearest'] as const;
const BINARIES = ['Add', 'Sub', 'Mul', 'Div', 'Min', 'Max'] as const;
const SHAPES: readonly Shape[] = [shapeOf('F64', 2), shapeOf('F32', 4)];

function shapeOf(scalar: 'F64' | 'F32', lanes: 2 | 4): Shape {
  const vector = scalar === 'F64' ? 'F64x2' : 'F32x4';
  return {
    lanes,
    type: TYPE[scalar],
    splat: UNARY[`Splat${vector}`],
    unary: new Map(UNARIES.map((name) => [UNARY[`${name}${scalar}`], UNARY[`${name}${vector}`]])),
    binary: new Map(BINARIES.map((name) => [BINARY[`${name}${scalar}`], BINARY[`${name}${vector}`]])),
  };
}

/** Makes the loop of vectors, if this loop is one of elements; its own statements then run for the last rounds, at least for one. */
export function lanesOf(copying: Copying, loop: Loop, count: Count, range: Range): Lanes | undefined {
  const { emit, scene, plan } = copying;
  const { module } = emit;
  const [first] = plan.proven.keys();
  const type = first === undefined ? undefined : scene.made.accesses.get(first)?.type;
  const shape = SHAPES.find((each) => each.type === type);
  const isPlain = count.direction === 'up' && 'constant' in count.step && count.step.constant === 1;
  const isCompared = nodeOf(loop.condition, scene.made).kind === 'binary';
  const isApart = areApart(copying);
  if (shape === undefined || !isPlain || !isCompared || plan.checked.size > 0 || isApart === undefined)
    return undefined;

  const splats: Ref[] = [];
  const splatLocals = new Map<string, Local>();
  const rounds: Ref[] = [];
  for (let ahead = 0; ahead < UNROLL * shape.lanes; ahead += shape.lanes) {
    const vectors = createVectors(copying, shape, { ahead, splats, splatLocals });
    for (const statement of loop.statements) {
      const made = vectors.statement(statement);
      if (made === undefined) return undefined;
      rounds.push(made);
    }
  }
  const label = `${copying.suffix}|vectors`;
  const width = UNROLL * shape.lanes;
  const counter = () => module.local_get(scene.counter, TYPE.I32);
  const next = emit.binary(BINARY.AddI64, emit.wide(counter()), emit.i64(width));
  rounds.push(module.local_set(scene.counter, emit.add(counter(), emit.i32(width)), false), module.br(label));
  const isMore = emit.binary(BINARY.LeI64, next, emit.get(range.end));
  const vectors = module.loop(label, module.if(isMore, module.block(null, rounds)));
  return { statement: module.if(isApart, module.block(null, [...splats, vectors])), lanes: shape.lanes };
}

interface Place {
  /** So many elements ahead of the counter. */
  readonly ahead: number;
  readonly splats: Ref[];
  readonly splatLocals: Map<string, Local>;
}

/** Writes statements and values of one round of vectors; what no vector can do is undefined. */
function createVectors(copying: Copying, shape: Shape, { ahead, splats, splatLocals }: Place) {
  const { emit, scene, plan } = copying;
  const { module } = emit;
  /** Locals that this round has set, as vectors. */
  const temps = new Map<number, Local>();

  const splat = (ref: Ref): Ref | undefined => {
    const key = keyOf(ref, scene);
    if (key === undefined || getExpressionType(ref) !== shape.type) return undefined;
    let local = splatLocals.get(key);
    if (local === undefined) {
      local = emit.fresh('v128');
      splatLocals.set(key, local);
      const held = copying.prelude.held(ref);
      // A field that is not read yet cannot be read here any more.
      const isPlain = ['const', 'local.get', 'global.get'].includes(nodeOf(ref, scene.made).kind);
      if (held === undefined && !isPlain) return undefined;
      splats.push(emit.set(local, module.unary(shape.splat, held ? emit.get(held) : module.copyExpression(ref))));
    }
    return emit.get(local);
  };

  const place = (ref: Ref) => {
    const proven = plan.proven.get(ref);
    return proven !== undefined && scaleOf(proven.stream.sum) === 1 ? proven : undefined;
  };

  const value = (ref: Ref): Ref | undefined => {
    const access = scene.made.accesses.get(ref);
    if (access !== undefined) {
      const proven = place(ref);
      if (proven === undefined || access.value !== undefined || access.type !== shape.type) return undefined;
      const [pointer, offset] = addressOf(copying, proven, ahead);
      return module.load(VECTOR_BYTES, false, pointer, TYPE.V128, offset, access.bytes);
    }
    const node = nodeOf(ref, scene.made);
    if (node.kind === 'local.get') {
      const temp = temps.get(node.index);
      if (temp !== undefined) return emit.get(temp);
    }
    if (node.kind === 'block') return sequence(node.parts, node.name);
    const op = node.kind === 'unary' || node.kind === 'binary' ? shape[node.kind].get(node.op) : undefined;
    if (op === undefined) return splat(ref);
    const [left, right] = node.parts.map(value);
    if (left === undefined || (node.kind === 'binary' && right === undefined)) return undefined;
    return right === undefined ? module.unary(op, left) : module.binary(op, left, right);
  };

  /** A function that was put in place: parameters are set, then comes its value, or a jump to the end with it. */
  const sequence = (parts: readonly Ref[], name: string | null): Ref | undefined => {
    const sets = parts.slice(0, -1).map(statement);
    const end = parts.at(-1) ?? 0;
    const jump = nodeOf(end, scene.made);
    const isJump = jump.kind === 'break' && jump.name === name && jump.parts[0] !== 0 && jump.parts[1] === 0;
    const last = value(isJump ? (jump.parts[0] ?? 0) : end);
    const all = sets.flatMap((set) => set ?? []);
    return last === undefined || all.length < sets.length ? undefined : module.block(null, [...all, last], TYPE.V128);
  };

  const statement = (ref: Ref): Ref | undefined => {
    const access = scene.made.accesses.get(ref);
    if (access !== undefined) {
      const proven = place(ref);
      const vector = access.value === undefined || access.type !== shape.type ? undefined : value(access.value);
      if (proven === undefined || vector === undefined) return undefined;
      const [pointer, offset] = addressOf(copying, proven, ahead);
      return module.store(VECTOR_BYTES, pointer, vector, TYPE.V128, offset, access.bytes);
    }
    const node = nodeOf(ref, scene.made);
    // Of no effect but on that local, which the last rounds set, too.
    if (plan.noted.has(ref) && node.kind === 'local.set' && getExpressionType(node.parts[0]) === TYPE.I32)
      return module.nop();
    if (node.kind !== 'local.set' || node.tee || getExpressionType(node.parts[0]) !== shape.type) return undefined;
    const vector = value(node.parts[0]);
    if (vector === undefined) return undefined;
    const temp = emit.fresh('v128');
    temps.set(node.index, temp);
    return emit.set(temp, vector);
  };

  return { statement };
}

/**
 * The condition under which vectors do what single elements do: a stream that is written is a vector apart from every other, or the
 * same. Undefined if one stream alone is not: it is read or written again less than a vector further on.
 */
function areApart({ emit, plan, pointers }: Copying): Ref | undefined {
  const offsets = new Map<Stream, number[]>();
  for (const { stream, offset } of plan.proven.values()) {
    offsets.set(stream, [...(offsets.get(stream) ?? []), (offset - stream.low) * stream.base.access.bytes]);
  }
  const areFree = (left: Stream, right: Stream) =>
    (offsets.get(left) ?? []).every((one) =>
      (offsets.get(right) ?? []).every((other) => one === other || Math.abs(one - other) >= VECTOR_BYTES),
    );
  const reach = (stream: Stream) => Math.max(...(offsets.get(stream) ?? [])) + VECTOR_BYTES;

  let condition = emit.i32(1);
  for (const written of plan.streams.filter(({ isWritten }) => isWritten)) {
    if (!areFree(written, written)) return undefined;
    for (const other of plan.streams) {
      const [one, two] = [pointers.get(written)?.start, pointers.get(other)?.start];
      if (other === written || one === undefined || two === undefined) continue;
      const distance = () => emit.binary(BINARY.SubI32, emit.get(one), emit.get(two));
      // From `other`'s reach above it to `written`'s own reach below it, around the whole of 32 bits.
      const past = emit.binary(BINARY.SubI32, distance(), emit.i32(reach(other)));
      const apart = emit.binary(BINARY.LeU32, past, emit.i32((2 ** 32 - reach(written) - reach(other)) | 0));
      const same = areFree(written, other) ? emit.not(distance()) : emit.i32(0);
      condition = emit.binary(BINARY.AndI32, condition, emit.binary(BINARY.OrI32, apart, same));
    }
  }
  return condition;
}
