// What reaches beyond a task, as data: folders and origins that were granted, what a guest asks of them, and what the receipt says of it.
import { FILES } from '../base/outside.ts';
import type { Digest } from '../base/platform.ts';
import type { ErrorName } from './preview1.ts';

/** A folder of this machine as it was when it was granted; another that takes its place later is not it. */
export interface FolderPlace {
  readonly path: string;
  /** What the system knows it by. */
  readonly id: string;
}

/** A granted folder: one of this machine, or a tree that is pinned by digest. */
export interface Folder {
  /** Under which path guests see it, as `/data`. */
  readonly at: string;
  readonly mode: 'read' | 'write';
  readonly source: FolderPlace | { readonly tree: Digest };
}

export interface Origin {
  readonly origin: string;
  readonly methods: readonly string[];
}

/** The grants of a task that reach beyond it, settled: plain data, which goes to threads and cells. */
export interface OutsideTerms {
  /** As texts: what was asked for, and what of it the policy allows. */
  readonly asked: readonly string[];
  readonly given: readonly string[];
  readonly folders: readonly Folder[];
  readonly origins: readonly Origin[];
  /** Of a WASI program: its clocks show the time that it is. */
  readonly clock?: boolean;
}

/** Why a guest does not get what it asked for. It hears of it, a WASI program by the reason alone, and may go on. */
export class Refusal extends Error {
  readonly reason: ErrorName;

  constructor(message: string, reason: ErrorName = 'NOTCAPABLE') {
    super(message);
    this.reason = reason;
  }
}

/** What has a name. */
export interface Found {
  /** A link is not followed. Of what is none of these, a task gets nothing. */
  readonly kind: 'file' | 'folder' | 'link' | 'other';
  /** In bytes, 0 of what is no file. */
  readonly size: number;
}

/** What a WASI program may do with a name in a folder that is granted for writing, beside writing bytes. */
export type Change =
  /** Makes what was not there: an empty file, a folder. */
  | { readonly act: 'create' | 'folder' }
  /** Removes a file; an empty folder. */
  | { readonly act: 'unlink' | 'remove' }
  | { readonly act: 'resize'; readonly size: number }
  /** Waits until it is on disk. */
  | { readonly act: 'sync' }
  /** Takes the place of what is there, as `rename` of the system does. */
  | { readonly act: 'rename'; readonly to: string };

/** Files below granted folders, for one task. Paths are those of the guest; what it does not get is thrown as a Refusal. */
export interface FilesSide {
  /** Bytes of a file. */
  size(path: string): number;
  /** At most `count` bytes from `offset` on go into what `room` gives, once, for as many as there are. */
  read(path: string, range: { readonly offset: bigint; readonly count: number }, room: Room): void;
  /** Writes all of `bytes`. */
  write(path: string, offset: bigint, bytes: Uint8Array): void;
  /** The names in a folder, in the order of their code units. */
  names(path: string): readonly string[];
  look(path: string): Found;
  change(path: string, change: Change): void;
  report(): FilesReport;
  close(): void;
}

export type Room = (length: number) => Uint8Array;

/** Requests to granted origins, for one task. Waits for the answer. */
export interface HttpSide {
  request(method: string, url: string, body: Uint8Array): HttpAnswer;
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: Uint8Array;
}

/** What a guest asks, as it travels to who holds the right. */
export type Ask =
  | { readonly kind: 'size' | 'names' | 'look'; readonly path: string }
  | { readonly kind: 'change'; readonly path: string; readonly change: Change }
  | { readonly kind: 'read'; readonly path: string; readonly offset: bigint; readonly count: number }
  | { readonly kind: 'write'; readonly path: string; readonly offset: bigint; readonly bytes: Uint8Array }
  | { readonly kind: 'request'; readonly method: string; readonly url: string; readonly body: Uint8Array };

/** What comes back: a refusal, or what was asked for. */
export type Answer =
  | { readonly refused: string; readonly reason: ErrorName }
  | {
      readonly size?: number;
      readonly found?: Found;
      readonly bytes?: Uint8Array;
      readonly names?: readonly string[];
      readonly status?: number;
    };

export interface FilesReport {
  readonly opened: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

/** One request that left this machine. */
export interface RequestReport {
  readonly method: string;
  readonly origin: string;
  /** 0 where no whole answer came. */
  readonly status: number;
  /** Bytes of the bodies. */
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

/** The receipt's part, written by who holds the right. */
export interface OutsideReport extends Pick<OutsideTerms, 'asked' | 'given'> {
  readonly files?: FilesReport;
  readonly requests?: readonly RequestReport[];
}

/** The folder of a guest's path, and the names below it. Throws a Refusal for a path that is none, or in no folder. */
export function placeOf(folders: readonly Folder[], path: string): { folder: Folder; names: readonly string[] } {
  if (!path.startsWith('/')) throw new Refusal(`path ${shown(path)} does not begin with "/"`);
  if (path.includes('\0')) throw new Refusal(`path ${shown(path)} has a NUL in it`, 'INVAL');
  const parts = path.slice(1).split('/');
  for (const part of parts) checkName(part, path);
  if (parts.length > FILES.depth.default)
    throw new Refusal(`path ${shown(path)} has over ${FILES.depth.default} names`, 'NAMETOOLONG');
  let found: Folder | undefined;
  for (const folder of folders) {
    const inside = path === folder.at || path.startsWith(`${folder.at}/`);
    if (inside && folder.at.length > (found?.at.length ?? 0)) found = folder;
  }
  if (!found) throw new Refusal(`no folder is granted at ${shown(path)}`);
  return { folder: found, names: parts.slice(found.at.split('/').length - 1) };
}

/** The name of a file below a folder; throws a Refusal for one that no file may have. */
export function checkName(name: string, path: string): void {
  if (name === '') throw new Refusal(`path ${shown(path)} has an empty name in it`);
  if (name === '.' || name === '..')
    throw new Refusal(`path ${shown(path)} has ${shown(name)} in it, which is not followed`);
  if (name.includes('\\')) throw new Refusal(`path ${shown(path)} has a backslash in it`);
  const size = utf8.encode(name).byteLength;
  if (size <= FILES.nameBytes.default) return;
  throw new Refusal(
    `path ${shown(path)} has a name of ${size} bytes, at most ${FILES.nameBytes.default} are opened`,
    'NAMETOOLONG',
  );
}

/** A path or address for a message. */
export function shown(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}...` : text);
}

const utf8 = new TextEncoder();
