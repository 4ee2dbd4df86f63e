// The calls on what is open, beside reading and writing: what it is, what is granted, what is in a folder.
import { setU32, setU64 } from '../abi/memory.ts';
import type { TaskRoom } from '../abi/room.ts';
import { type Found, Refusal } from '../job/outside.ts';
import { ERRNO } from '../job/preview1.ts';
import { cleared, placeOf } from './buffers.ts';
import type { Make } from './calls.ts';
import { type Descriptor, FLAGS, type OpenFolder, RIGHTS, STREAM } from './descriptors.ts';
import { resize, sideOf } from './files.ts';
import type { Program } from './program.ts';

const TYPE = { unknown: 0, other: 0, folder: 3, file: 4, link: 7 } as const;
const ENTRY_BYTES = 24;
const utf8 = new TextEncoder();

/** By name. */
export const DESCRIPTOR_CALLS = {
  fd_advise: (_, program) => (fd: number) => {
    program.open.file(fd, 'SPIPE');
    return ERRNO.SUCCESS;
  },
  fd_allocate: (room, program) => (fd: number, offset: bigint, count: bigint) => {
    const file = program.open.file(fd, 'SPIPE');
    const end = BigInt.asUintN(64, offset) + BigInt.asUintN(64, count);
    if (end > BigInt(sideOf(room, file.path).look(file.path).size)) resize(room, file, end);
    return ERRNO.SUCCESS;
  },
  fd_close: (_, program) => (fd: number) => {
    program.open.close(fd);
    return ERRNO.SUCCESS;
  },
  fd_datasync: (room, program) => (fd: number) => sync(room, program, fd),
  fd_sync: (room, program) => (fd: number) => sync(room, program, fd),
  fd_fdstat_get: (room, program) => (fd: number, area: number) => {
    const found = program.open.at(fd);
    const [memory, at] = cleared(room, area, 24);
    const { type, flags, base, inheriting } = standingOf(found);
    memory[at] = type;
    memory[at + 2] = flags;
    setU64(memory, at + 8, base);
    setU64(memory, at + 16, inheriting);
    return ERRNO.SUCCESS;
  },
  fd_fdstat_set_flags: (_, program) => (fd: number, flags: number) => {
    const found = program.open.at(fd);
    if (found.kind !== 'file') return flags === 0 ? ERRNO.SUCCESS : ERRNO.NOTSUP;
    mayHave(flags);
    found.flags = flags;
    return ERRNO.SUCCESS;
  },
  fd_filestat_get: (room, program) => (fd: number, area: number) => {
    const found = program.open.at(fd);
    if (found.kind === 'stream') cleared(room, area, STAT_BYTES);
    else writeStat(room, area, found.path, sideOf(room, found.path).look(found.path));
    return ERRNO.SUCCESS;
  },
  fd_filestat_set_size: (room, program) => (fd: number, size: bigint) => {
    resize(room, program.open.file(fd, 'INVAL'), size);
    return ERRNO.SUCCESS;
  },
  fd_prestat_get: (room, program) => (fd: number, area: number) => {
    const name = grantedName(program, fd);
    if (!name) return ERRNO.BADF;
    const [memory, at] = cleared(room, area, 8);
    setU32(memory, at + 4, name.byteLength);
    return ERRNO.SUCCESS;
  },
  fd_prestat_dir_name: (room, program) => (fd: number, area: number, size: number) => {
    const name = grantedName(program, fd);
    if (!name) return ERRNO.BADF;
    const [memory, at] = placeOf(room, area, size >>> 0);
    if (name.byteLength > size >>> 0) return ERRNO.NAMETOOLONG;
    memory.set(name, at);
    room.bytesMoved += name.byteLength;
    return ERRNO.SUCCESS;
  },
  fd_readdir: (room, program) => (fd: number, buffer: number, size: number, cookie: bigint, area: number) => {
    const folder = program.open.folder(fd);
    const [memory, at] = placeOf(room, buffer, size >>> 0);
    const [, told] = placeOf(room, area, 4);
    const used = list(room, folder, memory.subarray(at, at + (size >>> 0)), BigInt.asUintN(64, cookie));
    setU32(memory, told, used);
    return ERRNO.SUCCESS;
  },
  fd_renumber: (_, program) => (from: number, to: number) => {
    program.open.renumber(from, to);
    return ERRNO.SUCCESS;
  },
} as const satisfies Record<string, Make>;

const STAT_BYTES = 64;

/** What a path is: its number is made of the path, the same in every run. */
export function writeStat(room: TaskRoom, area: number, path: string, { kind, size }: Found): void {
  const [memory, at] = cleared(room, area, STAT_BYTES);
  memory.set(numberOf(room, path), at + 8);
  memory[at] = 1;
  memory[at + 16] = TYPE[kind];
  memory[at + 24] = 1;
  setU64(memory, at + 32, BigInt(size));
}

/** Refuses flags of a file that nobody would heed. */
export function mayHave(flags: number): void {
  if ((flags & ~(FLAGS.append | FLAGS.nonblock)) !== 0) throw new Refusal(`flags ${flags} are not known`, 'NOTSUP');
}

function sync(room: TaskRoom, program: Program, fd: number): number {
  const { path } = program.open.file(fd, 'INVAL');
  if (room.outside?.mayWrite(path)) sideOf(room, path).change(path, { act: 'sync' });
  return ERRNO.SUCCESS;
}

interface Standing {
  readonly type: number;
  readonly flags: number;
  readonly base: bigint;
  readonly inheriting: bigint;
}

/** What may be done with streams. */
const READABLE = RIGHTS.poll | RIGHTS.read;
const WRITABLE = RIGHTS.poll | RIGHTS.write;

function standingOf(found: Descriptor): Standing {
  const { file, folder } = RIGHTS;
  switch (found.kind) {
    case 'stream':
      return {
        type: TYPE.unknown,
        flags: 0,
        base: found.which === STREAM.input ? READABLE : WRITABLE,
        inheriting: 0n,
      };
    case 'file':
      return { type: TYPE.file, flags: found.flags, base: found.rights, inheriting: 0n };
    case 'folder':
      return { type: TYPE.folder, flags: 0, base: folder, inheriting: folder | file };
    default:
      return found satisfies never;
  }
}

function grantedName(program: Program, fd: number): Uint8Array | undefined {
  const found = program.open.get(fd);
  return found?.kind === 'folder' && found.isGranted ? utf8.encode(found.path) : undefined;
}

/** Entries from a place on, the last of them cut at the buffer's end; how many bytes they are. */
function list(room: TaskRoom, folder: OpenFolder, buffer: Uint8Array, cookie: bigint): number {
  const { path } = folder;
  if (cookie === 0n || !folder.names) folder.names = ['.', '..', ...sideOf(room, path).names(path)];
  const { names } = folder;
  let used = 0;
  const put = (bytes: Uint8Array) => {
    const some = bytes.subarray(0, buffer.byteLength - used);
    buffer.set(some, used);
    used += some.byteLength;
  };
  for (let index = cookie < BigInt(names.length) ? Number(cookie) : names.length; index < names.length; index++) {
    if (used === buffer.byteLength) break;
    const name = names[index] as string;
    const text = utf8.encode(name);
    const entry = new Uint8Array(ENTRY_BYTES);
    setU64(entry, 0, BigInt(index + 1));
    const below = name === '.' ? path : name === '..' ? path.slice(0, path.lastIndexOf('/')) : `${path}/${name}`;
    entry.set(numberOf(room, below), 8);
    setU32(entry, 16, text.byteLength);
    entry[20] = index < 2 ? TYPE.folder : typeOf(room, below);
    put(entry);
    put(text);
  }
  room.bytesMoved += used;
  return used;
}

/** Of what is in a folder. What is gone by now has none. */
function typeOf(room: TaskRoom, path: string): number {
  try {
    return TYPE[sideOf(room, path).look(path).kind];
  } catch (thrown) {
    if (thrown instanceof Refusal) return TYPE.unknown;
    throw thrown;
  }
}

function numberOf({ platform }: TaskRoom, path: string): Uint8Array {
  return platform.digest(utf8.encode(path)).subarray(0, 8);
}
