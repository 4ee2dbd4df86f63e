// Opens paths below a folder name by name, each from the one before it, so that no link and no race leads out of it. Linux only.
import { closeSync, constants, existsSync, fstatSync, opendirSync, openSync, readlinkSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { Refusal, shown } from '../../runtime/job/outside.ts';
import type { ErrorName } from '../../runtime/job/preview1.ts';

/** Of Linux on every machine that Node runs on; Node does not name it. Such a descriptor stands for a place and opens nothing. */
const O_PATH = 0o10000000;
const { O_NOFOLLOW, O_DIRECTORY, O_NONBLOCK } = constants;

/** Whether this system can open that way. */
export const CAN_WALK = process.platform === 'linux' && existsSync('/proc/self/fd');

/** A place that was found: a descriptor, which the caller closes, and what it is. */
export interface Place {
  readonly fd: number;
  readonly stats: Stats;
}

/** There is nothing of that name. */
export class Missing extends Refusal {
  constructor(message: string) {
    super(message, 'NOENT');
  }
}

/** A name in a folder, and the guest's path of it for messages. */
export interface Entry {
  readonly parent: Place;
  readonly name: string;
  readonly path: string;
}

/** Where a descriptor leads, as a path; with a name, what has that name in the folder. */
export function through(fd: number, name?: string): string {
  return name === undefined ? `/proc/self/fd/${fd}` : `/proc/self/fd/${fd}/${name}`;
}

/** The granted folder itself, to whose path links may lead: its owner wrote it. Throws what the system says. */
export function openRoot(path: string): Place {
  const fd = openSync(path, O_PATH | O_DIRECTORY);
  return { fd, stats: fstatSync(fd) };
}

/** What the system knows a place by. */
export function idOf({ dev, ino }: Stats): string {
  return `${dev}:${ino}`;
}

/** The folder that holds the last of the names. Throws a Refusal. */
export function openParent(root: Place, names: readonly string[], path: string): Place {
  let at: Place = { fd: openAgain(root.fd), stats: root.stats };
  for (const name of names.slice(0, -1)) {
    const next = step(at, name, path);
    if (!next.stats.isDirectory()) {
      closeSync(next.fd);
      throw new Refusal(`${shown(name)} in path ${shown(path)} is no folder`, 'NOTDIR');
    }
    at = next;
  }
  return at;
}

/** One name further; the place before is closed. Throws a Refusal. */
export function step(at: Place, name: string, path: string): Place {
  try {
    return look(at, name, path);
  } finally {
    closeSync(at.fd);
  }
}

/** What has a name in a folder, followed nowhere. Throws a Refusal for what is not there, is a link, or lies on another file system. */
export function look(at: Place, name: string, path: string): Place {
  const fd = attempt(path, () => openSync(through(at.fd, name), O_PATH | O_NOFOLLOW));
  const stats = fstatSync(fd);
  const fault = faultOf(at, stats, name, path);
  if (fault === undefined) return { fd, stats };
  closeSync(fd);
  throw fault;
}

/** Why a place is not entered, if it is not. */
function faultOf(at: Place, stats: Stats, name: string, path: string): Refusal | undefined {
  const what = `${shown(name)} in path ${shown(path)}`;
  if (stats.isSymbolicLink()) return new Refusal(`${what} is a symbolic link, which is not followed`, 'LOOP');
  // Of folders alone: an overlay gives files the number of the layer they are in.
  if (stats.isDirectory() && stats.dev !== at.stats.dev)
    return new Refusal(`${what} lies on another file system; grant it by itself`, 'XDEV');
  return undefined;
}

/**
 * Throws a Refusal for all but a regular file that has one name, which is in this folder: by another it might lie outside. A file that had
 * two names may have lost ours just now, and then has one left, too. What tells is the descriptor's own name: it stands for the entry that
 * was opened, says when that is gone, and does not come back. So an entry that is there after its links were counted was there then: but for a
 * rename under way, which takes a link from the count a moment before it takes the entry. It holds the folder's lock for both, and so whoever
 * reads the folder in between sees its end.
 */
export function mustBeFile({ fd, stats: { nlink } }: Place, { parent, name, path }: Entry): void {
  const stats = fstatSync(fd);
  const what = kindOf(stats);
  if (what !== undefined) throw new Refusal(`${shown(path)} is ${what}`, stats.isDirectory() ? 'ISDIR' : 'NODEV');
  const links = Math.max(nlink, stats.nlink);
  if (links > 1)
    throw new Refusal(
      `${shown(path)} has ${links} names (hard links), and may lie outside its folder; copy it`,
      'MLINK',
    );
  if (stats.nlink === 1) {
    awaitChanges(parent, path);
    if (readlinkSync(through(fd)) === join(readlinkSync(through(parent.fd)), name)) return;
  }
  throw new Missing(`${shown(path)} was removed or renamed while it was opened`);
}

/** Returns when every change to the folder's names that was under way has come to its end: reading names takes the same lock. */
function awaitChanges({ fd }: Place, path: string): void {
  attempt(path, () => {
    const folder = opendirSync(through(fd), { encoding: 'buffer' as BufferEncoding });
    try {
      folder.readSync();
    } finally {
      folder.closeSync();
    }
  });
}

function kindOf(stats: Stats): string | undefined {
  if (stats.isDirectory()) return 'a folder';
  if (stats.isFIFO()) return 'a pipe';
  if (stats.isSocket()) return 'a socket';
  return stats.isFile() ? undefined : 'a device';
}

/** Opens what a place stands for, and nothing else that may have taken its name meanwhile. */
export function openPlace({ fd }: Place, flags: number, path: string): number {
  return attempt(path, () => openSync(through(fd), flags | O_NONBLOCK));
}

function openAgain(fd: number): number {
  return openSync(through(fd), O_PATH | O_DIRECTORY);
}

/** What a system call throws, as a Refusal that does not name paths of this machine. */
export function attempt<T>(path: string, act: () => T): T {
  try {
    return act();
  } catch (thrown) {
    if (thrown instanceof Refusal) throw thrown;
    const { code } = Object(thrown) as NodeJS.ErrnoException;
    if (code === undefined) throw thrown;
    if (code === 'ENOENT') throw new Missing(`${shown(path)} is not there`);
    const [text, reason] = REASONS[code] ?? [`cannot be opened (${code})`, 'IO'];
    throw new Refusal(`${shown(path)} ${text}`, reason);
  }
}

const FULL = 'cannot be written: the disk is full';
const NOT_OURS = 'may not be opened by the owner of this process';
const TOO_MANY = 'cannot be opened: too many files are open on this host';

/** In words, and as a program hears of it. */
const REASONS: Readonly<Record<string, readonly [string, ErrorName]>> = {
  ENOTDIR: ['goes through what is no folder', 'NOTDIR'],
  EISDIR: ['is a folder', 'ISDIR'],
  EACCES: [NOT_OURS, 'ACCES'],
  EPERM: [NOT_OURS, 'PERM'],
  EEXIST: ['is there already', 'EXIST'],
  ENOTEMPTY: ['is not empty', 'NOTEMPTY'],
  EINVAL: ['cannot be moved there', 'INVAL'],
  EXDEV: ['lies on another file system', 'XDEV'],
  EFBIG: ['would be too large', 'FBIG'],
  ENAMETOOLONG: ['is too long', 'NAMETOOLONG'],
  ENOSPC: [FULL, 'NOSPC'],
  EDQUOT: [FULL, 'NOSPC'],
  EROFS: ['lies on a file system that is read-only', 'ROFS'],
  ELOOP: ['is a symbolic link, which is not followed', 'LOOP'],
  ENXIO: ['is a socket', 'NODEV'],
  EMFILE: [TOO_MANY, 'MFILE'],
  ENFILE: [TOO_MANY, 'MFILE'],
};
