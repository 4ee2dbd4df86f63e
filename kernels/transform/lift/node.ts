// Reads the compiler's tree of expressions: one compiled expression as a tagged value with its parts in the order of evaluation.
import {
  getBinaryLeft,
  getBinaryOp,
  getBinaryRight,
  getBlockChildAt,
  getBlockChildCount,
  getBlockName,
  getBreakCondition,
  getBreakName,
  getCallOperandAt,
  getCallOperandCount,
  getCallTarget,
  getConstValueF32,
  getConstValueF64,
  getConstValueI32,
  getConstValueI64High,
  getConstValueI64Low,
  getDropValue,
  getExpressionId,
  getExpressionType,
  getGlobalGetName,
  getIfCondition,
  getIfFalse,
  getIfTrue,
  getLoadBytes,
  getLoadOffset,
  getLoadPtr,
  getLocalGetIndex,
  getLocalSetIndex,
  getLocalSetValue,
  getLoopBody,
  getLoopName,
  getReturnValue,
  getSelectCondition,
  getSelectElse,
  getSelectThen,
  getStoreBytes,
  getStoreOffset,
  getStorePtr,
  getStoreValue,
  getUnaryOp,
  getUnaryValue,
  isLoadSigned,
  isLocalTee,
} from 'assemblyscript';
import type { Made } from './made.ts';
import { KIND, type Ref, TYPE } from './tables.ts';

/** One expression; `parts` are those below it in the order of evaluation, 0 for one that is left out. */
export type Node =
  | { readonly kind: 'block' | 'loop'; readonly name: string | null; readonly parts: readonly Ref[] }
  | { readonly kind: 'if' | 'select'; readonly parts: readonly [Ref, Ref, Ref] }
  | { readonly kind: 'break'; readonly name: string; readonly parts: readonly [value: Ref, condition: Ref] }
  | { readonly kind: 'call'; readonly target: string; readonly parts: readonly Ref[] }
  | { readonly kind: 'local.get'; readonly index: number; readonly parts: readonly [] }
  | { readonly kind: 'local.set'; readonly index: number; readonly tee: boolean; readonly parts: readonly [Ref] }
  | { readonly kind: 'global.get'; readonly name: string; readonly parts: readonly [] }
  | { readonly kind: 'global.set'; readonly name: string; readonly parts: readonly [Ref] }
  | {
      readonly kind: 'load';
      readonly bytes: number;
      readonly offset: number;
      readonly signed: boolean;
      readonly parts: readonly [Ref];
    }
  | { readonly kind: 'store'; readonly bytes: number; readonly offset: number; readonly parts: readonly [Ref, Ref] }
  | { readonly kind: 'const'; readonly text: string; readonly parts: readonly [] }
  | { readonly kind: 'unary'; readonly op: number; readonly parts: readonly [Ref] }
  | { readonly kind: 'binary'; readonly op: number; readonly parts: readonly [Ref, Ref] }
  | { readonly kind: 'drop' | 'return'; readonly parts: readonly [Ref] }
  | { readonly kind: 'memory.size' | 'nop' | 'unreachable'; readonly parts: readonly [] }
  | { readonly kind: 'other'; readonly parts: readonly [] };

const OTHER: Node = { kind: 'other', parts: [] };

const READERS: Readonly<Record<number, (ref: Ref, made: Made) => Node>> = {
  [KIND.Block]: (ref) => ({ kind: 'block', name: getBlockName(ref), parts: childrenOf(ref) }),
  [KIND.Loop]: (ref) => ({ kind: 'loop', name: getLoopName(ref), parts: [getLoopBody(ref)] }),
  [KIND.If]: (ref) => ({ kind: 'if', parts: [getIfCondition(ref), getIfTrue(ref), getIfFalse(ref)] }),
  [KIND.Select]: (ref) => ({
    kind: 'select',
    parts: [getSelectThen(ref), getSelectElse(ref), getSelectCondition(ref)],
  }),
  [KIND.Break]: (ref, made) => {
    const value = made.breakValues.get(ref);
    const parts = [value ?? 0, getBreakCondition(ref)] as const;
    return value === undefined ? OTHER : { kind: 'break', name: getBreakName(ref) ?? '', parts };
  },
  [KIND.Call]: (ref) => ({ kind: 'call', target: getCallTarget(ref) ?? '', parts: operandsOf(ref) }),
  [KIND.LocalGet]: (ref) => ({ kind: 'local.get', index: getLocalGetIndex(ref), parts: [] }),
  [KIND.LocalSet]: (ref) => ({
    kind: 'local.set',
    index: getLocalSetIndex(ref),
    tee: isLocalTee(ref),
    parts: [getLocalSetValue(ref)],
  }),
  [KIND.GlobalGet]: (ref) => ({ kind: 'global.get', name: getGlobalGetName(ref) ?? '', parts: [] }),
  [KIND.GlobalSet]: (ref, made) => {
    const set = made.globalSets.get(ref);
    return set === undefined ? OTHER : { kind: 'global.set', name: set.name, parts: [set.value] };
  },
  [KIND.Load]: (ref) => ({
    kind: 'load',
    bytes: getLoadBytes(ref),
    offset: getLoadOffset(ref),
    signed: isLoadSigned(ref),
    parts: [getLoadPtr(ref)],
  }),
  [KIND.Store]: (ref) => ({
    kind: 'store',
    bytes: getStoreBytes(ref),
    offset: getStoreOffset(ref),
    parts: [getStorePtr(ref), getStoreValue(ref)],
  }),
  [KIND.Const]: (ref) => ({ kind: 'const', text: constantOf(ref), parts: [] }),
  [KIND.Unary]: (ref) => ({ kind: 'unary', op: getUnaryOp(ref), parts: [getUnaryValue(ref)] }),
  [KIND.Binary]: (ref) => ({ kind: 'binary', op: getBinaryOp(ref), parts: [getBinaryLeft(ref), getBinaryRight(ref)] }),
  [KIND.Drop]: (ref) => ({ kind: 'drop', parts: [getDropValue(ref)] }),
  [KIND.Return]: (ref) => ({ kind: 'return', parts: [getReturnValue(ref)] }),
  [KIND.MemorySize]: () => ({ kind: 'memory.size', parts: [] }),
  [KIND.Nop]: () => ({ kind: 'nop', parts: [] }),
  [KIND.Unreachable]: () => ({ kind: 'unreachable', parts: [] }),
};

/** Reads one expression. What is not in the list above is `other`: nothing is known of it. */
export function nodeOf(ref: Ref, made: Made): Node {
  return READERS[getExpressionId(ref)]?.(ref, made) ?? OTHER;
}

/** Passes a value on; makes it known to the garbage collector. */
export const TO_STACK = '~lib/rt/__tostack';

/** An expression without the note for the garbage collector around it. */
export function bare(ref: Ref, made: Made): Ref {
  const node = nodeOf(ref, made);
  return node.kind === 'call' && node.target === TO_STACK ? bare(node.parts[0] ?? 0, made) : ref;
}

/** The value of an i32 constant, undefined for anything else. */
export function integerOf(ref: Ref): number | undefined {
  const isInteger = getExpressionId(ref) === KIND.Const && getExpressionType(ref) === TYPE.I32;
  return isInteger ? getConstValueI32(ref) : undefined;
}

function childrenOf(block: Ref): Ref[] {
  return Array.from({ length: getBlockChildCount(block) }, (_, index) => getBlockChildAt(block, index));
}

function operandsOf(call: Ref): Ref[] {
  return Array.from({ length: getCallOperandCount(call) }, (_, index) => getCallOperandAt(call, index));
}

/** Type and value of a constant, to compare by. */
function constantOf(ref: Ref): string {
  const type: number = getExpressionType(ref);
  if (type === TYPE.I32) return `i32:${getConstValueI32(ref)}`;
  if (type === TYPE.I64) return `i64:${getConstValueI64High(ref)}:${getConstValueI64Low(ref)}`;
  const value = type === TYPE.F32 ? getConstValueF32(ref) : type === TYPE.F64 ? getConstValueF64(ref) : Number.NaN;
  // Of a NaN the bits are not seen here: none is taken for another.
  return Number.isNaN(value) ? `other:${ref}` : `${type}:${Object.is(value, -0) ? '-0' : value}`;
}
