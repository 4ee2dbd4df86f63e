// The bindings of `lodger/kernel`, against a host of plain JavaScript.
import { describe, expect, test } from 'vitest';
import { builtKernel } from './built.ts';
import { GuestFailure, startGuest } from './guest.ts';

const text = (value: string) => new TextEncoder().encode(value);

function numbersOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

describe.each(['stub', 'minimal', 'incremental'] as const)('with the runtime %s', (runtime) => {
  test('blobs, random numbers, the clock and the log reach a kernel', async () => {
    const { wasm } = await builtKernel('caps', runtime);
    const lines: string[] = [];
    const guest = startGuest(wasm, { data: { genome: text('ACGT') }, log: (line) => lines.push(line) });
    const output = guest.run(text('genome'));
    const numbers = numbersOf(output);
    expect(numbers.getBigInt64(0, true)).toBe(4n);
    expect(Buffer.from(output.subarray(8, 14)).toString()).toBe('CGACGT');
    expect([...output.subarray(14, 18)]).toEqual([1, 2, 3, 4]);
    // Single numbers come from one batch of bytes 1, 2, 3, ...
    expect(numbers.getUint32(18, true)).toBe(0x04030201);
    expect(numbers.getBigUint64(22, true)).toBe(0x0c0b0a0908070605n);
    expect(numbers.getFloat64(30, true)).toBe(Number(0x14131211100f0e0dn >> 11n) / 2 ** 53);
    expect(output[38]).toBe(1);
    expect(lines).toEqual(['debug: looking for genome', 'info: café €', 'error: done']);
  });

  test('a blob that is not there is a value for those who try', async () => {
    const { wasm } = await builtKernel('caps', runtime);
    const lines: string[] = [];
    const output = startGuest(wasm, { log: (line) => lines.push(line) }).run(text('none'));
    expect(numbersOf(output).getBigInt64(0, true)).toBe(-1n);
    expect(Buffer.from(output.subarray(12)).toString()).toBe('no "none" here – sorry');
    expect(lines.at(-1)).toBe('warn: none: no "none" here – sorry');
  });
});

describe('files and http', () => {
  const data = {
    '/data/a': text('hello'),
    '/data': text(''),
    'POST https://example.org/': text('ok'),
    '/data/b': text(''),
  };
  const start = async (written = new Map<string, { offset: bigint; bytes: Uint8Array }>()) =>
    startGuest((await builtKernel('outside')).wasm, { data, written });

  test.each([
    ['R', 'no "/data/none" here – sorry'],
    ['N', 'no "/data/none" here – sorry'],
    ['?', 'no "GET https://nowhere.example/" here – sorry'],
  ])('the call "%s", which is refused, fails the task with the host’s message', async (letter, message) => {
    const guest = await start();
    expect(() => guest.run(text(letter))).toThrow(new GuestFailure(message));
  });

  test('a size, a part and the names of files are read', async () => {
    expect(numbersOf((await start()).run(text('s'))).getBigUint64(0, true)).toBe(5n);
    expect(Buffer.from((await start()).run(text('r'))).toString()).toBe('el');
    const names = (await start()).run(text('n'));
    expect(numbersOf(names).getUint32(0, true)).toBe(Object.keys(data).length);
    expect(Buffer.from(names).toString()).toContain('POST https://example.org/');
  });

  test('bytes are written at their offset, and a refusal is a value for those who try', async () => {
    const written = new Map<string, { offset: bigint; bytes: Uint8Array }>();
    const guest = await start(written);
    expect(guest.run(text('wxyz'))).toEqual(new Uint8Array(0));
    expect(written.get('/data/b')).toEqual({ offset: 3n, bytes: text('wxyz') });
    expect(Buffer.from(guest.run(text('W')).subarray(5)).toString()).toBe('no "/data/none" here – sorry');
    expect(numbersOf(guest.run(text('S'))).getBigInt64(0, true)).toBe(-1n);
  });

  test('a request gives status and body', async () => {
    const answer = (await start()).run(text('hi'));
    expect(numbersOf(answer).getUint16(0, true)).toBe(207);
    expect(Buffer.from(answer.subarray(2)).toString()).toBe('okhi');
  });
});

test('strings cross as UTF-16, uncopied: a message of any code units arrives as it is', async () => {
  const { wasm } = await builtKernel('failing');
  expect(() => startGuest(wasm).run(Uint8Array.of(0))).toThrow(new GuestFailure('café € "quoted"'));
  expect(Buffer.from(wasm).includes(Buffer.from('café €', 'utf16le'))).toBe(true);
});
