// Whom TLS trusts: the authorities that Node knows, with those of a file; and in words why it does not believe a certificate.
import { X509Certificate } from 'node:crypto';
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';
import { LodgerError } from '../../runtime/base/errors.ts';

/** Those of `pem` beside those that Node knows, in PEM. Throws `ERR_OPTION_INVALID` where it begins with no certificate. */
export function authorities(pem: string): string {
  try {
    new X509Certificate(pem);
  } catch (cause) {
    throw new LodgerError('ERR_OPTION_INVALID', ['ca', 'certificates in PEM'], { cause });
  }
  return [...rootCertificates, pem].join('\n');
}

const made = new Map<string, SecureContext>();

/** The same as an option of connections; nothing for nobody more. To read all of them takes 20 ms and more: done once for a file. */
export function trusting(pem: string | undefined): { readonly secureContext?: SecureContext } {
  if (pem === undefined) return {};
  const secureContext = made.get(pem) ?? createSecureContext({ ca: authorities(pem) });
  made.clear();
  made.set(pem, secureContext);
  return { secureContext };
}

const UNKNOWN = 'its certificate is of an authority that is not known here';

/** Codes of OpenSSL, and one of Node's: what they say of a certificate. */
const DOUBTS: Readonly<Record<string, string>> = {
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN,
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN,
  DEPTH_ZERO_SELF_SIGNED_CERT: 'it signed its certificate itself, and that is not known here',
  CERT_SIGNATURE_FAILURE: 'its certificate is not signed by whom it names',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet, or the clock here is wrong',
  CERT_REVOKED: 'its certificate was revoked',
  INVALID_PURPOSE: 'its certificate is not for servers',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
};

/** Why a certificate is not believed; undefined where something else is wrong. */
export function doubtOf(error: unknown): string | undefined {
  const { code = '', reason, cause } = Object(error) as { code?: unknown; reason?: unknown; cause?: unknown };
  const doubt = Object.hasOwn(DOUBTS, String(code)) ? DOUBTS[String(code)] : undefined;
  if (doubt === undefined) return cause === undefined ? undefined : doubtOf(cause);
  return typeof reason === 'string' && reason !== '' ? `${doubt}: ${reason}` : doubt;
}
