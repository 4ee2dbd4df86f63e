// `lodger serve`: a site, with hosts of its own if wanted. `npm start` runs the protein search over a fresh one.
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { LodgerError } from '../../runtime/base/errors.ts';
import { POOL } from '../../runtime/base/limits.ts';
import type { Coordinator } from '../coordinator/coordinator.ts';
import { LOG_LEVELS } from '../coordinator/options.ts';
import { readWhole } from '../jobs/files.ts';
import { loadJob } from '../jobs/load.ts';
import { siteProcess } from '../platform/own-process.ts';
import { dataFolder } from '../platform/places.ts';
import { interruptible } from './interrupt.ts';
import { type JoinFlags, joinSites, withSites } from './join-sites.ts';
import { give, giveJson } from './mapped.ts';
import { blobFiles, example, type Finish, several, wholeNumber } from './options.ts';
import { note, printJson } from './say.ts';
import { waitFor } from './submit.ts';
import { sumReceipts } from './sum-receipts.ts';

interface ServeFlags extends JoinFlags {
  readonly data?: string;
  readonly listen: Place;
  readonly threads?: number;
  readonly tokenFile?: string;
  readonly name?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly visitors: boolean;
  readonly embed: readonly string[];
  readonly insecure?: true;
  readonly trustProxy: readonly string[];
  readonly log: (typeof LOG_LEVELS)[number];
  readonly job?: string;
  readonly input?: string;
  readonly blob: readonly string[];
  readonly output?: string;
  readonly once?: true;
  readonly json?: true;
}

interface Place {
  readonly host: string;
  readonly port: number;
}

const PEM_BYTES_MAX = 2 ** 20;
const USUAL: Place = { host: '127.0.0.1', port: 7_700 };

export function addServe(program: Command, finish: Finish): void {
  withSites(program.command('serve'))
    .description('start a site, or start one again from its folder')
    .option('--data <dir>', 'the folder of its state (default: one of yours; with --job, a fresh one)')
    .addOption(
      new Option('--listen <host:port>', 'where it answers')
        .argParser(placeOf)
        .default(USUAL, `${USUAL.host}:${USUAL.port}`),
    )
    .option(
      '--threads <n>',
      'threads of this process that run tasks (default: 0)',
      wholeNumber('--threads', 0, POOL.threads.max),
    )
    .option('--token-file <file>', 'where the first start writes the token of the operator')
    .option('--no-visitors', 'take no tabs of people without a token')
    .option(
      '--embed <origin>',
      'pages of this origin may show the page of a tab in a frame; may be repeated',
      several,
      [],
    )
    .option('--name <name>', 'the name of the site')
    .option('--tls-cert <file>', 'its certificate, in PEM')
    .option('--tls-key <file>', "the certificate's key")
    .option('--insecure', 'answer other machines without TLS')
    .option('--trust-proxy <address>', 'believe what this proxy, or range of them, says of callers', several, [])
    .option('--log <level>', `what is logged to standard error: ${LOG_LEVELS.join(', ')}`, levelOf, 'warn')
    .option('--job <job>', 'run this job file at the site first, on all cores unless --threads says otherwise')
    .option('--input <file>', 'with --job, as for submit')
    .option('--blob <name=file>', 'with --job, as for submit', several, [])
    .option('--output <dir>', 'with --job, folder for the results')
    .option('--once', 'end after the job')
    .option('--json', 'print one JSON document: the address, or with --once the job')
    .addHelpText('after', example('lodger serve --data site --listen 127.0.0.1:0 --job job.json --once'))
    .action(async (flags: ServeFlags) => {
      if (flags.once && flags.job === undefined)
        throw new LodgerError('ERR_OPTION_INVALID', ['--once', 'given with --job']);
      finish(await interruptible((signal) => serve(flags, signal)));
    });
}

async function serve(flags: ServeFlags, signal: AbortSignal): Promise<0 | 1> {
  const fresh = flags.data === undefined && flags.job !== undefined;
  const data = flags.data ?? (fresh ? await mkdtemp(join(tmpdir(), 'lodger-site-')) : join(dataFolder(), 'site'));
  try {
    // Loaded here, since no other command needs a server.
    const { createCoordinator } = await import('../coordinator/door.ts');
    siteProcess();
    const site = await createCoordinator(await optionsOf(flags, data));
    try {
      return await serveAt(site, { flags, data, signal });
    } finally {
      await site.close();
    }
  } finally {
    if (fresh) await rm(data, { recursive: true, force: true });
  }
}

interface Serving {
  readonly flags: ServeFlags;
  readonly data: string;
  readonly signal: AbortSignal;
}

async function serveAt(site: Coordinator, { flags, data, signal }: Serving): Promise<0 | 1> {
  const { url, operatorToken: token } = site;
  if (flags.json && !flags.once) await printJson({ url, ...(token !== undefined && { token }) });
  else if (token !== undefined && !flags.once) note(`lodger: the token of the operator, told this once: ${token}`);
  const threads = flags.threads ?? (flags.job === undefined ? 0 : availableParallelism());
  const { lendHere } = await import('./lend-here.ts');
  const agent = threads === 0 ? undefined : await lendHere(site, { threads, data: join(data, 'host') });
  const federation = await joinSites(site, flags).catch(async (error: unknown) => {
    await agent?.close();
    throw error;
  });
  try {
    const exitCode = flags.job === undefined ? 0 : await runJob(site, flags.job, { flags, data, signal });
    if (flags.once) {
      if (!flags.json) note(`lodger: the site answered at ${url}`);
      return exitCode;
    }
    note(`lodger: the site answers at ${url}; Ctrl-C ends it`);
    await ended(signal);
    return 0;
  } finally {
    await federation?.close();
    await agent?.close();
  }
}

/** As a submitter would, over HTTP, with a token that ends with the job. */
async function runJob(site: Coordinator, path: string, { flags, signal }: Serving): Promise<0 | 1> {
  const job = await loadJob(path, {
    blobs: blobFiles(flags.blob),
    ...(flags.input === undefined ? {} : { input: flags.input }),
  });
  const account = 'operator';
  const made = await site.accounts.make(account, { role: 'submitter', name: 'lodger serve --job' });
  const id = randomUUID();
  try {
    const way = { url: site.url, token: made.token };
    const { output, blob } = flags;
    const mapped = await waitFor(job, way, { id, signal, flags: { blob, ...(output !== undefined && { output }) } });
    const sum = await sumReceipts(site.site.receipts({ account, role: 'submitter' }, id, 0));
    if (flags.json && flags.once) await giveJson(mapped, { job: id, url: site.url, signed: sum });
    else if (!flags.json) {
      await give(mapped);
      note(sum.text);
    }
    return mapped.sum.failed === 0 && sum.wrong === 0 ? 0 : 1;
  } finally {
    await site.accounts.revoke(account, made.id);
  }
}

async function optionsOf(flags: ServeFlags, data: string) {
  const { listen, tokenFile, name, insecure, visitors, embed, log, tlsCert, tlsKey } = flags;
  if ((tlsCert === undefined) !== (tlsKey === undefined))
    throw new LodgerError('ERR_OPTION_INVALID', ['--tls-key', 'given with --tls-cert, and the other way round']);
  const pem = async (path: string) => Buffer.from(await readWhole(path, PEM_BYTES_MAX)).toString();
  return {
    ...{ data, ...listen, log },
    ...(tokenFile !== undefined && { tokenFile }),
    ...(name !== undefined && { name }),
    ...{ visitors, embed, trustProxy: flags.trustProxy, ...(insecure && { insecure }) },
    ...(tlsCert !== undefined && tlsKey !== undefined && { tls: { cert: await pem(tlsCert), key: await pem(tlsKey) } }),
  };
}

function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function placeOf(text: string): Place {
  const [, bracketed, plain, port] = /^(?:\[([0-9a-f:.]+)\]|([\w.-]+)):(\d{1,5})$/i.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host !== undefined && Number(port) <= 65_535) return { host, port: Number(port) };
  throw new LodgerError('ERR_OPTION_INVALID', ['--listen', 'HOST:PORT, such as 127.0.0.1:7700']);
}

function levelOf(text: string): (typeof LOG_LEVELS)[number] {
  const known = LOG_LEVELS.find((level) => level === text);
  if (known !== undefined) return known;
  throw new LodgerError('ERR_OPTION_INVALID', ['--log', `one of ${LOG_LEVELS.join(', ')}`]);
}
