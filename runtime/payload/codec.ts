// What a kernel has for its payloads: the way in and the way out, each made when it is first used.
import { LodgerError } from '../base/errors.ts';
import { createDecoder } from './decode.ts';
import { createEncoder } from './encode.ts';
import { kindOf } from './kind.ts';
import type { Payload } from './schema.ts';

export interface Codec {
  /** The bytes that the kernel takes for this input. Bytes are taken for what they are. Throws `ERR_OPTION_INVALID` with a path. */
  encode(input: unknown): Uint8Array;
  /** The value in an output's bytes. Throws `ERR_OPTION_INVALID` with a path where they do not fit the schema. */
  decode(output: Uint8Array): unknown;
}

/** The codec of a kernel; without a schema both ways are bytes. */
export function createCodec(payload: Payload | undefined): Codec {
  let encoder: ReturnType<typeof createEncoder> | undefined;
  let decoder: ReturnType<typeof createDecoder> | undefined;
  return {
    encode: (input) => {
      if (input instanceof Uint8Array) return input;
      if (payload === undefined || payload.input === 'bytes') {
        throw new LodgerError('ERR_OPTION_INVALID', ['input', 'a Uint8Array']);
      }
      encoder ??= createEncoder(payload);
      return encoder(input);
    },
    decode: (output) => {
      if (!(output instanceof Uint8Array)) {
        throw new LodgerError('ERR_OPTION_INVALID', ['output', `a Uint8Array, not ${kindOf(output)}`]);
      }
      if (payload === undefined || payload.output === 'bytes') return output;
      decoder ??= createDecoder(payload);
      return decoder(output);
    },
  };
}
