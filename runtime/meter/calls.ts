// Who calls whom, and what follows from it: which functions may end up in a host call, and which may be alive more than once.
import type { Module } from '../wasm/module.ts';
import { type Outline, ROW } from '../wasm/outline.ts';
import { Reader } from '../wasm/reader.ts';
import { constantExpression } from '../wasm/values.ts';
import { BOUNDS, STACK_WEIGHT_MAX } from './bounds.ts';
import { countedLoop } from './counted.ts';
import { type FrameSpan, frameSpan, frameWeight } from './frames.ts';
import { Edges, ENDS, REPEATS, Walk } from './graph.ts';
import { LOOK, PIECE } from './ranges.ts';

/** By function index, imported ones first; by type where it says so. */
export interface Calls {
  /** A host call may happen before it returns. */
  readonly reaches: Uint8Array;
  /** The same of an indirect call, by index of its type. */
  readonly typeReaches: Uint8Array;
  /** Its frames are counted: it may be alive more than once, or many different ones may be alive at once. */
  readonly counted: Uint8Array;
  /** It can be entered from elsewhere than from direct calls. */
  readonly open: Uint8Array;
  /** It runs a few times a task, however long that is: nothing calls it from a loop, a table or a cycle, nor does any of its callers. */
  readonly seldom: Uint8Array;
  /** Functions that end the guest wherever nothing follows their call, and from how many places. */
  readonly endings: ReadonlyMap<number, number>;
  /** Rows of the opcode table that work on ranges of memory and are used, and LOOK where there are loops. */
  readonly ranges: ReadonlySet<number>;
  /** Where each frame counts, by index of the body. */
  readonly frames: readonly FrameSpan[];
  /** Of a function whose frame is counted, and that can return before it is: what can run then without a look; else -1. */
  readonly early: Int32Array;
  /** Of a function that calls none but such: the most that can run in it on a way without a look, which is little; else -1. */
  readonly quiet: Int32Array;
  /** Defined functions, callees before callers wherever there is no cycle. */
  readonly order: Int32Array;
}

/** Reads all bodies once. */
export function readCalls(module: Module, outline: Outline): Calls {
  const { functions, functionsImported, types } = module;
  const sameType = canonical(module);
  const edges = new Edges(functions.length + types.length);
  const weights = new Int32Array(functions.length).fill(BOUNDS.outsideFuel, 0, functionsImported);
  const ranges = new Set<number>();
  const endings = new Map<number, number>();
  const frames: FrameSpan[] = [];
  for (const [index, body] of module.bodies.entries()) {
    edges.begin(functionsImported + index);
    weights[functionsImported + index] = readBody(outline.read(body), {
      edges,
      endings,
      ranges,
      sameType,
      typeNodes: functions.length,
    });
    frames.push(frameSpan(outline, functionsImported));
  }
  const inTable = tableFunctions(module);
  for (const [type, first] of sameType.entries()) {
    edges.begin(functions.length + type);
    if (type !== first) continue;
    for (const index of inTable) if (sameType[functions[index] as number] === type) edges.add(index);
  }
  edges.close();
  const open = new Uint8Array(functions.length);
  for (const { kind, index } of module.exports) if (kind === 'function') open[index] = 1;
  for (const index of inTable) open[index] = 1;
  const { reaches, cyclic, order } = new Walk(edges, functions.length + types.length, functionsImported).run();
  const recursive = cyclic.subarray(0, functions.length);
  const isDeep = deepest(module, edges, order, recursive) > STACK_WEIGHT_MAX / 4;
  const counted = isDeep ? new Uint8Array(functions.length).fill(1) : recursive;
  const early = Int32Array.from(counted, (is, index) =>
    is === 1 ? (frames[index - functionsImported]?.early ?? -1) : -1,
  );
  return {
    reaches: reaches.subarray(0, functions.length),
    typeReaches: Uint8Array.from(sameType, (first) => reaches[functions.length + first] as number),
    ...{ counted, open, endings, ranges, frames, early },
    seldom: seldomOnes(edges.without(ENDS), functions.length),
    quiet: quietOnes(weights, { edges, order, open, counted }),
    order: order.filter((node) => node >= functionsImported && node < functions.length),
  };
}

/** Whether a function looks at the counter whenever it is called. */
export function surelyLooks({ quiet, early, counted }: Calls, index: number): boolean {
  return early[index] === -1 && (quiet[index] === -1 || counted[index] === 1);
}

interface Known {
  readonly edges: Edges;
  readonly order: Int32Array;
  readonly open: Uint8Array;
  readonly counted: Uint8Array;
}

/** Callees come before their callers in the order, but for cycles: those are gone through again. */
function quietOnes(weights: Int32Array, { edges, order, open, counted }: Known): Int32Array {
  const quiet = new Int32Array(weights.length).fill(-1);
  for (let pass = 0; pass < PASSES; pass++) {
    for (const node of order) {
      if (node >= weights.length || quiet[node] !== -1) continue;
      const sum = quietSum(node, edges, { quiet, counted }, weights);
      if (sum <= (open[node] === 1 ? BOUNDS.openFuel : BOUNDS.quietFuel)) quiet[node] = sum;
    }
  }
  return quiet;
}

const PASSES = 3;

function quietSum(
  node: number,
  { first, to, how }: Edges,
  { quiet, counted }: Pick<Calls, 'quiet' | 'counted'>,
  weights: Int32Array,
): number {
  let sum = weights[node] as number;
  for (let at = first[node] as number; at < (first[node + 1] as number); at++) {
    const callee = to[at] as number;
    const below = callee < weights.length ? (quiet[callee] as number) : -1;
    if (below >= 0) sum += below;
    // Nobody comes back from it, and it looks for itself.
    else if (((how[at] as number) & ENDS) === 0 || counted[callee] !== 1) return Number.POSITIVE_INFINITY;
  }
  return sum;
}

/** Callers are gone through before what they call, but for cycles, which are no such functions. Calls that end the guest happen once. */
function seldomOnes(edges: Edges, functions: number): Uint8Array {
  const { first, to, how } = edges;
  const { cyclic: often, order } = new Walk(edges, first.length - 1, 0).run();
  often.fill(1, functions);
  for (const node of order.toReversed()) {
    for (let at = first[node] as number; at < (first[node + 1] as number); at++) {
      if (often[node] === 1 || ((how[at] as number) & REPEATS) !== 0) often[to[at] as number] = 1;
    }
  }
  return often.subarray(0, functions).map((is) => 1 - is);
}

/** For every type the first one with the same parameters and results: an indirect call cannot tell them apart. */
function canonical({ types }: Module): Int32Array {
  const first = new Map<string, number>();
  return Int32Array.from(types, ({ params, results }, index) => {
    const key = `${params}>${results}`;
    const known = first.get(key) ?? index;
    first.set(key, known);
    return known;
  });
}

interface Found {
  readonly edges: Edges;
  readonly endings: Map<number, number>;
  readonly ranges: Set<number>;
  readonly sameType: Int32Array;
  /** The number of the first type's node. */
  readonly typeNodes: number;
}

/** Adds what the body calls. Gives what it weighs at most on a way without a look: loops look, or are paid in chunks. */
function readBody(outline: Outline, { edges, endings, ranges, sameType, typeNodes }: Found): number {
  let { weight } = outline;
  let looped = -1;
  for (let index = 0; index < outline.count; index++) {
    const row = outline.row[index] as number;
    const value = outline.value[index] as number;
    if (row === ROW.call) {
      const ends = outline.ends(index);
      edges.add(value, (ends ? ENDS : 0) | (index < looped ? REPEATS : 0));
      if (ends) endings.set(value, (endings.get(value) ?? 0) + 1);
    }
    if (row === ROW.callIndirect) edges.add(typeNodes + (sameType[value] as number));
    else if (row === ROW.loop) {
      ranges.add(LOOK);
      looped = Math.max(looped, outline.partner[index] as number);
      if (mayCount(outline, index)) weight += BOUNDS.chunkFuel;
    } else if (row >= ROW.memoryGrow) {
      ranges.add(row);
      if (row === ROW.memoryCopy || row === ROW.memoryFill) ranges.add(PIECE);
      weight += BOUNDS.outsideFuel;
    }
  }
  return weight;
}

/** Whether a loop could be one that is paid in chunks. */
function mayCount(outline: Outline, loop: number): boolean {
  const last = (outline.partner[loop] as number) - 1;
  return countedLoop(outline, loop, outline.row[last] === ROW.brIf ? last : last - 1) !== undefined;
}

/** Every function that a segment names, each once. */
function tableFunctions({ bytes, elements }: Module): Set<number> {
  const found = new Set<number>();
  const seen = new Uint32Array(64);
  for (const { items, count, expressions } of elements) {
    const reader = new Reader(bytes, items);
    for (let left = count; left > 0; left--) {
      if (!expressions) found.add(reader.u32());
      else {
        const { opcode, value } = constantExpression(reader, seen, 'items');
        if (opcode === REF_FUNC) found.add(value);
      }
    }
  }
  return found;
}

const REF_FUNC = 0xd2;

/** The weight of all frames on the longest way through functions whose frames are not counted. */
function deepest(module: Module, edges: Edges, order: Int32Array, counted: Uint8Array): number {
  const depth = new Float64Array(module.functions.length + module.types.length);
  let most = 0;
  for (const node of order) {
    let below = 0;
    for (let at = edges.first[node] as number; at < (edges.first[node + 1] as number); at++) {
      below = Math.max(below, depth[edges.to[at] as number] as number);
    }
    const body = module.bodies[node - module.functionsImported];
    const own = node < module.functions.length && body !== undefined && counted[node] === 0;
    depth[node] = below + (own ? frameWeight(module, body) : 0);
    most = Math.max(most, depth[node] as number);
  }
  return most;
}
