// How files become inputs: records and lines cut where the rule says, whatever lies between the reads.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openInputs } from '../../host/jobs/inputs.ts';
import type { InputPlan, PerTask } from '../../runtime/job/job.ts';
import { scratch } from '../cli/lodger.ts';

const WINDOW_BYTES = 2 ** 20;

let folder: Awaited<ReturnType<typeof scratch>>;
beforeAll(async () => {
  folder = await scratch();
});
afterAll(() => folder[Symbol.asyncDispose]());

async function inputsOf(content: string, plan: InputPlan, inputBytesMax = 2 ** 30): Promise<string[]> {
  await writeFile(join(folder.path, 'file'), content);
  const { each, totalBytes } = await openInputs(plan, folder.path, inputBytesMax);
  expect(totalBytes).toBe(Buffer.byteLength(content));
  const inputs: string[] = [];
  for await (const input of each()) inputs.push(Buffer.from(input).toString());
  return inputs;
}

const records = (startsWith: string, perTask: PerTask): InputPlan => ({
  kind: 'records',
  file: 'file',
  startsWith,
  perTask,
});

/** The rule, written the plain way: whole text in memory, line by line. */
function recordsByHand(text: string, startsWith: string, perTask: PerTask): string[] {
  const whole: string[] = [];
  for (const line of text.split(/(?<=\n)/)) {
    if (line.startsWith(startsWith)) whole.push(line);
    else whole.push(`${whole.pop()}${line}`);
  }
  const tasks: { text: string; records: number }[] = [];
  for (const record of whole) {
    const last = tasks.at(-1);
    const fits =
      perTask.records === undefined
        ? last !== undefined && last.text.length + record.length <= perTask.bytes
        : last !== undefined && last.records < perTask.records;
    if (last !== undefined && fits) tasks[tasks.length - 1] = { text: last.text + record, records: last.records + 1 };
    else tasks.push({ text: record, records: 1 });
  }
  return tasks.map(({ text: task }) => task);
}

test('records are cut as the rule says, for any text', async () => {
  const lines = fc.array(fc.constantFrom('>', '>>', '>a', 'ACGT', '', ' >', 'A>', '\r'), { maxLength: 30 });
  const perTask = fc.oneof(
    fc.record({ bytes: fc.integer({ min: 0, max: 20 }) }),
    fc.record({ records: fc.integer({ min: 1, max: 4 }) }),
  );
  await fc.assert(
    fc.asyncProperty(lines, fc.constantFrom('>', '>>'), perTask, fc.boolean(), async (body, mark, each, ended) => {
      const text = `${[mark, ...body].join('\n')}${ended ? '\n' : ''}`;
      expect(await inputsOf(text, records(mark, each))).toEqual(recordsByHand(text, mark, each));
    }),
    { numRuns: 100 },
  );
});

test.each([-4, -3, -2, -1, 0, 1, 2])(
  'a record that begins %i bytes from the border of two reads is found, once',
  async (shift) => {
    const first = `>>a\n${'A'.repeat(WINDOW_BYTES + shift - 5)}\n`;
    const rest = ['>>b\nB\n', `>>c\n${'C'.repeat(WINDOW_BYTES)}\n`, '>>d'];
    const text = [first, ...rest].join('');
    expect(first).toHaveLength(WINDOW_BYTES + shift);
    const inputs = await inputsOf(text, records('>>', { records: 1 }));
    expect(inputs.map((input) => [input.slice(0, 3), input.length])).toEqual(
      [first, ...rest].map((input) => [input.slice(0, 3), input.length]),
    );
    expect(inputs.join('') === text).toBe(true);
  },
);

test('lines are inputs without their ends, empty ones left out, also across reads', async () => {
  const long = 'x'.repeat(WINDOW_BYTES - 2);
  const plan: InputPlan = { kind: 'lines', file: 'file' };
  expect(await inputsOf('', plan)).toEqual([]);
  expect(await inputsOf('\n\r\na\r\n\n b \nc', plan)).toEqual(['a', ' b ', 'c']);
  const inputs = await inputsOf(`${long}\r\n${long}\ny\n`, plan);
  expect(inputs.map((input) => input.length)).toEqual([long.length, long.length, 1]);
});

test.each<[string, string, InputPlan, number, string]>([
  [
    'text before the first record',
    'x\n>a',
    records('>', { records: 1 }),
    100,
    'its first line does not start with ">"',
  ],
  ['no record', 'abc', records('>', { records: 1 }), 100, 'no line starts with ">"'],
  ['no bytes', '', records('>', { records: 1 }), 100, 'no line starts with ">"'],
  [
    'a record above the limit',
    '>a\n>bcd',
    records('>', { bytes: 1 }),
    3,
    'the input at byte 3 has 4 B, limits.inputBytesMax is 3 B',
  ],
  ['a line above the limit', 'ab\nabcd\n', { kind: 'lines', file: 'file' }, 4, 'the input at byte 3 has 5 B'],
  ['a file above the limit', 'abcd', { kind: 'files', files: ['file'] }, 3, 'it has 4 B, at most 3 B are read'],
  ['a file that is a folder', 'a', { kind: 'files', files: ['file', '.'] }, 3, 'it is not a regular file'],
])('%s is refused', async (_, content, plan, max, message) => {
  await expect(inputsOf(content, plan, max)).rejects.toThrow(
    expect.objectContaining({ code: 'ERR_FILE', message: expect.stringContaining(message) }),
  );
});

test('whole files are read into room that is made for them', async () => {
  await writeFile(join(folder.path, 'file'), 'abc');
  const { each } = await openInputs({ kind: 'files', files: ['file', 'file'] }, folder.path, 10);
  const made: Uint8Array[] = [];
  const room = (bytes: number) => made[made.push(new Uint8Array(new SharedArrayBuffer(8), 0, bytes)) - 1] as Uint8Array;
  const inputs: Uint8Array[] = [];
  for await (const input of each(room)) inputs.push(input);
  expect(inputs.every((input, index) => input === made[index])).toBe(true);
  expect(inputs.map((input) => Buffer.from(input).toString())).toEqual(['abc', 'abc']);
});
