// npm run simulate -- sites: a federation beside one site that has all its hosts, as a table or as JSON.
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { type Federation, runFederation, type SitesScore } from './federation.ts';

export const SITES_USAGE = `npm run simulate -- sites [--sites N] [--hosts N] [--tasks N] [--askers N] [--cut SHARE] [--seed N] [--json]

Simulates 1,000 sites of 100 hosts each. 20 of them have a job, 1,000,000 tasks together; links are slow, and 5 % of the sites are cut off
for some minutes. Beside it the same with no cut, and one ideal site that has all the hosts.
`;

/** The text of both runs; undefined if what is asked for makes no sense. */
export function simulateSites(args: readonly string[]): string | undefined {
  const asked = read(args);
  if (!asked) return undefined;
  const { json, ...federation } = asked;
  const ideal = { ...federation, sites: 1, askers: 1, hostsPerSite: federation.sites * federation.hostsPerSite };
  const runs: readonly (readonly [string, SitesScore])[] = [
    ['federation', runFederation(federation)],
    ['no cut', runFederation({ ...federation, cutShare: 0 })],
    ['one ideal site', runFederation({ ...ideal, cutShare: 0 })],
  ];
  return json ? `${JSON.stringify({ ...federation, runs: Object.fromEntries(runs) })}\n` : describe(federation, runs);
}

function describe(asked: Federation, runs: readonly (readonly [string, SitesScore])[]): string {
  const head = ['', '99 % done', 'all done', 'of ideal', 'hosts used', 'bytes between sites', 'run again'];
  const table = new Table({ head, style: { head: [], border: [] }, colAligns: ['left'] });
  const ideal = runs.at(-1)?.[1];
  const share = (part: number) => `${(part * 100).toFixed(1)} %`;
  for (const [name, score] of runs) {
    const times = (score.secondsMost / (ideal?.secondsMost ?? 1)).toFixed(2);
    const seconds = (value: number) => `${value.toFixed(0)} s`;
    table.push([
      name,
      seconds(score.secondsMost),
      seconds(score.seconds),
      `${times} x`,
      share(score.utilisation),
      share(score.wideShare),
      share(score.wasted),
    ]);
  }
  const { sites, hostsPerSite, tasks, askers, cutShare, seed } = asked;
  return [
    `${sites} sites of ${hostsPerSite} hosts, ${tasks} tasks of a minute from ${askers} of them, ${share(cutShare)} cut off for a while, seed ${seed}`,
    table.toString(),
    'of ideal: time to 99 % of the results beside one site; the last ones wait for the slowest hosts everywhere. hosts used: until then',
    '',
  ].join('\n');
}

function read(args: readonly string[]): (Federation & { readonly json: boolean }) | undefined {
  const text = { type: 'string' } as const;
  const options = { sites: text, hosts: text, tasks: text, askers: text, cut: text, seed: text } as const;
  try {
    const { values } = parseArgs({ args: [...args], options: { ...options, json: { type: 'boolean' } } });
    const asked = {
      seed: Number(values.seed ?? Date.now() % 2 ** 31),
      sites: Number(values.sites ?? 1_000),
      hostsPerSite: Number(values.hosts ?? 100),
      tasks: Number(values.tasks ?? 1_000_000),
      askers: Number(values.askers ?? Math.min(20, Number(values.sites ?? 20))),
      cutShare: Number(values.cut ?? 0.05),
      json: values.json ?? false,
    };
    const counts = [asked.sites, asked.hostsPerSite, asked.tasks, asked.askers];
    const isSound =
      counts.every((count) => Number.isSafeInteger(count) && count > 0 && count <= 10_000_000) &&
      asked.askers <= asked.sites &&
      asked.sites * asked.hostsPerSite <= 10_000_000 &&
      Number.isSafeInteger(asked.seed) &&
      asked.cutShare >= 0 &&
      asked.cutShare <= 1;
    return isSound ? asked : undefined;
  } catch {
    return undefined;
  }
}
