// Receipts as they are signed: a leaf a task, a Merkle root a batch, one signature a batch. Pure: whoever signs or checks brings the key.
import { canonical, type Plain } from '../../runtime/base/canonical.ts';
import { type Digest, fromHex, toHex } from '../../runtime/base/platform.ts';

/** What a receipt says of one task on one host: what is paid for, and what a replay must confirm. Version first, digests in hex. */
export interface Entry {
  readonly version: 1;
  readonly job: string;
  readonly task: number;
  readonly kernel: Digest;
  readonly input: Digest;
  /** The output's digest; of a task that failed, its code. */
  readonly output: Digest | `ERR_${string}`;
  /** Null where it was stopped in the middle of something. */
  readonly fuel: number | null;
  readonly tariff: number;
  readonly rewriter: number;
  /** Where a host ran only a part of the task again: the step behind which it began, and the last one; null for the end. `output` is of there. */
  readonly interval?: Interval;
  /** Digest of the marks that came with the result: see `marksDigest`. */
  readonly marks?: Digest;
}

/** Steps of a task: behind which, up to which; null for its end. */
export type Interval = [from: number, to: number | null];

/** What a host says of a task at one step: the fuel so far, the digest of the state, and the blob of the image. */
export type Mark = [step: number, fuel: number, state: Digest, image: Digest];

/** What a host commits itself to with the marks of a result. */
export const marksDigest = (marks: readonly Mark[], hash: Hash): Digest =>
  toHex(hash(text.encode(canonical(marks as unknown as Plain))));

type Hash = (bytes: Uint8Array) => Uint8Array;

/** The byte before a leaf's text, and the one before a pair of nodes. */
const LEAF = '\0';
const NODE = 1;
const text = new TextEncoder();

/** SHA-256 of 0 and the entry's canonical JSON (RFC 8785). The prefixes keep leaves and nodes apart: RFC 6962, section 2.1. */
export function leafOf(
  { fuel, input, interval, job, kernel, marks, output, rewriter, tariff, task, version }: Entry,
  hash: Hash,
): Uint8Array {
  // In the order of canonical JSON: to sort the names of each task would take longer than the hash.
  const ordered = { fuel, input, interval, job, kernel, marks, output, rewriter, tariff, task, version };
  return hash(text.encode(LEAF + JSON.stringify(ordered)));
}

/** The root over one leaf or more, in the order of the batch. A leaf without a neighbour moves up as it is. */
export function rootOf(leaves: readonly Uint8Array[], hash: Hash): Uint8Array {
  let row = leaves;
  while (row.length > 1) row = parents(row, hash);
  const [root] = row;
  if (!root) throw new RangeError('a batch has one task at least');
  return root;
}

/** What leads from a leaf to the root: a neighbour a row, with the side that it stands on. */
export type Proof = readonly (readonly [side: 'left' | 'right', digest: Digest])[];

export function proofOf(leaves: readonly Uint8Array[], index: number, hash: Hash): Proof {
  const proof: (readonly ['left' | 'right', Digest])[] = [];
  let [row, at] = [leaves, index];
  while (row.length > 1) {
    const neighbour = row[at % 2 === 0 ? at + 1 : at - 1];
    if (neighbour) proof.push([at % 2 === 0 ? 'right' : 'left', toHex(neighbour)]);
    [row, at] = [parents(row, hash), at >> 1];
  }
  return proof;
}

/** The root that a leaf and its proof lead to. */
export function rootBy(leaf: Uint8Array, proof: Proof, hash: Hash): Uint8Array {
  let node = leaf;
  for (const [side, digest] of proof)
    node = side === 'left' ? pair(fromHex(digest), node, hash) : pair(node, fromHex(digest), hash);
  return node;
}

/** What a host signs for a batch, and the site after it. `fuel` is the sum of what is exact. */
export interface BatchHead {
  readonly version: 1;
  readonly host: string;
  readonly job: string;
  readonly fence: readonly [number, number];
  readonly tasks: number;
  readonly fuel: number;
  readonly root: Digest;
}

/** The bytes under a host's signature. */
export const batchBytes = (head: BatchHead): Uint8Array =>
  text.encode(`lodger receipts 1\n${canonical(head as unknown as Plain)}`);

/** The bytes under a site's signature: the digest of the chain up to here, and of this batch. */
export const chainBytes = (before: Digest, head: BatchHead, hash: Hash): Uint8Array =>
  text.encode(`lodger chain 1\n${before}\n${toHex(hash(batchBytes(head)))}`);

/** The bytes that a host signs to show that the key is its own. */
export const proofBytes = (nonce: Uint8Array): Uint8Array => text.encode(`lodger hello 1\n${toHex(nonce)}`);

/** A host is named by the SHA-256 of its public key. */
export const hostName = (key: Uint8Array, hash: Hash): string => toHex(hash(key)).slice(0, 32);

function parents(row: readonly Uint8Array[], hash: Hash): Uint8Array[] {
  const up: Uint8Array[] = [];
  for (let at = 0; at < row.length; at += 2) {
    const [left, right] = [row[at] as Uint8Array, row[at + 1]];
    up.push(right ? pair(left, right, hash) : left);
  }
  return up;
}

function pair(left: Uint8Array, right: Uint8Array, hash: Hash): Uint8Array {
  const bytes = new Uint8Array(1 + left.byteLength + right.byteLength);
  bytes[0] = NODE;
  bytes.set(left, 1);
  bytes.set(right, 1 + left.byteLength);
  return hash(bytes);
}
