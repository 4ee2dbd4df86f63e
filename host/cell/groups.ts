// Groups of processes (cgroup v2) whose ceilings the system's kernel holds, where this user may make some.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';

/** A file of a group -> what is written there. What stands before the point is the controller. */
export type Settings = Readonly<Record<string, string | number>>;

export interface Group {
  readonly path: string;
  /** Puts a process with all its threads into it. Throws what the system says. */
  take(pid: number): void;
  /** When its processes are gone. */
  remove(): void;
}

let made = 0;

/**
 * Makes a group beside or below that of this process. Controllers of `settings` have to be there; those of `wishes` are used where they
 * are. Throws, with the reason, where there is no place for it.
 */
export function makeGroup(settings: Settings, wishes: Settings = {}): Group {
  const reasons: string[] = [];
  for (const place of places()) {
    try {
      enable(place, settings);
      return groupIn(place, settings, wishes);
    } catch (error) {
      reasons.push(`${place}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new Error(reasons.join('; ') || 'there is no cgroup v2 file system');
}

/** Where systemd's `DelegateSubgroup` leaves room is beside the group of this process; below it where that is empty, or the first of all. */
function places(): readonly string[] {
  const mounted = read('/proc/self/mountinfo')
    .split('\n')
    .find((line) => / - cgroup2 /.test(line));
  const [, , , root = '/', mount] = mounted?.split(' ') ?? [];
  const [, own] = /^0::(\/.*)$/m.exec(read('/proc/self/cgroup')) ?? [];
  if (mount === undefined || own === undefined || !own.startsWith(root) || own.includes('..')) return [];
  const below = join(mount, own.slice(root.length));
  return below === join(mount) ? [below] : [dirname(below), below];
}

/** Lets groups in a place have the controllers. Only whoever the place was given to may say so. */
function enable(place: string, settings: Settings): void {
  const wanted = [...new Set(Object.keys(settings).map(controllerOf))];
  const listed = (file: string) => new Set(read(join(place, file)).trim().split(' '));
  const there = listed('cgroup.controllers');
  const missing = wanted.filter((name) => !there.has(name));
  if (missing.length > 0) throw new Error(`no controller ${missing.join(', ')}`);
  const enabled = listed('cgroup.subtree_control');
  for (const name of wanted) if (!enabled.has(name)) writeFileSync(join(place, 'cgroup.subtree_control'), `+${name}`);
}

function groupIn(place: string, settings: Settings, wishes: Settings): Group {
  sweep(place);
  const path = join(place, `lodger-${process.pid}-${++made}`);
  mkdirSync(path);
  const remove = () => attempt(() => rmdirSync(path));
  try {
    for (const [file, value] of Object.entries(settings)) writeFileSync(join(path, file), String(value));
  } catch (error) {
    remove();
    throw error;
  }
  for (const [file, value] of Object.entries(wishes)) attempt(() => writeFileSync(join(path, file), String(value)));
  return { path, take: (pid) => writeFileSync(join(path, 'cgroup.procs'), String(pid)), remove };
}

/** Groups of those who were killed. What has processes in it stays, and so does what somebody is about to use. */
function sweep(place: string): void {
  for (const name of readdirSync(place)) {
    const [, pid] = /^lodger-(\d+)-\d+$/.exec(name) ?? [];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) attempt(() => rmdirSync(join(place, name)));
  }
}

function controllerOf(file: string): string {
  return file.slice(0, file.indexOf('.'));
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function attempt(act: () => void): void {
  try {
    act();
  } catch {
    // Nobody waits for it.
  }
}
