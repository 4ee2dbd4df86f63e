// What a program has open, by number: its streams, the granted folders, and what it has opened in them.
import { FILES } from '../base/outside.ts';
import { Refusal } from '../job/outside.ts';

/** The numbers of its streams, as it finds them. */
export const STREAM = { input: 0, output: 1, log: 2 } as const;

export interface Stream {
  readonly kind: 'stream';
  readonly which: (typeof STREAM)[keyof typeof STREAM];
}

export interface OpenFile {
  readonly kind: 'file';
  /** As guests name it. */
  readonly path: string;
  /** Bits of RIGHTS that it was opened with. */
  readonly rights: bigint;
  /** Where it is read and written next. */
  offset: bigint;
  /** Bits of FLAGS. */
  flags: number;
}

export interface OpenFolder {
  readonly kind: 'folder';
  readonly path: string;
  /** Whether the program finds it when it looks for granted folders. */
  readonly isGranted: boolean;
  /** What was in it when it was last read from its beginning. */
  names?: readonly string[];
}

/** Those of every program, in the order of their numbers: nothing about them ever changes. */
const STREAMS: readonly Stream[] = Object.values(STREAM).map((which) => ({ kind: 'stream', which }));

export type Descriptor = Stream | OpenFile | OpenFolder;

/** Bits of what may be done with a descriptor: those that are looked at, and all that files and folders have. */
export const RIGHTS = {
  read: 1n << 1n,
  write: 1n << 6n,
  resize: 1n << 22n,
  poll: 1n << 27n,
  /** All of files, from fd_datasync to fd_allocate, and the times and sizes of files. */
  file: 0x1ffn | (7n << 21n) | (1n << 27n),
  /** All of paths but to cut what is there, to list, and to look. */
  folder: (0x7fn << 9n) | (5n << 16n) | (1n << 17n) | (1n << 20n) | (1n << 21n) | (1n << 23n) | (7n << 24n),
} as const;

/** Bits of how a file is written to. */
export const FLAGS = { append: 1, nonblock: 4 } as const;

const FIRST = 3;

export class Descriptors {
  /** By number, which is never beyond those that were opened. */
  readonly #open: (Descriptor | undefined)[] = [...STREAMS];
  #count = STREAMS.length;

  /** `folders`: the paths of granted ones. */
  constructor(folders: readonly string[]) {
    for (const path of folders) this.add({ kind: 'folder', path, isGranted: true });
  }

  get(number: number): Descriptor | undefined {
    return this.#open[number];
  }

  /** What is open. Throws a Refusal, as all below. */
  at(number: number): Descriptor {
    const found = this.#open[number];
    if (!found) throw new Refusal(`nothing is open as ${number}`, 'BADF');
    return found;
  }

  /** A file; `streams` is what is said of those. */
  file(number: number, streams: 'SPIPE' | 'INVAL'): OpenFile {
    const found = this.at(number);
    if (found.kind === 'file') return found;
    throw new Refusal(`${number} is a ${found.kind}`, found.kind === 'folder' ? 'ISDIR' : streams);
  }

  folder(number: number): OpenFolder {
    const found = this.at(number);
    if (found.kind !== 'folder') throw new Refusal(`${number} is a ${found.kind}`, 'NOTDIR');
    return found;
  }

  /** Its number: the first that is free, never one of a stream's. */
  add(descriptor: Descriptor): number {
    if (this.#count >= FILES.descriptors.default)
      throw new Refusal(`over ${FILES.descriptors.default} files and folders are open`, 'MFILE');
    let number = FIRST;
    while (this.#open[number]) number++;
    this.#open[number] = descriptor;
    this.#count++;
    return number;
  }

  close(number: number): void {
    this.at(number);
    this.#open[number] = undefined;
    this.#count--;
  }

  /** What is open there is closed. */
  renumber(from: number, to: number): void {
    const found = this.at(from);
    this.at(to);
    this.#open[from] = undefined;
    this.#open[to] = found;
    if (from !== to) this.#count--;
  }
}
