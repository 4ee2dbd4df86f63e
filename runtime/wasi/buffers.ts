// The areas of its memory that a program names. All of them are checked before a byte moves.
import { getU32, range } from '../abi/memory.ts';
import { guestOf, type TaskRoom } from '../abi/room.ts';
import { Refusal } from '../job/outside.ts';

/** As many buffers as one call may name, as on other systems. */
const BUFFERS_MAX = 1024;
const U32_MAX = 2 ** 32 - 1;

/** The buffers, as views of the memory. Throws a Refusal where there are too many, or too many bytes in all. */
export function buffersOf(room: TaskRoom, buffers: number, count: number): readonly Uint8Array[] {
  const memory = guestOf(room).bytes();
  const number = count >>> 0;
  const at = range(memory, buffers, 8 * number, 1, 'the list of buffers');
  if (number > BUFFERS_MAX) throw new Refusal(`${number} buffers are too many`, 'INVAL');
  room.bytesMoved += 8 * number;
  let bytes = 0;
  const pieces: Uint8Array[] = [];
  for (let index = 0; index < number; index++) {
    const length = getU32(memory, at + 8 * index + 4);
    const start = range(memory, getU32(memory, at + 8 * index), length, 1, 'a buffer');
    pieces.push(memory.subarray(start, start + length));
    bytes += length;
  }
  if (bytes > U32_MAX) throw new Refusal('the buffers are too large', 'INVAL');
  return pieces;
}

/** An area of zeros; where it is. */
export function cleared(room: TaskRoom, area: number, size: number): [Uint8Array, number] {
  const [memory, at] = placeOf(room, area, size);
  memory.fill(0, at, at + size);
  room.bytesMoved += size;
  return [memory, at];
}

/** Where a result goes. */
export function placeOf(room: TaskRoom, area: number, size: number): [Uint8Array, number] {
  const memory = guestOf(room).bytes();
  return [memory, range(memory, area, size, 1, 'the result area')];
}
