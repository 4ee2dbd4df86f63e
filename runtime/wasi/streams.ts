// Reading and writing: of the three streams, and of files where they were left or at a place of theirs.
import { setU32, setU64 } from '../abi/memory.ts';
import type { TaskRoom } from '../abi/room.ts';
import { ERRNO } from '../job/preview1.ts';
import { buffersOf, placeOf } from './buffers.ts';
import type { Make } from './calls.ts';
import { type OpenFile, STREAM, type Stream } from './descriptors.ts';
import { endOf, readFile, seek, writeFile } from './files.ts';
import { LINE_BYTES, type Program } from './program.ts';

/** A call takes no more for the log: looking for the ends of lines takes time. */
const LOG_BYTES = 8 * LINE_BYTES;

type Pieces = readonly Uint8Array[];

/** By name. */
export const STREAM_CALLS = {
  fd_read: (room, program) => (fd: number, buffers: number, count: number, area: number) => {
    const from = program.open.at(fd);
    if (from.kind === 'stream' && from.which !== STREAM.input) return ERRNO.BADF;
    if (from.kind === 'folder') return ERRNO.ISDIR;
    return moving(room, [buffers, count, area], (pieces) => {
      if (from.kind === 'stream') return pieces.reduce((sum, piece) => sum + program.read(piece), 0);
      const moved = readFile(room, from, pieces, from.offset);
      from.offset += BigInt(moved);
      return moved;
    });
  },
  fd_pread: (room, program) => (fd: number, buffers: number, count: number, offset: bigint, area: number) => {
    const file = program.open.file(fd, 'SPIPE');
    return moving(room, [buffers, count, area], (pieces) => readFile(room, file, pieces, BigInt.asUintN(64, offset)));
  },
  fd_write: (room, program) => (fd: number, buffers: number, count: number, area: number) => {
    const to = program.open.at(fd);
    if (to.kind === 'stream' && to.which === STREAM.input) return ERRNO.BADF;
    if (to.kind === 'folder') return ERRNO.ISDIR;
    return moving(room, [buffers, count, area], (pieces) =>
      to.kind === 'file' ? writeOn(room, to, pieces) : writeStream(room, program, to, pieces),
    );
  },
  fd_pwrite: (room, program) => (fd: number, buffers: number, count: number, offset: bigint, area: number) => {
    const file = program.open.file(fd, 'SPIPE');
    return moving(room, [buffers, count, area], (pieces) => writeFile(room, file, pieces, BigInt.asUintN(64, offset)));
  },
  fd_seek: (room, program) => (fd: number, by: bigint, whence: number, area: number) => {
    const file = program.open.file(fd, 'SPIPE');
    const [memory, at] = placeOf(room, area, 8);
    file.offset = seek(room, file, by, whence);
    setU64(memory, at, file.offset);
    room.bytesMoved += 8;
    return ERRNO.SUCCESS;
  },
  fd_tell: (room, program) => (fd: number, area: number) => {
    const { offset } = program.open.file(fd, 'SPIPE');
    const [memory, at] = placeOf(room, area, 8);
    setU64(memory, at, offset);
    room.bytesMoved += 8;
    return ERRNO.SUCCESS;
  },
} as const satisfies Record<string, Make>;

/** Does something with the buffers, and tells of how many bytes. */
function moving(
  room: TaskRoom,
  [buffers, count, area]: readonly [number, number, number],
  move: (pieces: Pieces) => number,
): number {
  const [memory, at] = placeOf(room, area, 4);
  const pieces = buffersOf(room, buffers, count);
  const moved = move(pieces);
  room.bytesMoved += moved;
  setU32(memory, at, moved);
  return ERRNO.SUCCESS;
}

/** Where the file was left, or at its end. */
function writeOn(room: TaskRoom, file: OpenFile, pieces: Pieces): number {
  const offset = endOf(room, file) ?? file.offset;
  const moved = writeFile(room, file, pieces, offset);
  file.offset = offset + BigInt(moved);
  return moved;
}

function writeStream(room: TaskRoom, program: Program, { which }: Stream, pieces: Pieces): number {
  return which === STREAM.output ? writeAll(program, pieces) : logSome(room, program, pieces);
}

function writeAll(program: Program, pieces: Pieces): number {
  const bytes = pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
  program.mayWrite(bytes);
  for (const piece of pieces) program.write(piece);
  return bytes;
}

/** Programs write again what was not taken. */
function logSome(room: TaskRoom, program: Program, pieces: Pieces): number {
  let taken = 0;
  for (const piece of pieces) {
    const some = piece.subarray(0, LOG_BYTES - taken);
    program.log(room, some);
    taken += some.byteLength;
  }
  return taken;
}
