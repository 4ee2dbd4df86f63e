// The waiting tasks of a pool: lanes take turns, and each keeps its own order.
import { type Entry, type Lane, type Sharing, takeBatch } from './lane.ts';

/** Tasks that go out together. */
export interface Departure {
  readonly lane: Lane;
  readonly entries: readonly Entry[];
}

export interface Queue {
  /** How many tasks wait. */
  readonly size: number;
  /** Puts a task at the end of its lane, or back at its head. */
  add(entry: Entry, place: 'first' | 'last'): void;
  remove(entry: Entry): void;
  /** The lane whose turn it is, of those that may send a batch now; undefined if no task of a compiled kernel waits there. */
  next(may: (lane: Lane) => boolean): Lane | undefined;
  /** The next batch of that lane. */
  take(lane: Lane): Departure;
}

export function createQueue(sharing: Sharing): Queue {
  /** Lanes with waiting tasks, in the order in which they are served. */
  const lanes: Lane[] = [];
  let size = 0;
  return {
    get size() {
      return size;
    },
    add: (entry, place) => {
      const { lane } = entry;
      entry.flight = undefined;
      if (lane.waiting.length === 0) lanes.push(lane);
      if (place === 'first') lane.waiting.unshift(entry);
      else lane.waiting.push(entry);
      size++;
    },
    remove: (entry) => {
      const { lane } = entry;
      lane.waiting.splice(lane.waiting.indexOf(entry), 1);
      if (lane.waiting.length === 0) lanes.splice(lanes.indexOf(lane), 1);
      size--;
    },
    // Lanes that may not, or whose kernel is still being compiled, let the others pass, and keep their order.
    next: (may) => lanes.find((lane) => lane.compiled !== undefined && may(lane)),
    take: (lane) => {
      lanes.push(...lanes.splice(0, lanes.indexOf(lane)));
      lanes.shift();
      const entries = takeBatch(lane, sharing);
      if (lane.waiting.length > 0) lanes.push(lane);
      size -= entries.length;
      return { lane, entries };
    },
  };
}
