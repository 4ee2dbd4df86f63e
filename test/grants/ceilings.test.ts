// Every ceiling of granted folders, reached: what is beyond it is refused, and what is below goes on.
import { readdirSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { expect, test } from 'vitest';
import { nodeFolders, openFolders } from '../../host/grants/folders.ts';
import { defaults } from '../../runtime/base/defaults.ts';
import { FILES } from '../../runtime/base/outside.ts';
import { TaskFailure } from '../../runtime/job/outcome.ts';
import { type FilesSide, Refusal } from '../../runtime/job/outside.ts';
import { temporaryFolder } from './guests.ts';

const folder = await temporaryFolder();
for (const name of ['a', 'b', 'c']) await writeFile(join(folder, name), '0123456789');
await mkdir(join(folder, 'sub'));

const open = (ceilings: Partial<Record<keyof typeof FILES, number>>, look = () => undefined as void): FilesSide =>
  openFolders([{ at: '/data', mode: 'write', source: nodeFolders.folder(folder, 'write') }], {
    ceilings: { ...defaults(FILES), ...ceilings },
    look,
  });

const read = (files: FilesSide, name: string, count = 10): string => {
  let bytes = new Uint8Array();
  files.read(`/data/${name}`, { offset: 0n, count }, (length) => {
    bytes = new Uint8Array(length);
    return bytes;
  });
  return Buffer.from(bytes).toString();
};

test.each<[string, Partial<Record<keyof typeof FILES, number>>, (files: FilesSide) => unknown, string]>([
  ['bytes read', { bytesRead: 19 }, (files) => read(files, 'b'), 'over 19 bytes were read by this task'],
  [
    'bytes written',
    { bytesWritten: 3 },
    (files) => files.write('/data/new', 0n, Buffer.from('four')),
    'over 3 bytes were written',
  ],
  [
    'bytes of one write',
    { writeBytes: 3 },
    (files) => files.write('/data/new', 0n, Buffer.from('four')),
    '4 bytes are too many for one write',
  ],
  ['files', { files: 2 }, (files) => [read(files, 'b'), read(files, 'c')], 'over 2 files were opened by this task'],
  ['names', { names: 3 }, (files) => files.names('/data'), 'has over'],
])('more %s than may be are refused', (_, ceilings, act, says) => {
  const files = open(ceilings);
  expect(read(files, 'a')).toBe('0123456789');
  expect(() => act(files)).toThrow(Refusal);
  expect(() => act(files)).toThrow(says);
  files.close();
});

test.runIf(process.platform === 'linux')(
  'no more files are open than may be, and none when the task is over',
  async () => {
    const count = () => readdirSync('/proc/self/fd').length;
    const before = count();
    const files = open({ open: 2 });
    for (const name of ['a', 'b', 'c', 'a', 'c']) read(files, name);
    // The two files, and the folder itself.
    expect(count()).toBe(before + 3);
    expect(() => files.size('/data/sub')).toThrow('is a folder');
    expect(() => files.size('/data/none/x')).toThrow('is not there');
    expect(() => files.write('/data/sub/none/x', 0n, Buffer.from('x'))).toThrow('is not there');
    files.write('/data/a', 0n, Buffer.from('0123456789'));
    expect(count()).toBeLessThanOrEqual(before + 3);
    files.close();
    expect(count()).toBe(before);
  },
);

test('a long read looks between its pieces whether it goes on', () => {
  let looks = 0;
  const files = open({ pieceBytes: 4 }, () => {
    if (++looks === 2) throw new TaskFailure('ERR_WALL_SPENT', 5);
  });
  expect(() => read(files, 'a')).toThrow(TaskFailure);
  expect(looks).toBe(2);
  files.close();
});

test('what was left half written by a process that is gone is removed, and what others write is not seen', async () => {
  const own = await temporaryFolder();
  const [left, ours] = [2 ** 22 + 1, process.pid].map((pid) => `.lodger-${pid}-0-0123456789ab.tmp`) as [string, string];
  for (const name of [left, ours, 'a']) await writeFile(join(own, name), 'x');
  const files = openFolders([{ at: '/data', mode: 'write', source: nodeFolders.folder(own, 'write') }]);
  expect(files.names('/data')).toEqual(['a']);
  const refused = 'is a name for files that are being written';
  expect(() => files.size(`/data/${ours}`)).toThrow(refused);
  expect(() => files.write(`/data/${ours}`, 0n, Buffer.from('x'))).toThrow(refused);
  files.write('/data/c', 0n, Buffer.from('whole'));
  files.close();
  expect(readdirSync(own).sort()).toEqual([ours, 'a', 'c']);
});

test.runIf(process.platform === 'linux')(
  'a file that is cut or made longer has that size, and zeros where there was nothing',
  async () => {
    await writeFile(join(folder, 'sized'), 'abcdef');
    const files = open({});
    files.change('/data/sized', { act: 'resize', size: 3 });
    expect([files.size('/data/sized'), read(files, 'sized')]).toEqual([3, 'abc']);
    files.change('/data/sized', { act: 'resize', size: 5 });
    expect([files.size('/data/sized'), read(files, 'sized')]).toEqual([5, 'abc\0\0']);
    expect(() => open({ bytesWritten: 3 }).change('/data/sized', { act: 'resize', size: 9 })).toThrow('over 3 bytes');
    files.close();
  },
);
