// The file that a pool's threads load.
import { readFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { expect, test } from 'vitest';

const bundled = readFile(new URL('../../dist/host/pool/thread-bundle.cjs', import.meta.url), 'utf8');

test("a pool's thread loads one file, which loads nothing but what Node has", async () => {
  const loaded = [...(await bundled).matchAll(/\brequire\("([^"]+)"\)/g)].map(([, name]) => name);
  expect(loaded.length).toBeGreaterThan(0);
  expect(loaded.filter((name = '') => !isBuiltin(name))).toEqual([]);
});

test('packages that are in it have their licences there', async () => {
  for (const name of ['valibot', '@noble/ciphers'])
    expect(await bundled).toMatch(new RegExp(`/\\*! ${name}\\n[^]*?Permission is hereby granted`));
});
