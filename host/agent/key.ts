// The host's key: Ed25519, made once, in a file that only its owner reads. Whoever has it is this host.
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { link, open, readFile, rm } from 'node:fs/promises';
import { LodgerError } from '../../runtime/base/errors.ts';
import { fileError } from '../jobs/files.ts';
import type { Key } from '../lend/contracts.ts';

/** The last bytes of a public key in SPKI are the key itself: RFC 8410. */
const PUBLIC_BYTES = 32;

/** The key in a file, which is made if it is not there. Throws `ERR_FILE`, also for a file that holds no such key. */
export async function openKey(path: string): Promise<Key> {
  const pem = (await readIfThere(path)) ?? (await makeKey(path));
  try {
    const secret = createPrivateKey(pem);
    if (secret.asymmetricKeyType !== 'ed25519') throw new Error(`it is a key of ${secret.asymmetricKeyType}`);
    const spki = createPublicKey(secret).export({ type: 'spki', format: 'der' });
    return { publicKey: new Uint8Array(spki.subarray(-PUBLIC_BYTES)), sign: (bytes) => sign(null, bytes, secret) };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new LodgerError('ERR_FILE', ['read', path, `it holds no Ed25519 key: ${reason}`], { cause });
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw fileError('read', path, error);
  }
}

async function makeKey(path: string): Promise<string> {
  const { privateKey } = generateKeyPairSync('ed25519');
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  const temporary = `${path}.new`;
  try {
    await rm(temporary, { force: true });
    const handle = await open(temporary, 'wx', 0o600);
    await handle.writeFile(pem);
    await handle.sync();
    await handle.close();
    // Whole or not at all, and never over another: the host would be a stranger to its site.
    await link(temporary, path);
    return pem;
  } catch (error) {
    throw fileError('write', path, error);
  } finally {
    await rm(temporary, { force: true }).catch(() => undefined);
  }
}
