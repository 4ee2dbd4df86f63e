// How a kernel's strings lie in its memory, as its custom section `component-type` says.
// That section's contents are a small component with a custom section `wit-component-encoding`: a version byte (4) and the
// encoding (0 utf8, 1 utf16, 2 compact). Source: wit-component 0.2xx, src/metadata.rs.
import { LodgerError } from '../base/errors.ts';
import type { StringEncoding } from '../job/kernel.ts';
import { malformed, Reader } from '../wasm/reader.ts';
import type { CustomSection } from '../wasm/sections.ts';
import { isComponent, SECTION } from '../wasm/sections.ts';

const SECTION_NAME = 'component-type';
const PART_NAME = 'wit-component-encoding';
const VERSION = 4;
const ENCODINGS: Readonly<Record<number, StringEncoding>> = { 0: 'utf8', 1: 'utf16' };

/** The encoding. Throws `ERR_KERNEL_INTERFACE` when it is absent, compact, of an unknown version, or named in two ways. */
export function readEncoding(bytes: Uint8Array, customs: readonly CustomSection[]): StringEncoding {
  const found = new Set<StringEncoding>();
  for (const { name, contents, end } of customs) {
    if (!name.startsWith(SECTION_NAME)) continue;
    for (const encoding of parts(bytes.subarray(contents, end), contents)) found.add(encoding);
  }
  const [encoding, other] = found;
  if (encoding === undefined) {
    throw misfit(
      `it has no section "${SECTION_NAME}" that names its string encoding; build with "lodger build" or embed the world`,
    );
  }
  if (other !== undefined) throw misfit('its string encoding is utf8 in one place and utf16 in another');
  return encoding;
}

function* parts(component: Uint8Array, offset: number): Generator<StringEncoding> {
  if (!isComponent(component)) throw malformed(`section "${SECTION_NAME}" does not hold a component`, offset);
  const reader = new Reader(component, 8);
  while (reader.at < reader.end) {
    const id = reader.byte();
    const end = reader.u32() + reader.at;
    const inner = new Reader(component, reader.at, Math.min(end, reader.end));
    reader.skip(end - reader.at);
    if (id !== SECTION.custom || inner.name() !== PART_NAME) continue;
    if (inner.byte() !== VERSION) throw misfit(`the version of its "${PART_NAME}" is not ${VERSION}`);
    const encoding = ENCODINGS[inner.byte()];
    if (encoding === undefined || inner.at !== inner.end) throw misfit('its string encoding is neither utf8 nor utf16');
    yield encoding;
  }
}

function misfit(why: string): LodgerError {
  return new LodgerError('ERR_KERNEL_INTERFACE', [why]);
}
