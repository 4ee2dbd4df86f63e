// Where the outcomes of a job go: a folder with a file a task, or one file with a line of JSON a task.
import { readdir, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { LodgerError } from '../../runtime/base/errors.ts';
import { formatSize } from '../../runtime/base/units.ts';
import type { ResultPlan } from '../../runtime/job/job.ts';
import type { Outcome, TaskLog } from '../../runtime/job/outcome.ts';
import { fileError, makeFile, makeFolder, sweep } from './files.ts';
import { createWriter } from './many-files.ts';

/** The largest output that goes into JSON: a document is one string, and V8's have a longest length. */
export const JSON_OUTPUT_BYTES = 256 * 2 ** 20;

/** What `taskFiles` calls its files. */
const TASK_FILE = /^\d{6,16}\.(?:out|png|log|failed\.json)$/;

/** Takes outcomes in input order. One of `finish` and `discard` must be called. */
export interface Results {
  /** The folder or file, absolute. */
  readonly path: string;
  add(index: number, outcome: Outcome): Promise<void>;
  finish(): Promise<void>;
  /** Leaves no half-written file, and no empty folder that it made. Whole files of a folder stay. After `finish` it does nothing. */
  discard(): Promise<void>;
}

/** What a caller says of where results go. */
export interface ResultOptions {
  /** The folder instead of the job file's place. */
  readonly output?: string;
  /** Where the same job was writing its results when it was broken off: those are written anew. */
  readonly begun?: string | null;
  /** Of outputs that have a picture, its PNG: in a folder, it goes beside the output. */
  readonly picture?: (output: Uint8Array) => Promise<Uint8Array | undefined>;
}

/**
 * Begins to write results, relative to `folder`. Throws `ERR_FILE`, also for a folder that holds something already: results of two jobs
 * would lie side by side.
 */
export async function openResults(
  plan: ResultPlan | undefined,
  folder: string,
  { output, begun, picture }: ResultOptions = {},
): Promise<Results | undefined> {
  if (plan?.kind === 'file') {
    const path = output === undefined ? resolve(folder, plan.file) : resolve(output, basename(plan.file));
    if (path === begun) sweep(dirname(path), basename(path));
    return lineFile(path, plan.as);
  }
  const target = output ?? plan?.folder;
  if (target === undefined) return undefined;
  const path = output === undefined ? resolve(folder, target) : resolve(output);
  if (path === begun) await clear(path);
  return taskFiles(path, plan?.kind === 'folder' && !plan.pictures ? undefined : picture);
}

/** Removes the files of a task each that were written before, and nothing else. */
async function clear(path: string): Promise<void> {
  sweep(path);
  for (const name of await namesIn(path)) if (TASK_FILE.test(name)) await rm(join(path, name));
}

async function taskFiles(path: string, picture: ResultOptions['picture']): Promise<Results> {
  const found = await namesIn(path);
  if (found.length > 0) {
    throw new LodgerError('ERR_FILE', [
      'write',
      path,
      'the folder is not empty: remove it, or name another with --output',
    ]);
  }
  const unmake = await makeFolder(path);
  const files = createWriter();
  let finished = false;
  return {
    path,
    add: async (index, outcome) => {
      const name = join(path, String(index).padStart(6, '0'));
      const log = logText(outcome.log);
      if (log !== '') await files.write(`${name}.log`, log);
      if (outcome.state === 'failed') {
        const { code, message } = outcome;
        return files.write(`${name}.failed.json`, `${JSON.stringify({ code, message })}\n`);
      }
      await files.write(`${name}.out`, outcome.output);
      const png = await picture?.(outcome.output);
      if (png) await files.write(`${name}.png`, png);
    },
    finish: async () => {
      await files.finish();
      finished = true;
    },
    discard: async () => {
      await files.discard();
      if (!finished) await unmake();
    },
  };
}

async function namesIn(path: string): Promise<string[]> {
  return readdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw fileError('write', path, error);
  });
}

/** One line a log line, and one more where some were dropped. */
function logText({ lines, linesDropped }: TaskLog): string {
  const kept = lines.map(({ level, text }) => `${level}: ${text}\n`).join('');
  return linesDropped > 0 ? `${kept}(${linesDropped} more lines were dropped)\n` : kept;
}

async function lineFile(path: string, as: 'base64' | 'text' | 'json'): Promise<Results> {
  const unmake = await makeFolder(dirname(path));
  const file = await makeFile(path);
  return {
    path,
    add: async (index, outcome) => {
      await file.write(lineOf(index, outcome, { as, path }));
    },
    finish: () => file.commit(),
    discard: async () => {
      await file.discard();
      await unmake();
    },
  };
}

/** One outcome as a line of JSON. `path` is where it goes, for messages. Throws `ERR_FILE` for an output that no line can hold. */
export function lineOf(
  index: number,
  outcome: Outcome,
  { as = 'text', path = 'standard output' }: { readonly as?: 'base64' | 'text' | 'json'; readonly path?: string } = {},
): string {
  const parts = [`"index":${index},"state":"${outcome.state}"`, content(outcome, as, path), ...logParts(outcome.log)];
  return `{${parts.join()}}\n`;
}

function logParts({ lines, linesDropped }: TaskLog): string[] {
  return [
    ...(lines.length > 0 ? [`"log":${JSON.stringify(lines)}`] : []),
    ...(linesDropped > 0 ? [`"logLinesDropped":${linesDropped}`] : []),
  ];
}

/** The key says the form: what is not text or not JSON, though that was asked for, comes as `base64`. Nothing is lost. */
function content(outcome: Outcome, as: 'base64' | 'text' | 'json', path: string): string {
  if (outcome.state === 'failed') {
    return `"code":${JSON.stringify(outcome.code)},"message":${JSON.stringify(outcome.message)}`;
  }
  const { output } = outcome;
  if (output.byteLength > JSON_OUTPUT_BYTES) {
    const reason = `an output of ${formatSize(output.byteLength)} is too large for a line; let results go to a folder`;
    throw new LodgerError('ERR_FILE', ['write', path, reason]);
  }
  const text = as === 'base64' ? undefined : textOf(output);
  if (as === 'text' && text !== undefined) return `"text":${JSON.stringify(text)}`;
  if (as === 'json' && text !== undefined && isJson(text)) {
    // Line ends stand only between the parts of a JSON text, never within: numbers keep all their digits this way.
    return `"json":${text.trim().replace(/[\r\n]+/g, ' ')}`;
  }
  return `"base64":"${Buffer.from(output.buffer, output.byteOffset, output.byteLength).toString('base64')}"`;
}

/** The text, if the bytes are UTF-8. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
