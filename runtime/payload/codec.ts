// What a typed kernel has for its payloads: the way in and the way out, each made when it is first used. It is loaded with the first such kernel.
import { BYTES, bytesOf, type Codec } from './bytes.ts';
import { createDecoder } from './decode.ts';
import { createEncoder } from './encode.ts';
import type { Payload } from './schema.ts';

/** The codec of a typed kernel. */
export function createCodec(payload: Payload): Codec {
  let encoder: ReturnType<typeof createEncoder> | undefined;
  let decoder: ReturnType<typeof createDecoder> | undefined;
  return {
    encode: (input, room) => {
      if (input instanceof Uint8Array) return input;
      if (payload.input === 'bytes') return BYTES.encode(input);
      encoder ??= createEncoder(payload);
      return encoder(input, room);
    },
    decode: (output) => {
      const bytes = bytesOf(output);
      if (payload.output === 'bytes') return bytes;
      decoder ??= createDecoder(payload);
      return decoder(bytes);
    },
  };
}
