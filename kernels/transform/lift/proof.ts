// The proof before a lifted loop: in 64 bits, where nothing wraps, every index that the loop can reach is within its array.
import type { Local } from 'assemblyscript';
import { scaleOf } from './affine.ts';
import type { Count } from './counted.ts';
import { type Emit, shiftOf } from './emit.ts';
import type { Stream } from './plan.ts';
import type { Prelude } from './prelude.ts';
import { BINARY, type Ref, TYPE } from './tables.ts';

/** The values that the counter has in the loop, in 64 bits. */
export interface Range {
  readonly least: Local;
  readonly most: Local;
  /** The last value that it may have, counted inclusively: for a step of 1, the last that it has. */
  readonly end: Local;
}

/** A stream that is proven: where its lowest access would lie for a counter of 0. */
export interface Pointer {
  readonly start: Local;
  /** What the counter is multiplied by, in bytes: a constant, or a local. */
  readonly scale: number | Local;
}

const I32_MAX = 2 ** 31 - 1;

/**
 * Proves that the counter runs to its end without wrapping, and at least `trips` times: a shorter loop is not worth the proof.
 * `i64` holds every sum here: counters, bounds and steps are of 32 bits.
 */
export function proveCount(emit: Emit, prelude: Prelude, count: Count, trips: number): Range {
  const { get, wide, binary } = emit;
  const isUp = count.direction === 'up';
  const hold = (value: Ref): Local => {
    const local = emit.fresh('i64');
    prelude.statements.push(emit.set(local, value));
    return local;
  };
  const first = hold(wide(emit.module.local_get(count.counter, TYPE.I32)));
  const nearest = count.isInclusive ? 0 : isUp ? -1 : 1;
  const end = hold(binary(BINARY.AddI64, wide(prelude.evaluate(count.bound)), emit.i64(nearest)));
  const constant = 'constant' in count.step ? count.step.constant : undefined;
  const step = 'invariant' in count.step ? hold(wide(prelude.evaluate(count.step.invariant))) : undefined;
  const stepOf = () => (step === undefined ? emit.i64(constant ?? 1) : get(step));
  if (step !== undefined) prelude.guard(binary(BINARY.GtI64, get(step), emit.i64(0)));

  // A counter without a sign is treated as one with a sign, which is the same while both are not negative.
  if (count.isUnsigned) {
    prelude.guard(binary(BINARY.GeI64, get(first), emit.i64(0)));
    prelude.guard(binary(BINARY.GeI64, get(end), emit.i64(nearest)));
  }
  const distance = hold(isUp ? minus(emit, end, first) : minus(emit, first, end));
  const least = (trips - 1) * (constant ?? 1);
  prelude.guard(binary(BINARY.GeI64, get(distance), emit.i64(least)));
  prelude.guard(
    isUp
      ? binary(BINARY.LeI64, binary(BINARY.AddI64, get(end), stepOf()), emit.i64(I32_MAX))
      : binary(BINARY.GeI64, binary(BINARY.SubI64, get(end), stepOf()), emit.i64(count.isUnsigned ? 0 : -I32_MAX)),
  );
  const rangeTo = (last: Local): Range =>
    isUp ? { least: first, most: last, end } : { least: last, most: first, end };
  if (constant === 1) return rangeTo(end);
  const rounds = binary(BINARY.DivU64, get(distance), stepOf());
  const way = binary(BINARY.MulI64, rounds, stepOf());
  return rangeTo(hold(binary(isUp ? BINARY.AddI64 : BINARY.SubI64, get(first), way)));
}

function minus(emit: Emit, left: Local, right: Local): Ref {
  return emit.binary(BINARY.SubI64, emit.get(left), emit.get(right));
}

/**
 * Proves a stream: its lowest and its highest index are within the array at both ends of the range, hence everywhere between.
 * An index of 32 bits equals the one of 64 modulo 2^32, and the latter is within 0 and 2^31: so they are the same number.
 */
export function proveStream(emit: Emit, prelude: Prelude, stream: Stream, range: Range): Pointer {
  const { get, wide, binary } = emit;
  const { data, length } = prelude.hoist(stream.base);
  const constant = scaleOf(stream.sum);
  const hold = (type: 'i32' | 'i64', value: Ref): Local => {
    const local = emit.fresh(type);
    prelude.statements.push(emit.set(local, value));
    return local;
  };
  const rest = hold('i32', prelude.sum(stream.sum.rest));
  const scale = constant ?? hold('i32', prelude.sum(stream.sum.counter));
  const factor = () => (typeof scale === 'number' ? emit.i64(scale) : wide(get(scale)));
  const at = (counter: Local, offset: number): Ref => {
    const product = binary(BINARY.MulI64, get(counter), factor());
    return binary(BINARY.AddI64, binary(BINARY.AddI64, product, wide(get(rest))), emit.i64(offset));
  };
  // An index grows with the counter or falls with it; of a multiple that only the program knows, it may be either.
  const isFalling = typeof scale === 'number' && scale < 0;
  const isRising = typeof scale === 'number' && !isFalling;
  for (const counter of [range.least, range.most]) {
    const [isLowest, isHighest] = counter === range.least ? [!isFalling, !isRising] : [!isRising, !isFalling];
    if (isLowest) prelude.guard(binary(BINARY.GeI64, at(counter, stream.low), emit.i64(0)));
    if (isHighest) prelude.guard(binary(BINARY.LtI64, at(counter, stream.high), emit.wideUnsigned(get(length))));
  }
  const shift = shiftOf(stream.base.access.bytes);
  const lowest = binary(BINARY.ShlI32, emit.add(get(rest), emit.i32(stream.low)), emit.i32(shift));
  const start = hold('i32', emit.add(get(data), lowest));
  if (typeof scale === 'number') return { start, scale: scale << shift };
  return { start, scale: hold('i32', binary(BINARY.ShlI32, get(scale), emit.i32(shift))) };
}
