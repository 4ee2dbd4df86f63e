// A file system of a few MiB that is filled to leave so much room: for programs that show what a full disk does.
import { randomBytes } from 'node:crypto';
import { statfsSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const BLOCK = 4_096;

/** Leaves so many bytes free on the disk of a folder, in whole blocks. */
export function createBallast(folder: string): (bytes: number) => void {
  const file = join(folder, 'ballast');
  writeFileSync(file, '');
  return (bytes) => {
    truncateSync(file, 0);
    const free = statfsSync(folder).bavail * BLOCK;
    writeFileSync(file, randomBytes(Math.max(0, Math.floor((free - bytes) / BLOCK) * BLOCK)));
  };
}
