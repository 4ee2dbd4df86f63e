// The key of a tab: Ed25519, made by the browser, which never hands the private half to any script. It stays from visit to visit.
import type { Key } from '../lend/contracts.ts';

const DATABASE = 'lodger';
const KEYS = 'keys';

/** The key of this browser for this site, made at the first visit. Where nothing may be kept, one for this visit. */
export async function openKey(): Promise<Key> {
  const database = await openDatabase().catch(() => undefined);
  const kept =
    database && (await ask<CryptoKeyPair>(database, 'readonly', (keys) => keys.get(0)).catch(() => undefined));
  const pair =
    kept ?? ((await crypto.subtle.generateKey({ name: 'Ed25519' }, false, ['sign', 'verify'])) as CryptoKeyPair);
  if (database && !kept) await ask(database, 'readwrite', (keys) => keys.put(pair, 0)).catch(() => undefined);
  database?.close();
  const publicKey = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey));
  return {
    publicKey,
    sign: async (bytes) =>
      new Uint8Array(await crypto.subtle.sign('Ed25519', pair.privateKey, bytes as Uint8Array<ArrayBuffer>)),
  };
}

function openDatabase(): Promise<IDBDatabase> {
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(KEYS);
  return result(request);
}

function ask<T>(
  database: IDBDatabase,
  mode: IDBTransactionMode,
  what: (keys: IDBObjectStore) => IDBRequest,
): Promise<T | undefined> {
  return result(what(database.transaction(KEYS, mode).objectStore(KEYS)));
}

function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
