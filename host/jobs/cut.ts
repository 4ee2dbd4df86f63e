// Where a file is cut into inputs: at lines, or at lines that start in a certain way. Works on offsets; no more than a window is held.
import type { FileHandle } from 'node:fs/promises';
import { LodgerError } from '../../runtime/base/errors.ts';
import type { PerTask } from '../../runtime/job/job.ts';
import { readAt } from './files.ts';

const WINDOW_BYTES = 1024 * 1024;

/** A part of a file: from the first byte, to the byte after the last one. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

export interface Source {
  readonly handle: FileHandle;
  readonly path: string;
  readonly size: number;
}

/**
 * Offsets of the lines that start with `startsWith`, those of one window at a time. A line begins at the start of the file and
 * after each line feed.
 */
export async function* lineStarts(source: Source, startsWith: string): AsyncGenerator<readonly number[]> {
  const mark = Buffer.from(`\n${startsWith}`);
  // The line feed that the first line does not have; every window repeats the end of the one before, in case a mark lies across.
  let held: Uint8Array = Buffer.from('\n');
  for (let at = 0; at < source.size; ) {
    const length = Math.min(WINDOW_BYTES, source.size - at);
    const window = Buffer.concat([held, await readAt(source.handle, source.path, at, length)]);
    const base = at - held.length;
    const starts: number[] = [];
    for (let found = window.indexOf(mark); found >= 0; found = window.indexOf(mark, found + 1))
      starts.push(base + found + 1);
    yield starts;
    at += length;
    held = window.subarray(Math.max(0, window.length - mark.length + 1));
  }
}

/** The lines that are not empty, without their line ends. */
export async function* lineRanges(source: Source): AsyncGenerator<Range> {
  let from: number | undefined;
  for await (const starts of lineStarts(source, '')) {
    for (const start of starts) {
      if (from !== undefined) yield { from, to: start };
      from = start;
    }
  }
  if (from !== undefined && from < source.size) yield { from, to: source.size };
}

/**
 * Whole records, as many for each range as `perTask` says. A record begins at each line that starts with `startsWith` and ends
 * before the next one. Throws `ERR_FILE` for a file with anything before its first record.
 */
export async function* recordRanges(source: Source, startsWith: string, perTask: PerTask): AsyncGenerator<Range> {
  const refuse = (reason: string) => new LodgerError('ERR_FILE', ['read', source.path, reason]);
  let range: { from: number; to: number; records: number } | undefined;
  let record: number | undefined;
  const fits = (to: number) =>
    range !== undefined &&
    (perTask.records === undefined ? to - range.from <= perTask.bytes : range.records < perTask.records);

  for await (const starts of withEnd(lineStarts(source, startsWith), source.size)) {
    for (const start of starts) {
      if (record === undefined) {
        if (start === source.size) throw refuse(`no line starts with ${JSON.stringify(startsWith)}`);
        if (start > 0)
          throw refuse(`its first line does not start with ${JSON.stringify(startsWith)}: it belongs to no record`);
      } else if (range !== undefined && fits(start)) {
        range.to = start;
        range.records += 1;
      } else {
        if (range !== undefined) yield { from: range.from, to: range.to };
        range = { from: record, to: start, records: 1 };
      }
      record = start;
    }
  }
  if (range !== undefined) yield { from: range.from, to: range.to };
}

/** The end of the file ends the last record. */
async function* withEnd(starts: AsyncIterable<readonly number[]>, size: number): AsyncGenerator<readonly number[]> {
  yield* starts;
  yield [size];
}

/** Reads ranges in rising order; small neighbours share a read. */
export function createRangeReader({ handle, path, size }: Source): (range: Range) => Promise<Uint8Array> {
  let window: Uint8Array = new Uint8Array();
  let at = 0;
  return async ({ from, to }) => {
    if (to - from >= WINDOW_BYTES) return readAt(handle, path, from, to - from);
    if (from < at || to > at + window.length) {
      window = await readAt(handle, path, from, Math.min(WINDOW_BYTES, size - from));
      at = from;
    }
    return window.slice(from - at, to - at);
  };
}
