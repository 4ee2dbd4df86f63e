// One agent at a time has a folder: two would number their reports alike.
import { readFileSync } from 'node:fs';
import { open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { LodgerError } from '../../runtime/base/errors.ts';
import { fileError } from '../jobs/files.ts';

/** Those of this process. */
const ours = new Set<string>();

/** Throws `ERR_FILE` where another agent has it, in this process or in one that is alive. */
export async function lockFolder(folder: string): Promise<{ readonly release: () => Promise<void> }> {
  const path = join(folder, 'lock');
  const taken = (pid: number) => new LodgerError('ERR_FILE', ['write', folder, `another agent has it, process ${pid}`]);
  if (ours.has(path)) throw taken(process.pid);
  ours.add(path);
  try {
    if (!(await make(path))) {
      const [pid, began] = (await readFile(path, 'utf8')).split(' ');
      if (Number(pid) !== process.pid && beganAt(Number(pid)) === began) throw taken(Number(pid));
      // Its process was killed.
      await rm(path, { force: true });
      if (!(await make(path))) throw taken(0);
    }
  } catch (error) {
    ours.delete(path);
    throw fileError('write', path, error);
  }
  return {
    release: async () => {
      await rm(path, { force: true });
      ours.delete(path);
    },
  };
}

async function make(path: string): Promise<boolean> {
  try {
    const handle = await open(path, 'wx', 0o600);
    await handle.writeFile(`${process.pid} ${beganAt(process.pid)}`);
    await handle.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Tells a process from a later one of the same number, where the system says when it began; `gone` where there is none. */
function beganAt(pid: number): string {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return 'gone';
  }
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? 'alive';
  } catch {
    return 'alive';
  }
}
