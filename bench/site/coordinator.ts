// A coordinator in a process of its own, for the benchmark of sites: takes orders and tells what it uses by messages of its parent.
import process from 'node:process';
import { createCoordinator } from '../../host/coordinator/door.ts';
import { ownProcess, siteProcess } from '../../host/platform/own-process.ts';

/** What the parent is told first. */
export interface Ready {
  readonly url: string;
  readonly operator: string;
  readonly submitter: string;
  /** Tokens of hosts of two owners. */
  readonly lenders: readonly string[];
}

export interface Used {
  readonly cpuMs: number;
  readonly residentBytes: number;
}

ownProcess();
siteProcess();
const data = process.argv[2] as string;
const coordinator = await createCoordinator({ data });
const tokens: string[] = [];
for (const account of ['ann', 'bea', 'cat']) {
  await coordinator.accounts.set({ id: account });
  const role = account === 'ann' ? 'submitter' : 'host';
  tokens.push((await coordinator.accounts.make(account, { role })).token);
}
const [submitter = '', ...lenders] = tokens;
const ready: Ready = { url: coordinator.url, operator: coordinator.operatorToken ?? '', submitter, lenders };
process.send?.(ready);

process.on('message', () => {
  const { user, system } = process.cpuUsage();
  const used: Used = { cpuMs: (user + system) / 1000, residentBytes: process.memoryUsage.rss() };
  process.send?.(used);
});
process.on('disconnect', () => process.exit(0));
