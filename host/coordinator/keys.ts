// Ed25519 keys: the site's own, kept in its store, and the public ones of hosts, which come as 32 bytes.
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { toHex } from '../../runtime/base/platform.ts';
import type { Key, SiteKey, Store } from './contracts.ts';

const SITE_KEY: Key = ['site', 'key'];
/** What comes before the 32 bytes of an Ed25519 key in the form that Node reads. Source: RFC 8410. */
const PREFIX = Uint8Array.from([0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00]);

/** The site's key; made at its first start. It is on disk before anything is signed with it. */
export async function openSiteKey(store: Store): Promise<SiteKey> {
  let written = store.get(SITE_KEY) as Uint8Array | undefined;
  if (!written) {
    written = generateKeyPairSync('ed25519').privateKey.export({ format: 'der', type: 'pkcs8' });
    await store.put(SITE_KEY, Uint8Array.from(written));
  }
  const key = createPrivateKey({ key: Buffer.from(written), format: 'der', type: 'pkcs8' });
  const { x } = createPublicKey(key).export({ format: 'jwk' });
  return { public: toHex(Buffer.from(x ?? '', 'base64url')), sign: (bytes) => sign(null, bytes, key) };
}

/** A host's key, to verify with. */
export function publicKey(bytes: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([PREFIX, bytes]), format: 'der', type: 'spki' });
}

/** Whether the signature is the key's over the bytes. */
export function isSigned(bytes: Uint8Array, signature: Uint8Array, key: KeyObject): boolean {
  return verify(null, bytes, key, signature);
}
