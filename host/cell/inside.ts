// Life in a cell: a pool of threads that gets kernels and tasks by frames, and can reach nothing else.
import { Buffer } from 'node:buffer';
import { Socket, type SocketConstructorOpts } from 'node:net';
import process from 'node:process';
import { admit } from '../../runtime/admit/admit.ts';
import { ADMISSION, type Ceilings } from '../../runtime/base/admission.ts';
import { LodgerError } from '../../runtime/base/errors.ts';
import type { Digest } from '../../runtime/base/platform.ts';
import type { Kernel } from '../../runtime/job/kernel.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import { loadAddon } from '../platform/native.ts';
import { node } from '../platform/node.ts';
import { createPool, type OpenJob, type ThreadPool } from '../pool/pool.ts';
import type { OneTask } from '../pool/start.ts';
import type { CellOrder, CellTerms, FromCell, ToCell } from '../wire/cell.ts';
import { createReader, roomFor, writeFrame } from '../wire/frames.ts';
import { createAsked } from './asked.ts';
import { CELL } from './ceilings.ts';
import { createSpoken, type Spoken } from './spoken.ts';

/** The descriptor of the frames. The parent has the other end. */
export const FRAMES = 3;

/** What is read at a time; the same memory again and again. */
const READ_BYTES = 256 * 1024;

/** Outside it was admitted by whatever ceilings its owner gave; they may be higher than the defaults, never than these. */
const CEILINGS = Object.fromEntries(Object.entries(ADMISSION).map(([name, { max }]) => [name, max])) as Ceilings;

/** Runs until the other end of the frames is closed. `order`: a `CellOrder` as JSON. */
export async function live(order: string): Promise<void> {
  const { lock, ...options } = JSON.parse(order) as CellOrder;
  const unlocked = lock ? lockExec() : 'it was not asked for';
  let read: (piece: Uint8Array) => void = () => undefined;
  const buffer = Buffer.alloc(READ_BYTES);
  const onread = {
    buffer,
    callback: (size: number) => {
      read(buffer.subarray(0, size));
      return true;
    },
  };
  // Node takes `onread` for a descriptor, too; its types know it of connections only.
  const frames = new Socket({ fd: FRAMES, readable: true, writable: true, onread } as SocketConstructorOpts);
  const say = (message: FromCell, bytes?: Uint8Array) => writeFrame(frames, message, bytes);
  const pool = await createPool(options, {
    ...{ asksFiles: true, batchMsTarget: CELL.batchMsTarget.default, forStrangers: true },
  });
  const hear = createInhabitant(pool, say);
  // The parent is trusted: whatever it writes is expected.
  read = createReader(
    () => Infinity,
    (message, bytes) => hear(message as ToCell, bytes),
    (message, bytes) => ((message as ToCell).type === 'task' ? pool.room(bytes) : roomFor(message, bytes)),
  );
  frames.on('close', () => process.exit(0));
  frames.on('error', () => process.exit(0));
  say({ type: 'ready', unlocked });
}

function lockExec(): string {
  try {
    loadAddon().lockExec();
    return '';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** One task in here. */
interface Inside {
  /** Of a stepper's task that is spoken to. */
  readonly spoken: Spoken | undefined;
  /** Ends it; absent until it has begun. */
  cancel: (() => void) | undefined;
  isCancelled: boolean;
}

/** What is done about each message. */
function createInhabitant(
  pool: ThreadPool,
  say: (message: FromCell, bytes?: Uint8Array) => void,
): (message: ToCell, bytes: Uint8Array) => void {
  const kernels = new Map<string, Promise<Kernel>>();
  const jobs = new Map<number, Promise<OpenJob>>();
  const running = new Map<number, Inside>();
  /** Images for the next task of each number. */
  const links = new Map<number, Map<Digest, Uint8Array>>();
  const asked = createAsked(say);

  const open = async ({
    kernel: digest,
    bytes,
    limits,
    grants,
    blobs,
    args,
    seed,
    digests,
    deterministic,
    outside,
  }: CellTerms): Promise<OpenJob> => {
    if (bytes) kernels.set(digest, admit(bytes, { ceilings: CEILINGS, platform: node }));
    const kernel = await kernels.get(digest);
    if (!kernel) throw new LodgerError('ERR_HOST_FAULT', ['a cell was not given its kernel']);
    return pool.open({ kernel, limits, grants, blobs, ...(args && { args }), seed, digests, deterministic }, outside);
  };

  /** The outcome of a task; from here on it can be cancelled. */
  const begin = (job: OpenJob, inside: Inside, one: OneTask): Promise<Outcome> => {
    const { spoken } = inside;
    if (spoken) {
      const started = job.start({ ...one, signal: spoken.signal }, spoken.keeper);
      spoken.begin(started);
      return started.outcome;
    }
    const { outcome, cancel } = job.run(one);
    inside.cancel = cancel;
    if (inside.isCancelled) cancel();
    return outcome;
  };

  const run = async ({ task, terms, index, steps }: Extract<ToCell, { type: 'task' }>, input: Uint8Array) => {
    const spoken = steps && createSpoken({ task, steps, links: links.get(task) ?? new Map(), say });
    links.delete(task);
    const inside: Inside = { spoken, cancel: spoken?.cancel, isCancelled: false };
    running.set(task, inside);
    try {
      const job = await jobs.get(terms);
      if (!job) throw new LodgerError('ERR_HOST_FAULT', ['a cell was not given the terms of a task']);
      const outcome = await begin(job, inside, { index, input, session: asked.sessionOf(task) });
      if (outcome.state === 'failed') say({ type: 'outcome', task, outcome });
      else {
        const { output, ...rest } = outcome;
        say({ type: 'outcome', task, outcome: rest as Outcome }, output);
      }
    } catch (error) {
      const { code, message } =
        error instanceof LodgerError ? error : new LodgerError('ERR_HOST_FAULT', [String(error)]);
      say({ type: 'refused', task, code, message });
    } finally {
      running.delete(task);
    }
  };

  return (message, bytes) => {
    switch (message.type) {
      case 'terms': {
        const job = open(message);
        // Its tasks say why.
        job.catch(() => undefined);
        jobs.set(message.terms, job);
        return;
      }
      case 'forget':
        if (message.terms !== undefined) jobs.delete(message.terms);
        if (message.kernel !== undefined) kernels.delete(message.kernel);
        return;
      case 'task':
        run(message, bytes);
        return;
      case 'link':
        links.set(message.task, (links.get(message.task) ?? new Map()).set(message.digest, bytes));
        return;
      case 'wish':
        running.get(message.task)?.spoken?.wish(message.wish);
        return;
      case 'stored':
        running.get(message.task)?.spoken?.stored();
        return;
      case 'cancel': {
        const inside = running.get(message.task);
        if (!inside) return;
        inside.isCancelled = true;
        inside.cancel?.();
        return;
      }
      case 'answer':
        asked.hear(message, bytes);
        return;
      case 'share':
        pool.setCpuShare(message.cpuShare);
        return;
      case 'ping':
        say({ type: 'pong' });
        return;
      default:
        message satisfies never;
    }
  };
}
