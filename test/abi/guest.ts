// A guest made of JavaScript: a memory, and exports that a test writes itself.
import type { GuestMemory } from '../../runtime/abi/memory.ts';
import type { KernelFacts, StringEncoding } from '../../runtime/job/kernel.ts';
import type { KernelImport, Shape } from '../../runtime/job/world.ts';

type Exported = (guest: FakeGuest, ...args: number[]) => number;

export interface FakeGuest extends GuestMemory {
  /** The memory; setting another one stands for growth, which moves it. */
  memory: Uint8Array<ArrayBuffer>;
  /** Exports called, in order. */
  readonly called: string[];
}

/** A guest with a memory of `size` bytes that lies inside a larger buffer, as an engine with a pool of memories may give it. */
export function fakeGuest(exports: Readonly<Record<string, Exported>> = {}, size = 4096): FakeGuest {
  let free = 1024;
  const own: Record<string, Exported> = {
    cabi_realloc: (_, __, ___, align = 1, length = 0) => {
      const at = Math.ceil(free / align) * align;
      free = at + length;
      return at;
    },
    ...exports,
  };
  const guest: FakeGuest = {
    memory: new Uint8Array(new ArrayBuffer(size + 128), 64, size),
    called: [],
    mayLeave: true,
    bytes: () => guest.memory,
    call: (name, ...args) => {
      const exported = own[name];
      if (!exported) throw new Error(`no export ${name}`);
      guest.called.push(name);
      return exported(guest, ...(args as number[]));
    },
  };
  return guest;
}

/** Facts of a kernel that was never compiled. */
export function factsOf(
  parts: {
    readonly shape?: Shape;
    readonly encoding?: StringEncoding;
    readonly imports?: readonly KernelImport[];
    readonly optional?: readonly string[];
  } = {},
): KernelFacts {
  return {
    digest: '0'.repeat(64),
    shape: 'kernel',
    encoding: 'utf8',
    imports: [],
    optional: [],
    memory: { min: 1 },
    ...parts,
  };
}
