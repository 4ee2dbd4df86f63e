// Files of pinned folders: they are blobs in memory, the same on every host, so that nobody has to be asked for them.
import { FILES } from '../base/outside.ts';
import { type FilesSide, type Folder, placeOf, Refusal, shown } from '../job/outside.ts';
import { parseManifest, type TreeFile, treeKey } from '../job/tree.ts';

type Blobs = Readonly<Record<string, Uint8Array>>;

/** File by name, or the names in a folder. */
type Tree = ReadonlyMap<string, TreeFile | ReadonlySet<string>>;

/** A manifest is read once a thread. */
const trees = new WeakMap<Uint8Array, Tree>();

/** The pinned folders of a task. The blobs were checked before. */
export function openTrees(folders: readonly Folder[], blobs: Blobs): FilesSide {
  // Now, and not in a call of the guest, whose stack may be all but spent.
  for (const folder of folders) if ('tree' in folder.source) treeIn(folder, blobs);
  const find = (path: string) => {
    const { folder, names } = placeOf(folders, path);
    const found = treeIn(folder, blobs).get(names.join('/'));
    if (!found) throw new Refusal(`${shown(path)} is not there`, 'NOENT');
    return { folder, found };
  };
  const fileAt = (path: string): Uint8Array => {
    const { found } = find(path);
    if (found instanceof Set) throw new Refusal(`${shown(path)} is a folder`, 'ISDIR');
    return blobs[treeKey((found as TreeFile).digest)] as Uint8Array;
  };
  const refuse = (path: string): never => {
    const { folder } = placeOf(folders, path);
    throw new Refusal(`folder ${shown(folder.at)} is pinned by its digest, and cannot be written to`, 'ROFS');
  };
  return {
    size: (path) => fileAt(path).byteLength,
    read: (path, { offset, count }, room) => {
      const bytes = fileAt(path);
      if (offset > BigInt(bytes.byteLength)) throw beyond(path, offset, bytes.byteLength);
      const from = Number(offset);
      const piece = bytes.subarray(from, Math.min(bytes.byteLength, from + count));
      room(piece.byteLength).set(piece);
    },
    write: refuse,
    change: refuse,
    look: (path) => {
      const { found } = find(path);
      return found instanceof Set ? { kind: 'folder', size: 0 } : { kind: 'file', size: (found as TreeFile).size };
    },
    names: (path) => {
      const { found } = find(path);
      if (!(found instanceof Set)) throw new Refusal(`${shown(path)} is no folder`, 'NOTDIR');
      const names = [...(found as ReadonlySet<string>)].sort();
      if (names.length > FILES.names.default) throw tooMany(path);
      return names;
    },
    report: () => ({ opened: 0, bytesRead: 0, bytesWritten: 0 }),
    close: () => undefined,
  };
}

/** What is said of an offset behind a file's end, and of a folder with too much in it. */
export function beyond(path: string, offset: bigint, size: number): Refusal {
  return new Refusal(`offset ${offset} is beyond the end of ${shown(path)} (${size} bytes)`, 'INVAL');
}

export function tooMany(path: string): Refusal {
  return new Refusal(`${shown(path)} has over ${FILES.names.default} names in it`);
}

function treeIn({ source }: Folder, blobs: Blobs): Tree {
  const manifest = 'tree' in source ? blobs[treeKey(source.tree)] : undefined;
  if (!manifest) throw new Refusal('a pinned folder is not here');
  const tree = trees.get(manifest) ?? planted(parseManifest(manifest));
  trees.set(manifest, tree);
  return tree;
}

function planted(files: readonly TreeFile[] | string): Tree {
  const folders = new Map<string, Set<string>>([['', new Set()]]);
  const tree = new Map<string, TreeFile | ReadonlySet<string>>();
  if (typeof files === 'string') throw new Refusal(files);
  for (const file of files) {
    tree.set(file.name, file);
    const parts = file.name.split('/');
    parts.forEach((part, depth) => {
      const above = parts.slice(0, depth).join('/');
      const names = folders.get(above) ?? new Set();
      folders.set(above, names.add(part));
    });
  }
  for (const [name, names] of folders) tree.set(name, names);
  return tree;
}
