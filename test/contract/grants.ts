// Contract: log, clock and blobs as kernels see them, and the ceilings of what they may give and take.
import { createHash } from 'node:crypto';
import type { LogLine } from '../../runtime/job/outcome.ts';
import type { Grant } from '../../runtime/policy/grant.ts';
import { answer, type KernelParts, kernelOf } from '../wasm/kernel.ts';
import { type Case, type Given, TEXT, tell, textAt, WORLD_IMPORTS } from './case.ts';

export const LOG: readonly Grant[] = [{ kind: 'log' }];

/** Logs one line of `a`s for each byte of its input, as long as the byte says; its level is the length modulo 4. */
export const logger = (encoding: 'utf8' | 'utf16' = 'utf8'): KernelParts => ({
  encoding,
  imports: [WORLD_IMPORTS.write],
  data: [textAt('a'.repeat(255), encoding, 2_048)],
  globals: [],
  run: {
    locals: 'ii',
    code: `i32.const 4096 local.get 0 local.get 1 memory.copy
           block loop
             local.get 2 local.get 1 i32.ge_u br_if 1
             i32.const 4096 local.get 2 i32.add i32.load8_u 0 0 local.tee 3 i32.const 3 i32.and
             i32.const 2048 local.get 3 call $write
             local.get 2 i32.const 1 i32.add local.set 2
             br 0
           end end
           ${answer(0, 'i32.const 0', 'i32.const 0')}`,
  },
});

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export const line = (length: number): LogLine => ({ level: LEVELS[length % 4] ?? 'debug', text: 'a'.repeat(length) });

export interface LogCase {
  readonly name: string;
  readonly encoding?: 'utf16';
  /** Lengths of the lines that the kernel writes. */
  readonly lengths: readonly number[];
  readonly limits: NonNullable<Given['limits']>;
  /** Lengths of the lines that are kept. */
  readonly kept: readonly number[];
}

export const LOGS: readonly LogCase[] = [
  { name: 'every level, and an empty line', lengths: [4, 5, 6, 7, 0], limits: {}, kept: [4, 5, 6, 7, 0] },
  { name: 'as many lines as may be', lengths: [1, 2, 3], limits: { logLinesMax: 3 }, kept: [1, 2, 3] },
  { name: 'a line more is dropped', lengths: [1, 2, 3, 4], limits: { logLinesMax: 3 }, kept: [1, 2, 3] },
  { name: 'no lines at all', lengths: [1, 0], limits: { logLinesMax: 0 }, kept: [] },
  { name: 'as many bytes as may be', lengths: [50, 50], limits: { logBytesMax: 100 }, kept: [50, 50] },
  { name: 'a byte more is dropped', lengths: [50, 51], limits: { logBytesMax: 100 }, kept: [50] },
  { name: 'what still fits after a dropped line', lengths: [50, 51, 50], limits: { logBytesMax: 100 }, kept: [50, 50] },
  { name: 'no bytes, but empty lines', lengths: [1, 0], limits: { logBytesMax: 0 }, kept: [0] },
  { name: 'UTF-16 counts two bytes', encoding: 'utf16', lengths: [50, 1], limits: { logBytesMax: 101 }, kept: [50] },
];

const NAME = 'table.bin';
const BLOB = Uint8Array.from({ length: 1_000 }, (_, index) => index * 7);
const digest = createHash('sha256').update(BLOB).digest('hex');

const withBlob: Given = { grants: [{ kind: 'blobs', name: NAME, digest }], blobs: { [NAME]: BLOB } };

/** Reads a piece of a blob: the output, or the error as the kernel's own. */
const reading = (name: string, offset: string, count: number, encoding: 'utf8' | 'utf16' = 'utf8'): KernelParts => ({
  encoding,
  imports: [WORLD_IMPORTS.read],
  data: [textAt(name, encoding)],
  run: {
    code: `i32.const 32 i32.const 77 i32.store8 0 0
           i32.const ${TEXT} i32.const ${name.length} i64.const ${offset} i32.const ${count} i32.const 32 call $read
           i32.const 16 i32.const 32 i32.const 12 memory.copy i32.const 16`,
  },
});

const sizing = (name: string): KernelParts => ({
  imports: [WORLD_IMPORTS.size],
  data: [textAt(name)],
  run: {
    code: `i32.const 32 i32.const 77 i32.store8 0 0
           i32.const ${TEXT} i32.const ${name.length} i32.const 32 call $size
           i32.const 32 i32.load8_u 0 0 if ${answer(1, 'i32.const 40 i32.load 2 0', 'i32.const 44 i32.load 2 0')} return end
           ${tell('i32.const 40 i32.load 2 0', 'i32.const 44 i32.load 2 0')}`,
  },
});

export const BLOBS: readonly Case[] = [
  ['from its start', '0', 10, BLOB.slice(0, 10)],
  ['from the middle', '500', 250, BLOB.slice(500, 750)],
  ['to its end exactly', '990', 10, BLOB.slice(990)],
  ['short at its end', '990', 11, BLOB.slice(990)],
  ['whole, however much is asked for', '0', -1, BLOB],
  ['nothing at its end', '1000', 5, new Uint8Array()],
  ['nothing where nothing is asked for', '3', 0, new Uint8Array()],
].map(([what, offset, count, done]) => ({
  name: `a blob is read ${what}`,
  kernel: reading(NAME, String(offset), Number(count)),
  given: withBlob,
  done: done as Uint8Array,
}));

const beyond = (offset: string) => `offset ${offset} is beyond the end of blob "${NAME}" (1000 bytes)`;

export const BLOB_ERRORS: readonly Case[] = [
  {
    name: 'the size of a blob is told',
    kernel: sizing(NAME),
    given: withBlob,
    tells: [1_000, 0],
  },
  {
    name: 'the size of an unknown blob is an error of the kernel',
    kernel: sizing('other'),
    given: withBlob,
    failed: 'ERR_EXIT',
    message: 'no blob named "other" was granted',
  },
  ...(['1001', '4294967296', '9007199254740993', '-1'] as const).map(
    (offset): Case => ({
      name: `reading at ${offset} is beyond the end`,
      kernel: reading(NAME, offset, 1),
      given: withBlob,
      failed: 'ERR_EXIT',
      message: beyond(offset === '-1' ? '18446744073709551615' : offset),
    }),
  ),
  ...(['other', '', 'constructor', '__proto__', 'toString', `${NAME}\0`] as const).map(
    (name): Case => ({
      name: `reading blob ${JSON.stringify(name)} that was not granted gives an error`,
      kernel: reading(name, '0', 1),
      given: withBlob,
      failed: 'ERR_EXIT',
      message: `no blob named "${name}" was granted`,
    }),
  ),
  {
    name: "names and errors are of the kernel's own encoding",
    kernel: reading('\u00e9', '0', 1, 'utf16'),
    given: withBlob,
    failed: 'ERR_EXIT',
    message: 'no blob named "\u00e9" was granted',
  },
];

/** Reads the clock three times and tells the nanoseconds (as i32s, which hold 2 s). */
export const CLOCK: KernelParts = {
  imports: [WORLD_IMPORTS.now],
  run: { code: tell('call $now i32.wrap_i64', 'call $now i32.wrap_i64', 'call $now i32.wrap_i64') },
};

/** Logs three lines, reads the clock twice, grows by two pages and answers with 5 bytes. */
export const BUSY = kernelOf({
  imports: [
    WORLD_IMPORTS.write,
    { ...WORLD_IMPORTS.write, module: 'lodger:kernel/log@0.1.7' },
    WORLD_IMPORTS.now,
    WORLD_IMPORTS.fill,
  ],
  data: [textAt('hello')],
  run: {
    code: `i32.const 1 i32.const ${TEXT} i32.const 5 call 0 i32.const 1 i32.const ${TEXT} i32.const 5 call 0
           i32.const 2 i32.const ${TEXT} i32.const 2 call 1
           call 2 drop call 2 drop
           i32.const 2 memory.grow drop
           ${answer(0, `i32.const ${TEXT}`, 'i32.const 5')}`,
  },
});
