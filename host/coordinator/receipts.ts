// Receipts of a delivered batch: the host's signature over its Merkle root is checked, the site signs it and its place in the chain.
import type { KeyObject } from 'node:crypto';
import type { Digest } from '../../runtime/base/platform.ts';
import { toHex } from '../../runtime/base/platform.ts';
import { node } from '../platform/node.ts';
import {
  type BatchHead,
  batchBytes,
  chainBytes,
  type Entry,
  leafOf,
  marksDigest,
  proofOf,
  rootOf,
} from '../wire/ledger.ts';
import type { Report } from '../wire/site.ts';
import type { SignedReceipt, SiteKey } from './contracts.ts';
import { isSigned } from './keys.ts';

/** What the chain begins with. */
export const CHAIN_START: Digest = '0'.repeat(64);

/** What a batch is about, as the site knows it: the host may not say. */
export interface BatchFacts {
  readonly host: string;
  readonly kernel: Digest;
  /** Digests of the tasks' inputs, and of their outputs where they are done. */
  readonly inputs: readonly Digest[];
  readonly outputs: readonly Digest[];
}

/** Signatures of a batch as they are kept. */
export interface Signed {
  readonly head: BatchHead;
  readonly hostSignature: Uint8Array;
  readonly before: Digest;
  readonly siteSignature: Uint8Array;
}

/** One row's entry; `output` is the digest or the code. */
export function entryOf(
  { job, rewriter, tariff }: Pick<Report, 'job' | 'rewriter' | 'tariff'>,
  kernel: Digest,
  row: Pick<Entry, 'task' | 'input' | 'output' | 'fuel' | 'interval' | 'marks'>,
): Entry {
  return { version: 1, job, kernel, tariff, rewriter, ...row };
}

/** What a row's entry says beside its answer: which part of the task it is of, or with which marks it came. */
export function partsOfEntry(
  { intervals, marks }: Pick<Report, 'intervals' | 'marks'>,
  row: number,
): Pick<Entry, 'interval' | 'marks'> {
  const [interval, mark] = [intervals?.[row], marks?.[row]];
  return { ...(interval && { interval }), ...(mark && { marks: marksDigest(mark, node.digest) }) };
}

/** The batch's head, if the host has signed it. Throws a RangeError otherwise. */
export function verifiedHead(report: Report, facts: BatchFacts, key: KeyObject): BatchHead {
  const leaves = report.tasks.map((task, row) =>
    leafOf(
      entryOf(report, facts.kernel, {
        task,
        input: facts.inputs[row] as Digest,
        output: outputOf(report, facts, row),
        fuel: report.fuels[row] ?? null,
        ...partsOfEntry(report, row),
      }),
      node.digest,
    ),
  );
  const head: BatchHead = {
    version: 1,
    host: facts.host,
    job: report.job,
    fence: report.fence,
    tasks: report.tasks.length,
    fuel: report.fuels.reduce<number>((sum, fuel) => sum + (fuel ?? 0), 0),
    root: toHex(rootOf(leaves, node.digest)),
  };
  if (!isSigned(batchBytes(head), report.signature, key)) throw new RangeError('the signature is not of this batch');
  return head;
}

export function outputOf(report: Pick<Report, 'codes'>, { outputs }: Pick<BatchFacts, 'outputs'>, row: number) {
  return (report.codes[row] || outputs[row]) as Entry['output'];
}

/** The site's signature over a batch and what the chain was before it, and what the chain is after it. */
export function countersign(
  head: BatchHead,
  before: Digest,
  key: SiteKey,
): { readonly chain: Digest; readonly siteSignature: Uint8Array } {
  const bytes = chainBytes(before, head, node.digest);
  return { chain: toHex(node.digest(bytes)), siteSignature: key.sign(bytes) };
}

/** All that it takes to check some rows of a batch offline. */
export function receiptsOf(
  entries: readonly Entry[],
  rows: readonly number[],
  signed: Signed,
  keys: { readonly host: string; readonly site: string },
): SignedReceipt[] {
  const leaves = entries.map((entry) => leafOf(entry, node.digest));
  return rows.map((row) => ({
    version: 1,
    entry: entries[row] as Entry,
    proof: proofOf(leaves, row, node.digest),
    head: signed.head,
    hostKey: keys.host,
    hostSignature: toHex(signed.hostSignature),
    before: signed.before,
    siteKey: keys.site,
    siteSignature: toHex(signed.siteSignature),
  }));
}
