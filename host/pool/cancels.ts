// Which tasks an AbortSignal ends. One listener a signal, however many tasks wait on it: Node warns about more than ten.
import { LodgerError } from '../../runtime/base/errors.ts';

export interface Cancels<Entry> {
  add(signal: AbortSignal, entry: Entry): void;
  remove(signal: AbortSignal, entry: Entry): void;
}

/** `cancel` is called for each task of a signal that fires, with ERR_ABORTED. */
export function createCancels<Entry>(cancel: (entry: Entry, reason: LodgerError) => void): Cancels<Entry> {
  const watched = new Map<AbortSignal, { readonly entries: Set<Entry>; readonly listener: () => void }>();
  return {
    add: (signal, entry) => {
      const known = watched.get(signal);
      if (known) {
        known.entries.add(entry);
        return;
      }
      const entries = new Set([entry]);
      const listener = () => {
        for (const each of [...entries]) cancel(each, aborted(signal));
      };
      signal.addEventListener('abort', listener, { once: true });
      watched.set(signal, { entries, listener });
    },
    remove: (signal, entry) => {
      const known = watched.get(signal);
      known?.entries.delete(entry);
      if (known?.entries.size !== 0) return;
      signal.removeEventListener('abort', known.listener);
      watched.delete(signal);
    },
  };
}

/** The refusal of a task whose signal has fired. */
export function aborted(signal: AbortSignal): LodgerError {
  return new LodgerError('ERR_ABORTED', [], { cause: signal.reason });
}
