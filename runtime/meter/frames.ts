// Where a function's frame counts: from as late as can be, since calls that return at once are many and need no count.
//
// That is in the arm of an `if` that makes all its calls, or on the top level of its body, from the statement with the first call on.
// An arm that is left by a branch, and a body that is branched to by its own label, will not do: every way out would have to know.
import type { Body, Module } from '../wasm/module.ts';
import { labelsOf, type Outline, ROW } from '../wasm/outline.ts';
import { BOUNDS, FRAME_WEIGHT } from './bounds.ts';

export interface FrameSpan {
  /** Indexes in the outline: the first instruction that is in the frame, and the end or `else` that it ends with. */
  readonly from: number;
  readonly to: number;
  /** What can run without a look at the counter on ways that never enter it; -1 when there are none. */
  readonly early: number;
}

/** The arm of an `if`, or the body: where it begins and ends. */
interface Arm {
  readonly first: number;
  last: number;
  /** A branch leads out of it. */
  left: boolean;
  /** It is not part of a loop. */
  readonly once: boolean;
  /** The statement on its top level that is being read; the one with the first call. */
  statement: number;
  start: number | undefined;
  /** Calls in it, inner arms included. */
  calls: number;
}

/** The span of a function's frame; `imported` functions do not call back. */
export function frameSpan(outline: Outline, imported: number): FrameSpan {
  const { row, value, count } = outline;
  const arms: Arm[] = [];
  const open: (Arm | undefined)[] = [];
  const enter = (first: number, once: boolean) => {
    const arm: Arm = { first, last: count - 1, left: false, once, statement: first, start: undefined, calls: 0 };
    arms.push(arm);
    return arm;
  };
  const body = enter(0, true);
  open.push(body);
  let leaves = false;
  let firstCall = count;
  for (let index = 0; index < count; index++) {
    const one = row[index] as number;
    const top = open.at(-1);
    if (top !== undefined && top.start === undefined) top.statement = index;
    if (one === ROW.block || one === ROW.loop) open.push(undefined);
    else if (one === ROW.if)
      open.push(
        enter(
          index + 1,
          open.every((arm) => arm !== undefined),
        ),
      );
    else if (one === ROW.else || one === ROW.end) {
      const arm = open.pop();
      if (arm !== undefined) arm.last = index;
      if (one === ROW.else) open.push(enter(index + 1, arm?.once ?? false));
    } else if (one === ROW.return) leaves ||= firstCall === count;
    else if (one === ROW.callIndirect || (one === ROW.call && (value[index] as number) >= imported)) {
      firstCall = Math.min(firstCall, index);
      for (const arm of open) {
        if (arm === undefined) continue;
        arm.calls++;
        arm.start ??= arm.statement;
      }
    } else if (one >= ROW.br && one <= ROW.brTable) leave(outline, index, open);
  }
  // Inner arms come later in the list: the last one with all calls is the innermost.
  const whole = body.calls;
  const arm = arms.findLast(({ calls, left, once }) => calls === whole && !left && once) ?? body;
  return spanOf(outline, body, arm, leaves);
}

/** Marks the arms that a branch leads out of: those at its label, and inside. */
function leave({ row, value, bytes, at }: Outline, index: number, open: readonly (Arm | undefined)[]): void {
  const labels = row[index] === ROW.brTable ? labelsOf(bytes, at[index] as number) : [value[index] as number];
  for (const label of labels) {
    for (const arm of open.slice(open.length - 1 - label)) if (arm !== undefined) arm.left = true;
  }
}

function spanOf(outline: Outline, body: Arm, { first, last, left, start }: Arm, leaves: boolean): FrameSpan {
  const { row, before, count, weight } = outline;
  const atOnce: FrameSpan = { from: 0, to: count - 1, early: -1 };
  if (left || start === undefined) return atOnce;
  const isArm = first !== body.first;
  let fuel = isArm ? weight : (before[start] as number);
  for (let index = 0; index < count; index++) {
    if (row[index] === ROW.loop && (index < start || index > last)) fuel += BOUNDS.chunkFuel;
  }
  if (fuel > BOUNDS.spanFuel / 2) return atOnce;
  return { from: start, to: last, early: isArm || leaves ? fuel : -1 };
}

/** What a frame of a function weighs. */
export function frameWeight({ features }: Module, { locals, height }: Body): number {
  return FRAME_WEIGHT + (locals + height) * (features.has('simd') ? 2 : 1);
}
