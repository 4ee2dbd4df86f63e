// Names of functions, from the name section. It is for people: what cannot be read of it is left out, as engines do.
// Source: WebAssembly core specification 2.0, 7.4 "Name Section".
import { Reader } from './reader.ts';
import type { CustomSection } from './sections.ts';

const FUNCTIONS = 1;
const NAME_LENGTH_MAX = 200;

/** Index of a function, imported ones first -> its name, cut to 200 characters. */
export function functionNames(
  bytes: Uint8Array,
  customs: readonly CustomSection[],
  functions: number,
): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  const section = customs.find(({ name }) => name === 'name');
  if (section === undefined) return names;
  try {
    const reader = new Reader(bytes, section.contents, section.end);
    while (reader.at < reader.end) {
      const id = reader.byte();
      const part = new Reader(reader.take(reader.u32()));
      if (id !== FUNCTIONS) continue;
      for (let left = part.count('names of functions', 2); left > 0; left--) {
        const index = part.u32();
        const name = part.name();
        if (index < functions && name !== '') names.set(index, name.slice(0, NAME_LENGTH_MAX));
      }
    }
  } catch {
    // What was read before stays.
  }
  return names;
}
