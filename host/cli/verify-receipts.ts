// `lodger verify RECEIPTS`: signed receipts, checked without asking anybody.
import * as v from 'valibot';
import { LodgerError } from '../../runtime/base/errors.ts';
import { formatCount } from '../../runtime/base/units.ts';
import { batchOf, faultsOf } from '../client/receipt.ts';
import { readWhole } from '../jobs/files.ts';
import { SignedReceiptSchema, type WireReceipt } from '../wire/delivered.ts';
import { print, printJson } from './say.ts';

const FILE_BYTES_MAX = 1024 * 2 ** 20;
const FAULTS_SHOWN = 20;
const OPENING = '{'.charCodeAt(0);

export interface ReceiptVerdict {
  readonly holds: boolean;
  readonly receipts: number;
  readonly batches: number;
  readonly fuel: number;
  readonly sites: readonly string[];
  readonly hosts: readonly string[];
  readonly faults: readonly { readonly file: string; readonly line: number; readonly faults: readonly string[] }[];
}

/** Whether a file holds receipts, lines of JSON, and no image. Throws `ERR_FILE`. */
export async function areReceipts(path: string): Promise<boolean> {
  return (await readWhole(path, FILE_BYTES_MAX))[0] === OPENING;
}

/** Checks every receipt in the files. A task that is there twice from one host is a fault: it would be paid for twice. */
export async function verifyReceipts(paths: readonly string[], siteKey?: string): Promise<ReceiptVerdict> {
  const [batches, sites, hosts, tasks] = [new Set<string>(), new Set<string>(), new Set<string>(), new Set<string>()];
  const wrong: ReceiptVerdict['faults'][number][] = [];
  let receipts = 0;
  let fuel = 0;
  for (const file of paths) {
    const lines = Buffer.from(await readWhole(file, FILE_BYTES_MAX))
      .toString()
      .split('\n');
    for (const [index, text] of lines.entries()) {
      if (text.trim() === '') continue;
      const receipt = parse(text, file, index + 1);
      const { entry, head } = receipt;
      const task = `${receipt.siteKey} ${entry.job} ${entry.task} ${head.host}`;
      const faults = [
        ...faultsOf(receipt, siteKey),
        ...(tasks.has(task) ? ['this host has one for the task already'] : []),
      ];
      tasks.add(task);
      batches.add(batchOf(receipt));
      sites.add(receipt.siteKey);
      hosts.add(head.host);
      receipts++;
      fuel += entry.fuel ?? 0;
      if (faults.length > 0) wrong.push({ file, line: index + 1, faults });
    }
  }
  if (receipts === 0) throw new LodgerError('ERR_FILE', ['read', paths[0] ?? '', 'there is no receipt in it']);
  const counts = { receipts, batches: batches.size, fuel };
  return { holds: wrong.length === 0, ...counts, sites: [...sites], hosts: [...hosts], faults: wrong };
}

export async function giveReceipts(verdict: ReceiptVerdict, { json }: { readonly json?: true }): Promise<void> {
  const { holds, receipts, batches, fuel, sites, hosts, faults } = verdict;
  if (json) return printJson({ state: holds ? 'holds' : 'wrong', ...verdict });
  const of = `${receipts} receipts in ${batches} batches, ${formatCount(fuel)} fuel, ${hosts.length} hosts`;
  const head = holds ? `every receipt holds: ${of}\n` : `${faults.length} of ${receipts} receipts are wrong\n`;
  const keys = sites.map((key) => `signed by the site with the key ${key}\n`).join('');
  const shown = faults
    .slice(0, FAULTS_SHOWN)
    .map(({ file, line, faults: each }) => `${file}:${line}: ${each.join('; ')}\n`);
  const more = faults.length > FAULTS_SHOWN ? `and ${faults.length - FAULTS_SHOWN} more\n` : '';
  await print(head + keys + shown.join('') + more);
}

function parse(text: string, file: string, line: number): WireReceipt {
  try {
    return v.parse(SignedReceiptSchema, JSON.parse(text));
  } catch (error) {
    const reason = `line ${line} is no receipt: ${(error as Error).message}`;
    throw new LodgerError('ERR_FILE', ['read', file, reason], { cause: error });
  }
}
