// What is read of a binary at all: at each bound it is read, one beyond it is refused by the bound's name, not as malformed.
import { expect, test } from 'vitest';
import { admit } from '../../runtime/admit/admit.ts';
import { ADMISSION, type CeilingName } from '../../runtime/base/admission.ts';
import { READING, type ReadingName } from '../../runtime/base/reading.ts';
import { readModule } from '../../runtime/wasm/read.ts';
import { HEADER, Writer } from '../../runtime/wasm/writer.ts';

type Sections = readonly (readonly [id: number, payload: Uint8Array])[];

/** A vector: how many, then each. */
const list = (count: number, item: readonly number[]) => {
  const out = new Writer(count * item.length + 8).u32(count);
  for (let left = count; left > 0; left--) out.raw(item);
  return out.take();
};
const bytes = (...values: number[]) => Uint8Array.from(values);
const ONE_TYPE = [1, bytes(1, 0x60, 0, 0)] as const;
const body = (...code: number[]) =>
  [
    10,
    new Writer()
      .u32(1)
      .sized((w) => w.byte(0).raw(code).byte(0x0b))
      .take(),
  ] as const;
const nested = (count: number) => [
  ...Array.from({ length: count }, () => [0x02, 0x40]).flat(),
  ...new Array<number>(count).fill(0x0b),
];

const BOUNDS: readonly (readonly [CeilingName | ReadingName, (count: number) => Sections])[] = [
  ['types', (count) => [[1, list(count, [0x60, 0, 0])]]],
  [
    'typeValues',
    (count) => [
      [
        1,
        new Writer()
          .raw([1, 0x60])
          .raw(list(count, [0x7f]))
          .byte(0)
          .take(),
      ],
    ],
  ],
  ['imports', (count) => [ONE_TYPE, [2, list(count, [0, 0, 0, 0])]]],
  ['functions', (count) => [ONE_TYPE, [3, list(count, [0])], [10, list(count, [2, 0, 0x0b])]]],
  ['tables', (count) => [[4, list(count, [0x70, 0, 0])]]],
  ['memories', (count) => [[5, list(count, [0, 0])]]],
  ['globals', (count) => [[6, list(count, [0x7f, 0, 0x41, 0, 0x0b])]]],
  ['exports', (count) => [[7, list(count, [0, 0, 0])]]],
  ['elementSegments', (count) => [[9, list(count, [1, 0, 0])]]],
  [
    'elements',
    (count) => [
      [
        9,
        new Writer(count + 16)
          .raw([1, 1, 0])
          .raw(list(count, [0]))
          .take(),
      ],
    ],
  ],
  ['nesting', (count) => [ONE_TYPE, [3, bytes(1, 0)], body(...nested(count))]],
  ['dataSegments', (count) => [[11, list(count, [1, 0])]]],
  ['customSections', (count) => Array.from({ length: count }, () => [0, bytes(0)] as const)],
  ['nameBytes', (count) => [[0, list(count, [0x61])]]],
];

const moduleOf = (sections: Sections) => {
  const out = new Writer().raw(HEADER);
  for (const [id, payload] of sections) out.byte(id).u32(payload.length).raw(payload);
  return out.take();
};

test.each(BOUNDS)('%s: as many as can be read are read, one more is refused by that name', async (name, sections) => {
  const { max, unit, reason } = { ...ADMISSION, ...READING }[name];
  expect(() => readModule(moduleOf(sections(max)))).not.toThrow();
  await expect(admit(moduleOf(sections(max + 1)))).rejects.toMatchObject({
    code: 'ERR_KERNEL_CEILING',
    message: `kernel has ${max + 1} ${unit}, the ceiling is ${max} (${name}: ${reason})`,
  });
});

test('every bound of reading has its row', () => {
  const names = BOUNDS.map(([name]) => name);
  expect(Object.keys(READING).filter((name) => !names.includes(name as ReadingName))).toEqual([]);
});
