// Writes to a file of a granted folder. What covers all of a file takes its place at once, so that half of it never shows.
import { randomBytes } from 'node:crypto';
import { closeSync, constants, fsyncSync, openSync, readdirSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import process from 'node:process';
import { threadId } from 'node:worker_threads';
import { Refusal, shown } from '../../runtime/job/outside.ts';
import { attempt, look, Missing, mustBeFile, openPlace, type Place, through } from './walk.ts';

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;

/** Under such a name a file is until it is whole. Guests do not see them. */
const PASSING = /(?:^|\/)\.lodger-(\d+)-\d+-[0-9a-f]{12}\.tmp$/;

export function isPassing(path: string): boolean {
  return PASSING.test(path);
}

export interface Write {
  readonly name: string;
  /** For messages. */
  readonly path: string;
  readonly offset: bigint;
  readonly bytes: Uint8Array;
}

/** Writes into a folder that was walked to. Throws a Refusal. */
export function writeAt(parent: Place, write: Write): void {
  const { name, path, offset, bytes } = write;
  const known = lookFor(parent, name, path);
  try {
    if (known) mustBeFile(known, { parent, name, path });
    const size = known?.stats.size ?? 0;
    if (offset > BigInt(size))
      throw new Refusal(
        `offset ${offset} is beyond the end of ${shown(path)} (${size} bytes), and would leave a hole`,
        'INVAL',
      );
    if (offset === 0n && bytes.byteLength >= size) replace(parent, write, known?.stats.mode);
    else if (known) change(known, write);
  } finally {
    if (known) closeSync(known.fd);
  }
}

/** What has the name, or nothing. */
export function lookFor(parent: Place, name: string, path: string): Place | undefined {
  try {
    return look(parent, name, path);
  } catch (thrown) {
    if (thrown instanceof Missing) return undefined;
    throw thrown;
  }
}

/** The whole file: under a passing name, synced, then renamed. A rename replaces a name in the folder, and follows none. */
function replace(parent: Place, { name, path, bytes }: Write, mode = 0o666): void {
  sweep(parent);
  const passing = `.lodger-${process.pid}-${threadId}-${randomBytes(6).toString('hex')}.tmp`;
  attempt(path, () => {
    const fd = openSync(through(parent.fd, passing), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode & 0o777);
    try {
      try {
        writeAll(fd, bytes, 0);
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
      renameSync(through(parent.fd, passing), through(parent.fd, name));
    } catch (thrown) {
      unlinkSync(through(parent.fd, passing));
      throw thrown;
    }
  });
}

/** A part of the file, in its place. */
function change(known: Place, { path, offset, bytes }: Write): void {
  const fd = openPlace(known, O_WRONLY, path);
  try {
    attempt(path, () => writeAll(fd, bytes, Number(offset)));
  } finally {
    closeSync(fd);
  }
}

function writeAll(fd: number, bytes: Uint8Array, at: number): void {
  for (let done = 0; done < bytes.byteLength; ) {
    done += writeSync(fd, bytes, done, bytes.byteLength - done, at + done);
  }
}

/** Folders in which this thread has looked for what processes that were killed have left. */
const swept = new Set<string>();

function sweep({ fd, stats }: Place): void {
  const key = `${stats.dev}:${stats.ino}`;
  if (swept.has(key)) return;
  if (swept.size > 1_000) swept.clear();
  swept.add(key);
  for (const name of readdirSync(through(fd))) {
    const [, pid] = PASSING.exec(name) ?? [];
    if (pid !== undefined && !isAlive(Number(pid))) unlinkSync(through(fd, name));
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
