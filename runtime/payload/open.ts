// Everything that typed kernels take, behind one door: it is loaded with the first of them.
import type { Codec } from './bytes.ts';
import { createCodec } from './codec.ts';
import { parsePayload } from './parse.ts';
import type { Payload } from './schema.ts';

/** The schema in the bytes of a section, and the codec that goes by it. Throws `ERR_KERNEL_INTERFACE`. */
export function openPayload(bytes: Uint8Array): { readonly payload: Payload; readonly codec: Codec } {
  const payload = parsePayload(bytes);
  return { payload, codec: createCodec(payload) };
}
