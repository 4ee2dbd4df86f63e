// Blobs that several sites have of one that asked them: it names to each the others, and what they give a blob for is its signature.
import { fromHex } from '../../runtime/base/platform.ts';
import { isSigned, publicKey } from '../coordinator/keys.ts';
import type { Lease, WireTerms } from '../wire/site.ts';

/** What a lease stands on, and leave to read one blob of it. */
export interface Permitted {
  /** The site whose lease names it: the one that signs. */
  readonly owner: string;
  /** The site that may read it, of those that have it by leases of the same owner. */
  readonly reader: string;
  readonly digest: string;
}

/** What the owner signs. It holds for as long as somebody has the blob: the reader was given all of it already. */
export const permitBytes = ({ owner, reader, digest }: Permitted): Uint8Array =>
  new TextEncoder().encode(`lodger blob 1\n${owner}\n${reader}\n${digest}`);

/** Whether the owner, whose key is given in hex, lets the reader have it. */
export const isPermitted = (permitted: Permitted, permit: Uint8Array, key: string): boolean =>
  isSigned(permitBytes(permitted), permit, publicKey(fromHex(key)));

/** Every blob that has to be there before a lease can be worked on, the kernel first. */
export function blobsOf({ terms, inputs }: Lease & { readonly terms: WireTerms }): readonly string[] {
  const named = [terms.kernel, ...Object.values(terms.blobs), ...inputs.filter((input) => typeof input === 'string')];
  const granted = terms.grants.flatMap((grant) => (grant.kind === 'blobs' ? [grant.digest] : []));
  return [...new Set([...named, ...granted])];
}
