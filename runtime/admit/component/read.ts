// What every part of a component is read with: refusals, lists and parts of bounded size.
import { LodgerError } from '../../base/errors.ts';
import { COMPONENT } from '../../base/reading.ts';
import { malformed, Reader } from '../../wasm/reader.ts';

const DEFINITIONS_MAX = COMPONENT.definitions.max;

/** The component is not simple, for this reason. */
export function complex(reason: string): never {
  throw new LodgerError('ERR_COMPONENT_COMPLEX', [reason]);
}

/** The bytes are no component, for this reason; `at` is an offset into the component, or into a core module of it. */
export function broken(reason: string, at: number): never {
  throw malformed(reason, at);
}

/** Reads a count, and that many members. */
export function readList<T>(reader: Reader, read: () => T, max: number = DEFINITIONS_MAX): T[] {
  const count = reader.u32();
  if (count > max) complex(`one of its lists has ${count} members, more than ${max}`);
  const list: T[] = [];
  for (let index = 0; index < count; index++) list.push(read());
  return list;
}

/** Reads a size, and gives a reader of the bytes behind it. */
export function readPart(reader: Reader): Reader {
  const size = reader.u32();
  const start = reader.at;
  reader.skip(size);
  return new Reader(reader.bytes, start, reader.at);
}

/** Refuses bytes left over behind what was read. */
export function expectEnd(reader: Reader): void {
  if (reader.at !== reader.end) broken('a section is longer than its contents', reader.at);
}

/** Reads the name of a component's import or export. The two prefixes have come to mean the same. */
export function readExternName(reader: Reader): string {
  if (reader.byte() > 0x01) complex('it uses names with options');
  return reader.name();
}
