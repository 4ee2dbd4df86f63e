// What a site checks of a report: tasks that were leased, outputs that are there, and one signature over all of it.
import { createHash, createPublicKey, verify } from 'node:crypto';
import { batchBytes, leafOf, rootOf } from '../../host/wire/ledger.ts';
import type { Report } from '../../host/wire/site.ts';
import { sha } from './site-blobs.ts';

export const hash = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();
const SPKI_HEAD = Buffer.from('302a300506032b6570032100', 'hex');

export interface Known {
  readonly host: string;
  readonly key: Uint8Array;
  readonly kernel: string;
  readonly inputOf: (task: number) => Uint8Array | string | undefined;
  readonly blobs: ReadonlyMap<string, Uint8Array>;
}

/** What an honest host would not have sent. */
export function faultsOf(report: Report, { host, key, kernel, inputOf, blobs }: Known): string[] {
  const faults: string[] = [];
  const leaves = report.tasks.map((task, row) => {
    const input = inputOf(task);
    if (input === undefined) faults.push(`task ${task} was not leased under ${report.fence}`);
    const output = report.outputs[row] as Uint8Array | string;
    const done = typeof output === 'string' ? output : sha(output);
    if (typeof output === 'string' && !blobs.has(output)) faults.push(`output ${output} is not here`);
    const entry = {
      ...{ version: 1 as const, job: report.job, task, kernel, fuel: report.fuels[row] ?? null },
      input: typeof input === 'string' ? input : sha(input ?? new Uint8Array()),
      output: (report.codes[row] || done) as `ERR_${string}`,
      ...{ tariff: report.tariff, rewriter: report.rewriter },
    };
    return leafOf(entry, hash);
  });
  const fuel = report.fuels.reduce((sum: number, each) => sum + (each ?? 0), 0);
  const root = Buffer.from(rootOf(leaves, hash)).toString('hex');
  const { job, fence } = report;
  const text = batchBytes({ version: 1, host, job, fence, tasks: report.tasks.length, fuel, root });
  if (!signed(key, text, report.signature)) faults.push(`report ${report.batch} is not signed by its host`);
  return faults;
}

export function signed(key: Uint8Array, text: Uint8Array, signature: Uint8Array): boolean {
  const spki = createPublicKey({ key: Buffer.concat([SPKI_HEAD, key]), format: 'der', type: 'spki' });
  return verify(null, text, spki, signature);
}
