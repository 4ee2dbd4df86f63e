// Messages between sites under the key of the site that sends them: whoever may use the server may still not speak for another site.
import { hash } from 'node:crypto';
import * as v from 'valibot';
import { fromHex } from '../../runtime/base/platform.ts';
import { SiteNameSchema } from '../../runtime/job/site-terms.ts';
import type { SiteKey } from '../coordinator/contracts.ts';
import { isSigned, publicKey } from '../coordinator/keys.ts';
import { SITE } from '../wire/ceilings.ts';
import { decode, encode } from '../wire/codec.ts';

const bytes = v.custom<Uint8Array>((value) => value instanceof Uint8Array, 'bytes');
const SealedSchema = v.strictObject({
  version: v.literal(1),
  from: SiteNameSchema,
  /** The site that it is for; `*` for all. */
  to: v.union([SiteNameSchema, v.literal('*')]),
  body: bytes,
  signature: bytes,
});
export type Sealed = v.InferOutput<typeof SealedSchema>;

/** Who sends it, to whom, and what. */
export interface Letter {
  readonly from: string;
  readonly to: string;
  readonly body: unknown;
}

export function seal(key: SiteKey, { from, to, body: value }: Letter): Uint8Array {
  const body = Uint8Array.from(encode(value));
  return Uint8Array.from(encode({ version: 1, from, to, body, signature: key.sign(signedBytes({ from, to, body })) }));
}

/** What it is by its form; whose it is, `isFrom` says. Throws a RangeError for what is none. */
export function unseal(message: Uint8Array): Sealed {
  return parse(SealedSchema, message);
}

/** Whether a message is signed by a key, which is given in hex. */
export function isFrom(sealed: Sealed, key: string): boolean {
  return isSigned(signedBytes(sealed), sealed.signature, publicKey(fromHex(key)));
}

/** Bytes of our codec as a schema has them. Throws a RangeError. */
export function parse<T extends v.GenericSchema>(schema: T, message: Uint8Array): v.InferOutput<T> {
  if (message.byteLength > 2 * SITE.frameBytes.max) throw new RangeError(`a message has ${message.byteLength} bytes`);
  const result = v.safeParse(schema, decode(message), { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw new RangeError(`a message is not understood: ${v.getDotPath(issue) ?? 'it'}: ${issue.message}`);
}

function signedBytes({ from, to, body }: Pick<Sealed, 'from' | 'to' | 'body'>): Uint8Array {
  return new TextEncoder().encode(`lodger sites 1\n${from}\n${to}\n${hash('sha256', body)}`);
}
