// Folders of this machine that are granted to a task: the only code that opens a file for a guest. Reads, sizes and names; writing is beside it.
import { closeSync, constants, fstatSync, opendirSync, readSync, realpathSync } from 'node:fs';
import { defaults } from '../../runtime/base/defaults.ts';
import { LodgerError } from '../../runtime/base/errors.ts';
import { FILES, type FilesCeilings } from '../../runtime/base/outside.ts';
import {
  type Change,
  checkName,
  type FilesSide,
  type Folder,
  type Found,
  placeOf,
  Refusal,
  shown,
} from '../../runtime/job/outside.ts';
import type { FolderHolder } from '../../runtime/sandbox/sandbox.ts';
import { beyond, tooMany } from '../../runtime/sandbox/trees.ts';
import { changeEntry, renameEntry } from './change.ts';
import { createOpenFiles } from './open-files.ts';
import {
  attempt,
  CAN_WALK,
  type Entry,
  idOf,
  look,
  Missing,
  mustBeFile,
  openParent,
  openPlace,
  openRoot,
  type Place,
  step,
  through,
} from './walk.ts';
import { isPassing, writeAt } from './write.ts';

/** Folders of this machine, for `createSandbox` and for pools. */
export const nodeFolders: FolderHolder = {
  folder: (path) => {
    if (!CAN_WALK) throw new LodgerError('ERR_GRANT_UNAVAILABLE', ['files', NO_WALK]);
    try {
      const real = realpathSync(path);
      const { fd, stats } = openRoot(real);
      closeSync(fd);
      return { path: real, id: idOf(stats) };
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      const reason = code === 'ENOENT' ? 'there is no such folder' : code === 'ENOTDIR' ? 'it is no folder' : message;
      throw new LodgerError('ERR_FILE', ['grant', path, reason], { cause: error });
    }
  },
  open: (folders, look) => openFolders(folders, { look }),
};

const NO_WALK =
  'this system cannot open files without following links; pin the folder (files:/PATH=FOLDER:pinned), which works everywhere';

const FOLDER: Found = { kind: 'folder', size: 0 };

/** The size of a file when it was last looked at. */
const NOTHING_KNOWN = { fd: -1, size: 0 };

export interface FoldersOptions {
  /** Throws when the task has to end. */
  readonly look?: () => void;
  readonly ceilings?: FilesCeilings;
}

/** Opens folders for one task. Every path is walked anew, unless a file is open from before. */
export function openFolders(
  folders: readonly Folder[],
  { look: mayGoOn = () => undefined, ceilings = defaults(FILES) }: FoldersOptions = {},
): FilesSide {
  const roots = new Map<Folder, Place>();
  const used = { opened: 0, bytesRead: 0, bytesWritten: 0 };

  let known = NOTHING_KNOWN;
  const rootOf = (folder: Folder): Place => {
    const known = roots.get(folder);
    if (known) return known;
    if ('tree' in folder.source)
      throw new Refusal(`folder ${shown(folder.at)} is pinned, and no folder of this machine`);
    const { path, id } = folder.source;
    const root = attempt(folder.at, () => openRoot(path));
    if (idOf(root.stats) !== id) {
      closeSync(root.fd);
      throw new Refusal(`folder ${shown(folder.at)} is another one than when it was granted`, 'STALE');
    }
    roots.set(folder, root);
    return root;
  };

  /** The place of a path; the caller closes it. */
  const find = (path: string): Place => {
    const { folder, names } = placeOf(folders, path);
    const root = rootOf(folder);
    const parent = openParent(root, names, path);
    const last = names.at(-1);
    return last === undefined ? parent : step(parent, last, path);
  };
  const count = () => {
    used.opened++;
    if (used.opened > ceilings.files)
      throw new Refusal(`over ${ceilings.files} files were opened by this task`, 'DQUOT');
  };
  /** Writes so many bytes, if that is not more than may be. */
  const writing = (bytes: number, write: () => void) => {
    if (used.bytesWritten + bytes > ceilings.bytesWritten)
      throw new Refusal(`over ${ceilings.bytesWritten} bytes were written by this task`, 'DQUOT');
    write();
    used.bytesWritten += bytes;
  };
  /** Does something with the last name of a path, and the folder that it is in. */
  const within = <T>(path: string, act: (entry: Entry) => T): T => {
    if (isPassing(path)) throw new Refusal(`${shown(path)} is a name for files that are being written`);
    const { folder, names } = placeOf(folders, path);
    const name = names.at(-1);
    if (name === undefined) throw new Refusal(`${shown(path)} is a folder`, 'ISDIR');
    const parent = openParent(rootOf(folder), names, path);
    try {
      return act({ parent, name, path });
    } finally {
      closeSync(parent.fd);
    }
  };
  const mayWrite = (path: string) => {
    const { folder } = placeOf(folders, path);
    if (folder.mode !== 'write') throw new Refusal(`folder ${shown(folder.at)} is granted for reading only`, 'ROFS');
  };
  const files = createOpenFiles(ceilings.open, (path) =>
    within(path, (entry) => {
      const place = look(entry.parent, entry.name, path);
      try {
        mustBeFile(place, entry);
        count();
        // The number of a descriptor that was closed is given to another file.
        known = NOTHING_KNOWN;
        return openPlace(place, constants.O_RDONLY, path);
      } finally {
        closeSync(place.fd);
      }
    }),
  );
  const lookAt = (path: string): Found => {
    const { folder, names } = placeOf(folders, path);
    if (names.length === 0) {
      rootOf(folder);
      return FOLDER;
    }
    return within(path, foundAt);
  };
  const change = (path: string, wanted: Change) => {
    mayWrite(path);
    count();
    if (wanted.act === 'rename') {
      mayWrite(wanted.to);
      within(path, (from) => within(wanted.to, (to) => renameEntry(from, to)));
    } else {
      const more = wanted.act === 'resize' ? Math.max(0, wanted.size - lookAt(path).size) : 0;
      writing(more, () => within(path, (entry) => changeEntry(entry, wanted)));
    }
    // What is open may have another name now, or none.
    files.close();
    known = NOTHING_KNOWN;
  };

  const sizeOf = (fd: number): number => {
    known = { fd, size: fstatSync(fd).size };
    return known.size;
  };

  return {
    size: (path) => sizeOf(files.open(path)),
    read: (path, { offset, count }, room) => {
      const fd = files.open(path);
      // A piece that was inside the file when it was last looked at needs no other look: if it is not now, reading it tells.
      const size = fd === known.fd && offset + BigInt(count) <= known.size ? known.size : sizeOf(fd);
      if (offset > BigInt(size)) throw beyond(path, offset, size);
      const length = Math.min(size - Number(offset), count);
      if (used.bytesRead + length > ceilings.bytesRead)
        throw new Refusal(`over ${ceilings.bytesRead} bytes were read by this task`, 'DQUOT');
      used.bytesRead += length;
      const into = room(length);
      for (let done = 0; done < length; ) {
        const piece = Math.min(length - done, ceilings.pieceBytes);
        const got = attempt(path, () => readSync(fd, into, done, piece, Number(offset) + done));
        if (got === 0) throw new Refusal(`${shown(path)} became shorter while it was read`, 'IO');
        done += got;
        if (done < length) mayGoOn();
      }
    },
    write: (path, offset, bytes) => {
      mayWrite(path);
      within(path, (entry) => {
        if (bytes.byteLength > ceilings.writeBytes)
          throw new Refusal(
            `${bytes.byteLength} bytes are too many for one write, at most ${ceilings.writeBytes} are taken`,
            'FBIG',
          );
        writing(bytes.byteLength, () => {
          count();
          // What is open for reading may be replaced.
          files.forget(path);
          writeAt(entry.parent, { name: entry.name, path, offset, bytes });
        });
      });
    },
    names: (path) => {
      const place = find(path);
      try {
        if (!place.stats.isDirectory()) throw new Refusal(`${shown(path)} is no folder`, 'NOTDIR');
        count();
        return namesIn(place, path, ceilings.names);
      } finally {
        closeSync(place.fd);
      }
    },
    look: lookAt,
    change,
    report: () => ({ ...used }),
    close: () => {
      files.close();
      for (const { fd } of roots.values()) closeSync(fd);
      roots.clear();
    },
  };
}

/** What is refused for what it is, is told of by its kind. */
function foundAt(entry: Entry): Found {
  try {
    const place = look(entry.parent, entry.name, entry.path);
    try {
      if (place.stats.isDirectory()) return FOLDER;
      mustBeFile(place, entry);
      return { kind: 'file', size: place.stats.size };
    } finally {
      closeSync(place.fd);
    }
  } catch (thrown) {
    if (!(thrown instanceof Refusal) || thrown instanceof Missing) throw thrown;
    return { kind: thrown.reason === 'LOOP' ? 'link' : 'other', size: 0 };
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** What a guest could ask for: other names, which no text can say, are left out. */
function namesIn(place: Place, path: string, max: number): string[] {
  const folder = attempt(path, () => opendirSync(through(place.fd), { encoding: 'buffer' as BufferEncoding }));
  const names: string[] = [];
  try {
    for (let entry = folder.readSync(); entry; entry = folder.readSync()) {
      const name = nameOf(entry.name as unknown as Uint8Array);
      if (name === undefined || isPassing(name)) continue;
      names.push(name);
      if (names.length > max) throw tooMany(path);
    }
  } finally {
    folder.closeSync();
  }
  return names.sort();
}

function nameOf(bytes: Uint8Array): string | undefined {
  try {
    const name = utf8.decode(bytes);
    checkName(name, name);
    return name;
  } catch {
    return undefined;
  }
}
