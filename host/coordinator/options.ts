// Options of a coordinator, from unknown data: where it listens, and what has to be true before others may reach it.
import { isIP } from 'node:net';
import * as v from 'valibot';
import { LodgerError } from '../../runtime/base/errors.ts';
import { check, integer, oneOf } from '../../runtime/base/schema.ts';
import { SITE } from '../wire/ceilings.ts';
import { DOOR } from './ceilings.ts';

const text = v.pipe(v.string('a text'), v.minLength(1, 'a text'));
export const LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug'] as const;

const OptionsSchema = v.strictObject({
  data: text,
  host: v.exactOptional(text),
  port: v.exactOptional(integer(0, 65_535)),
  name: v.exactOptional(v.pipe(v.string('a text'), v.regex(/^[\w.-]{1,64}$/, 'a name of 1 to 64 letters and digits'))),
  tls: v.exactOptional(v.strictObject({ key: text, cert: text })),
  insecure: v.exactOptional(v.boolean('true or false')),
  trustProxy: v.exactOptional(v.pipe(v.array(text, 'a list of addresses'), v.maxLength(64, 'a list of at most 64'))),
  tokenFile: v.exactOptional(text),
  visitors: v.exactOptional(v.boolean('true or false')),
  embed: v.exactOptional(
    v.pipe(
      v.array(v.pipe(v.string('an origin'), v.check(isOrigin, 'an origin, such as https://example.org'))),
      v.maxLength(DOOR.embedders.max, `at most ${DOOR.embedders.max} origins`),
    ),
  ),
  leaseMs: v.exactOptional(integer(1_000, SITE.leaseMs.max)),
  requestMs: v.exactOptional(integer(1_000, DOOR.requestMs.max)),
  log: v.exactOptional(oneOf(LOG_LEVELS)),
});

export interface CoordinatorOptions {
  /** The folder of its state; made if it is not there. */
  readonly data: string;
  /** The address that it listens on; 127.0.0.1 by default. Others need `tls` or `insecure`. */
  readonly host?: string;
  /** 0 for one that is free, which is the default. */
  readonly port?: number;
  readonly name?: string;
  /** Key and certificate, in PEM. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Whether tokens and data may go over open connections to other machines: behind a proxy that ends TLS, say. */
  readonly insecure?: boolean;
  /**
   * Proxies, by address or range, whose `X-Forwarded-For`, `-Proto` and `-Host` are believed: limits are then by the address of callers,
   * and cookies are sent over nothing but TLS where the proxy has it. None by default.
   */
  readonly trustProxy?: readonly string[];
  /** Where the token of the operator is written when the site is started for the first time, for its owner alone to read. */
  readonly tokenFile?: string;
  /** Whether anybody may lend a tab at /join, as one account whose results are never taken on its word alone; true by default. */
  readonly visitors?: boolean;
  /** Origins whose pages may show the page of a tab in a frame, and may lend tabs to this site by a copy of it; none by default. */
  readonly embed?: readonly string[];
  /** For how long a host may be silent before others get its tasks, in ms: 30 s by default. Hosts say three times in it that they are there. */
  readonly leaseMs?: number;
  /** How long a request may take to come in, in ms: 300 s by default. */
  readonly requestMs?: number;
  /** What is logged, to standard error; `silent` by default. */
  readonly log?: (typeof LOG_LEVELS)[number];
}

export interface FilledOptions extends CoordinatorOptions {
  readonly host: string;
  readonly port: number;
  readonly log: (typeof LOG_LEVELS)[number];
}

/** Throws `ERR_OPTION_INVALID`, also for an address that others reach without TLS. */
export function fillOptions(options: CoordinatorOptions): FilledOptions {
  const known = check(OptionsSchema, options) as CoordinatorOptions;
  const { host = '127.0.0.1', port = 0, log = 'silent', tls, insecure = false } = known;
  if (!isLoopback(host) && !tls && !insecure) {
    const must =
      'a loopback address such as 127.0.0.1, unless there is TLS (key and certificate), or you take it insecure';
    throw new LodgerError('ERR_OPTION_INVALID', ['host', must]);
  }
  return { ...known, host, port, log };
}

/** Scheme, host and port as browsers say them, and nothing else: what is compared with their `Origin`, and stands in a header. */
function isOrigin(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) && url.origin === text;
}

/** Whether an address of a host is of this machine alone. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
