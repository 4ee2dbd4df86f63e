// The reader and admission on any bytes: truncated, random, mutated. A LodgerError with a code or a kernel that compiles, and nothing else.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { admit } from '../../runtime/admit/admit.ts';
import { LodgerError } from '../../runtime/base/errors.ts';
import { prepare } from '../../runtime/prepare/prepare.ts';
import { readModule } from '../../runtime/wasm/read.ts';
import { WORLD_IMPORTS } from '../contract/case.ts';
import { kernelOf } from './kernel.ts';

/** A kernel with something in every section. */
const RICH = kernelOf({
  imports: [WORLD_IMPORTS.fail, WORLD_IMPORTS.write],
  types: ['i>i'],
  table: [2],
  elements: [{ offset: 0, functions: ['$run'] }],
  data: [{ offset: 600, bytes: [1, 2, 3] }, { bytes: [4, 5] }],
  functions: [{ type: 'i>i', locals: 'iIfFv', code: 'local.get 0 if i i32.const 1 else i32.const 2 end' }],
  customs: [{ name: 'notes', bytes: [1, 2, 3] }],
});

/** What admission makes of bytes; anything but a kernel or a refusal is thrown on. */
async function verdictOf(bytes: Uint8Array): Promise<'admitted' | string> {
  try {
    const kernel = await admit(bytes);
    for (const form of ['imported', 'defined'] as const) {
      const prepared = prepare(kernel, { memoryForm: form, metered: false });
      expect(WebAssembly.validate(prepared.bytes as Uint8Array<ArrayBuffer>)).toBe(true);
    }
    return 'admitted';
  } catch (error) {
    if (error instanceof LodgerError && error.fault === 'caller') return error.code;
    throw error;
  }
}

describe('bytes that are broken are refused with a code', () => {
  test('a module that ends too soon, at every byte', async () => {
    for (let length = 0; length < RICH.length; length++) {
      const cut = RICH.slice(0, length);
      // Without its last custom section it is whole.
      const wanted = WebAssembly.validate(cut)
        ? /^(?:admitted|ERR_KERNEL_INTERFACE)$/
        : /^ERR_KERNEL_(?:MALFORMED|INTERFACE)$/;
      expect(await verdictOf(cut)).toMatch(wanted);
    }
    expect(await verdictOf(RICH)).toBe('admitted');
  });

  test('a module with any one byte changed', async () => {
    for (let at = 0; at < RICH.length; at++) {
      for (const value of [0x00, 0x7f, 0x80, 0xff, (RICH[at] as number) ^ 1]) {
        const copy = RICH.slice();
        copy[at] = value;
        await verdictOf(copy);
      }
    }
  });

  test('bytes by chance, with and without a header', async () => {
    const tail = fc.uint8Array({ maxLength: 400 });
    await fc.assert(
      fc.asyncProperty(tail, fc.boolean(), async (bytes, headed) => {
        await verdictOf(headed ? Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...bytes]) : bytes);
      }),
      { numRuns: 2_000, seed: 1 },
    );
  });

  test('a module with pieces moved, doubled, cut out and overwritten', async () => {
    const place = fc.nat(RICH.length - 1);
    const change = fc.tuple(place, place, fc.uint8Array({ maxLength: 12 }), fc.constantFrom('put', 'cut', 'copy'));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        let bytes = [...RICH];
        for (const [from, to, patch, what] of changes) {
          if (what === 'put') bytes.splice(from, patch.length, ...patch);
          else if (what === 'cut') bytes.splice(from, to % 16);
          else bytes = [...bytes.slice(0, from), ...bytes.slice(to, to + 64), ...bytes.slice(from)];
        }
        await verdictOf(Uint8Array.from(bytes));
      }),
      { numRuns: 3_000, seed: 2 },
    );
  });

  test('what the engine takes, the reader reads', () => {
    expect(WebAssembly.validate(RICH)).toBe(true);
    const module = readModule(RICH);
    expect([module.imports.length, module.functions.length, module.data.length, module.customs.length]).toEqual([
      2, 5, 2, 2,
    ]);
  });
});

test('30,672 data segments and 2.6 MB are admitted, as Go makes them', async () => {
  const data = Array.from({ length: 30_672 }, (_, index) => ({
    offset: index * 80,
    bytes: new Uint8Array(78).fill(1),
  }));
  const kernel = await admit(kernelOf({ data, memory: [64, 128] }));
  expect(kernel.report).toMatchObject({ dataSegments: 30_672 });
  expect(kernel.bytes.byteLength).toBeGreaterThan(2_500_000);
});
