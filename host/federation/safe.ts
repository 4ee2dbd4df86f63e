// Between machines nothing goes in the clear: which addresses are safe to speak to, and what certificates are believed.
import { LodgerError } from '../../runtime/base/errors.ts';
import { isLoopback } from '../coordinator/options.ts';

/** How a site speaks to others. */
export interface Safety {
  /** Authorities of other sites' certificates beside those that Node knows, in PEM. */
  readonly ca?: string;
  /** Whether plain connections to other machines are taken. */
  readonly insecure?: boolean;
}

/** Whether only this machine hears what is said to an address: `nats://host:4222`, `https://host`, or without a scheme. */
export function isNear(address: string): boolean {
  return isLoopback(hostOf(address));
}

/** Throws `ERR_CONNECTION_UNSAFE` for plain HTTP to another machine. */
export function checkSafe(url: string, { insecure = false }: Safety): void {
  if (url.startsWith('https:') || isNear(url) || insecure) return;
  throw new LodgerError('ERR_CONNECTION_UNSAFE', [url, 'it is not https, and --insecure is not given']);
}

/**
 * The address that a site tells the others. Throws `ERR_OPTION_INVALID` for one that they would not speak to, or that says where the site listens and
 * not where it is.
 */
export function checkOwn(url: string, { insecure = false }: Safety): void {
  const must = (what: string) => new LodgerError('ERR_OPTION_INVALID', ['--url', what]);
  const host = URL.canParse(url) ? hostOf(url) : '';
  if (!/^https?:/.test(url) || host === '') throw must('an address such as https://north.example.org');
  if (/^(?:0\.0\.0\.0|::)$/.test(host)) throw must('given: other sites cannot reach the one that it listens at');
  if (!url.startsWith('https:') && !isNear(url) && !insecure)
    throw must('https, unless --insecure is given: blobs and tokens would go to other machines in the clear');
}

function hostOf(address: string): string {
  const url = address.includes('://') ? address : `nats://${address}`;
  return URL.canParse(url) ? new URL(url).hostname.replace(/^\[(.*)\]$/, '$1') : '';
}
