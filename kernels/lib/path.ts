// Where a typed kernel's codec is within its input or output, so that a message can name the field. Text is made only on failure.
// @ts-nocheck: editors take AssemblyScript for TypeScript, and do not know all of it.
import { fail } from './exit';

/** How deep values may nest; hosts have the same bound, `PAYLOAD.depth`. */
const DEPTH: usize = 64;

/** One i32 a level: `key << 1`, the address of a key's entry; or `index << 1 | 1`; or 0, before the first of either. */
@lazy const PATH = memory.data(4 * 65, 4);
@lazy let top: usize = PATH - 4;
@lazy let side: string = 'input';

/** Begins anew, at `input` or `output`. */
export function startAt(name: string): void {
  side = name;
  top = PATH - 4;
}

/** Goes into an object or array. */
export function enter(): void {
  top += 4;
  store<u32>(top, 0);
  if (top >= PATH + 4 * DEPTH) {
    top -= 4;
    bad('is nested too deeply');
  }
}

export function leave(): void {
  top -= 4;
}

/** Is now at the field of this key: an entry of a table of `unpack.ts`. */
@inline
export function at(entry: usize): void {
  store<u32>(top, <u32>entry << 1);
}

/** Is now at this element. */
@inline
export function atIndex(index: u32): void {
  store<u32>(top, (index << 1) | 1);
}

/** Is at the object itself, not at one of its fields. */
export function atWhole(): void {
  store<u32>(top, 0);
}

/** Ends the task as failed: the path of the value, and what is wrong with it. */
export function bad(what: string): void {
  let path = side;
  for (let level: usize = PATH; level <= top; level += 4) {
    const step = load<u32>(level);
    if (step & 1) path += '[' + (step >> 1).toString() + ']';
    else if (step != 0) path += '.' + nameOf(step >> 1);
  }
  fail(path + ': ' + what);
}

function nameOf(entry: usize): string {
  const header = load<u8>(entry, 1);
  return String.UTF8.decodeUnsafe(entry + 2 + header, load<u8>(entry) - header);
}
