// The calls on paths. A path is taken apart here, below the folder that it is said to be in; whoever holds the folders checks each name again.
import { setU32 } from '../abi/memory.ts';
import type { TaskRoom } from '../abi/room.ts';
import { FILES } from '../base/outside.ts';
import { type Change, type Found, Refusal, shown } from '../job/outside.ts';
import { ERRNO } from '../job/preview1.ts';
import { placeOf } from './buffers.ts';
import type { Make } from './calls.ts';
import { mayHave, writeStat } from './descriptor-calls.ts';
import { RIGHTS } from './descriptors.ts';
import { sideOf } from './files.ts';
import type { Program } from './program.ts';

/** How a path is opened. */
const OPEN = { create: 1, folder: 2, exclusive: 4, truncate: 8 } as const;

/** What a link leads to is meant, and not the link. */
const FOLLOW = 1;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** By name. */
export const PATH_CALLS = {
  path_open:
    (room, program) =>
    (...args: OpenArguments) => {
      const [fd, , pointer, length, how, rights, , flags, area] = args;
      const { path, isFolder } = pathAt(room, program, [fd, pointer, length]);
      const [memory, at] = placeOf(room, area, 4);
      mayHave(flags);
      const wanted = {
        path,
        how,
        rights: BigInt.asUintN(64, rights),
        flags,
        isFolder: isFolder || (how & OPEN.folder) !== 0,
      };
      setU32(memory, at, open(room, program, wanted));
      room.bytesMoved += 4;
      return ERRNO.SUCCESS;
    },
  path_filestat_get: (room, program) => (fd: number, how: number, pointer: number, length: number, area: number) => {
    const { path, isFolder } = pathAt(room, program, [fd, pointer, length]);
    const found = sideOf(room, path).look(path);
    if (found.kind === 'link' && (how & FOLLOW) !== 0) throw new Refusal(`${shown(path)} is a link`, 'LOOP');
    if (isFolder) mustBe('folder', path, found);
    writeStat(room, area, path, found);
    return ERRNO.SUCCESS;
  },
  path_create_directory: (room, program) => (fd: number, pointer: number, length: number) =>
    change(room, pathAt(room, program, [fd, pointer, length]).path, { act: 'folder' }),
  path_remove_directory: (room, program) => (fd: number, pointer: number, length: number) =>
    change(room, pathAt(room, program, [fd, pointer, length]).path, { act: 'remove' }),
  path_unlink_file: (room, program) => (fd: number, pointer: number, length: number) => {
    const { path, isFolder } = pathAt(room, program, [fd, pointer, length]);
    if (isFolder) mustBe('folder', path, sideOf(room, path).look(path));
    return change(room, path, { act: 'unlink' });
  },
  path_rename:
    (room, program) =>
    (...args: RenameArguments) => {
      const [fd, pointer, length, toFd, toPointer, toLength] = args;
      const from = pathAt(room, program, [fd, pointer, length]);
      const to = pathAt(room, program, [toFd, toPointer, toLength]);
      if (from.isFolder || to.isFolder) mustBe('folder', from.path, sideOf(room, from.path).look(from.path));
      if (sideOf(room, from.path) !== sideOf(room, to.path)) throw new Refusal('one of the folders is pinned', 'ROFS');
      return change(room, from.path, { act: 'rename', to: to.path });
    },
} as const satisfies Record<string, Make>;

type OpenArguments = [number, number, number, number, number, bigint, bigint, number, number];
type RenameArguments = [number, number, number, number, number, number];

interface Wanted {
  readonly path: string;
  readonly how: number;
  readonly rights: bigint;
  readonly flags: number;
  readonly isFolder: boolean;
}

/** The number of what was opened. */
function open(room: TaskRoom, program: Program, { path, how, rights, flags, isFolder }: Wanted): number {
  const side = sideOf(room, path);
  const found = lookFor(room, path);
  if (found && (how & OPEN.create) !== 0 && (how & OPEN.exclusive) !== 0)
    throw new Refusal(`${shown(path)} is there already`, 'EXIST');
  const cuts = (how & OPEN.truncate) !== 0;
  const writes = cuts || (rights & RIGHTS.write) !== 0n;
  if (found?.kind === 'folder') {
    if (writes) throw new Refusal(`${shown(path)} is a folder`, 'ISDIR');
    return program.open.add({ kind: 'folder', path, isGranted: false });
  }
  if (found && isFolder) mustBe('folder', path, found);
  // Who holds the folder says why what is neither cannot be had.
  if (found && found.kind !== 'file') side.size(path);
  if (writes && !room.outside?.mayWrite(path)) throw new Refusal(`${shown(path)} may only be read`, 'ROFS');
  const number = program.open.add({ kind: 'file', path, rights: rights & RIGHTS.file, offset: 0n, flags });
  try {
    if (!found) create(room, path, (how & OPEN.create) !== 0 && !isFolder);
    else if (cuts) side.change(path, { act: 'resize', size: 0 });
    return number;
  } catch (thrown) {
    program.open.close(number);
    throw thrown;
  }
}

function create(room: TaskRoom, path: string, isWanted: boolean): void {
  if (!isWanted) throw new Refusal(`${shown(path)} is not there`, 'NOENT');
  sideOf(room, path).change(path, { act: 'create' });
}

/** What has a path, or nothing. */
function lookFor(room: TaskRoom, path: string): Found | undefined {
  try {
    return sideOf(room, path).look(path);
  } catch (thrown) {
    if (thrown instanceof Refusal && thrown.reason === 'NOENT') return undefined;
    throw thrown;
  }
}

function mustBe(kind: Found['kind'], path: string, found: Found): void {
  if (found.kind !== kind) throw new Refusal(`${shown(path)} is no ${kind}`, found.kind === 'link' ? 'LOOP' : 'NOTDIR');
}

function change(room: TaskRoom, path: string, wanted: Change): number {
  sideOf(room, path).change(path, wanted);
  return ERRNO.SUCCESS;
}

interface Path {
  readonly path: string;
  /** Whether it is written as only a folder's can be. */
  readonly isFolder: boolean;
}

/**
 * The whole path of one below an open folder. It does not lead out of that: to go up is to take back a name before, which has to be a
 * folder, and no link, so that it comes to what the system would come to. Throws a Refusal.
 */
function pathAt(room: TaskRoom, program: Program, [fd, pointer, length]: readonly [number, number, number]): Path {
  const base = program.open.folder(fd);
  const parts = textAt(room, pointer, length >>> 0).split('/');
  const names: string[] = [];
  const path = () => [base.path, ...names].join('/');
  for (const part of parts) {
    if (part === '' || part === '.') continue;
    if (part !== '..') names.push(part);
    else {
      if (names.length === 0) throw new Refusal('the path leads out of its folder');
      mustBe('folder', path(), sideOf(room, path()).look(path()));
      names.pop();
    }
  }
  return { path: path(), isFolder: ['', '.', '..'].includes(parts.at(-1) ?? '') };
}

function textAt(room: TaskRoom, pointer: number, length: number): string {
  const [memory, at] = placeOf(room, pointer, length);
  if (length === 0) throw new Refusal('the path is empty', 'NOENT');
  if (length > FILES.pathBytes.default) throw new Refusal(`a path of ${length} bytes is too long`, 'NAMETOOLONG');
  room.bytesMoved += length;
  const text = decoded(memory.subarray(at, at + length));
  if (text.startsWith('/')) throw new Refusal('the path does not begin in its folder');
  return text;
}

function decoded(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (thrown) {
    // Anything else is the host's: a stack that the guest has all but spent, say.
    if (thrown instanceof TypeError) throw new Refusal('the path is no UTF-8', 'ILSEQ');
    throw thrown;
  }
}
