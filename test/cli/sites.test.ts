// Two sites from the command line, over a real server: a search that is submitted at one runs at the other.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { startSite } from '../client/process.ts';
import { natsTest, startNats } from '../federation/server.ts';
import { lodger, scratch } from './lodger.ts';

const JOB = 'kernels/align/job.json';

natsTest(
  'the search of proteins at a site without hosts gives, from another site, what map gives',
  async () => {
    await using folder = await scratch();
    await using nats = await startNats();
    const at = (name: string) => join(folder.path, name);
    const args = (name: string, threads: string) => [
      ...['--listen', '127.0.0.1:0', '--data', at(name), '--token-file', at(`${name}.token`)],
      ...['--threads', threads, '--nats', nats.url, '--site', name],
    ];
    const north = await startSite(args('north', '0'));
    const south = await startSite(args('south', '1'));
    try {
      const env = { LODGER_SITE: north.url, LODGER_TOKEN: north.token ?? '' };
      const call = (...words: string[]) => lodger(words, { env });
      const other = async () => {
        const { hosts } = JSON.parse((await call('hosts', '--json')).stdout) as {
          hosts: { host: string; account: string }[];
        };
        return hosts.find(({ account }) => account === '@south')?.host;
      };
      let host: string | undefined;
      while (host === undefined) host = await other();
      await call('hosts', '--trust', host);
      const ended = await call('submit', JOB, '--anywhere', '--wait', '--id', 'far', '--output', at('far'));
      expect(ended).toMatchObject({ exitCode: 0 });
      await lodger(['map', JOB, '--output', at('here')]);
      const [far, here] = await Promise.all(['far', 'here'].map((name) => readFile(at(`${name}/hits.ndjson`), 'utf8')));
      expect(far).toBe(here);
      const receipts = await call('results', 'far', '--receipts', at('receipts.ndjson'));
      expect(receipts.exitCode).toBe(0);
      const verified = await lodger(['verify', at('receipts.ndjson')]);
      expect(verified.stdout).toMatch(/every receipt holds/);
      const heads = (await readFile(at('receipts.ndjson'), 'utf8'))
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
      expect(new Set(heads.map(({ head }) => head.host))).toEqual(new Set([host]));
    } finally {
      await north.kill('SIGTERM');
      await south.kill('SIGTERM');
    }
  },
  240_000,
);
