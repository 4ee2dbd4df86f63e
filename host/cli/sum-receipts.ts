// The receipts of a job, each checked, added up.
import { formatCount } from '../../runtime/base/units.ts';
import { batchOf, faultsOf } from '../client/receipt.ts';
import type { SignedReceipt } from '../coordinator/contracts.ts';

export interface ReceiptSum {
  readonly receipts: number;
  readonly batches: number;
  readonly fuel: number;
  /** Receipts that do not hold. */
  readonly wrong: number;
  readonly text: string;
}

export async function sumReceipts(all: AsyncIterable<SignedReceipt>): Promise<ReceiptSum> {
  const batches = new Set<string>();
  let receipts = 0;
  let fuel = 0;
  let wrong = 0;
  for await (const receipt of all) {
    receipts++;
    fuel += receipt.entry.fuel ?? 0;
    batches.add(batchOf(receipt));
    if (faultsOf(receipt).length > 0) wrong++;
  }
  const verdict = wrong === 0 ? 'each checked' : `${wrong} of them wrong`;
  const text = `receipts  ${receipts} signed in ${batches.size} batches, ${formatCount(fuel)} fuel, ${verdict}`;
  return { receipts, batches: batches.size, fuel, wrong, text };
}
