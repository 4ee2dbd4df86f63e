// Memories that guests have one after the other: kept and zeroed, since to map one costs more than a small task.
import { GUEST, PAGE } from '../base/limits.ts';
import { TaskFailure } from '../job/outcome.ts';

/** A memory, and since when its last guest has it. */
export interface Held {
  readonly memory: WebAssembly.Memory;
  /** Of one minimum and one maximum: memories of one key are as good as each other. */
  readonly key: number;
  /** Bytes at start. */
  readonly size: number;
  /** All of it. A memory that has grown has a new buffer, and the old one has become empty. */
  view: Uint8Array<ArrayBuffer>;
  since: number;
  /** Who has put an instance back with it, or had: a memory that is kept keeps no instance. */
  owner?: WeakRef<Owner>;
}

/** Whoever puts instances back, each with its memory. */
export interface Owner {
  back?: { readonly held: Held } | undefined;
}

export interface MemoryKeeper {
  /** One of exactly these bounds, zeroed: `own`, if it is kept. Whoever had put an instance back with it has none any more. */
  take(pagesMin: number, pagesMax: number, own: Held | undefined): Held;
  /** Takes one back. Whether it is kept. */
  give(held: Held): boolean;
}

/** A larger memory is kept if its guest had it for this long: zeroing takes about a tenth of that, and mapping and first touches more. */
const KEPT_MS_PER_BYTE = 1 / 2 ** 20;

/**
 * Mapping a memory costs V8 about 60 us, zeroing a small one a few. Only a memory of exactly its initial size is kept: one that has
 * grown is dropped, since the next guest would see its size. The least recently used goes first, so that a flood of odd sizes neither
 * fills the host nor keeps others out. One that an instance was put back with is another's only when as many are kept as may be.
 */
export function createMemoryKeeper(now = () => 0): MemoryKeeper {
  const kept = new Set<Held>();
  let bytes = 0;
  const remove = (held: Held | undefined): Held | undefined => {
    if (!held || !kept.delete(held)) return undefined;
    bytes -= held.size;
    const owner = ownerOf(held);
    if (owner) owner.back = undefined;
    return held;
  };
  return {
    take(pagesMin, pagesMax, own) {
      const key = pagesMin * 65_537 + pagesMax;
      const isFull = kept.size === GUEST.memoriesKept.default;
      let found = own?.key === key ? own : undefined;
      for (const held of found ? [] : kept) if (held.key === key && (isFull || !ownerOf(held))) found ??= held;
      const held = remove(found) ?? map(pagesMin, pagesMax, key);
      held.since = now();
      return held;
    },
    give(held) {
      const { view, size, since } = held;
      if (size > GUEST.memoryKeptBytes.default || view.byteLength !== size) return false;
      const isLarge = size > GUEST.memoryAlwaysKeptBytes.default;
      if (isLarge && now() - since < size * KEPT_MS_PER_BYTE) return false;
      view.fill(0);
      kept.add(held);
      bytes += size;
      while (kept.size > GUEST.memoriesKept.default || bytes > GUEST.memoryKeptBytes.default)
        remove(kept.values().next().value);
      return true;
    },
  };
}

/** Who has an instance put back with it. */
function ownerOf(held: Held): Owner | undefined {
  const owner = held.owner?.deref();
  return owner?.back?.held === held ? owner : undefined;
}

function map(initial: number, maximum: number, key: number): Held {
  try {
    const memory = new WebAssembly.Memory({ initial, maximum });
    return { memory, key, size: initial * PAGE, view: new Uint8Array(memory.buffer), since: 0 };
  } catch {
    throw new TaskFailure('ERR_HOST_MEMORY', `${initial} pages of 64 KiB could not be mapped`);
  }
}
