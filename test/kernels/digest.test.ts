// Manifests of files: every digest is that of Node's own SHA-256, for every length around blocks and pieces.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { everywhere } from './everywhere.ts';

const { run } = await everywhere('digest');

const PIECE = 65_536;
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const pattern = (length: number) => Uint8Array.from({ length }, (_, at) => (at * 167 + (at >> 8) * 13) & 0xff);

function manifest(bytes: Uint8Array): string {
  const pieces = Array.from({ length: Math.ceil(bytes.length / PIECE) }, (_, at) =>
    sha256(bytes.subarray(at * PIECE, (at + 1) * PIECE)),
  );
  return [`sha256 ${sha256(bytes)}`, `bytes ${bytes.length}`, `piece ${PIECE}`, ...pieces, ''].join('\n');
}

const manifestOf = async (bytes: Uint8Array) => new TextDecoder().decode(await run(bytes));

test('of nothing and of "abc" are those of FIPS 180-4', async () => {
  expect(await manifestOf(new Uint8Array())).toBe(
    'sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\nbytes 0\npiece 65536\n',
  );
  expect(await manifestOf(new TextEncoder().encode('abc'))).toContain(
    'sha256 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n',
  );
});

test('of lengths around a block, where the padding changes', async () => {
  for (const length of [1, 54, 55, 56, 57, 63, 64, 65, 119, 120, 127, 128, 129]) {
    const bytes = pattern(length);
    expect(await manifestOf(bytes)).toBe(manifest(bytes));
  }
});

test('of lengths around pieces and fours of them, which go through four streams', async () => {
  for (const pieces of [1, 3, 4, 5, 9]) {
    for (const more of [-1, 0, 1]) {
      const bytes = pattern(pieces * PIECE + more);
      expect(await manifestOf(bytes)).toBe(manifest(bytes));
    }
  }
});

test('of any bytes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
      expect(await manifestOf(bytes)).toBe(manifest(bytes));
    }),
    { numRuns: 50 },
  );
});
