// Files that a task has open for reading: to open one again for every piece would cost more than to read it.
import { closeSync } from 'node:fs';

export interface OpenFiles {
  /** The descriptor of a path. Throws what `open` throws. */
  open(path: string): number;
  /** The next `open` of that path opens it anew. */
  forget(path: string): void;
  close(): void;
}

/** Keeps at most `max` open; the one that was used longest ago goes first. */
export function createOpenFiles(max: number, open: (path: string) => number): OpenFiles {
  const files = new Map<string, number>();
  let last = '';
  let lastFd = -1;
  const forget = (path: string) => {
    const fd = files.get(path);
    if (fd === undefined) return;
    files.delete(path);
    if (path === last) lastFd = -1;
    closeSync(fd);
  };
  return {
    open: (path) => {
      if (path === last && lastFd >= 0) return lastFd;
      const fd = files.get(path) ?? open(path);
      files.delete(path);
      files.set(path, fd);
      const [oldest] = files.keys();
      if (files.size > max && oldest !== undefined) forget(oldest);
      last = path;
      lastFd = fd;
      return fd;
    },
    forget,
    close: () => {
      for (const path of [...files.keys()]) forget(path);
    },
  };
}
