// The calls on a program's three streams. Buffers come as arrays of pointer and length, all of which are checked before a byte moves.
import { getU32, range, setU32, setU64 } from '../abi/memory.ts';
import { guestOf, type TaskRoom } from '../abi/room.ts';
import { ERRNO } from '../job/preview1.ts';
import type { Make } from './calls.ts';
import { LINE_BYTES, type Program, STREAM } from './program.ts';

/** As many buffers as one call may name, as on other systems. */
const BUFFERS_MAX = 1024;
/** A call takes no more for the log: looking for the ends of lines takes time. */
const LOG_BYTES = 8 * LINE_BYTES;
const U32_MAX = 2 ** 32 - 1;

const RIGHTS = { read: 1n << 1n, write: 1n << 6n, poll: 1n << 27n } as const;

/** By name. */
export const STREAM_CALLS = {
  fd_read: (room, program) => (stream: number, buffers: number, count: number, area: number) => {
    if (stream !== STREAM.input || !program.isOpen(stream)) return ERRNO.BADF;
    const memory = guestOf(room).bytes();
    const pieces = buffersOf(room, memory, [buffers, count]);
    const at = range(memory, area, 4, 1, 'the number of bytes');
    if (!pieces) return ERRNO.INVAL;
    let moved = 0;
    for (const piece of pieces) moved += program.read(piece);
    room.bytesMoved += moved;
    setU32(memory, at, moved);
    return ERRNO.SUCCESS;
  },
  fd_write: (room, program) => (stream: number, buffers: number, count: number, area: number) => {
    if (stream === STREAM.input || !program.isOpen(stream)) return ERRNO.BADF;
    const memory = guestOf(room).bytes();
    const pieces = buffersOf(room, memory, [buffers, count]);
    const at = range(memory, area, 4, 1, 'the number of bytes');
    if (!pieces) return ERRNO.INVAL;
    const moved = stream === STREAM.output ? writeAll(program, pieces) : logSome(room, program, pieces);
    room.bytesMoved += moved;
    setU32(memory, at, moved);
    return ERRNO.SUCCESS;
  },
  fd_close: (_, program) => (stream: number) => {
    if (!program.isOpen(stream)) return ERRNO.BADF;
    program.close(stream);
    return ERRNO.SUCCESS;
  },
  fd_fdstat_get: (room, program) => (stream: number, area: number) => {
    if (!program.isOpen(stream)) return ERRNO.BADF;
    const [memory, at] = clear(room, area, 24);
    setU64(memory, at + 8, RIGHTS.poll | (stream === STREAM.input ? RIGHTS.read : RIGHTS.write));
    return ERRNO.SUCCESS;
  },
  fd_fdstat_set_flags: (_, program) => (stream: number, flags: number) => {
    if (!program.isOpen(stream)) return ERRNO.BADF;
    return flags === 0 ? ERRNO.SUCCESS : ERRNO.NOTSUP;
  },
  fd_filestat_get: (room, program) => (stream: number, area: number) => {
    if (!program.isOpen(stream)) return ERRNO.BADF;
    clear(room, area, 64);
    return ERRNO.SUCCESS;
  },
  fd_prestat_get: () => () => ERRNO.BADF,
  fd_prestat_dir_name: () => () => ERRNO.BADF,
} as const satisfies Record<string, Make>;

/** The buffers, as views of the memory; undefined where there are too many, or too many bytes in all. */
function buffersOf(
  room: TaskRoom,
  memory: Uint8Array,
  [buffers, count]: readonly [number, number],
): Uint8Array[] | undefined {
  const number = count >>> 0;
  const at = range(memory, buffers, 8 * number, 1, 'the list of buffers');
  if (number > BUFFERS_MAX) return undefined;
  room.bytesMoved += 8 * number;
  let bytes = 0;
  const pieces: Uint8Array[] = [];
  for (let index = 0; index < number; index++) {
    const length = getU32(memory, at + 8 * index + 4);
    const start = range(memory, getU32(memory, at + 8 * index), length, 1, 'a buffer');
    pieces.push(memory.subarray(start, start + length));
    bytes += length;
  }
  return bytes > U32_MAX ? undefined : pieces;
}

function writeAll(program: Program, pieces: readonly Uint8Array[]): number {
  const bytes = pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
  program.mayWrite(bytes);
  for (const piece of pieces) program.write(piece);
  return bytes;
}

/** Programs write again what was not taken. */
function logSome(room: TaskRoom, program: Program, pieces: readonly Uint8Array[]): number {
  let taken = 0;
  for (const piece of pieces) {
    const some = piece.subarray(0, LOG_BYTES - taken);
    program.log(room, some);
    taken += some.byteLength;
  }
  return taken;
}

/** An area of zeros; where it is. */
function clear(room: TaskRoom, area: number, size: number): [Uint8Array, number] {
  const memory = guestOf(room).bytes();
  const at = range(memory, area, size, 1, 'the result area');
  memory.fill(0, at, at + size);
  room.bytesMoved += size;
  return [memory, at];
}
