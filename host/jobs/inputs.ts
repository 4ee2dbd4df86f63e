// The inputs of a job, read from files as the runner asks for them.
import { type Stats, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { LodgerError } from '../../runtime/base/errors.ts';
import { formatSize } from '../../runtime/base/units.ts';
import type { InputPlan } from '../../runtime/job/job.ts';
import { createRangeReader, lineRanges, recordRanges, type Source } from './cut.ts';
import { fileError, openFile, type Room } from './files.ts';
import { readOne } from './many-files.ts';

const LF = 10;
const CR = 13;

/** Files that are looked at in one go. */
const LOOKS = 256;

export interface Inputs {
  /** Of all files together, to tell how much is done. */
  readonly totalBytes: number;
  /** Each input in order, to be used once; `room` makes what whole files are read into. Throws `ERR_FILE`. */
  each(room?: Room): AsyncIterable<Uint8Array>;
}

/** Looks at every file of the plan, relative to `folder`, and reads none yet. Throws `ERR_FILE`. */
export async function openInputs(plan: InputPlan, folder: string, inputBytesMax: number): Promise<Inputs> {
  const paths = (plan.kind === 'files' ? plan.files : [plan.file]).map((file) => resolve(folder, file));
  let totalBytes = 0;
  for (const [count, path] of paths.entries()) {
    totalBytes += sizeOf(path);
    // Whoever interrupts is heard meanwhile.
    if (count % LOOKS === LOOKS - 1) await turn();
  }
  if (plan.kind === 'files') return { totalBytes, each: (room) => wholeFiles(paths, inputBytesMax, room) };
  return { totalBytes, each: () => cutFile(plan, paths[0] ?? '', inputBytesMax) };
}

function sizeOf(path: string): number {
  let found: Stats;
  try {
    found = statSync(path);
  } catch (error) {
    throw fileError('read', path, error);
  }
  if (!found.isFile()) throw new LodgerError('ERR_FILE', ['read', path, 'it is not a regular file']);
  return found.size;
}

async function* wholeFiles(paths: readonly string[], inputBytesMax: number, room?: Room): AsyncGenerator<Uint8Array> {
  for (const path of paths) yield await readOne(path, inputBytesMax, room);
}

async function* cutFile(
  plan: Exclude<InputPlan, { kind: 'files' }>,
  path: string,
  inputBytesMax: number,
): AsyncGenerator<Uint8Array> {
  const source: Source = { path, ...(await openFile(path)) };
  try {
    const read = createRangeReader(source);
    const ranges = plan.kind === 'lines' ? lineRanges(source) : recordRanges(source, plan.startsWith, plan.perTask);
    for await (const range of ranges) {
      const length = range.to - range.from;
      if (length > inputBytesMax) {
        const what = `the input at byte ${range.from} has ${formatSize(length)}`;
        throw new LodgerError('ERR_FILE', [
          'read',
          path,
          `${what}, limits.inputBytesMax is ${formatSize(inputBytesMax)}`,
        ]);
      }
      const bytes = await read(range);
      const input = plan.kind === 'lines' ? withoutLineEnd(bytes) : bytes;
      if (plan.kind === 'records' || input.length > 0) yield input;
    }
  } finally {
    await source.handle.close();
  }
}

function withoutLineEnd(line: Uint8Array): Uint8Array {
  let end = line.length;
  if (line[end - 1] === LF) end -= 1;
  if (line[end - 1] === CR) end -= 1;
  return end === line.length ? line : line.slice(0, end);
}
