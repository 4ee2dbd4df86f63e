// Vectors: a lifted loop that does the same to every element runs two f64 or four f32 at a time. Each lane does what the scalar did, in
// its order, so the bits are the same: sums over elements, which would have to be reordered, stay scalar. Of a NaN that comes out, the
// machine chooses the bits in either; jobs have one form of it unless they say otherwise.
import { getExpressionType, type Local } from 'assemblyscript';
import { keyOf } from './affine.ts';
import { areApart, isDense, VECTOR_BYTES } from './apart.ts';
import { addressOf, type Copying } from './copy.ts';
import type { Count, Loop } from './counted.ts';
import type { Access } from './made.ts';
import { nodeOf } from './node.ts';
import type { Place } from './plan.ts';
import type { Range } from './proof.ts';
import { BINARY, LOAD, LOAD_LANE, type Ref, TYPE, UNARY } from './tables.ts';

/** A loop of vectors, to be put before the scalar one, which does the last rounds. */
export interface Lanes {
  readonly statement: Ref;
  readonly lanes: number;
}

/** A loop of so many accesses is small: four of its vectors make one round, else two. */
const SMALL = 6;

interface Shape {
  readonly lanes: number;
  readonly type: number;
  readonly splat: number;
  readonly loadFirst: number;
  readonly loadLane: number;
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
    loadFirst: scalar === 'F64' ? LOAD.Load64Zero : LOAD.Load32Zero,
    loadLane: scalar === 'F64' ? LOAD_LANE.Load64Lane : LOAD_LANE.Load32Lane,
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
  /** A loop of rounds of so many vectors. */
  const vectorLoop = (vectors: number): Ref | undefined => {
    const width = vectors * shape.lanes;
    const rounds: Ref[] = [];
    for (let ahead = 0; ahead < width; ahead += shape.lanes) {
      const { statement } = createVectors(copying, shape, { ahead, splats, splatLocals });
      for (const each of loop.statements) {
        const made = statement(each);
        if (made === undefined) return undefined;
        rounds.push(made);
      }
    }
    const label = `${copying.suffix}|${vectors} vectors`;
    const counter = () => module.local_get(scene.counter, TYPE.I32);
    const latest = () => emit.binary(BINARY.SubI64, emit.get(range.end), emit.i64(width));
    // Where one round is left, the latest begin of one is of 32 bits.
    const isFirst = emit.binary(BINARY.LeI64, emit.wide(counter()), latest());
    const limit = emit.fresh('i32');
    const isMore = emit.binary(BINARY.LeI32, counter(), emit.get(limit));
    rounds.push(module.local_set(scene.counter, emit.add(counter(), emit.i32(width)), false), module.br(label, isMore));
    const begin = emit.set(limit, module.unary(UNARY.WrapI64ToI32, latest()));
    return module.if(isFirst, module.block(null, [begin, module.loop(label, module.block(null, rounds))]));
  };
  const many = vectorLoop(plan.proven.size <= SMALL ? 4 : 2);
  const single = vectorLoop(1);
  if (many === undefined || single === undefined) return undefined;
  return { statement: module.if(isApart, module.block(null, [...splats, many, single])), lanes: shape.lanes };
}

interface Round {
  /** So many elements ahead of the counter. */
  readonly ahead: number;
  readonly splats: Ref[];
  readonly splatLocals: Map<string, Local>;
}

/** Writes statements and values of one round of vectors; what no vector can do is undefined. */
function createVectors(copying: Copying, shape: Shape, { ahead, splats, splatLocals }: Round) {
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

  /** Elements that lie side by side as one vector, others one by one. */
  const load = (access: Access, proven: Place): Ref => {
    const at = (lane: number) => addressOf(copying, proven, ahead + lane);
    const [pointer, offset] = at(0);
    if (isDense(proven.stream)) return module.load(VECTOR_BYTES, false, pointer, TYPE.V128, offset, access.bytes);
    let vector = module.simd_load(shape.loadFirst, pointer, offset, access.bytes);
    for (let lane = 1; lane < shape.lanes; lane++) {
      const [next, further] = at(lane);
      vector = module.simd_loadstorelane(shape.loadLane, next, further, access.bytes, lane, vector);
    }
    return vector;
  };

  const value = (ref: Ref): Ref | undefined => {
    const access = scene.made.accesses.get(ref);
    if (access !== undefined) {
      const proven = plan.proven.get(ref);
      const isLoaded = proven !== undefined && access.value === undefined && access.type === shape.type;
      return isLoaded ? load(access, proven) : undefined;
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
      const proven = plan.proven.get(ref);
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
