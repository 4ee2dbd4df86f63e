// Tells those who watch what has changed, a thing at most four times a second.
import type { HostStatus, JobStatus, SiteStatus } from '../wire/api.ts';
import type { Caller } from './contracts.ts';

const EVERY_MS = 250;
/** Those who may watch at once. */
const WATCHERS_MAX = 1_000;

export type Hear = (event: 'job' | 'host' | 'site', data: JobStatus | HostStatus | SiteStatus) => void;

export interface Watch {
  add(caller: Caller, hear: Hear): () => void;
  changed(kind: 'job' | 'host' | 'site', id: string): void;
  close(): void;
}

/** `look` gives a thing as it is now, if the caller may see it. */
export function createWatch(
  look: (caller: Caller, kind: 'job' | 'host' | 'site', id: string) => JobStatus | HostStatus | SiteStatus | undefined,
): Watch {
  const watchers = new Set<{ readonly caller: Caller; readonly hear: Hear }>();
  const dirty = new Map<string, readonly ['job' | 'host' | 'site', string]>();
  let timer: NodeJS.Timeout | undefined;
  const tell = () => {
    timer = undefined;
    const things = [...dirty.values()];
    dirty.clear();
    for (const { caller, hear } of [...watchers])
      for (const [kind, id] of things) {
        const data = look(caller, kind, id);
        if (data) hear(kind, data);
      }
  };
  return {
    add: (caller, hear) => {
      if (watchers.size >= WATCHERS_MAX) throw new RangeError(`over ${WATCHERS_MAX} watch already`);
      const watcher = { caller, hear };
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    changed: (kind, id) => {
      if (watchers.size === 0) return;
      dirty.set(`${kind} ${id}`, [kind, id]);
      timer ??= setTimeout(tell, EVERY_MS).unref();
    },
    close: () => {
      clearTimeout(timer);
      watchers.clear();
    },
  };
}
