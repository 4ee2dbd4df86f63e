// Work on ranges of memory, in pieces or whole, leaves the same bytes, traps in the same cases, and costs what it did.
import { expect, test } from 'vitest';
import { BOUNDS } from '../../runtime/meter/bounds.ts';
import { moduleOf } from '../wasm/build.ts';
import { compileMetered, compileOracle, runMetered, runOracle } from './runs.ts';

const PIECE = BOUNDS.pieceBytes;
const PAGES = 80;
const MEMORY = PAGES * 65_536;

const bytes = moduleOf({
  memory: [PAGES, PAGES + 3],
  data: [{ bytes: Array.from({ length: 50 }, (_, index) => index * 5) }],
  exports: [{ name: 'memory', kind: 2, index: 0 }],
  functions: [
    { type: 'iii>', export: 'fill', code: 'local.get 0 local.get 1 local.get 2 memory.fill' },
    { type: 'iii>', export: 'copy', code: 'local.get 0 local.get 1 local.get 2 memory.copy' },
    { type: 'iii>', export: 'init', code: 'local.get 0 local.get 1 local.get 2 memory.init 0' },
    { type: 'iii>i', export: 'grow', code: 'local.get 0 memory.grow' },
    { type: 'iii>', export: 'drop', code: 'data.drop 0 local.get 0 local.get 1 local.get 2 memory.init 0' },
  ],
});
const [plain, metered] = [compileOracle(bytes), compileMetered(bytes)];

const cases: readonly (readonly [name: string, a: number, b: number, c: number])[] = [
  ['fill', 5, 7, 0],
  ['fill', 5, 7, 1_003],
  ['fill', 1, 0x1ff, PIECE],
  ['fill', 3, 9, PIECE + 1],
  ['fill', 0, 3, MEMORY],
  ['fill', 0, 3, MEMORY + 1],
  ['fill', MEMORY - 4, 3, 5],
  ['fill', MEMORY, 3, 0],
  ['fill', MEMORY + 1, 3, 0],
  ['fill', -1, 3, -1],
  ['fill', 17, 3, 3 * PIECE + 11],
  ['copy', 100, 5, 1_000],
  ['copy', 5, 100, 3 * PIECE + 3],
  ['copy', 100, 5, 3 * PIECE + 3],
  ['copy', PIECE + 7, 5, 2 * PIECE + 1],
  ['copy', 5, PIECE + 7, 2 * PIECE + 1],
  ['copy', 9, 9, 2 * PIECE],
  ['copy', 0, MEMORY - PIECE, 2 * PIECE],
  ['copy', MEMORY - PIECE, 0, 2 * PIECE],
  ['copy', 0, -5, 2 * PIECE],
  ['init', 10, 3, 40],
  ['init', 10, 3, 48],
  ['init', MEMORY - 3, 0, 4],
  ['drop', 10, 0, 1],
  ['grow', 0, 0, 0],
  ['grow', 3, 0, 0],
  ['grow', 4, 0, 0],
  ['grow', -1, 0, 0],
];

test.each(cases)('%s %i %i %i', (name, ...args) => {
  const act = (exports: Record<string, WebAssembly.Global & ((...args: never[]) => unknown)>) => {
    const memory = () => new Uint8Array((exports.memory as unknown as WebAssembly.Memory).buffer);
    for (let at = 0; at < MEMORY; at += 4_093) memory().fill((at * 7) & 255, at, at + 3_000);
    let result: unknown = 'trap';
    try {
      result = exports[name]?.(...(args as unknown as never[]));
    } catch (thrown) {
      if (!(thrown instanceof WebAssembly.RuntimeError)) throw thrown;
    }
    let digest = 0;
    for (const byte of memory()) digest = (Math.imul(digest, 31) + byte) | 0;
    return `${String(result)} ${digest}`;
  };
  const expected = runOracle(plain, act);
  const seen = runMetered(metered, act, { slice: 10_000n });
  expect(seen.result).toBe(expected.result);
  if (!String(expected.result).startsWith('trap')) expect(seen.fuel).toBe(expected.fuel);
});
