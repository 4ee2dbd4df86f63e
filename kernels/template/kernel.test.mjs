// Builds the kernel and runs it in a sandbox: `npm test`.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { admit, createSandbox } from 'lodger';
import { buildKernel } from 'lodger/host';

const { wasm } = await buildKernel({ source: fileURLToPath(new URL('kernel.ts', import.meta.url)) });
const kernel = await admit(wasm);
const sandbox = createSandbox();

test('no bytes are refused', async () => {
  const outcome = await sandbox.run({ kernel, input: new Uint8Array() });
  assert.equal(outcome.state, 'failed');
  assert.equal(outcome.message, 'there is nothing to count');
});

test('the lines, words and bytes of input.txt are as expected', async () => {
  const outcome = await sandbox.run({ kernel, input: await read('input.txt') });
  assert.equal(outcome.state, 'done', outcome.message);
  assert.equal(new TextDecoder().decode(outcome.output), new TextDecoder().decode(await read('expected.txt')));
});

async function read(name) {
  return new Uint8Array(await readFile(new URL(name, import.meta.url)));
}
