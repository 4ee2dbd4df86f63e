// What a kernel says of its payloads, in a custom section of its core module.
import { LodgerError } from '../base/errors.ts';
import { type Codec, PAYLOAD_SECTION } from '../payload/bytes.ts';
import type { Payload } from '../payload/schema.ts';
import type { CustomSection } from '../wasm/sections.ts';

/**
 * The schema and what goes by it, if there is one: a host without typed kernels never loads what they take. Throws `ERR_KERNEL_INTERFACE` for
 * two, and for one that is not exactly of the form of this version.
 */
export async function readPayload(
  core: Uint8Array,
  customs: readonly CustomSection[],
): Promise<{ readonly payload: Payload; readonly codec: Codec } | undefined> {
  const [section, other] = customs.filter(({ name }) => name === PAYLOAD_SECTION);
  if (section === undefined) return undefined;
  if (other !== undefined) throw new LodgerError('ERR_KERNEL_INTERFACE', [`it has two sections "${PAYLOAD_SECTION}"`]);
  const { openPayload } = await import('../payload/open.ts');
  return openPayload(core.subarray(section.contents, section.end));
}
