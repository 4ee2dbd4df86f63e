// Bytes of the files that a program has open. Whoever holds the folders walks to a file anew for what is asked of it.
import type { TaskRoom } from '../abi/room.ts';
import { FILES } from '../base/outside.ts';
import { type FilesSide, Refusal } from '../job/outside.ts';
import { FLAGS, type OpenFile, RIGHTS } from './descriptors.ts';

const WHENCE = { start: 0, here: 1, end: 2 } as const;
const OFFSET_MAX = BigInt(Number.MAX_SAFE_INTEGER);

/** Who answers for a path. */
export function sideOf(room: TaskRoom, path: string): FilesSide {
  if (!room.outside) throw new Refusal('no folder is granted', 'NOTCAPABLE');
  return room.outside.files(path);
}

/** Fills the buffers from that place on; as many bytes as there are. */
export function readFile(room: TaskRoom, file: OpenFile, pieces: readonly Uint8Array[], offset: bigint): number {
  if ((file.rights & RIGHTS.read) === 0n) throw new Refusal(`${file.path} was not opened for reading`, 'BADF');
  const side = sideOf(room, file.path);
  let moved = 0;
  for (const piece of pieces) {
    const got = readPiece(side, file.path, offset + BigInt(moved), piece);
    moved += got;
    if (got < piece.byteLength) break;
  }
  return moved;
}

function readPiece(side: FilesSide, path: string, offset: bigint, piece: Uint8Array): number {
  let got = 0;
  try {
    side.read(path, { offset, count: piece.byteLength }, (length) => {
      got = length;
      return piece.subarray(0, length);
    });
  } catch (thrown) {
    // Behind its end a file has no bytes, for a program.
    if (thrown instanceof Refusal && thrown.reason === 'INVAL') return 0;
    throw thrown;
  }
  return got;
}

/** Writes the bytes of all buffers at once, as many as one write may have; what lies between the file's end and that place becomes zeros. */
export function writeFile(room: TaskRoom, file: OpenFile, pieces: readonly Uint8Array[], offset: bigint): number {
  mayWrite(file, RIGHTS.write);
  const { path } = file;
  const bytes = joined(pieces);
  if (bytes.byteLength === 0) return 0;
  const side = sideOf(room, path);
  if (offset > BigInt(side.look(path).size)) side.change(path, { act: 'resize', size: sizeFrom(offset) });
  side.write(path, offset, bytes);
  return bytes.byteLength;
}

/** Cuts a file, or makes it longer, by zeros. */
export function resize(room: TaskRoom, file: OpenFile, size: bigint): void {
  mayWrite(file, RIGHTS.write | RIGHTS.resize);
  sideOf(room, file.path).change(file.path, { act: 'resize', size: sizeFrom(size) });
}

/** The place of the file's end, of one that is only written to there. */
export function endOf(room: TaskRoom, { path, flags }: OpenFile): bigint | undefined {
  return flags & FLAGS.append ? BigInt(sideOf(room, path).look(path).size) : undefined;
}

/** The place that lies so far from another. */
export function seek(room: TaskRoom, { path, offset }: OpenFile, by: bigint, whence: number): bigint {
  const from = () => {
    if (whence === WHENCE.start) return 0n;
    if (whence === WHENCE.here) return offset;
    if (whence === WHENCE.end) return BigInt(sideOf(room, path).look(path).size);
    throw new Refusal(`${whence} is no place to count from`, 'INVAL');
  };
  const to = from() + by;
  if (to < 0n || to > OFFSET_MAX) throw new Refusal(`${to} is no place in a file`, 'INVAL');
  return to;
}

function mayWrite({ path, rights }: OpenFile, wanted: bigint): void {
  if ((rights & wanted) === 0n) throw new Refusal(`${path} was not opened for writing`, 'BADF');
}

function sizeFrom(size: bigint): number {
  const unsigned = BigInt.asUintN(64, size);
  if (unsigned > OFFSET_MAX) throw new Refusal(`${unsigned} bytes are too many for a file`, 'FBIG');
  return Number(unsigned);
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const max = FILES.writeBytes.default;
  const [only] = pieces;
  if (only && pieces.length === 1) return only.subarray(0, max);
  const bytes = new Uint8Array(
    Math.min(
      max,
      pieces.reduce((sum, piece) => sum + piece.byteLength, 0),
    ),
  );
  let done = 0;
  for (const piece of pieces) {
    const some = piece.subarray(0, max - done);
    bytes.set(some, done);
    done += some.byteLength;
  }
  return bytes;
}
