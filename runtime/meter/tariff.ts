// What running costs, in fuel: the tariff, but for the weights of instructions. It is a definition; how it is counted must never show.
//
// Fuel = the sum over executed instructions of their weight, plus what ranges of memory, new pages and host calls cost by their
// size. An instruction counts when it begins. A change of any number here or of a weight is a new TARIFF_VERSION.

/** Part of every key and receipt: fuel is comparable between equal versions only. */
export const TARIFF_VERSION = 1;

/** So many bytes of `memory.fill`, `memory.copy` and `memory.init` cost 1, rounded down; a power of two. */
export const BYTES_PER_FUEL = 4;

/** Each page that `memory.grow` adds. When it fails, none is added. */
export const FUEL_PER_PAGE = 16_384;

/** A host call: so much for the call, and 1 for so many bytes that it reads from the guest or gives to it. A `step` costs the same. */
export const HOST_CALL = { fuel: 256, bytesPerFuel: 4 } as const;

/**
 * What the host takes off the counter for one host call that moves `bytes`, beside the weight of the call instruction: before it
 * returns to the guest, and also when it fails.
 */
export function hostCallFuel(bytes: number): number {
  return HOST_CALL.fuel + Math.floor(bytes / HOST_CALL.bytesPerFuel);
}
