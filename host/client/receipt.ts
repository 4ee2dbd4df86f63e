// Signed receipts, checked offline: that a task is in a batch, that the host signed the batch, and the site after it.
import { createPublicKey, verify } from 'node:crypto';
import type { Digest } from '../../runtime/base/platform.ts';
import { fromHex, toHex } from '../../runtime/base/platform.ts';
import { node } from '../platform/node.ts';
import type { WireReceipt } from '../wire/delivered.ts';
import { batchBytes, chainBytes, hostName, leafOf, rootBy } from '../wire/ledger.ts';

/** What is wrong with a receipt, in words; nothing if it holds. `siteKey`, in hex, is the one that the reader knows to be the site's. */
export function faultsOf(receipt: WireReceipt, siteKey?: string): string[] {
  const { entry, head, proof, before } = receipt;
  const root = toHex(rootBy(leafOf(entry, node.digest), proof, node.digest));
  const faults: string[] = [];
  if (root !== head.root) faults.push('the task is not in the batch that was signed');
  if (entry.job !== head.job) faults.push(`the task is of job ${entry.job}, the batch of ${head.job}`);
  if (entry.fuel !== null && entry.fuel > head.fuel) faults.push('the task has more fuel than its batch');
  if (hostName(fromHex(receipt.hostKey), node.digest) !== head.host) faults.push('the key is not of the host named');
  if (!isSigned(batchBytes(head), receipt.hostSignature, receipt.hostKey))
    faults.push("the host's signature is not of this batch");
  if (!isSigned(chainBytes(before, head, node.digest), receipt.siteSignature, receipt.siteKey))
    faults.push("the site's signature is not of this batch");
  if (siteKey !== undefined && siteKey !== receipt.siteKey)
    faults.push('the key of the site is another than the one given');
  return faults;
}

/** The name of a batch, which all its receipts share. */
export function batchOf({ before, head }: WireReceipt): Digest {
  return toHex(node.digest(chainBytes(before, head, node.digest)));
}

/** DER of an Ed25519 key, but for its 32 bytes: RFC 8410. */
const SPKI = fromHex('302a300506032b6570032100');

function isSigned(bytes: Uint8Array, signature: string, key: string): boolean {
  const der = Buffer.concat([SPKI, fromHex(key)]);
  try {
    return verify(null, bytes, createPublicKey({ key: der, format: 'der', type: 'spki' }), fromHex(signature));
  } catch {
    // Not every 32 bytes are a key.
    return false;
  }
}
