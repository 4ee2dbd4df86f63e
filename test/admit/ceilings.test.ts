// Every ceiling at its edge: what reaches it is admitted, one more is refused by the ceiling's name.
import { expect, test } from 'vitest';
import { admit } from '../../runtime/admit/admit.ts';
import { checkCeilings, measure } from '../../runtime/admit/ceilings.ts';
import { checkFeatures } from '../../runtime/admit/features.ts';
import { ADMISSION, type CeilingName } from '../../runtime/base/admission.ts';
import { defaults } from '../../runtime/base/defaults.ts';
import { readModule } from '../../runtime/wasm/read.ts';
import { moduleOf } from '../wasm/build.ts';
import { type KernelParts, kernelOf } from '../wasm/kernel.ts';

const many = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));
const nothing = { type: '>', code: '' };
const own = (code: string, locals: readonly (readonly [number, string])[] = []): KernelParts => ({
  functions: [{ type: '>', locals, code }],
});
const IMPORT = { module: 'lodger:kernel/exit@0.1.0', name: 'fail', type: 'ii>' };

/** The default kernel has some of everything; `more` adds `count` of the kind. */
const KINDS: Readonly<Record<CeilingName, (count: number) => KernelParts>> = {
  moduleBytes: (count) => ({ customs: [{ name: 'x', bytes: new Uint8Array(count) }] }),
  types: (count) => ({ types: many(count, (index) => `${'i'.repeat(index)}>F`) }),
  functions: (count) => ({ functions: many(count, () => nothing) }),
  bodyBytes: (count) => own('nop '.repeat(200 + count)),
  locals: (count) => own('', [[100 + count, 'i']]),
  operands: (count) => own(`${'i32.const 0 '.repeat(100 + count)} ${'drop '.repeat(100 + count)}`),
  controlPoints: (count) => own('block end '.repeat(100 + count)),
  exits: (count) => own('call $nothing '.repeat(100 + count).replaceAll('$nothing', '2')),
  complexity: (count) => own('block end', [[100 + count, 'i']]),
  complexityTotal: (count) => own('block end', [[100 + count, 'i']]),
  loopBytes: (count) => own(`loop ${'nop '.repeat(100 + count)} end`),
  nesting: (count) => own(`${'block '.repeat(10 + count)} ${'end '.repeat(10 + count)}`),
  imports: (count) => ({ imports: many(count, () => IMPORT) }),
  exports: (count) => ({ exports: many(count, (index) => ({ name: `e${index}`, kind: 0, index: 0 })) }),
  globals: (count) => ({ globals: many(count, () => ({ type: 'i', value: 'i32.const 0' })) }),
  dataSegments: (count) => ({ data: many(count, () => ({ offset: 0, bytes: [] })) }),
  elements: (count) => ({ table: [1_000], elements: [{ offset: 0, functions: many(count, () => 0) }] }),
  tableElements: (count) => ({ table: [count] }),
  customBytes: (count) => ({ customs: [{ name: 'x', bytes: new Uint8Array(count) }] }),
  memoryPagesMin: (count) => ({ memory: [1 + count, 100] }),
  memoryPagesMax: (count) => ({ memory: [1, 10 + count] }),
};

const NAMES = Object.keys(ADMISSION) as CeilingName[];

test.each(NAMES)(
  '%s: a kernel that reaches the ceiling is admitted, one that exceeds it by one is refused',
  async (name) => {
    const kernel = await admit(kernelOf(KINDS[name](7)));
    const count = kernel.report[name] ?? 0;
    expect(count).toBeGreaterThanOrEqual(7);
    await expect(admit(kernel.bytes, { ceilings: { [name]: count } })).resolves.toMatchObject({
      digest: kernel.digest,
    });
    await expect(admit(kernel.bytes, { ceilings: { [name]: count - 1 } })).rejects.toMatchObject({
      code: 'ERR_KERNEL_CEILING',
      message: `kernel has ${count} ${ADMISSION[name].unit}, the ceiling is ${count - 1} (${name}: ${ADMISSION[name].reason})`,
    });
  },
);

test.each(NAMES)('%s: one more of the kind counts as one more', async (name) => {
  const [seven, eight] = await Promise.all([7, 8].map((count) => admit(kernelOf(KINDS[name](count)))));
  expect((eight?.report[name] ?? 0) - (seven?.report[name] ?? 0)).toBe(1);
});

test.each(NAMES)('%s: its default is no higher than what may be asked for', (name) => {
  expect(ADMISSION[name].default).toBeLessThanOrEqual(ADMISSION[name].max);
});

test.each([
  [{ ceilings: { modulebytes: 1 } }, 'option "ceilings.modulebytes" must be a known option'],
  [{ ceilings: { types: -1 } }, 'option "ceilings.types" must be an integer from 0 to 100000'],
  [{ ceilings: { types: 100_001 } }, 'option "ceilings.types" must be an integer from 0 to 100000'],
  [{ ceilings: { types: Number.POSITIVE_INFINITY } }, 'option "ceilings.types" must be an integer'],
  [{ ceilings: { types: 1.5 } }, 'option "ceilings.types" must be an integer'],
  [{ ceilings: { types: '5' } }, 'option "ceilings.types" must be an integer'],
  [{ ceiling: {} }, 'option "ceiling" must be a known option'],
  [{ bytes: new Uint8Array() }, 'option "bytes" must be a known option'],
  [{ platform: 7 }, 'option "platform" must be a Platform'],
  [null, 'option "options" must be'],
])('options %o are refused', async (options, message) => {
  await expect(admit(kernelOf(), options as object)).rejects.toMatchObject({
    code: 'ERR_OPTION_INVALID',
    message: expect.stringContaining(message),
  });
});

test.each([undefined, null, 'text', [0, 97, 115, 109], new ArrayBuffer(8), {}])(
  '%o is not the bytes of a kernel',
  async (bytes) => {
    await expect(admit(bytes as Uint8Array)).rejects.toMatchObject({
      code: 'ERR_OPTION_INVALID',
      message: 'option "bytes" must be a Uint8Array',
    });
  },
);

test('a kernel without a maximum of memory counts as one that may grow to all there is', async () => {
  const bytes = kernelOf({ memory: [1] });
  expect((await admit(bytes)).report.memoryPagesMax).toBe(65_536);
  await expect(admit(bytes, { ceilings: { memoryPagesMax: 65_535 } })).rejects.toMatchObject({
    code: 'ERR_KERNEL_CEILING',
  });
});

test('what a Go program of 2.6 MB has is below every default', async () => {
  // Counted in the output of Go 1.26 for a hello world: 30,352 segments, 13 types, 1,776 functions with one of 29 KB.
  const blocks = 549;
  const code = `loop ${'block '.repeat(blocks)} local.get 0 br_table ${blocks} ${many(blocks + 1, String).join(' ')} ${'end '.repeat(blocks)} end`;
  const bytes = moduleOf({
    memory: [38],
    table: [5_856],
    types: many(11, (index) => `${'i'.repeat(index)}>I`),
    functions: [
      { type: 'i>', locals: 'iiiiiiiiiiiiiiiii', code: code + ' local.get 0 drop'.repeat(9_000) },
      ...many(1_775, () => ({ type: 'i>i', code: `local.get 0 ${'i64.const -1 drop '.repeat(100)}` })),
    ],
    elements: [{ offset: 0, functions: many(1_760, () => 1) }],
    data: many(30_672, (index) => ({ offset: 8_192 + index * 64, bytes: new Uint8Array(40) })),
    customs: [{ name: 'name', bytes: new Uint8Array(50_040) }],
  });
  const module = readModule(bytes);
  const counts = measure(module, bytes.length);
  expect(counts.moduleBytes).toBeGreaterThan(1_900_000);
  expect(counts).toMatchObject({ dataSegments: 30_672, nesting: 550, tableElements: 5_856 });
  expect(() => checkCeilings(counts, defaults(ADMISSION))).not.toThrow();
  expect(await checkFeatures(module)).toEqual([]);
  expect(WebAssembly.validate(bytes)).toBe(true);
});
