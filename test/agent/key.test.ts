// The key of a host: made once, whole or not at all, and never over another.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openKey } from '../../host/agent/key.ts';
import { scratch } from './started.ts';

test('a key whose host was killed while it was written is made anew, and no half of one is left', async () => {
  const folder = await scratch();
  const path = join(folder, 'key.pem');
  writeFileSync(`${path}.new`, '-----BEGIN PRIVATE KEY-----\nMC4CAQ');
  const { publicKey } = await openKey(path);
  expect((await openKey(path)).publicKey).toEqual(publicKey);
  expect(readdirSync(folder)).toEqual(['key.pem']);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('of two that make one at once, one is refused, and the key stays', async () => {
  const path = join(await scratch(), 'key.pem');
  const both = await Promise.allSettled([openKey(path), openKey(path)]);
  const made = both.flatMap((each) => (each.status === 'fulfilled' ? [each.value.publicKey] : []));
  const { publicKey } = await openKey(path);
  for (const each of made) expect(each).toEqual(publicKey);
});

test('a file that holds no key is refused, and left as it is', async () => {
  const path = join(await scratch(), 'key.pem');
  writeFileSync(path, 'no key');
  await expect(openKey(path)).rejects.toMatchObject({
    code: 'ERR_FILE',
    message: expect.stringContaining('no Ed25519 key'),
  });
  expect(readFileSync(path, 'utf8')).toBe('no key');
});
