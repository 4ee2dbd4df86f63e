// Starts the process of a cell, with as many walls around it as this machine has.
import { type ChildProcess, spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import process from 'node:process';
import type { Duplex, Readable } from 'node:stream';
import { LodgerError } from '../../runtime/base/errors.ts';
import { findJail } from '../platform/jail.ts';
import type { CellOrder } from '../wire/cell.ts';
import { CELL } from './ceilings.ts';
import { contents, NODE, PROGRAM } from './contents.ts';
import { makeGroup } from './groups.ts';
import { NOT_JAILS, WALL_NAMES, type Wall, without } from './walls.ts';

export interface LaunchOptions {
  readonly order: Omit<CellOrder, 'lock'>;
  readonly memoryBytesMax: number;
  /** Who lives there instead of a pool, what else can be read, and which walls are left out: for those who test the others. */
  readonly inhabitant?: {
    readonly words: readonly string[];
    readonly read: readonly string[];
    readonly without?: readonly Wall[];
  };
}

/** A process that was started. Its program may not have begun. */
export interface Launched {
  readonly child: ChildProcess;
  readonly frames: Duplex;
  /** The number of the process that does the work, for whoever watches it; that of `child` only waits for it. */
  readonly pid: number;
  readonly held: readonly Wall[];
  /** The end of what it has written to its standard error. */
  lastWords(): string;
}

/** Walls that this machine does not have, and why: found out once a process. */
const lacking = new Map<Wall, string>();

/** Why each wall that is missing is missing. */
export const missingWalls = (): ReadonlyMap<Wall, string> => lacking;

const REPORT = 4;
/** Node without the system's file of OpenSSL settings: a jail without a root of its own forbids it, and Node then does not start. */
const NODE_OPTIONS = ['--openssl-config=/proc/nowhere/openssl.cnf'];

/** Starts one. Throws `ERR_HOST_FAULT` where that does not succeed even without the walls that may be missing. */
export async function launch(options: LaunchOptions): Promise<Launched> {
  const jail = findJail();
  if ('missing' in jail) {
    for (const wall of WALL_NAMES) lacking.set(wall, jail.missing);
    return launchPlain(options);
  }
  for (;;) {
    const launched = launchJailed(jail.path, options);
    const said = await launched.report;
    if ('held' in said)
      return { ...launched, ...said, held: [...said.held, ...cap(launched.child, said.pid, options)] };
    const gone = without(said.failed);
    if (gone.length === 0 || gone.every((wall) => lacking.has(wall)))
      throw new LodgerError('ERR_HOST_FAULT', [`a cell did not start: ${said.reason} ${launched.lastWords()}`.trim()]);
    for (const wall of gone) lacking.set(wall, said.reason);
  }
}

/** Nothing of a guest is in there yet, so no process or thread of one can stay outside the group. */
function cap(child: ChildProcess, pid: number, options: LaunchOptions): readonly Wall[] {
  if (options.inhabitant?.without?.includes('ceilings')) return [];
  const { memoryBytesMax, order } = options;
  try {
    const group = makeGroup(
      // Beside the process there is one that waits for it.
      { 'memory.max': memoryBytesMax, 'pids.max': processesMax(order) + 1 },
      { 'memory.swap.max': 0, 'memory.oom.group': 1, 'cpu.weight': 1 },
    );
    child.once('exit', group.remove);
    for (const one of new Set([child.pid ?? pid, pid])) group.take(one);
    return ['ceilings'];
  } catch (error) {
    lacking.set('ceilings', error instanceof Error ? error.message : String(error));
    return [];
  }
}

/** Threads of the pool and its spare one, of V8, libuv and Wasmtime's compiler. */
function processesMax({ threads }: LaunchOptions['order']): number {
  return 2 * threads + availableParallelism() + 32;
}

function launchPlain({ order }: LaunchOptions): Launched {
  const argument = JSON.stringify({ ...order, lock: false } satisfies CellOrder);
  const started = begin(NODE, [...NODE_OPTIONS, PROGRAM, argument]);
  return { ...started, pid: started.child.pid ?? 0, held: [] };
}

type Said =
  | { readonly held: readonly Wall[]; readonly pid: number }
  | { readonly failed: string; readonly reason: string };

function launchJailed(jail: string, { order, memoryBytesMax, inhabitant }: LaunchOptions) {
  const argument = JSON.stringify({ ...order, lock: !lacking.has('lock') } satisfies CellOrder);
  const words = [
    ...['--frames', '3', '--report', String(REPORT), '--memory', String(memoryBytesMax)],
    ...['--processes', String(processesMax(order))],
    ...[...contents(), ...(inhabitant?.read ?? [])].flatMap((path) => ['--read', path]),
    ...[...lacking.keys(), ...(inhabitant?.without ?? [])]
      .filter((wall) => !NOT_JAILS.includes(wall))
      .flatMap((wall) => ['--without', wall]),
  ];
  const started = begin(jail, [...words, '--', NODE, ...NODE_OPTIONS, ...(inhabitant?.words ?? [PROGRAM, argument])]);
  return { ...started, report: readReport(started.child) };
}

/** The jail's lines, until it says how it went. */
async function readReport(child: ChildProcess): Promise<Said> {
  const report = child.stdio[REPORT] as Readable;
  let text = '';
  let failed = 'it could not be executed';
  child.once('error', (error) => {
    failed = error.message;
    report.destroy();
  });
  for await (const piece of report.setEncoding('utf8')) {
    text += piece;
    // Two processes write them, so either may come first.
    const [, held] = /^held (\S*)$/m.exec(text) ?? [];
    const [, pid] = /^pid (\d+)$/m.exec(text) ?? [];
    if (held !== undefined && pid !== undefined) return { held: held.split(',') as Wall[], pid: Number(pid) };
  }
  const [, wall = '', reason = failed] = /^failed (\S+) (.*)$/m.exec(text) ?? [];
  return { failed: wall, reason };
}

function begin(program: string, words: readonly string[]): Pick<Launched, 'child' | 'frames' | 'lastWords'> {
  const child = spawn(program, words, { stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'], env: {}, cwd: '/' });
  child.on('error', () => undefined);
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-CELL.stderrBytes.max);
  });
  const frames = child.stdio[3] as Duplex;
  return { child, frames, lastWords: () => said.replace(/[^\x20-\x7e\n]/g, '?').trim() };
}

/**
 * Ends a process of either kind at once. The one that waits for another is left to end by itself: when it is gone, both are.
 */
export function kill({ child, pid }: Pick<Launched, 'child' | 'pid'>): void {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const killChild = () => child.kill('SIGKILL');
  if (pid <= 1 || pid === child.pid) {
    killChild();
    return;
  }
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It is gone already.
  }
  const timer = setTimeout(killChild, CELL.endMsMax.default);
  child.once('exit', () => clearTimeout(timer));
}
