// One cell, seen from outside: a process with tasks in it, which is watched and ended when it misbehaves.
import { constants } from 'node:os';
import { LodgerError } from '../../runtime/base/errors.ts';
import { FILES } from '../../runtime/base/outside.ts';
import { now } from '../platform/node.ts';
import { answerToWire, type FromCell, parseFromCell, type ToCell } from '../wire/cell.ts';
import { createReader, writeFrame } from '../wire/frames.ts';
import { CELL } from './ceilings.ts';
import type { Contract, Entry } from './entry.ts';
import { kill, type Launched, type LaunchOptions, launch } from './launch.ts';
import { boardCell, type Talk } from './steps.ts';
import type { Wall } from './walls.ts';
import { judge, lookAt, NOTHING_SEEN } from './watch.ts';

export interface CellOptions extends LaunchOptions {
  /** Kernels that a cell keeps. */
  readonly kernelsKept: number;
}

/** A cell that is ready for tasks. */
export interface Cell {
  /** The process that does the work, by its number. */
  readonly pid: number;
  readonly walls: readonly Wall[];
  /** The tasks inside, by number. */
  readonly tasks: ReadonlyMap<number, Entry>;
  /** Bytes of their inputs. */
  readonly bytes: number;
  /** How many of them are run again, since they died with another cell. */
  readonly suspects: number;
  /** How many of them are spoken to. */
  readonly spoken: number;
  /** Throws `ERR_IMAGE_INVALID` for a stepper whose image cannot be read. */
  give(entry: Entry): void;
  /** Asks for the end of a task. What has not ended soon takes the cell with it. */
  cancel(entry: Entry): void;
  /** Its tasks are at their end: none will come any more with these terms. */
  forget(contract: Contract): void;
  setCpuShare(share: number): void;
  /** Ends it at once. Resolves when its process is gone. */
  end(reason: string): Promise<void>;
}

export interface Listener {
  /** A task that is no longer inside. */
  onResult(cell: Cell, entry: Entry, result: Extract<FromCell, { type: 'outcome' | 'refused' }>): void;
  /** Once, with the tasks that were inside. */
  onGone(cell: Cell, entries: readonly Entry[], reason: string): void;
}

interface Beginning {
  onReady(cell: Cell): void;
  /** It ended before. */
  onNeverReady(reason: string): void;
}

/** Starts a cell; resolves when it is ready. Throws `ERR_HOST_FAULT`. */
export async function startCell(options: CellOptions, listener: Listener): Promise<Cell> {
  const launched = await launch(options);
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      kill(launched);
      reject(notStarted(launched, 'it was not ready in time'));
    }, CELL.startMsMax.default);
    createCell(launched, options, {
      ...listener,
      onNeverReady: (reason) => {
        clearTimeout(timer);
        reject(notStarted(launched, reason));
      },
      onReady: (made) => {
        clearTimeout(timer);
        resolve(made);
      },
    });
  });
}

function createCell(
  launched: Launched,
  { memoryBytesMax, kernelsKept }: CellOptions,
  { onReady, onNeverReady, onResult, onGone }: Listener & Beginning,
): Cell {
  const { child, frames, pid } = launched;
  const tasks = new Map<number, Entry>();
  const asking = new Map<number, AbortController>();
  const talks = new Map<number, Talk>();
  const kernels = new Set<string>();
  const contracts = new Set<number>();
  const walls: Wall[] = [...launched.held];
  let bytes = 0;
  let suspects = 0;
  let replyBytesMax = CELL.replyBytes.default as number;
  let silentRounds = 0;
  let heardAt = now();
  let memory = NOTHING_SEEN;
  let ready = false;
  let ended: string | undefined;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));

  const say = (message: ToCell, bytes?: Uint8Array) => {
    if (ended === undefined) writeFrame(frames, message, bytes);
  };
  const end = (reason: string) => {
    ended ??= reason;
    kill(launched);
    return gone;
  };
  const remove = (task: number): Entry | undefined => {
    const entry = tasks.get(task);
    if (!entry) return undefined;
    tasks.delete(task);
    talks.delete(task);
    asking.get(task)?.abort();
    asking.delete(task);
    bytes -= entry.input.byteLength;
    if (entry.stage === 'again') suspects--;
    heardAt = now();
    return entry;
  };

  const talkOf = ({ task }: { readonly task: number }): Talk => {
    const talk = talks.get(task);
    if (!talk) throw new RangeError('a task was spoken of that nobody speaks to');
    return talk;
  };

  const hear = (message: FromCell, bytes: Uint8Array) => {
    silentRounds = 0;
    switch (message.type) {
      case 'ready':
        if (message.unlocked === '') walls.push('lock');
        ready = true;
        onReady(cell);
        return;
      case 'outcome':
      case 'refused': {
        const entry = remove(message.task);
        if (!entry) throw new RangeError('a task was answered that was not asked');
        if (message.type === 'outcome' && message.outcome.receipt.kernel !== entry.contract.permit.kernel.digest)
          throw new RangeError('an outcome is of another kernel');
        onResult(cell, entry, message);
        return;
      }
      case 'image':
        talkOf(message).image(message.digest, bytes);
        return;
      case 'notice': {
        const { step, share, fuel, answers } = message;
        talkOf(message).notice({ step, share, fuel, answers });
        return;
      }
      case 'ask':
        answer(message).catch(({ message: reason }: Error) => end(`it sent what is no message: ${reason}`));
        return;
      case 'pong':
        return;
      default:
        message satisfies never;
    }
  };

  const read = createReader(
    () => replyBytesMax,
    (message, bytes) => hear(parseFromCell(message, bytes), bytes),
  );
  frames.on('data', (piece: Buffer) => {
    if (ended !== undefined) return;
    try {
      read(piece);
    } catch (error) {
      end(`it sent what is no message: ${error instanceof Error ? error.message : String(error)}`);
    }
  });
  frames.on('error', () => undefined);

  const look = () => {
    silentRounds++;
    say({ type: 'ping' });
    const wallMsMax = [...tasks.values()].reduce(
      (most, { contract }) => Math.max(most, contract.permit.limits.wallMsMax ?? 0),
      0,
    );
    const process = lookAt(pid);
    const seen = {
      ...(process && { process }),
      // What a start may take has a limit of its own.
      busy: tasks.size > 0 || !ready,
      silentRounds,
      lateMs: tasks.size > 0 ? now() - heardAt - wallMsMax : 0,
    };
    const verdict = judge(seen, memory, memoryBytesMax);
    memory = verdict.memory;
    if (verdict.reason !== undefined) end(verdict.reason);
  };
  const timer = setInterval(look, CELL.watchMs.default);
  timer.unref();

  child.once('exit', (code, signal) => {
    clearInterval(timer);
    const reason = ended ?? endOf(code, signal);
    ended = reason;
    frames.destroy();
    const inside = [...tasks.values()];
    for (const ending of asking.values()) ending.abort();
    tasks.clear();
    if (ready) onGone(cell, inside, reason);
    else onNeverReady(reason);
  });

  /** Whatever a cell asks, it gets what the task was granted. One question of a task is answered at a time, the latest. */
  const answer = async ({ task, number, ask }: Extract<FromCell, { type: 'ask' }>) => {
    const { session } = tasks.get(task) ?? {};
    if (!session) throw new RangeError('something was asked for a task that may ask for nothing');
    asking.get(task)?.abort();
    const ending = new AbortController();
    asking.set(task, ending);
    try {
      const [given, bytes] = answerToWire(await session.answer(ask, ending.signal));
      if (asking.get(task) === ending) say({ type: 'answer', number, answer: given }, bytes);
    } catch {
      // Nobody waits for it any more.
    }
  };

  const expect = (most: number) => {
    replyBytesMax = Math.max(replyBytesMax, CELL.replyBytes.default + most);
  };
  const learnTerms = ({ number, permit }: Contract) => {
    if (contracts.has(number)) return;
    contracts.add(number);
    const { kernel, ...rest } = permit;
    const { limits, outside } = rest;
    const { digest } = kernel;
    const known = kernels.delete(digest);
    kernels.add(digest);
    const inline = known ? {} : { bytes: kernel.bytes };
    say({ type: 'terms', terms: number, kernel: digest, ...inline, ...rest });
    const asksMax = outside ? FILES.writeBytes.max : 0;
    const outcomeMax = limits.outputBytesMax + 2 * limits.logBytesMax;
    expect(Math.max(outcomeMax, asksMax));
    const [oldest] = kernels;
    if (kernels.size <= kernelsKept || oldest === undefined) return;
    kernels.delete(oldest);
    say({ type: 'forget', kernel: oldest });
  };

  const cell: Cell = {
    pid,
    walls,
    tasks,
    get bytes() {
      return bytes;
    },
    get suspects() {
      return suspects;
    },
    get spoken() {
      return talks.size;
    },
    give: (entry) => {
      const { task, contract, index, input, steps } = entry;
      learnTerms(contract);
      if (steps) talks.set(task, boardCell({ ...entry, steps }, { say, expect }));
      else say({ type: 'task', task, terms: contract.number, index }, input);
      if (tasks.size === 0) heardAt = now();
      tasks.set(task, entry);
      bytes += input.byteLength;
      if (entry.stage === 'again') suspects++;
    },
    cancel: ({ task }) => {
      say({ type: 'cancel', task });
      const late = setTimeout(
        () => tasks.has(task) && end('a task that was aborted did not end'),
        CELL.answerMsMax.default,
      );
      late.unref();
    },
    forget: ({ number }) => {
      if (contracts.delete(number)) say({ type: 'forget', terms: number });
    },
    setCpuShare: (cpuShare) => say({ type: 'share', cpuShare }),
    end,
  };
  return cell;
}

function endOf(code: number | null, signal: NodeJS.Signals | null): string {
  if (signal) return `it was killed by ${signal}`;
  // What a process gives who passes on the end of another.
  const [name] = Object.entries(constants.signals).find(([, number]) => number === (code ?? 0) - 128) ?? [];
  return name === undefined ? `it ended by itself with status ${code}` : `it was killed by ${name}`;
}

function notStarted({ lastWords }: Launched, reason: string): LodgerError {
  return new LodgerError('ERR_HOST_FAULT', [`a cell did not start: ${reason} ${lastWords()}`.trim()]);
}
