// A job that lasts: outcomes of its tasks and images of its steppers are kept in a folder, so that it can be started again.
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { rm, rmdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { BATCH, POOL, TASK } from '../../runtime/base/limits.ts';
import { type Digest, toHex } from '../../runtime/base/platform.ts';
import type { Kernel } from '../../runtime/job/kernel.ts';
import { checkMerge } from '../../runtime/job/merge.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import type { ImageNotice } from '../../runtime/job/steps.ts';
import type { Job, MapOptions, Runner, Terms } from '../../runtime/job/task.ts';
import { mapMerged } from '../../runtime/sandbox/merged.ts';
import { fileError, readWhole, sweep, writeOwn } from '../jobs/files.ts';
import { node } from '../platform/node.ts';
import { inOrder } from '../pool/ordered.ts';
import { folderStore } from './folder-store.ts';
import { claim, refusal } from './job-file.ts';
import { decodeOutcome, encodeOutcome } from './outcome-file.ts';
import { type KeptOutcome, runStepper } from './stepper.ts';
import type { Damaged } from './trail.ts';

/** More than any outcome has: the largest output, and as much for its head. */
const FILE_BYTES_MAX = TASK.outputBytesMax.max * 2;

/** What a job that was started again is told of a task. */
export type KeepNotice =
  /** Its outcome was there. */
  | { readonly kind: 'kept'; readonly index: number }
  /** It goes on from an image. */
  | { readonly kind: 'resumed'; readonly index: number; readonly image: ImageNotice }
  /** It was ended by the signal, and can be gone on with from this image. */
  | { readonly kind: 'paused'; readonly index: number; readonly image: ImageNotice }
  /** It cannot go on from this image, and takes the one before. */
  | { readonly kind: 'damaged'; readonly index: number; readonly image: Damaged }
  /** Its outcome is not what was written: it is run again. */
  | { readonly kind: 'lost'; readonly index: number };

export interface KeepOptions extends MapOptions {
  /** How often an image is taken of each stepper; every 10 s by default. */
  readonly everyMs?: number;
  /** Tasks that are under way at a time. */
  readonly tasksMax?: number;
  /** Bytes of inputs and results that are held at a time. */
  readonly windowBytesMax?: number;
  readonly onNotice?: (notice: KeepNotice) => void;
}

export interface Keep {
  /** The folder, absolute. */
  readonly path: string;
  /** Where an earlier start of the job wrote its results. Whoever writes them there again destroys nothing. */
  readonly results: string | null;
  /** Remembers where results are written. */
  setResults(path: string | null): Promise<void>;
  /** Like `runner.map`, but that what was done before is not done again. */
  map(runner: Runner, job: Job, options?: KeepOptions): AsyncIterableIterator<Outcome>;
  /** Removes what is kept, and the folder with it. */
  remove(): Promise<void>;
}

/**
 * Opens the folder of a job, which is made if it is not there. One process at a time may use it. Throws `ERR_FILE` for the folder of another
 * job, and for what cannot be written.
 */
export async function openKeep(folder: string, terms: Terms): Promise<Keep> {
  const path = resolve(folder);
  const places: Places = { path, outcomes: join(path, 'outcomes'), images: join(path, 'images') };
  const { results, setResults } = await claim(path, terms, makeFolder(path));
  makeFolder(places.outcomes);
  makeFolder(places.images);
  return {
    path,
    results,
    setResults,
    map: (runner, job, options = {}) => {
      // Signal and progress are those of each level.
      const { signal, onProgress, ...rest } = options;
      const spoken = { ...(signal && { signal }), ...(onProgress && { onProgress }) };
      if (job.merge) checkMerge(job.kernel, job.merge.kernel);
      const map = mapMerged((each, given, level) =>
        mapKept(level === 0 ? places : levelOf(places, level, each), runner, each, { ...rest, ...given }),
      );
      return map(job, spoken);
    },
    remove: async () => {
      for (const name of ['outcomes', 'images', 'job.json'])
        await rm(join(path, name), { recursive: true, force: true });
      // Somebody may have put something else there.
      await rmdir(path).catch(() => undefined);
    },
  };
}

interface Places {
  readonly path: string;
  readonly outcomes: string;
  readonly images: string;
}

/** Where merges of a level are kept: by another kernel they are others. */
function levelOf({ path, outcomes, images }: Places, level: number, { kernel }: Job): Places {
  const name = `${level}-${kernel.digest.slice(0, 16)}`;
  const places = { path, outcomes: join(outcomes, name), images: join(images, name) };
  makeFolder(places.outcomes);
  makeFolder(places.images);
  return places;
}

/** Makes a folder if it is not there; what it holds. */
function makeFolder(path: string): string[] {
  try {
    mkdirSync(path, { recursive: true });
    sweep(path);
    return readdirSync(path);
  } catch (error) {
    throw fileError('write', path, error);
  }
}

/** An outcome, or how to read one: those that are kept are read when it is their turn. */
type Coming = Outcome | (() => Promise<Outcome>);

async function* mapKept(
  places: Places,
  runner: Runner,
  job: Job,
  options: KeepOptions,
): AsyncIterableIterator<Outcome> {
  const { signal, onProgress, onNotice, tasksMax = BATCH.tasksMax.default * 2 } = options;
  const { inputs, merge: _, ...terms } = job;
  const control = new AbortController();
  const forward = () => control.abort(signal?.reason);
  if (signal?.aborted) forward();
  else signal?.addEventListener('abort', forward, { once: true });
  const counts = { done: 0, failed: 0, started: 0 };
  const outcomeOf = createTasks(places, runner, terms, { ...options, signal: control.signal });

  const coming = inOrder<Uint8Array, Coming>({
    inputs: encoded(terms.kernel, inputs),
    countMax: tasksMax,
    bytesMax: options.windowBytesMax ?? POOL.windowBytesMax.default,
    weigh: (value) => ('byteLength' in value ? value.byteLength : 'output' in value ? value.output.byteLength : 0),
    begin: async (input, index) => {
      counts.started++;
      const file = fileOf(places, index);
      const run = () => outcomeOf(input, index);
      if (!existsSync(file)) return run();
      return async () => {
        const kept = await readKept(places, index, toHex(node.digest(input)));
        onNotice?.({ kind: kept ? 'kept' : 'lost', index });
        return kept ?? run();
      };
    },
    abandon: () => {
      signal?.removeEventListener('abort', forward);
      control.abort();
    },
  });
  for await (const one of coming) {
    const outcome = typeof one === 'function' ? await one() : one;
    counts[outcome.state]++;
    onProgress?.({ ...counts });
    yield outcome;
  }
}

/** Inputs as bytes: of a typed kernel, values become what fits it. */
async function* encoded(kernel: Kernel, inputs: Job['inputs']): AsyncGenerator<Uint8Array> {
  for await (const input of inputs) yield kernel.encode(input);
}

/** Runs one task of a job, and keeps its outcome before anybody sees it. What this machine failed in is not kept. */
function createTasks({ outcomes, images, path }: Places, runner: Runner, terms: Terms, options: KeepOptions) {
  const { everyMs, onNotice, signal } = options;
  const stepper = (input: Uint8Array, index: number): Promise<KeptOutcome> =>
    runStepper(
      runner,
      { ...terms, input, index },
      {
        store: folderStore(join(images, nameOf(index))),
        alone: true,
        ...(everyMs !== undefined && { everyMs }),
        ...(signal && { signal }),
        onResumed: (image) => onNotice?.({ kind: 'resumed', index, image }),
        onDamaged: (image) => onNotice?.({ kind: 'damaged', index, image }),
        onPaused: (image) => onNotice?.({ kind: 'paused', index, image }),
      },
    );
  return async (input: Uint8Array, index: number): Promise<Outcome> => {
    const isStepper = terms.kernel.shape === 'stepper';
    const outcome = isStepper
      ? (await stepper(input, index)).outcome
      : await runner.run({ ...terms, input, index }, { ...(signal && { signal }) });
    if (outcome.state === 'failed' && outcome.fault === 'host') return outcome;
    await writeOwn(
      fileOf({ path, outcomes, images }, index),
      encodeOutcome({ input: toHex(node.digest(input)), outcome }),
    );
    if (isStepper) await rm(join(images, nameOf(index)), { recursive: true, force: true });
    return outcome;
  };
}

/** `undefined` for a file that is damaged. Throws `ERR_FILE` for the outcome of another input. */
async function readKept(places: Places, index: number, input: Digest): Promise<Outcome | undefined> {
  const file = fileOf(places, index);
  const kept = decodeOutcome(await readWhole(file, FILE_BYTES_MAX), file);
  if (kept && kept.input !== input) {
    throw refusal(
      places.path,
      `it is of another job: its task ${index} had an input sha256:${kept.input}, not sha256:${input}`,
    );
  }
  return kept?.outcome;
}

function fileOf({ outcomes }: Places, index: number): string {
  return join(outcomes, `${nameOf(index)}.outcome`);
}

function nameOf(index: number): string {
  return String(index).padStart(6, '0');
}
