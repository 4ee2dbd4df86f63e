// What an expression is in terms of a loop: the same in every round, or a sum of the counter, such values and a constant.
import type { Effects } from './effects.ts';
import type { Field, Made } from './made.ts';
import { bare, integerOf, type Node, nodeOf } from './node.ts';
import { BINARY, type Ref } from './tables.ts';

/** A loop as far as the values in it depend on it. */
export interface Scene {
  readonly made: Made;
  readonly effects: Effects;
  /** Index of the local that counts. */
  readonly counter: number;
  /** Locals that hold a sum, set once in a round before the place that is looked at. */
  readonly sums: Map<number, Sum>;
  /** Likewise those that hold a value which stays the same. */
  readonly kept: Set<number>;
  /** Locals that are set once in the loop, to a value that stays the same -> that value. */
  readonly values: Map<number, Ref>;
}

/** The product of a constant and of values that do not change in the loop, as i32. */
export interface Term {
  readonly times: number;
  readonly factors: readonly Ref[];
  /** Equal keys are equal values. */
  readonly keys: readonly string[];
}

/** `counter * (terms) + (terms) + offset`, modulo 2^32. */
export interface Sum {
  readonly counter: readonly Term[];
  readonly rest: readonly Term[];
  readonly offset: number;
}

/** Operators that always have a value: they may be computed where the program would not have. */
const TOTAL: ReadonlySet<number> = new Set([
  BINARY.AddI32,
  BINARY.SubI32,
  BINARY.MulI32,
  BINARY.AndI32,
  BINARY.OrI32,
  BINARY.XorI32,
  BINARY.ShlI32,
  BINARY.ShrI32,
  BINARY.ShrU32,
]);
const LENGTH = /^~lib\/(staticarray|array|typedarray)\/\w+Array(?:<[^#]*>)?#get:length$/;
/** Where the arrays of the library keep what describes them; a StaticArray's length is before the object itself. */
const DESCRIPTION: Field = { offset: 0, bytes: 16, isSigned: false, isLibrary: true };

/** A key that two expressions share only if they have one and the same value all through the loop; undefined if it may change. */
export function keyOf(ref: Ref, scene: Scene): string | undefined {
  const { made, effects, counter } = scene;
  const node = nodeOf(bare(ref, made), made);
  if (node.kind === 'const') return node.text;
  if (node.kind === 'local.get') {
    const value = scene.kept.has(node.index) ? scene.values.get(node.index) : undefined;
    if (value !== undefined) return keyOf(value, scene);
    return node.index === counter || effects.locals.has(node.index) ? undefined : `local:${node.index}`;
  }
  if (node.kind === 'global.get') return effects.globals.has(node.name) ? undefined : `global:${node.name}`;
  const isKept = (node.kind === 'binary' && TOTAL.has(node.op)) || isKeptRead(node, scene);
  if (!isKept) return undefined;
  const keys = node.parts.map((part) => keyOf(part, scene));
  if (keys.includes(undefined)) return undefined;
  return `${node.kind === 'binary' ? node.op : node.kind === 'call' ? node.target : ''}(${keys.join(',')})`;
}

/** Whether a node reads a field, or the length of an array, that the loop does not write. */
export function isKeptRead(node: Node, { made, effects }: Scene): boolean {
  if (node.kind !== 'call') return false;
  if (LENGTH.test(node.target)) return describesStay(effects);
  const field = made.getters.get(node.target);
  return field !== undefined && !effects.fields.some((written) => overlap(written, field));
}

/** Whether arrays keep their length and place. Only code that takes the library's classes apart could change them with a field. */
export function describesStay(effects: Effects): boolean {
  return !effects.fields.some((written) => written.isLibrary && overlap(written, DESCRIPTION));
}

function overlap(left: Field, right: Field): boolean {
  return left.offset < right.offset + right.bytes && right.offset < left.offset + left.bytes;
}

/** An i32 expression as a sum; undefined if it is none, or has effects. */
export function sumOf(ref: Ref, scene: Scene): Sum | undefined {
  const constant = integerOf(ref);
  if (constant !== undefined) return { counter: [], rest: [], offset: constant };
  const node = nodeOf(ref, scene.made);
  if (node.kind === 'local.get') {
    if (node.index === scene.counter) return { counter: [{ times: 1, factors: [], keys: [] }], rest: [], offset: 0 };
    const sum = scene.sums.get(node.index);
    if (sum !== undefined) return sum;
  }
  const composed = node.kind === 'binary' ? combine(node.op, node.parts, scene) : undefined;
  if (composed !== undefined) return composed;
  const key = keyOf(ref, scene);
  return key === undefined ? undefined : { counter: [], rest: [{ times: 1, factors: [ref], keys: [key] }], offset: 0 };
}

function combine(op: number, parts: readonly [Ref, Ref], scene: Scene): Sum | undefined {
  const isKnown = op === BINARY.AddI32 || op === BINARY.SubI32 || op === BINARY.MulI32 || op === BINARY.ShlI32;
  if (!isKnown) return undefined;
  const left = sumOf(parts[0], scene);
  const right = sumOf(parts[1], scene);
  if (left === undefined || right === undefined) return undefined;
  if (op === BINARY.AddI32) return plus(left, right);
  if (op === BINARY.SubI32) return plus(left, times(right, { times: -1, factors: [], keys: [] }));
  if (op === BINARY.ShlI32) {
    const shift = constantOf(right);
    return shift === undefined ? undefined : times(left, { times: 1 << shift, factors: [], keys: [] });
  }
  const factor = termOf(right);
  if (factor !== undefined) return times(left, factor);
  const other = termOf(left);
  return other && times(right, other);
}

function plus(left: Sum, right: Sum): Sum {
  return {
    counter: [...left.counter, ...right.counter],
    rest: [...left.rest, ...right.rest],
    offset: (left.offset + right.offset) | 0,
  };
}

function times({ counter, rest, offset }: Sum, by: Term): Sum {
  const multiply = (term: Term): Term => ({
    times: Math.imul(term.times, by.times),
    factors: [...term.factors, ...by.factors],
    keys: [...term.keys, ...by.keys],
  });
  const isNumber = by.factors.length === 0;
  return {
    counter: counter.map(multiply),
    rest: [
      ...rest.map(multiply),
      ...(isNumber || offset === 0 ? [] : [multiply({ times: offset, factors: [], keys: [] })]),
    ],
    offset: isNumber ? Math.imul(offset, by.times) : 0,
  };
}

/** A sum without the counter as one term, if it is one. */
function termOf(sum: Sum): Term | undefined {
  const constant = constantOf(sum);
  if (constant !== undefined) return { times: constant, factors: [], keys: [] };
  return sum.counter.length === 0 && sum.rest.length === 1 && sum.offset === 0 ? sum.rest[0] : undefined;
}

function constantOf({ counter, rest, offset }: Sum): number | undefined {
  return counter.length === 0 && rest.length === 0 ? offset : undefined;
}

/** A key for terms: equal keys are equal values, in whatever order they were written. */
export function keyOfTerms(terms: readonly Term[]): string {
  return terms
    .map(({ times: number, keys }) => `${number}*${[...keys].sort().join('*')}`)
    .sort()
    .join('+');
}

/** The constant that multiplies the counter; undefined if it is known only when the program runs. */
export function scaleOf({ counter }: Sum): number | undefined {
  return counter.every(({ factors }) => factors.length === 0)
    ? counter.reduce((sum, { times: number }) => (sum + number) | 0, 0)
    : undefined;
}
