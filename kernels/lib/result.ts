// Reads what an imported function left in AREA: a `result<T, string>` as a value, or as the host's message.
// @ts-nocheck: editors take AssemblyScript for TypeScript, and do not know all of it.
import { AREA, takeString } from './abi';

/** The host's message, or null when the call went well. The payload of this result lies `offset` bytes behind its tag. */
export function errorAt(offset: usize): string | null {
  if (load<u8>(AREA) == 0) return null;
  return takeString(load<usize>(AREA + offset), load<usize>(AREA + offset, 4));
}
