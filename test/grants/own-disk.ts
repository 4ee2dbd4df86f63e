// Folders on small file systems that only this process sees: says in JSON what a guest would be told of each.
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { nodeFolders, openFolders } from '../../host/grants/folders.ts';
import { defaults } from '../../runtime/base/defaults.ts';
import { FILES } from '../../runtime/base/outside.ts';
import { Refusal } from '../../runtime/job/outside.ts';

/** The first is full at 1 MiB; below it, in `other`, is the second. */
const [, , folder = ''] = process.argv;
const files = openFolders([{ at: '/data', mode: 'write', source: nodeFolders.folder(folder, 'write') }], {
  ceilings: defaults(FILES),
});

function told(act: () => unknown): string {
  try {
    act();
    return 'done';
  } catch (thrown) {
    if (thrown instanceof Refusal) return `${thrown.reason}: ${thrown.message}`;
    throw thrown;
  }
}

writeFileSync(join(folder, 'shrinking'), new Uint8Array(1_000));
mkdirSync(join(folder, 'ours'));
const whole = Buffer.alloc(700_000, 1);
const said = {
  fits: told(() => files.write('/data/file', 0n, whole)),
  full: told(() => files.write('/data/file', 0n, Buffer.alloc(700_001, 2))),
  other: told(() => files.names('/data/other')),
  below: told(() => files.write('/data/other/file', 0n, Uint8Array.of(1))),
  shorter: told(() =>
    files.read('/data/shrinking', { offset: 0n, count: 1_000 }, (length) => {
      truncateSync(join(folder, 'shrinking'), 0);
      return new Uint8Array(length);
    }),
  ),
};
let kept = new Uint8Array();
files.read('/data/file', { offset: 0n, count: 800_000 }, (length) => {
  kept = new Uint8Array(length);
  return kept;
});
const names = files.names('/data');
files.close();
process.stdout.write(JSON.stringify({ ...said, isKept: Buffer.from(kept).equals(whole), names }));
