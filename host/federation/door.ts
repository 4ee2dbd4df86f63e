// The door to other sites: the packages that speak to a NATS server are installed by those who join sites, and loaded when one joins.
import type { ConnectionOptions } from '@nats-io/nats-core';
import { LodgerError } from '../../runtime/base/errors.ts';
import { missingPeer } from '../coordinator/door.ts';
import type { Federation, FederationOptions } from './federation.ts';
import type { FederationLooked, LookOptions } from './look.ts';

/** Joins the other sites. Throws `ERR_PEER_MISSING` where a package that only this needs is not installed. */
export async function createFederation(options: FederationOptions): Promise<Federation> {
  const { openFederation } = await import('./federation.ts').catch(refuse);
  return openFederation(options);
}

/** Looks at a server between sites. Throws like `createFederation`, and `ERR_SITE_UNREACHABLE`. */
export async function lookAtFederation(options: LookOptions): Promise<FederationLooked> {
  const { lookAt } = await import('./look.ts').catch(refuse);
  return lookAt(options);
}

/**
 * How a site shows a server who it is, from the bytes of a file: credentials as `nsc` writes them, `user:password`, or a token. Throws
 * `ERR_OPTION_INVALID` for an empty one.
 */
export async function credentialsOf(file: Uint8Array): Promise<ConnectionOptions> {
  const { credsAuthenticator } = await import('@nats-io/nats-core').catch(refuse);
  const text = new TextDecoder().decode(file).trim();
  if (text === '') throw new LodgerError('ERR_OPTION_INVALID', ['--nats-credentials', 'a file that is not empty']);
  if (text.includes('-----BEGIN NATS USER JWT-----')) return { authenticator: credsAuthenticator(file) };
  const [, user, pass] = /^([^\s:]+):(\S+)$/.exec(text) ?? [];
  return user !== undefined && pass !== undefined ? { user, pass } : { token: text };
}

function refuse(error: unknown): never {
  throw missingPeer(error, 'a federation of sites', isNats) ?? error;
}

const isNats = (name: string): boolean => name.startsWith('@nats-io/');
