// Recognises a counted loop in what the compiler made of a `for`.
import type { Effects } from './effects.ts';
import type { Made } from './made.ts';
import { integerOf, nodeOf } from './node.ts';
import type { Reason } from './report.ts';
import { BINARY, type Ref } from './tables.ts';

/** The parts of a compiled `for`. */
export interface Loop {
  /** What runs before it: its initialiser. */
  readonly before: readonly Ref[];
  /** The loop, in the block that `break` leaves. */
  readonly whole: Ref;
  readonly after: readonly Ref[];
  readonly condition: Ref;
  /** What one round does, in order, without the counting. */
  readonly statements: readonly Ref[];
  /** What counts, and the jump back. */
  readonly tail: readonly Ref[];
}

/** How a loop counts: `for (; counter < bound; counter += step)`, or down. */
export interface Count {
  readonly counter: number;
  readonly direction: 'up' | 'down';
  /** Always added or subtracted as a positive number. */
  readonly step: { readonly constant: number } | { readonly invariant: Ref };
  readonly bound: Ref;
  /** Whether the bound itself is still counted. */
  readonly isInclusive: boolean;
  readonly isUnsigned: boolean;
}

/** The parts of a compiled `for`; undefined if it never comes round. */
export function loopOf(compiled: Ref, made: Made): Loop | undefined {
  const outer = nodeOf(compiled, made);
  const parts = outer.kind === 'block' && outer.name === null ? outer.parts : [compiled];
  const at = parts.findLastIndex((part) => bodyOf(part, made) !== undefined);
  const whole = parts[at];
  const body = whole === undefined ? undefined : bodyOf(whole, made);
  if (whole === undefined || body === undefined) return undefined;
  const round = nodeOf(body, made);
  if (round.kind !== 'if') return undefined;
  const [condition, then] = round.parts;
  const list = nodeOf(then, made);
  const all = list.kind === 'block' && list.name === null ? list.parts : [then];
  const counting = Math.max(0, all.length - 2);
  return {
    before: parts.slice(0, at),
    whole,
    after: parts.slice(at + 1),
    condition,
    statements: all.slice(0, counting).flatMap((statement) => flat(statement, made)),
    tail: all.slice(counting),
  };
}

/** The body of the compiler's own loop for a `for`, with or without the block that `break` leaves. */
function bodyOf(ref: Ref, made: Made): Ref | undefined {
  const node = nodeOf(ref, made);
  if (node.kind === 'loop' && node.name?.startsWith('for-loop|')) return node.parts[0];
  const [inner, more] = node.parts;
  const isBreakable = node.kind === 'block' && node.name?.startsWith('for-break') && more === undefined;
  return isBreakable && inner !== undefined ? bodyOf(inner, made) : undefined;
}

/** Statements one after the other: blocks without a name have no other meaning, and `continue` leaves the round. */
function flat(ref: Ref, made: Made): Ref[] {
  const node = nodeOf(ref, made);
  const isList = node.kind === 'block' && (node.name === null || node.name.startsWith('for-continue|'));
  return isList && !made.accesses.has(ref) ? node.parts.flatMap((part) => flat(part, made)) : [ref];
}

/** How a loop counts, or why it does not. */
export function countOf(loop: Loop, effects: Effects, made: Made): Count | Reason {
  const [counting, jump] = loop.tail;
  const set = counting === undefined ? undefined : nodeOf(counting, made);
  if (jump === undefined || set?.kind !== 'local.set' || nodeOf(jump, made).kind !== 'break')
    return { code: 'counter' };
  const counter = set.index;
  const step = stepOf(set.parts[0], counter, made);
  if (step === undefined || effects.locals.get(counter)?.length !== 1) return { code: 'counter' };
  const comparison = comparisonOf(loop.condition, counter, made);
  if (comparison === undefined || !comparison.directions.includes(step.direction)) return { code: 'counter' };
  return { counter, ...step, ...comparison };
}

function stepOf(value: Ref, counter: number, made: Made): Pick<Count, 'step' | 'direction'> | undefined {
  const node = nodeOf(value, made);
  if (node.kind !== 'binary' || (node.op !== BINARY.AddI32 && node.op !== BINARY.SubI32)) return undefined;
  const isCounter = (ref: Ref) => {
    const part = nodeOf(ref, made);
    return part.kind === 'local.get' && part.index === counter;
  };
  const [left, right] = node.parts;
  const other = isCounter(left) ? right : node.op === BINARY.AddI32 && isCounter(right) ? left : undefined;
  if (other === undefined) return undefined;
  const number = integerOf(other);
  const sign = node.op === BINARY.AddI32 ? 1 : -1;
  if (number === undefined) return { step: { invariant: other }, direction: sign > 0 ? 'up' : 'down' };
  const isSmall = number !== 0 && Math.abs(number) < 1 << 30;
  return isSmall ? { step: { constant: Math.abs(number) }, direction: number * sign > 0 ? 'up' : 'down' } : undefined;
}

type Comparison = Pick<Count, 'bound' | 'isInclusive' | 'isUnsigned'> & {
  readonly directions: readonly Count['direction'][];
};

const UP = ['up'] as const;
const DOWN = ['down'] as const;
/** Operator with the counter on its left -> what it says, and the operator that says it with the counter on its right. */
const COMPARISONS: ReadonlyMap<number, readonly [readonly Count['direction'][], boolean, boolean, number]> = new Map([
  [BINARY.LtI32, [UP, false, false, BINARY.GtI32]],
  [BINARY.LeI32, [UP, true, false, BINARY.GeI32]],
  [BINARY.GtI32, [DOWN, false, false, BINARY.LtI32]],
  [BINARY.GeI32, [DOWN, true, false, BINARY.LeI32]],
  [BINARY.LtU32, [UP, false, true, BINARY.GtU32]],
  [BINARY.LeU32, [UP, true, true, BINARY.GeU32]],
  [BINARY.GtU32, [DOWN, false, true, BINARY.LtU32]],
  [BINARY.GeU32, [DOWN, true, true, BINARY.LeU32]],
] as const);

/** What the condition asks first; what it asks after `&&` only ends the loop sooner. */
function comparisonOf(condition: Ref, counter: number, made: Made): Comparison | undefined {
  const node = nodeOf(condition, made);
  if (node.kind === 'if' && integerOf(node.parts[2]) === 0) return comparisonOf(node.parts[0], counter, made);
  if (node.kind !== 'binary') return undefined;
  const [left, right] = node.parts.map((part) => nodeOf(part, made));
  const isLeft = left?.kind === 'local.get' && left.index === counter;
  if (!isLeft && (right?.kind !== 'local.get' || right.index !== counter)) return undefined;
  const op = isLeft ? node.op : COMPARISONS.get(node.op)?.[3];
  const said = op === undefined ? undefined : COMPARISONS.get(op);
  if (said === undefined) return undefined;
  const [directions, isInclusive, isUnsigned] = said;
  return { directions, isInclusive, isUnsigned, bound: node.parts[isLeft ? 1 : 0] };
}
