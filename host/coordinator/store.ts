// The site's store: lmdb behind `Store`. What is put is safe on disk when its promise resolves, and promises resolve in the order of calls.
import { closeSync, existsSync, fstatSync, mkdirSync, openSync, readFileSync, readSync } from 'node:fs';
import { constants } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Database, open } from 'lmdb';
import { LodgerError } from '../../runtime/base/errors.ts';
import { fileError } from '../jobs/files.ts';
import { decode, encode } from '../wire/codec.ts';
import type { Key, Store } from './contracts.ts';

/** Folders that this process holds open: its own number in the record of the owner says nothing of them. */
const held = new Set<string>();

const OWNER: Key = ['', 'owner'];
const { EIO, ENOSPC } = constants.errno;
/** How long the reason of a failed write is waited for. */
const CAUSE_MS = 1_000;
const PAGE_BYTES = 4_096;
/** Of lmdb's two meta pages, from `mm_magic` on: the number itself, and where the last used page's is. Source: `mdb.c`, MDB_meta. */
const META = { at: 24, magic: 0xbeefc0de, lastPage: 144, transaction: 152 } as const;

/**
 * Opens the store in a folder, which is made if it is not there. Throws `ERR_FILE`: where another process has it open, where the file has
 * lost its end, or what the disk says.
 */
export async function openStore(folder: string): Promise<Store> {
  const path = resolve(folder);
  if (held.has(path)) throw inUse(path, process.pid);
  let db: Database<Buffer, (string | number)[]>;
  try {
    mkdirSync(path, { recursive: true });
    checkLength(join(path, 'data.mdb'));
    // Values are bytes: of our own codec, which refuses what it has not written, or of others as they are.
    db = open({ path, encoding: 'binary', separateFlushed: true, noSubdir: false, maxReaders: 64 });
  } catch (error) {
    throw fileError('write', path, error);
  }
  try {
    own(db, path);
  } catch (error) {
    await db.close();
    throw fileError('write', path, error);
  }
  held.add(path);
  return storeOf(db, path);
}

function storeOf(db: Database<Buffer, (string | number)[]>, path: string): Store {
  /** lmdb's promises of flushes resolve out of order under load, so each waits for the one before. */
  let tail: Promise<unknown> = Promise.resolve();
  let closed = false;
  let looks = false;
  /** lmdb makes a promise of each batch that it gives to nobody: unseen, its rejection would end the process. */
  const lookAtBatch = () => {
    if (looks) return;
    looks = true;
    // Behind its own turn, in which it begins the batch.
    setImmediate(() => {
      looks = false;
      db.committed.then(undefined, () => undefined);
    });
  };
  const inOrder = (written: Promise<boolean>): Promise<void> => {
    lookAtBatch();
    const { flushed } = written as Promise<boolean> & { readonly flushed: Promise<boolean> };
    const before = tail;
    const safe = Promise.all([written, flushed]).then(
      () => before,
      async (error: unknown) => {
        const cause = await causeOf(error);
        await before;
        throw fileError('write', path, cause);
      },
    );
    tail = safe.catch(() => undefined);
    return safe.then(() => undefined);
  };
  const whileOpen = () => {
    if (closed) throw new LodgerError('ERR_CLOSED', ['store']);
  };
  const putBytes = async (key: Key, bytes: Uint8Array) => {
    whileOpen();
    return inOrder(db.put([...key], bytes as Buffer));
  };
  return {
    get: (key) => {
      const bytes = db.get([...key]);
      return bytes === undefined ? undefined : decode(bytes);
    },
    getBytes: (key) => db.get([...key]),
    *range(from, to) {
      for (const { key, value } of db.getRange({ start: [...from], end: [...to], snapshot: false }))
        yield { key: listOf(key), value: decode(value) };
    },
    *keys(from, to) {
      for (const key of db.getKeys({ start: [...from], end: [...to], snapshot: false })) yield listOf(key);
    },
    put: async (key, value) => putBytes(key, encode(value)),
    putBytes,
    remove: async (key) => {
      whileOpen();
      return inOrder(db.remove([...key]));
    },
    close: async () => {
      if (closed) return;
      closed = true;
      await tail;
      db.removeSync([...OWNER]);
      await db.close();
      held.delete(path);
    },
  };
}

/** lmdb gives a key of one part as that part. */
function listOf(key: unknown): Key {
  return Array.isArray(key) ? key : [key as string | number];
}

/** What the disk said, which lmdb wraps in a promise of its own. A write that a full file system cut short is an EIO of lmdb's. */
async function causeOf(error: unknown): Promise<unknown> {
  const { commitError } = Object(error) as { commitError?: Promise<never> };
  const said = commitError?.catch((cause: unknown) => cause);
  // It comes some turns later, and nothing promises that it does.
  const cause = said ? await Promise.race([said, sleep(CAUSE_MS, error, { ref: false })]) : error;
  const { code, message } = Object(cause) as { code?: unknown; message?: string };
  return code === EIO || code === ENOSPC || /no space left|MDB_MAP_FULL/i.test(`${message}`)
    ? Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
    : cause;
}

/**
 * Writes this process into the store as its owner, unless the one that is written there is alive. A transaction of lmdb is a lock between
 * processes, so of two that start at once one wins.
 */
function own(db: Database<Buffer, (string | number)[]>, path: string): void {
  const other = db.transactionSync(() => {
    const written = db.get([...OWNER]);
    const owner = written === undefined ? undefined : (decode(written) as { pid: number; start: string });
    if (owner && owner.start !== '' && owner.start === startOf(owner.pid)) return owner.pid;
    db.putSync([...OWNER], encode({ pid: process.pid, start: startOf(process.pid) }) as Buffer);
    return undefined;
  });
  // A record of our own process is of a thread, or of a copy of this module, that has the folder open.
  if (other !== undefined) throw inUse(path, other);
}

/** What tells a process from a later one of the same number: when it began. Where the system does not tell, that it is there. */
function startOf(pid: number): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name in brackets may hold spaces; the start is the 22nd field, the 20th behind the name.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? '' : `${boot}:${fields[19]}`;
  } catch {
    if (existsSync('/proc/self/stat')) return '';
  }
  try {
    process.kill(pid, 0);
    return 'there';
  } catch {
    return '';
  }
}

function inUse(path: string, pid: number): LodgerError {
  return new LodgerError('ERR_FILE', ['write', path, `process ${pid} has this data folder open`]);
}

/** A file that was cut would be read behind its end, which ends the process. */
function checkLength(file: string): void {
  if (!existsSync(file)) return;
  const descriptor = openSync(file, 'r');
  try {
    const { size } = fstatSync(descriptor);
    if (size === 0) return;
    const pages = Buffer.alloc(2 * PAGE_BYTES);
    readSync(descriptor, pages, 0, pages.length, 0);
    const metas = [0, PAGE_BYTES].map((page) => pages.subarray(page, page + PAGE_BYTES));
    const whole = metas.filter((meta) => meta.readUInt32LE(META.at) === META.magic);
    if (whole.length === 0) throw new Error('it is no store');
    const newest = whole.reduce((a, b) =>
      b.readBigUInt64LE(META.transaction) > a.readBigUInt64LE(META.transaction) ? b : a,
    );
    const needed = (Number(newest.readBigUInt64LE(META.lastPage)) + 1) * PAGE_BYTES;
    if (size < needed) throw new Error(`it has lost its end: ${size} bytes of ${needed}`);
  } finally {
    closeSync(descriptor);
  }
}
