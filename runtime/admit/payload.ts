// What a kernel says of its payloads, in a custom section of its core module.
import { LodgerError } from '../base/errors.ts';
import { parsePayload } from '../payload/parse.ts';
import { PAYLOAD_SECTION, type Payload } from '../payload/schema.ts';
import type { CustomSection } from '../wasm/sections.ts';

/** The schema, if there is one. Throws `ERR_KERNEL_INTERFACE` for two, and for one that is not exactly of the form of this version. */
export function readPayload(core: Uint8Array, customs: readonly CustomSection[]): Payload | undefined {
  const [section, other] = customs.filter(({ name }) => name === PAYLOAD_SECTION);
  if (section === undefined) return undefined;
  if (other !== undefined) throw new LodgerError('ERR_KERNEL_INTERFACE', [`it has two sections "${PAYLOAD_SECTION}"`]);
  return parsePayload(core.subarray(section.contents, section.end));
}
