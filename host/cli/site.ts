// Which site a command speaks to, and who as: from flags, the environment, or the file `site.json` in the user's configuration folder.
import { join } from 'node:path';
import process from 'node:process';
import type { Command } from 'commander';
import * as v from 'valibot';
import { LodgerError } from '../../runtime/base/errors.ts';
import { check } from '../../runtime/base/schema.ts';
import type { SiteClient } from '../client/site.ts';
import { readWhole } from '../jobs/files.ts';
import { configFolder } from '../platform/places.ts';

const FILE_BYTES_MAX = 64 * 1024;
/** Whoever types a command does not want to wait long for a site that is not there. */
const PATIENCE_MS = 3_000;

export interface SiteFlags {
  readonly site?: string;
  readonly token?: string;
  readonly ca?: string;
}

/** What leads to a site. */
export interface Way {
  readonly url: string;
  readonly token: string;
  readonly ca?: string;
}

const FileSchema = v.strictObject({
  site: v.exactOptional(v.string('a text')),
  token: v.exactOptional(v.string('a text')),
  ca: v.exactOptional(v.string('a path')),
});

/** Adds the flags. */
export function withSite(command: Command): Command {
  return command
    .option('--site <url>', 'the address of the site (default: LODGER_SITE, or site.json in the configuration folder)')
    .option('--token <token>', 'the token (default: LODGER_TOKEN, or site.json)')
    .option('--ca <file>', 'a certificate to trust, in PEM');
}

/** Throws `ERR_OPTION_INVALID` where nothing says which site, or who is calling. */
export async function wayOf(flags: SiteFlags): Promise<Way> {
  const kept = await readKept();
  const { LODGER_SITE, LODGER_TOKEN } = process.env;
  const url = flags.site ?? LODGER_SITE ?? kept.site;
  const token = flags.token ?? LODGER_TOKEN ?? kept.token;
  const ca = flags.ca ?? kept.ca;
  const where = join(configFolder(), 'site.json');
  if (url === undefined)
    throw new LodgerError('ERR_OPTION_INVALID', ['--site', `given, or in LODGER_SITE or ${where}`]);
  if (token === undefined)
    throw new LodgerError('ERR_OPTION_INVALID', ['--token', `given, or in LODGER_TOKEN or ${where}`]);
  const pem = ca === undefined ? undefined : await readWhole(ca, FILE_BYTES_MAX);
  return { url, token, ...(pem && { ca: Buffer.from(pem).toString() }) };
}

/** Does something at a site, and leaves it. */
export async function atSite<T>(flags: SiteFlags, act: (site: SiteClient) => Promise<T>): Promise<T> {
  const { url, token, ...rest } = await wayOf(flags);
  // Loaded when needed: other commands start in half the time without it.
  const { createSiteClient } = await import('../client/site.ts');
  const site = createSiteClient(url, token, { patienceMs: PATIENCE_MS, ...rest });
  try {
    return await act(site);
  } finally {
    await site.close();
  }
}

async function readKept(): Promise<v.InferOutput<typeof FileSchema>> {
  const path = join(configFolder(), 'site.json');
  const bytes = await readWhole(path, FILE_BYTES_MAX).catch((error: LodgerError) => {
    if ((error.cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') return undefined;
    throw error;
  });
  if (!bytes) return {};
  try {
    return check(FileSchema, JSON.parse(Buffer.from(bytes).toString()));
  } catch (error) {
    throw new LodgerError('ERR_FILE', ['read', path, (error as Error).message], { cause: error });
  }
}
