// Every ceiling of what reaches beyond a task by name, with the reason for it. All are for one task.
import type { Ceiling } from './limits.ts';

const KiB = 2 ** 10;
const MiB = 2 ** 20;

/** Folders that are granted. */
export const FILES = {
  bytesRead: { default: 64 * 1024 * MiB, max: 64 * 1024 * MiB, unit: 'bytes read', reason: 'disks are shared' },
  bytesWritten: { default: 1024 * MiB, max: 1024 * MiB, unit: 'bytes written', reason: 'a disk may fill up' },
  writeBytes: { default: 64 * MiB, max: 64 * MiB, unit: 'bytes of one write', reason: 'held in memory on their way' },
  files: { default: 10_000, max: 10_000, unit: 'files opened', reason: 'a task may make as many' },
  open: { default: 16, max: 16, unit: 'open files', reason: 'a process has few descriptors' },
  descriptors: { default: 1_024, max: 1_024, unit: 'files and folders open', reason: 'a program may make as many' },
  names: { default: 10_000, max: 10_000, unit: 'names in a folder', reason: 'they are given at once' },
  nameBytes: { default: 255, max: 255, unit: 'bytes in a name', reason: 'file systems have no longer ones' },
  pathBytes: { default: 1_024, max: 1_024, unit: 'bytes in a path', reason: 'it is read whole' },
  depth: { default: 32, max: 32, unit: 'names in a path', reason: 'each is opened' },
  /** How much is read before it is looked whether to go on. */
  pieceBytes: { default: 4 * MiB, max: 4 * MiB, unit: 'bytes', reason: 'a task that is stopped hears of it' },
} as const satisfies Record<string, Ceiling>;

export type FilesCeilings = { readonly [Name in keyof typeof FILES]: number };

/** Folders that are pinned by digest, and held in memory. */
export const TREE = {
  files: { default: 10_000, max: 10_000, unit: 'files', reason: 'each is kept as an object' },
  bytes: { default: 2047 * MiB, max: 2047 * MiB, unit: 'bytes', reason: 'all are held in memory' },
  manifestBytes: { default: 16 * MiB, max: 16 * MiB, unit: 'bytes', reason: 'read whole' },
} as const satisfies Record<string, Ceiling>;

/** Requests to origins that are granted. */
export const HTTP = {
  requests: { default: 1_000, max: 1_000, unit: 'requests', reason: 'the receipt names each' },
  redirects: { default: 5, max: 5, unit: 'redirects', reason: 'they may go round in a ring' },
  urlBytes: { default: 4 * KiB, max: 4 * KiB, unit: 'bytes in an address', reason: 'servers take no longer ones' },
  bodyBytes: { default: 16 * MiB, max: 16 * MiB, unit: 'bytes of one body', reason: 'held in memory' },
  bytesSent: { default: 256 * MiB, max: 256 * MiB, unit: 'bytes sent', reason: 'a connection is shared' },
  bytesReceived: { default: 1024 * MiB, max: 1024 * MiB, unit: 'bytes received', reason: 'a connection is shared' },
  headerBytes: { default: 16 * KiB, max: 16 * KiB, unit: 'bytes of headers', reason: 'held in memory' },
  requestMs: { default: 30_000, max: 30_000, unit: 'ms a request', reason: 'a server may never come to an end' },
} as const satisfies Record<string, Ceiling>;

export type HttpCeilings = { readonly [Name in keyof typeof HTTP]: number };
