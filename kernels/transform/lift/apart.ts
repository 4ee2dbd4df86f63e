// Whether vectors may do what single elements do: nothing that is written lies where another element of the same vector is read or written.
import { scaleOf } from './affine.ts';
import type { Copying } from './copy.ts';
import { shiftOf } from './emit.ts';
import type { Stream } from './plan.ts';
import { BINARY, type Ref } from './tables.ts';

export const VECTOR_BYTES = 16;

/** Whether the elements of a stream lie side by side. */
export function isDense({ sum }: Stream): boolean {
  return scaleOf(sum) === 1;
}

/**
 * The condition before the loop: a stream that is written is a vector apart from every other, or the same; where the elements of the
 * other do not lie side by side, their arrays share nothing. Undefined where it cannot hold: elements that are written do not lie side
 * by side, or are read or written again less than a vector further on, or their array is read in larger steps.
 */
export function areApart({ emit, plan, prelude, pointers }: Copying): Ref | undefined {
  const offsets = new Map<Stream, number[]>();
  for (const { stream, offset } of plan.proven.values()) {
    offsets.set(stream, [...(offsets.get(stream) ?? []), (offset - stream.low) * stream.base.access.bytes]);
  }
  const areFree = (left: Stream, right: Stream) =>
    (offsets.get(left) ?? []).every((one) =>
      (offsets.get(right) ?? []).every((other) => one === other || Math.abs(one - other) >= VECTOR_BYTES),
    );
  const reach = (stream: Stream) => Math.max(...(offsets.get(stream) ?? [])) + VECTOR_BYTES;

  const isVectorApart = (left: Stream, right: Stream): Ref => {
    const [one, two] = [pointers.get(left)?.start, pointers.get(right)?.start];
    if (one === undefined || two === undefined) throw new Error('the streams were not proven');
    const distance = () => emit.binary(BINARY.SubI32, emit.get(one), emit.get(two));
    // From the right one's reach above it to the left one's own reach below it, around the whole of 32 bits.
    const past = emit.binary(BINARY.SubI32, distance(), emit.i32(reach(right)));
    const apart = emit.binary(BINARY.LeU32, past, emit.i32((2 ** 32 - reach(left) - reach(right)) | 0));
    const same = areFree(left, right) ? emit.not(distance()) : emit.i32(0);
    return emit.binary(BINARY.OrI32, apart, same);
  };

  /** In 64 bits: an array may end where memory does. */
  const areArraysApart = (left: Stream, right: Stream): Ref => {
    const begin = ({ base }: Stream) => emit.wideUnsigned(emit.get(prelude.hoist(base).data));
    const end = (stream: Stream) => {
      const length = emit.wideUnsigned(emit.get(prelude.hoist(stream.base).length));
      const bytes = emit.binary(BINARY.ShlI64, length, emit.i64(shiftOf(stream.base.access.bytes)));
      return emit.binary(BINARY.AddI64, begin(stream), bytes);
    };
    const isBefore = (first: Stream, second: Stream) => emit.binary(BINARY.LeU64, end(first), begin(second));
    return emit.binary(BINARY.OrI32, isBefore(left, right), isBefore(right, left));
  };

  const written = plan.streams.filter(({ isWritten }) => isWritten);
  if (!written.every((stream) => isDense(stream) && areFree(stream, stream))) return undefined;
  const conditions: Ref[] = [];
  const arrays = new Set<string>();
  for (const [at, left] of plan.streams.entries()) {
    for (const right of plan.streams.slice(at + 1)) {
      if (!left.isWritten && !right.isWritten) continue;
      if (isDense(left) && isDense(right)) {
        conditions.push(isVectorApart(left, right));
        continue;
      }
      if (left.base.key === right.base.key) return undefined;
      const pair = `${left.base.key}|${right.base.key}`;
      if (!arrays.has(pair)) conditions.push(areArraysApart(left, right));
      arrays.add(pair);
    }
  }
  return conditions.reduce((all, one) => emit.binary(BINARY.AndI32, all, one), emit.i32(1));
}
