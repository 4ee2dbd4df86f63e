// Payloads that are bytes, as those of a kernel without a schema are; and what the payloads of any kernel have in common.
import { LodgerError } from '../base/errors.ts';
import { kindOf } from './kind.ts';

/** The custom section of a kernel that holds the schema: JSON, UTF-8. A kernel without it takes and gives bytes. */
export const PAYLOAD_SECTION = 'lodger:payload';

/** Gives memory for more than 1 KiB, all of which will be written over. With it, less may share memory with others, in which none is moved. */
export type Room = (bytes: number) => Uint8Array;

export interface Codec {
  /**
   * The bytes that the kernel takes for this input, in memory of their own, or as `room` says. Bytes are taken for what they are.
   * Throws `ERR_OPTION_INVALID` with a path.
   */
  encode(input: unknown, room?: Room): Uint8Array;
  /** The value in an output's bytes. Throws `ERR_OPTION_INVALID` with a path where they do not fit the schema. */
  decode(output: Uint8Array): unknown;
}

/** Of a kernel without a schema: both ways are bytes. */
export const BYTES: Codec = {
  encode: (input) => {
    if (input instanceof Uint8Array) return input;
    throw new LodgerError('ERR_OPTION_INVALID', ['input', 'a Uint8Array']);
  },
  decode: bytesOf,
};

/** An output, whoever gave it. */
export function bytesOf(output: unknown): Uint8Array {
  if (output instanceof Uint8Array) return output;
  throw new LodgerError('ERR_OPTION_INVALID', ['output', `a Uint8Array, not ${kindOf(output)}`]);
}
