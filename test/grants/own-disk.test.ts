// What guests are told where the system has its say: full disks, other file systems, files of others, systems without a safe way.
import { spawnSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { temporaryFolder } from './guests.ts';

const programOf = (name: string) => fileURLToPath(new URL(`../../dist/test/grants/${name}.js`, import.meta.url));

test.runIf(process.platform === 'linux')(
  'a full disk, a folder on another file system and a file that shrinks are refusals of their own, and nothing is lost',
  async () => {
    const folder = await temporaryFolder();
    const mounts = 'mount -t tmpfs -o size=1m none "$0" && mkdir "$0/other" && mount -t tmpfs none "$0/other"';
    const words = ['--user', '--map-root-user', '--mount', 'sh', '-c', `${mounts} && exec "$1" "$2" "$0"`];
    const { status, stdout, stderr } = spawnSync('unshare', [
      ...words,
      folder,
      process.execPath,
      programOf('own-disk'),
    ]);
    if (status !== 0 && /unshare|mount/.test(String(stderr))) {
      process.stderr.write(`NOT SHOWN: no file system of the test's own can be had here: ${stderr}\n`);
      expect(process.env['CI']).toBeUndefined();
      return;
    }
    expect(JSON.parse(String(stdout))).toEqual({
      fits: 'done',
      full: 'NOSPC: "/data/file" cannot be written: the disk is full',
      other: 'XDEV: "other" in path "/data/other" lies on another file system; grant it by itself',
      below: 'XDEV: "other" in path "/data/other/file" lies on another file system; grant it by itself',
      shorter: 'IO: "/data/shrinking" became shorter while it was read',
      isKept: true,
      names: ['file', 'other', 'ours', 'shrinking'],
    });
  },
);

/** What a program prints that grants a folder, having changed what it is first. */
function sayOf(folder: string, change: string, act: string): string {
  const from = new URL('../../dist/', import.meta.url).href;
  const program = `
    ${change}
    const { nodeFolders, openFolders } = await import('${from}host/grants/folders.js');
    const { defaults } = await import('${from}runtime/base/defaults.js');
    const { FILES } = await import('${from}runtime/base/outside.js');
    const open = (mode) => openFolders([{ at: '/data', mode, source: nodeFolders.folder(${JSON.stringify(folder)}, mode) }], { ceilings: defaults(FILES) });
    try { ${act}; console.log('done'); } catch (error) { console.log(error.message); }`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  return stdout.trim() || stderr;
}

test('a system on which a name cannot be walked to safely grants no folder', async () => {
  const folder = await temporaryFolder();
  const other = `Object.defineProperty(process, 'platform', { value: 'darwin' });`;
  for (const mode of ['read', 'write'])
    expect(sayOf(folder, other, `open('${mode}')`)).toContain(
      'this system cannot open files without following links; pin the folder',
    );
});

test.runIf(process.platform === 'linux')('a file that its owner keeps from this process is a refusal', async () => {
  const folder = await temporaryFolder();
  chmodSync(folder, 0o755);
  writeFileSync(join(folder, 'kept'), 'kept');
  chmodSync(join(folder, 'kept'), 0);
  const act = `open('read').read('/data/kept', { offset: 0n, count: 4 }, (length) => new Uint8Array(length))`;
  // Root may read everything, and so becomes somebody else.
  const said = sayOf(folder, '', `if (process.getuid() === 0) process.setuid(65534); ${act}`);
  expect(said).toBe('"/data/kept" may not be opened by the owner of this process');
});

test('a file that is replaced is on the disk before it has its name', async () => {
  const folder = await temporaryFolder();
  const watched = `
    import fs from 'node:fs';
    import { syncBuiltinESMExports } from 'node:module';
    const seen = [];
    for (const name of ['writeSync', 'fsyncSync', 'renameSync']) {
      const plain = fs[name];
      fs[name] = (...args) => { seen.push(name); return plain(...args); };
    }
    syncBuiltinESMExports();`;
  const act = `open('write').write('/data/new', 0n, new Uint8Array(10)); console.log(seen.join())`;
  expect(sayOf(folder, watched, act)).toMatch(/^writeSync,fsyncSync,renameSync\b/);
});
