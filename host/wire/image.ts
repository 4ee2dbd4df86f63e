// An image of a stepper as a blob of a site: its stored form, and before it the name of the blob that it is a difference to.
import { type Digest, fromHex, toHex } from '../../runtime/base/platform.ts';

const VERSION = 1;
const PARENT_AT = 1;
const FORM_AT = 33;

export interface ImageBlob {
  /** The blob of the image that it is a difference to; null for a whole one. */
  readonly parent: Digest | null;
  /** What an `ImageStore` keeps. */
  readonly form: Uint8Array;
}

/** The bytes of a blob: a version, 32 bytes of the parent's digest (zeros for none), and the stored form. */
export function packImage({ parent, form }: ImageBlob): Uint8Array {
  const bytes = new Uint8Array(FORM_AT + form.byteLength);
  bytes[0] = VERSION;
  if (parent !== null) bytes.set(fromHex(parent), PARENT_AT);
  bytes.set(form, FORM_AT);
  return bytes;
}

/** Reads what `packImage` wrote. Throws a RangeError for another version, or for less than a head. What is in the form is checked when it is opened. */
export function unpackImage(bytes: Uint8Array): ImageBlob {
  if (bytes.byteLength <= FORM_AT || bytes[0] !== VERSION) throw new RangeError('a blob is no image of a stepper');
  const parent = bytes.subarray(PARENT_AT, FORM_AT);
  return { parent: parent.every((byte) => byte === 0) ? null : toHex(parent), form: bytes.subarray(FORM_AT) };
}
