// The file that a pool's threads load.
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';

const bundled = readFile(new URL('../../dist/host/pool/thread-bundle.js', import.meta.url), 'utf8');

test("a pool's thread loads one file, which loads nothing but what Node has", async () => {
  const loaded = [...(await bundled).matchAll(/^(?:import|export) .*from "(.+)";$/gm)].map(([, name]) => name);
  expect(loaded.length).toBeGreaterThan(0);
  expect(loaded.filter((name) => !name?.startsWith('node:'))).toEqual([]);
});

test('what only the pool does before a task travels is not in that file', async () => {
  // Names of functions of the reader, the rewriter and admission.
  for (const name of ['admit', 'readModule', 'meter', 'rewriteKernel'])
    expect(await bundled, name).not.toMatch(new RegExp(`^(?:async )?function\\*? ${name}\\(`, 'm'));
});

test('packages that are in it have their licences there', async () => {
  for (const name of ['valibot', '@noble/ciphers'])
    expect(await bundled).toMatch(new RegExp(`/\\*! ${name}\\n[^]*?Permission is hereby granted`));
});
