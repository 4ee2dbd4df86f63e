// Races between looking at a path and opening it: another process swaps names as fast as it can, and nothing from outside is ever given.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { expect, onTestFinished, test } from 'vitest';
import { nodeFolders, openFolders } from '../../host/grants/folders.ts';
import { defaults } from '../../runtime/base/defaults.ts';
import { FILES } from '../../runtime/base/outside.ts';
import { type Change, Refusal } from '../../runtime/job/outside.ts';
import { temporaryFolder } from './guests.ts';

const SWAPS = 10_000;
const SECRET = 'the secret of another folder';
const HONEST = 'an honest file';

/** Puts one after the other of its words' last ones in the place of the first, by rename, and says when it is done. */
const SWAPPER = `
  const { renameSync, symlinkSync, linkSync, writeFileSync, mkdirSync, rmSync } = require('node:fs');
  const [folder, secret, outside] = process.argv.slice(1);
  const file = folder + '/file', sub = folder + '/sub', spare = folder + '/.spare';
  const put = (make, name) => { make(spare); renameSync(spare, name); };
  for (let i = 0; i < ${SWAPS}; i++) {
    if (i % 3 === 0) put((at) => symlinkSync(secret, at), file);
    else if (i % 3 === 1) put((at) => linkSync(secret, at), file);
    else put((at) => writeFileSync(at, ${JSON.stringify(HONEST)}), file);
    if (i % 2 === 0) { renameSync(sub, folder + '/.real'); symlinkSync(outside, sub); }
    else { rmSync(sub); renameSync(folder + '/.real', sub); }
  }
  console.log('done');
`;

async function setUp() {
  const base = await temporaryFolder();
  const [folder, outside] = [join(base, 'granted'), join(base, 'outside')];
  await mkdir(join(folder, 'sub'), { recursive: true });
  await mkdir(outside);
  await writeFile(join(outside, 'secret'), SECRET);
  await writeFile(join(outside, 'file'), SECRET);
  await writeFile(join(folder, 'file'), HONEST);
  await writeFile(join(folder, 'sub', 'file'), HONEST);
  const files = openFolders([{ at: '/data', mode: 'write', source: nodeFolders.folder(folder, 'write') }], {
    // One file stays open, the one that is read; each read is of another, so every call walks its path.
    ceilings: { ...defaults(FILES), open: 1, files: 1e9 },
  });
  return { folder, outside, files };
}

const swapperOf = (folder: string, outside: string): ChildProcess =>
  spawn(process.execPath, ['-e', SWAPPER, folder, join(outside, 'secret'), outside], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });

test.runIf(process.platform === 'linux')(
  'names that are swapped 10,000 times never lead out of a folder, to read or to write',
  async () => {
    const { folder, outside, files } = await setUp();
    const swapper = swapperOf(folder, outside);
    onTestFinished(() => void swapper.kill());
    let isDone = false;
    swapper.once('exit', () => {
      isDone = true;
    });
    const ends = { read: 0, refused: 0, written: 0 };
    const reasons = new Set<string>();
    const attempt = (act: () => void) => {
      try {
        act();
      } catch (thrown) {
        if (!(thrown instanceof Refusal)) throw thrown;
        ends.refused++;
        reasons.add(
          thrown.message.replace(/^.*?(is not there|symbolic link|hard links|no folder|another file system).*$/, '$1'),
        );
      }
    };
    const read = (path: string) => {
      let bytes = new Uint8Array();
      files.read(path, { offset: 0n, count: 100 }, (length) => {
        bytes = new Uint8Array(length);
        return bytes;
      });
      // Whatever was written over it by then is letters of ours.
      expect(HONEST).toContain(
        Buffer.from(bytes)
          .toString()
          .replace(/^W+/, (ours) => HONEST.slice(0, ours.length)),
      );
      ends.read++;
    };
    for (let round = 0; !isDone; round++) {
      for (const path of ['/data/file', '/data/sub/file']) {
        attempt(() => read(path));
        attempt(() => {
          files.write(path, 0n, Buffer.from('W'.repeat(1 + (round % 14))));
          ends.written++;
        });
        attempt(() => expect(files.names('/data/sub')).not.toContain('secret'));
      }
      if (round % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    files.close();
    expect(swapper.exitCode).toBe(0);
    expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe(SECRET);
    expect(readFileSync(join(outside, 'file'), 'utf8')).toBe(SECRET);
    expect(readdirSync(outside).sort()).toEqual(['file', 'secret']);
    // Both ways of it were seen: a test that never met the swapper would say nothing.
    expect(ends.read).toBeGreaterThan(0);
    expect(ends.written).toBeGreaterThan(0);
    expect([...reasons]).toEqual(expect.arrayContaining(['symbolic link', 'hard links']));
    expect(existsSync(join(folder, 'file'))).toBe(true);
  },
  180_000,
);

test.runIf(process.platform === 'linux')(
  'names that are swapped 10,000 times never lead out of a folder to make, to move or to remove',
  async () => {
    const { folder, outside, files } = await setUp();
    await mkdir(join(outside, 'empty'));
    const before = namesBelow(outside);
    const swapper = swapperOf(folder, outside);
    onTestFinished(() => void swapper.kill());
    let isDone = false;
    swapper.once('exit', () => {
      isDone = true;
    });
    const changes: readonly (readonly [string, Change])[] = [
      ['/data/sub/empty', { act: 'folder' }],
      ['/data/sub/file', { act: 'rename', to: '/data/kept' }],
      ['/data/kept', { act: 'rename', to: '/data/sub/file' }],
      ['/data/sub/new', { act: 'create' }],
      ['/data/sub/new', { act: 'rename', to: '/data/sub/secret' }],
      ['/data/sub/secret', { act: 'resize', size: 3 }],
      ['/data/sub/secret', { act: 'unlink' }],
      ['/data/sub/empty', { act: 'remove' }],
      ['/data/file', { act: 'resize', size: 2 }],
      ['/data/file', { act: 'rename', to: '/data/taken' }],
      ['/data/taken', { act: 'unlink' }],
    ];
    const done = new Map<string, number>();
    const reasons = new Set<string>();
    for (let round = 0; !isDone; round++) {
      for (const [path, change] of changes) {
        try {
          files.change(path, change);
          done.set(change.act, (done.get(change.act) ?? 0) + 1);
        } catch (thrown) {
          if (!(thrown instanceof Refusal)) throw thrown;
          reasons.add(thrown.reason);
        }
      }
      if (round % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    files.close();
    expect(swapper.exitCode).toBe(0);
    expect(namesBelow(outside)).toEqual(before);
    for (const name of ['secret', 'file']) expect(readFileSync(join(outside, name), 'utf8')).toBe(SECRET);
    // Each of them was done and was refused: a test that never met the swapper would say nothing.
    expect([...done.keys()].sort()).toEqual(['create', 'folder', 'remove', 'rename', 'resize', 'unlink']);
    expect([...reasons]).toEqual(expect.arrayContaining(['LOOP', 'MLINK']));
  },
  180_000,
);

function namesBelow(folder: string): readonly string[] {
  return (readdirSync(folder, { recursive: true }) as string[]).sort();
}

test('a reader of a file that is written whole sees the old one or the new one, never a part', async () => {
  const { folder, files } = await setUp();
  const path = join(folder, 'whole');
  await writeFile(path, 'a'.repeat(50_000));
  const watcher = spawn(process.execPath, [
    '-e',
    `const { readFileSync } = require('node:fs');
     console.log('ready');
     const seen = new Set();
     process.stdin.on('data', () => { console.log(JSON.stringify([...seen])); process.exit(0); });
     const look = () => {
       for (let i = 0; i < 20; i++) { const text = readFileSync(${JSON.stringify(path)}, 'utf8'); seen.add(text.length + ' ' + new Set(text).size); }
       setImmediate(look);
     };
     look();`,
  ]);
  onTestFinished(() => void watcher.kill());
  let said = '';
  watcher.stdout.on('data', (piece) => {
    said += piece;
  });
  await once(watcher.stdout, 'data');
  for (let round = 0; round < 40; round++) {
    files.write('/data/whole', 0n, Buffer.alloc(50_000 + round, 98 + (round % 5)));
    if (round % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  files.close();
  watcher.stdin.write('end\n');
  await once(watcher, 'exit');
  const seen = JSON.parse(said.slice(said.indexOf('['))) as string[];
  expect(seen.length).toBeGreaterThan(1);
  for (const one of seen) expect(one).toMatch(/^500\d\d 1$/);
  expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
});
