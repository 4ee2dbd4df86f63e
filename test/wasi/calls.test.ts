// Every call of preview 1: what it answers, and what becomes of pointers that lie.
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { admit } from '../../runtime/admit/admit.ts';
import { ERRNO, PREVIEW1 } from '../../runtime/job/preview1.ts';
import { writeManifest } from '../../runtime/job/tree.ts';
import type { Grant } from '../../runtime/policy/grant.ts';
import { createSandbox } from '../../runtime/sandbox/sandbox.ts';
import { ENGINES } from '../contract/engines.ts';
import { programOf } from './programs.ts';

const SANDBOXES = ENGINES.map(([, make]) => createSandbox({ engine: make() }));
const NAMES = Object.keys(PREVIEW1);

/** A pinned folder with one file, `/in/f`: it is open as 3. */
const BYTES = Uint8Array.of(11, 22, 33, 44);
const digest = createHash('sha256').update(BYTES).digest('hex');
const MANIFEST = writeManifest([{ name: 'f', size: BYTES.length, digest }]);
const tree = `sha256:${createHash('sha256').update(MANIFEST).digest('hex')}`;
const FOLDER = {
  grants: [{ kind: 'files', at: '/in', from: tree, mode: 'read' }] as Grant[],
  blobs: { [tree]: MANIFEST, [`sha256:${digest}`]: BYTES },
};
/** Where the path of that file lies in what is given as data, and a call that opens it, as 4. */
const PATH = 32;
/** After it a NUL, what is no UTF-8, a path from the root, and one that leads up. */
const NAMED = [...new Uint8Array(PATH), 'f'.charCodeAt(0), 0, 0xff, ...Buffer.from('/f..')];
const OPENED = `i32.const 3 i32.const 0 i32.const ${PATH} i32.const 1 i32.const 0 i64.const 2 i64.const 0 i32.const 0 i32.const 2048 call $path_open drop`;

/** Runs it on every engine with 3 bytes of input; how it ended. */
async function endOf(code: string, calls: readonly string[], data: ArrayLike<number> = [], given = {}) {
  const kernel = await admit(programOf(code, [...calls, 'proc_exit'], data));
  const ends = [];
  for (const sandbox of SANDBOXES) {
    const outcome = await sandbox.run({ kernel, input: Uint8Array.of(1, 2, 3), ...given });
    const { fuel } = outcome.receipt;
    ends.push(
      outcome.state === 'done'
        ? { code: 0, output: [...outcome.output], fuel }
        : {
            failure: outcome.code,
            code: Number(/code (\d+)/.exec(outcome.message)?.[1]),
            message: outcome.message,
            fuel,
          },
    );
  }
  for (const end of ends) expect(end).toEqual(ends[0]);
  return ends[0] as (typeof ends)[0];
}

/** Calls with these arguments and exits with what it gives. */
const exitWith = (name: string, ...args: readonly number[]) => {
  const letters = PREVIEW1[name]?.params ?? '';
  const given = [...letters].map((letter, at) => `${letter === 'I' ? 'i64' : 'i32'}.const ${args[at] ?? 0}`);
  return `${given.join(' ')} call $${name} call $proc_exit`;
};

test('the table has the 46 calls of preview 1', () => {
  expect(NAMES).toHaveLength(45 + 1);
});

describe('what is always refused', () => {
  const refused = NAMES.filter((name) => PREVIEW1[name]?.answer !== 'given');

  test.each(refused)('%s', async (name) => {
    const { answer, fd } = PREVIEW1[name] ?? {};
    const error = ERRNO[answer as keyof typeof ERRNO];
    expect((await endOf(exitWith(name), [name])).code).toBe(error);
    if (fd === undefined) return;
    const args = Array.from({ length: fd + 1 }, () => 3);
    expect((await endOf(exitWith(name, ...args), [name])).code).toBe(ERRNO.BADF);
  });
});

/** Arguments, and the error that they give. */
const ERRORS: readonly (readonly [string, readonly number[], keyof typeof ERRNO])[] = [
  ['fd_prestat_get', [3, 64], 'BADF'],
  ['fd_prestat_dir_name', [3, 64, 8], 'BADF'],
  ['fd_read', [1, 0, 0, 64], 'BADF'],
  ['fd_read', [3, 0, 0, 64], 'BADF'],
  ['fd_read', [-1, 0, 0, 64], 'BADF'],
  ['fd_read', [0, 0, 1_025, 64], 'INVAL'],
  ['fd_write', [0, 0, 0, 64], 'BADF'],
  ['fd_write', [3, 0, 0, 64], 'BADF'],
  ['fd_write', [1, 0, 1_025, 64], 'INVAL'],
  ['fd_close', [3], 'BADF'],
  ['fd_fdstat_get', [3, 64], 'BADF'],
  ['fd_fdstat_set_flags', [1, 4], 'NOTSUP'],
  ['fd_fdstat_set_flags', [9, 0], 'BADF'],
  ['fd_filestat_get', [3, 64], 'BADF'],
  ['clock_time_get', [4, 0, 64], 'INVAL'],
  ['clock_time_get', [-1, 0, 64], 'INVAL'],
  ['clock_res_get', [4, 64], 'INVAL'],
  ['poll_oneoff', [0, 0, 0, 64], 'INVAL'],
  ['poll_oneoff', [0, 0, 1_025, 64], 'INVAL'],
];

test.each(ERRORS)('%s of %j is answered with %s', async (name, args, error) => {
  expect((await endOf(exitWith(name, ...args), [name])).code).toBe(ERRNO[error]);
});

/** The same with a pinned folder open as 3 and a file of it as 4. */
const IN_FOLDER: readonly (readonly [string, readonly number[], keyof typeof ERRNO])[] = [
  ['fd_prestat_get', [3, 64], 'SUCCESS'],
  ['fd_prestat_get', [4, 64], 'BADF'],
  ['fd_prestat_dir_name', [3, 64, 2], 'NAMETOOLONG'],
  ['fd_read', [3, 0, 0, 64], 'ISDIR'],
  ['fd_write', [3, 0, 0, 64], 'ISDIR'],
  ['fd_seek', [3, 0, 0, 64], 'ISDIR'],
  ['fd_seek', [4, -1, 0, 64], 'INVAL'],
  ['fd_seek', [4, 0, 3, 64], 'INVAL'],
  ['fd_seek', [0, 0, 0, 64], 'SPIPE'],
  ['fd_pread', [0, 0, 0, 0, 64], 'SPIPE'],
  ['fd_readdir', [4, 64, 8, 0, 64], 'NOTDIR'],
  ['fd_readdir', [1, 64, 8, 0, 64], 'NOTDIR'],
  ['fd_sync', [1], 'INVAL'],
  ['fd_advise', [4, 0, 0, 0], 'SUCCESS'],
  ['fd_fdstat_set_flags', [4, 16], 'NOTSUP'],
  ['fd_renumber', [4, 9], 'BADF'],
  ['fd_renumber', [9, 4], 'BADF'],
  ['fd_filestat_set_size', [4, 1], 'BADF'],
  ['path_open', [3, 0, PATH, 0, 0, 0, 0, 0, 64], 'NOENT'],
  ['path_open', [3, 0, PATH, 2_000, 0, 0, 0, 0, 64], 'NAMETOOLONG'],
  ['path_open', [3, 0, PATH + 1, 1, 0, 0, 0, 0, 64], 'INVAL'],
  ['path_open', [3, 0, PATH + 2, 1, 0, 0, 0, 0, 64], 'ILSEQ'],
  ['path_open', [3, 0, PATH + 3, 2, 0, 0, 0, 0, 64], 'NOTCAPABLE'],
  ['path_open', [3, 0, PATH + 5, 2, 0, 0, 0, 0, 64], 'NOTCAPABLE'],
  ['path_open', [3, 0, PATH, 1, 2, 0, 0, 0, 64], 'NOTDIR'],
  ['path_open', [3, 0, PATH, 1, 5, 0, 0, 0, 64], 'EXIST'],
  ['path_open', [3, 0, PATH, 1, 8, 0, 0, 0, 64], 'ROFS'],
  ['path_open', [3, 0, PATH, 1, 0, 64, 0, 0, 64], 'ROFS'],
  ['path_open', [3, 0, PATH, 1, 0, 0, 0, 16, 64], 'NOTSUP'],
  ['path_open', [4, 0, PATH, 1, 0, 0, 0, 0, 64], 'NOTDIR'],
  ['path_open', [9, 0, PATH, 1, 0, 0, 0, 0, 64], 'BADF'],
  ['path_unlink_file', [3, PATH, 1], 'ROFS'],
  ['path_create_directory', [3, PATH, 1], 'ROFS'],
];

test.each(IN_FOLDER)('%s of %j in a folder is answered with %s', async (name, args, error) => {
  const calls = name === 'path_open' ? [name] : ['path_open', name];
  const end = await endOf(`${OPENED} ${exitWith(name, ...args)}`, calls, NAMED, FOLDER);
  expect(end.code).toBe(ERRNO[error]);
});

test('no more files are open than may be', async () => {
  const many = `loop ${OPENED} local.get 0 i32.const 1 i32.add local.tee 0 i32.const 1020 i32.lt_u br_if 0 end`;
  const end = await endOf(
    `${many} ${exitWith('path_open', 3, 0, PATH, 1, 0, 0, 0, 0, 64)}`,
    ['path_open'],
    NAMED,
    FOLDER,
  );
  expect(end.code).toBe(ERRNO.MFILE);
});

const OUT = -4;
const FAR = 65_535;
/** One pointer of each, and one length, that leave the memory. Data at 0 to 7 is a buffer of 8 bytes at 2^32 - 4. */
const LIES: readonly (readonly [string, readonly number[]])[] = [
  ...(['args_get', 'args_sizes_get', 'environ_sizes_get'] as const).flatMap((name) => [
    [name, [OUT, 64]] as const,
    [name, [64, OUT]] as const,
  ]),
  ['environ_get', [OUT, 64]],
  ['environ_get', [64, OUT]],
  ['clock_res_get', [0, OUT]],
  ['clock_time_get', [1, 0, FAR]],
  ['fd_fdstat_get', [1, FAR]],
  ['fd_filestat_get', [1, FAR]],
  ['fd_read', [0, OUT, 1, 64]],
  ['fd_read', [0, 0, 1, 64]],
  ['fd_read', [0, 64, 0, OUT]],
  ['fd_read', [0, 64, -1, 64]],
  ['fd_write', [1, OUT, 1, 64]],
  ['fd_write', [1, 0, 1, 64]],
  ['fd_write', [2, 0, 1, 64]],
  ['fd_write', [1, 64, 0, OUT]],
  ['fd_write', [1, 64, 0x2000_0000, 64]],
  ['random_get', [OUT, 8]],
  ['random_get', [64, -1]],
  ['poll_oneoff', [OUT, 64, 1, 512]],
  ['poll_oneoff', [64, OUT, 1, 512]],
  ['poll_oneoff', [64, 128, 1, OUT]],
  ['poll_oneoff', [64, 128, -1, 512]],
  // With a folder that is open as 3.
  ['fd_prestat_get', [3, FAR]],
  ['fd_prestat_dir_name', [3, OUT, 8]],
  ['fd_filestat_get', [3, FAR]],
  ['fd_fdstat_get', [3, FAR]],
  ['fd_readdir', [3, OUT, 8, 0, 64]],
  ['fd_readdir', [3, 64, -1, 0, 64]],
  ['fd_readdir', [3, 64, 8, 0, OUT]],
  ...(['path_create_directory', 'path_remove_directory', 'path_unlink_file'] as const).flatMap((name) => [
    [name, [3, OUT, 8]] as const,
    [name, [3, PATH, -1]] as const,
  ]),
  ['path_filestat_get', [3, 0, OUT, 8, 64]],
  ['path_filestat_get', [3, 0, PATH, 1, OUT]],
  ['path_open', [3, 0, OUT, 8, 0, 0, 0, 0, 64]],
  ['path_open', [3, 0, PATH, 1, 0, 0, 0, 0, OUT]],
  ['path_rename', [3, OUT, 8, 3, PATH, 1]],
  ['path_rename', [3, PATH, 1, 3, OUT, 8]],
  // With a file that is open as 4.
  ['fd_read', [4, OUT, 1, 64]],
  ['fd_read', [4, 0, 1, 64]],
  ['fd_read', [4, 64, 0, OUT]],
  ['fd_write', [4, 0, 1, 64]],
  ['fd_pread', [4, OUT, 1, 0, 64]],
  ['fd_pread', [4, 0, 1, 0, 64]],
  ['fd_pread', [4, 64, 0, 0, OUT]],
  ['fd_pwrite', [4, 0, 1, 0, 64]],
  ['fd_seek', [4, 0, 0, OUT]],
  ['fd_tell', [4, OUT]],
];

test.each(LIES)('%s of %j ends the program: it lies outside its memory', async (name, args) => {
  const data = Object.assign(new Uint8Array(PATH + 1).fill(0), [0xfc, 0xff, 0xff, 0xff, 8]);
  data[PATH] = 'f'.charCodeAt(0);
  const calls = name === 'path_open' ? [name] : ['path_open', name];
  const end = await endOf(`${OPENED} ${exitWith(name, ...args)}`, calls, data, FOLDER);
  expect(end).toMatchObject({ failure: 'ERR_ABI', message: expect.stringContaining('lies outside the memory') });
});

test('every call with a pointer was lied to', () => {
  const harmless = [
    ...['fd_advise', 'fd_allocate', 'fd_close', 'fd_datasync', 'fd_fdstat_set_flags', 'fd_filestat_set_size'],
    ...['fd_renumber', 'fd_sync', 'proc_exit'],
  ];
  const given = NAMES.filter((name) => PREVIEW1[name]?.answer === 'given' && !harmless.includes(name));
  expect([...new Set(LIES.map(([name]) => name))].sort()).toEqual(given.sort());
});

test('what is closed is gone, and closed once', async () => {
  const calls = ['fd_close', 'fd_read'];
  expect((await endOf(`i32.const 0 call $fd_close drop ${exitWith('fd_read', 0, 0, 0, 64)}`, calls)).code).toBe(
    ERRNO.BADF,
  );
  expect((await endOf(`i32.const 0 call $fd_close drop ${exitWith('fd_close', 0)}`, calls)).code).toBe(ERRNO.BADF);
});

test('one call reads into and writes from several buffers, and what is written comes in order', async () => {
  // Buffers of 1 and 9 bytes at 100 and 200; then written the other way round.
  const data = [100, 0, 0, 0, 1, 0, 0, 0, 200, 0, 0, 0, 9, 0, 0, 0, 200, 0, 0, 0, 2, 0, 0, 0, 100, 0, 0, 0, 1, 0, 0, 0];
  const read = 'i32.const 0 i32.const 0 i32.const 2 i32.const 64 call $fd_read drop';
  const write = 'i32.const 1 i32.const 16 i32.const 2 i32.const 68 call $fd_write drop';
  const count = 'i32.const 64 i32.load 2 0 i32.const 3 i32.sub call $proc_exit';
  expect(await endOf(`${read} ${write} ${count}`, ['fd_read', 'fd_write'], data)).toMatchObject({ output: [2, 3, 1] });
});

test('a function that is imported twice is the same both times, and those behind it are still themselves', async () => {
  const calls = ['sched_yield', 'fd_tell', 'sched_yield', 'proc_raise', 'fd_tell'];
  const errors: readonly (readonly [string, number])[] = [
    ['call 0', ERRNO.SUCCESS],
    ['i32.const 1 i32.const 0 call 1', ERRNO.SPIPE],
    ['call 2', ERRNO.SUCCESS],
    ['i32.const 1 call 3', ERRNO.NOSYS],
    ['i32.const 1 i32.const 0 call 4', ERRNO.SPIPE],
  ];
  for (const [code, error] of errors) expect((await endOf(`${code} call 5`, calls)).code, code).toBe(error);
});

test('a poll tells of streams at once, of unknown ones as errors, and of the first clock only when nothing else came', async () => {
  const one = (user: number, kind: number, which: number, ns = 0) => {
    const view = new DataView(new ArrayBuffer(48));
    view.setUint32(0, user, true);
    view.setUint8(8, kind);
    view.setUint32(16, which, true);
    view.setBigUint64(24, BigInt(ns), true);
    return [...new Uint8Array(view.buffer)];
  };
  const poll = (count: number) =>
    `i32.const 0 i32.const 1024 i32.const ${count} i32.const 512 call $poll_oneoff drop
     i32.const 512 i32.load 2 0 i32.const 1000 i32.mul i32.const 1024 i32.load 2 0 i32.const 10 i32.mul i32.add i32.const 1032 i32.load16_u 1 0 i32.add call $proc_exit`;
  const run = (...all: number[][]) => endOf(poll(all.length), ['poll_oneoff'], all.flat());
  // Number of events, the first one's user data, its error.
  expect((await run(one(7, 0, 1, 1e9), one(5, 0, 1, 1e6), one(6, 0, 0, 1e6 + 1))).code).toBe(1_050);
  expect((await run(one(7, 0, 1, 1e9), one(5, 1, 0))).code).toBe(1_050);
  expect((await run(one(7, 2, 1), one(5, 2, 2))).code).toBe(2_070);
  expect((await run(one(7, 1, 3))).code).toBe(1_070 + ERRNO.BADF);
  expect((await run(one(7, 0, 9))).code).toBe(1_070 + ERRNO.INVAL);
  expect((await run(one(7, 3, 0))).code).not.toBe(1_070);
});

test('time goes on at every reading, and a sleep for ever comes to an end', async () => {
  const ask = 'i32.const 1 i64.const 0 i32.const 64 call $clock_time_get drop i32.const 64 i64.load 3 0';
  const turns = `${ask} local.set 1 ${ask} local.get 1 i64.sub i32.wrap_i64 call $proc_exit`;
  expect((await endOf(turns, ['clock_time_get'])).code).toBe(1_000);
  const forever = [...new Uint8Array(24), ...new Uint8Array(8).fill(255), ...new Uint8Array(16)];
  expect((await endOf(exitWith('poll_oneoff', 0, 1024, 1, 512), ['poll_oneoff'], forever)).code).toBe(0);
});
