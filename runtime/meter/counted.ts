// Counted loops: a local goes by a fixed step to a limit that stands still, so the trips are known before the first one.
//
//   tested at the top, as AssemblyScript has it    loop  i < n  if  ...  i += s  br 1  end  end
//   tested at the bottom, as LLVM has it           loop  ...  i += s  ...  i < n  br_if 0  end
//
// The step may stand anywhere on the top level of the body, and be part of the test (`local.tee`). Nothing else writes i, n or s,
// and there is no other way out; that is the caller's to know.
import { type Outline, ROW, rowAt, stepOver, u32At } from '../wasm/outline.ts';
import { Reader } from '../wasm/reader.ts';

/** A constant, or a local that is not written in the loop. */
export type Operand = { readonly constant: number } | { readonly local: number };

export interface Counted {
  readonly form: 'top' | 'bottom';
  /** Indexes into the outline: the loop, and its branch back. */
  readonly loop: number;
  readonly back: number;
  readonly counter: number;
  readonly limit: Operand;
  readonly step: Operand;
  /** The loop goes on while `counter <relation> limit`. */
  readonly relation: Relation;
  /** Where the limit and the comparison stand in the test at the bottom; absent where the test is "not zero". */
  readonly test?: {
    readonly limitAt: number;
    readonly limitEnd: number;
    readonly compareAt: number;
    readonly swapped: boolean;
  };
}

export interface Relation {
  readonly kind: 'less' | 'greater' | 'unequal';
  readonly signed: boolean;
  readonly orEqual: boolean;
}

const NOT_ZERO: Relation = { kind: 'unequal', signed: false, orEqual: false };
const [LESS, GREATER] = ['less', 'greater'] as const;
/** Comparisons of i32 by opcode, for `counter compare limit`. */
const RELATIONS: Readonly<Record<number, Relation>> = {
  71: NOT_ZERO,
  72: { kind: LESS, signed: true, orEqual: false },
  73: { kind: LESS, signed: false, orEqual: false },
  74: { kind: GREATER, signed: true, orEqual: false },
  75: { kind: GREATER, signed: false, orEqual: false },
  76: { kind: LESS, signed: true, orEqual: true },
  77: { kind: LESS, signed: false, orEqual: true },
  78: { kind: GREATER, signed: true, orEqual: true },
  79: { kind: GREATER, signed: false, orEqual: true },
};

const EMPTY = 0x40;
const [GET, SET, TEE, CONST, ADD, SUB] = [0x20, 0x21, 0x22, 0x41, 0x6a, 0x6b] as const;

/** The counted loop at `loop`, whose only way round is the branch `back`; undefined when it is not one. */
export function countedLoop(outline: Outline, loop: number, back: number): Counted | undefined {
  if (outline.bytes[(outline.at[loop] as number) + 1] !== EMPTY) return undefined;
  const found = outline.row[back] === ROW.br ? topTest(outline, loop, back) : bottomTest(outline, loop, back);
  if (found === undefined) return undefined;
  const { counter, limit } = found;
  if ('local' in limit && limit.local === counter) return undefined;
  const step = onlyStep(outline, found);
  if (step === undefined || !goes(step, found.relation)) return undefined;
  const still = [limit, step].flatMap((one) => ('local' in one ? [one.local] : []));
  return still.some((local) => isWritten(outline, found, local)) ? undefined : { ...found, step };
}

type Tested = Omit<Counted, 'step'>;

/** Whether steps lead to the limit rather than away from it. */
function goes(step: Operand, { kind }: Relation): boolean {
  if ('local' in step) return kind === 'less';
  if (step.constant === 0 || step.constant === -0x80000000) return false;
  return kind === 'unequal' || (kind === 'less') === step.constant > 0;
}

function topTest(outline: Outline, loop: number, back: number): Tested | undefined {
  const { bytes, at, next, partner } = outline;
  const arm = loop + 1;
  const armEnd = partner[arm] as number;
  const alone = outline.row[arm] === ROW.if && outline.other[arm] === 0 && bytes[(at[arm] as number) + 1] === EMPTY;
  if (!alone || back !== armEnd - 1 || next[back] !== at[armEnd] || armEnd + 1 !== partner[loop]) return undefined;
  if (next[armEnd] !== at[armEnd + 1]) return undefined;
  const test = instructions(bytes, next[loop] as number, at[arm] as number, 4);
  if (test.length !== 3) return undefined;
  const [first, second, compare] = test as [number, number, number];
  const relation = compared(bytes, first, second, compare);
  if (relation === undefined) return undefined;
  const { counter, limit } = relation;
  return { form: 'top', loop, back, counter, limit, relation: relation.relation };
}

function bottomTest(outline: Outline, loop: number, back: number): Tested | undefined {
  const { bytes, at, next } = outline;
  const end = at[back] as number;
  if (back + 1 !== outline.partner[loop] || next[back] !== at[back + 1]) return undefined;
  const tail = instructions(bytes, next[back - 1] as number, end, 6);
  const last = tail.at(-1);
  if (last === undefined) return undefined;
  const base = { form: 'bottom', loop, back } as const;
  const row = bytes[last];
  if (row === TEE || row === GET) {
    return { ...base, counter: u32At(bytes, last + 1), limit: { constant: 0 }, relation: NOT_ZERO };
  }
  const before = tail.slice(0, -1);
  const right = before.at(-1);
  const left = before.at(-2);
  if (right === undefined || left === undefined) return undefined;
  const simple = compared(bytes, left, right, last) ?? teed(bytes, before, last);
  if (simple === undefined) return undefined;
  const { limitAt, swapped, counter, limit, relation } = simple;
  const test = { limitAt, limitEnd: stepOver(bytes, limitAt), compareAt: last, swapped };
  return { ...base, counter, limit, relation, test };
}

interface Comparison {
  readonly counter: number;
  readonly limit: Operand;
  readonly relation: Relation;
  readonly limitAt: number;
  readonly swapped: boolean;
}

/** `counter limit compare`, or the two the other way round; the counter is read or written by the instruction at its place. */
function compared(bytes: Uint8Array, left: number, right: number, compare: number): Comparison | undefined {
  const plain = RELATIONS[bytes[compare] as number];
  if (plain === undefined) return undefined;
  const [leftRow, rightRow] = [bytes[left], bytes[right]];
  const limitRight = operandAt(bytes, right);
  if ((leftRow === GET || leftRow === TEE) && limitRight !== undefined) {
    return { counter: u32At(bytes, left + 1), limit: limitRight, relation: plain, limitAt: right, swapped: false };
  }
  const limitLeft = operandAt(bytes, left);
  if (rightRow !== GET || limitLeft === undefined) return undefined;
  return { counter: u32At(bytes, right + 1), limit: limitLeft, relation: turned(plain), limitAt: left, swapped: true };
}

/** `limit  i step add tee i  compare`. */
function teed(bytes: Uint8Array, before: readonly number[], compare: number): Comparison | undefined {
  const plain = RELATIONS[bytes[compare] as number];
  const [limitAt, , , , tee] = before.slice(-5) as number[];
  if (plain === undefined || limitAt === undefined || tee === undefined || bytes[tee] !== TEE) return undefined;
  const limit = operandAt(bytes, limitAt);
  if (limit === undefined) return undefined;
  return { counter: u32At(bytes, tee + 1), limit, relation: turned(plain), limitAt, swapped: true };
}

function turned(relation: Relation): Relation {
  if (relation.kind === 'unequal') return relation;
  return { ...relation, kind: relation.kind === 'less' ? 'greater' : 'less' };
}

/** The one step of the counter: written once, on the body's top level, from itself and a constant or another local. */
function onlyStep(outline: Outline, { form, loop, back, counter }: Tested): Operand | undefined {
  const { bytes } = outline;
  const last = [0, 0, 0];
  let depth = form === 'top' ? -1 : 0;
  let step: Operand | undefined;
  for (let at = outline.next[loop] as number; at < (outline.at[back] as number); at = stepOver(bytes, at)) {
    const row = bytes[at] as number;
    if (row >= ROW.block && row <= ROW.if) depth++;
    else if (row === ROW.end) depth--;
    else if ((row === SET || row === TEE) && u32At(bytes, at + 1) === counter) {
      if (step !== undefined || depth !== 0) return undefined;
      step = stepAt(bytes, last, counter);
      if (step === undefined) return undefined;
    }
    last.push(at);
    last.shift();
  }
  return step;
}

/** The step in `i step add`, `step i add` or `i step sub`, by the places of the three instructions. */
function stepAt(bytes: Uint8Array, places: readonly number[], counter: number): Operand | undefined {
  const [left, right, sum] = places as [number, number, number];
  const isCounter = (at: number) => bytes[at] === GET && u32At(bytes, at + 1) === counter;
  // Three instructions in a row: control in between would have another row.
  const step = isCounter(left) ? operandAt(bytes, right) : isCounter(right) ? operandAt(bytes, left) : undefined;
  if (step === undefined || ('local' in step && step.local === counter)) return undefined;
  if (bytes[sum] === ADD) return step;
  if (bytes[sum] !== SUB || !isCounter(left) || 'local' in step) return undefined;
  return { constant: -step.constant | 0 };
}

function isWritten(outline: Outline, { loop, back }: Tested, local: number): boolean {
  const { bytes } = outline;
  for (let at = outline.next[loop] as number; at < (outline.at[back] as number); at = stepOver(bytes, at)) {
    const row = bytes[at];
    if ((row === SET || row === TEE) && u32At(bytes, at + 1) === local) return true;
  }
  return false;
}

function operandAt(bytes: Uint8Array, at: number): Operand | undefined {
  if (bytes[at] === GET) return { local: u32At(bytes, at + 1) };
  return bytes[at] === CONST ? { constant: new Reader(bytes, at + 1).s32() } : undefined;
}

/** Where the last `most` instructions before `end` begin. */
function instructions(bytes: Uint8Array, from: number, end: number, most: number): number[] {
  const places: number[] = [];
  for (let at = from; at < end; at = stepOver(bytes, at)) {
    places.push(at);
    if (places.length > most) places.shift();
  }
  return places;
}

/**
 * The constant that a counter has when its loop begins: written last in the straight code right before it. Undefined when it is
 * not known.
 */
export function startOf(outline: Outline, { loop, counter }: Counted): number | undefined {
  const { bytes } = outline;
  let last = 0;
  let start: number | undefined;
  for (
    let at = loop === 0 ? outline.start : (outline.next[loop - 1] as number);
    at < (outline.at[loop] as number);
    at = stepOver(bytes, at)
  ) {
    const row = rowAt(bytes, at);
    if ((row === SET || row === TEE) && u32At(bytes, at + 1) === counter) {
      const value = last === 0 ? undefined : operandAt(bytes, last);
      start = value !== undefined && 'constant' in value ? value.constant : undefined;
    }
    last = at;
  }
  return start;
}
