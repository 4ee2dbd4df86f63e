// What a running task has beyond itself: pinned folders, which are here, and whatever its host opens for it.
import type { Outside } from '../abi/room.ts';
import {
  type FilesReport,
  type FilesSide,
  type Folder,
  type HttpSide,
  type OutsideReport,
  type OutsideTerms,
  placeOf,
} from '../job/outside.ts';
import { openTrees } from './trees.ts';

/** Through which a host gives files and answers, for one task; absent where it has none. */
export interface Doors {
  files?(folders: readonly Folder[], waiting: Waiting): FilesSide;
  http?(waiting: Waiting): HttpSide;
  /** Sleeps at most so many ms: whoever wants something of the task ends it before. */
  sleep?(ms: number, waiting: Waiting): void;
}

/** How a task waits, and whether it goes on in what takes long. */
export interface Waiting {
  /** Throws when the task has to end. */
  look(): void;
  /** How long it may wait until it has to look again. */
  msLeft(): number;
}

/** One task's. */
export interface Beyond extends Outside {
  report(): OutsideReport;
  close(): void;
}

export interface Given {
  readonly blobs: Readonly<Record<string, Uint8Array>>;
  readonly doors?: Doors;
  readonly waiting: Waiting;
  /** Of a host without a door for it. */
  readonly hold?: ((ms: number) => void) | undefined;
}

/** Opens nothing of this machine before it is asked for. */
export function openBeyond({ asked, given, folders }: OutsideTerms, { blobs, doors, waiting, hold }: Given): Beyond {
  let live: FilesSide | undefined;
  const http = doors?.http?.(waiting);
  const liveFolders = folders.filter(({ source }) => !('tree' in source));
  const openLive = () => doors?.files?.(folders, waiting);
  const trees = openTrees(folders, blobs);
  const sideOf = (path: string): FilesSide => {
    const { folder } = placeOf(folders, path);
    if ('tree' in folder.source) return trees;
    live ??= openLive();
    if (!live) throw new Error(`nobody here opens ${folder.at}`);
    return live;
  };
  // A file is read piece by piece: to take a path apart each time would cost as much as a small read.
  let lastPath: string | undefined;
  let lastSide: FilesSide | undefined;
  return {
    files: (path) => {
      if (path !== lastPath) lastSide = sideOf(path);
      lastPath = path;
      return lastSide as FilesSide;
    },
    folders: folders.map(({ at }) => at),
    mayWrite: (path) => placeOf(folders, path).folder.mode === 'write',
    wait: (ms) => {
      waiting.look();
      const least = Math.min(ms, Math.max(1, waiting.msLeft()));
      if (doors?.sleep) doors.sleep(least, waiting);
      else hold?.(least);
      waiting.look();
    },
    ...(http && { http }),
    report: () => {
      const files: FilesReport = live?.report() ?? { opened: 0, bytesRead: 0, bytesWritten: 0 };
      return { asked, given, ...(liveFolders.length > 0 && { files }) };
    },
    close: () => live?.close(),
  };
}
