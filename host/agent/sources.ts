// What this machine tells of itself: load of other programs, people at it, battery, memory, disk. Null is said where the platform does not tell.
import { readdirSync, readFileSync, statfsSync, statSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

/** CPU time of all cores since some moment, in ms: what all programs had, and what there was to have. */
export interface CpuTimes {
  readonly busyMs: number;
  readonly totalMs: number;
  /** Of each of the agent's processes, by its id. */
  readonly ownMs: ReadonlyMap<number, number>;
}

/** Where facts come from. Tests give their own. */
export interface Sources {
  /** Ms since 1970. */
  wallClock(): number;
  cpuTimes(pids: readonly number[]): CpuTimes | null;
  /** Ms since somebody used a keyboard, a mouse or a terminal. */
  userIdleMs(): number | null;
  /** Charge from 0 to 1; null where there is no battery. */
  battery(): { readonly onBattery: boolean; readonly charge: number | null } | null;
  memoryBytesFree(): number | null;
  diskBytesFree(folder: string): number | null;
}

/** The kernel counts CPU time in these, whatever its own clock: `getconf CLK_TCK`. */
const TICK_MS = 10;
const POWER = '/sys/class/power_supply';

export function machineSources(): Sources {
  return {
    wallClock: () => Date.now(),
    cpuTimes: process.platform === 'linux' ? (pids) => orNull(() => linuxTimes(pids)) : (pids) => portableTimes(pids),
    userIdleMs: process.platform === 'linux' ? createLinuxIdle() : () => null,
    battery: () => (process.platform === 'linux' ? orNull(linuxBattery) : null),
    memoryBytesFree: () => availableMemory(),
    diskBytesFree: (folder) =>
      orNull(() => {
        const { bavail, bsize } = statfsSync(folder);
        return bavail * bsize;
      }),
  };
}

function linuxTimes(pids: readonly number[]): CpuTimes {
  const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n', 1);
  // user, nice, system, idle, iowait, irq, softirq, steal. What another machine took (steal) was not there to have.
  const ticks = line.split(/\s+/).slice(1, 8).map(Number);
  const total = ticks.reduce((sum, each) => sum + each, 0);
  const idle = (ticks[3] ?? 0) + (ticks[4] ?? 0);
  const own = pids.flatMap((pid) => {
    const used = orNull(() => ticksOf(pid));
    return used === null ? [] : [[pid, used * TICK_MS] as const];
  });
  return { busyMs: (total - idle) * TICK_MS, totalMs: total * TICK_MS, ownMs: new Map(own) };
}

/** utime and stime of a process, with all its threads; the name before them may hold anything but the last bracket. */
function ticksOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

/** Elsewhere the times of other processes are not told: with a cell, nobody can say what is whose. */
function portableTimes(pids: readonly number[]): CpuTimes | null {
  if (pids.some((pid) => pid !== process.pid)) return null;
  let [busyMs, totalMs] = [0, 0];
  for (const { times } of cpus()) {
    busyMs += times.user + times.nice + times.sys + times.irq;
    totalMs += times.user + times.nice + times.sys + times.irq + times.idle;
  }
  const { user, system } = process.cpuUsage();
  return { busyMs, totalMs, ownMs: new Map([[process.pid, (user + system) / 1_000]]) };
}

/**
 * Terminals tell when they were last read from; keyboards and mice that interrupt on their own line (most of those of notebooks) when that
 * count moves. Neither: null. A desktop whose mouse hangs on USB is told by none of them, so a load rule beside this one is wise.
 */
function createLinuxIdle(): () => number | null {
  let seen = '';
  let movedAt = Number.NaN;
  return () => {
    const now = Date.now();
    const lines = orNull(() => readFileSync('/proc/interrupts', 'utf8')) ?? '';
    const inputs = lines
      .split('\n')
      .filter((line) => /i8042|atkbd|psmouse/i.test(line))
      .join('\n');
    if (inputs !== seen) movedAt = now;
    seen = inputs;
    const times = [...(inputs === '' ? [] : [movedAt]), ...terminals()].filter(Number.isFinite);
    return times.length === 0 ? null : Math.max(0, now - Math.max(...times));
  };
}

function terminals(): number[] {
  const inFolder = (folder: string, pattern: RegExp) =>
    (orNull(() => readdirSync(folder)) ?? []).filter((name) => pattern.test(name)).map((name) => join(folder, name));
  const paths = [...inFolder('/dev/pts', /^\d+$/), ...inFolder('/dev', /^tty[1-9]\d?$/)];
  return paths.flatMap((path) => orNull(() => statSync(path).atimeMs) ?? []);
}

function linuxBattery(): { onBattery: boolean; charge: number | null } | null {
  const read = (supply: string, name: string) => orNull(() => readFileSync(join(POWER, supply, name), 'utf8').trim());
  const supplies = readdirSync(POWER);
  // Those of mice and telephones have the scope "Device".
  const batteries = supplies.filter((name) => read(name, 'type') === 'Battery' && read(name, 'scope') !== 'Device');
  if (batteries.length === 0) return null;
  const mains = supplies.filter((name) => /^(?:Mains|USB)$/.test(read(name, 'type') ?? ''));
  const isPlugged = mains.some((name) => read(name, 'online') === '1');
  const drains = batteries.some((name) => read(name, 'status') === 'Discharging');
  const charges = batteries.flatMap((name) => {
    const percent = Number(read(name, 'capacity') ?? Number.NaN);
    return Number.isFinite(percent) ? [percent / 100] : [];
  });
  return { onBattery: drains && !isPlugged, charge: charges.length > 0 ? Math.min(...charges) : null };
}

/** What programs could still have without swapping, within the limit of a container. */
function availableMemory(): number | null {
  const { availableMemory: tell } = process as { availableMemory?: () => number };
  return tell ? tell.call(process) : null;
}

function orNull<T>(act: () => T): T | null {
  try {
    return act();
  } catch {
    return null;
  }
}
