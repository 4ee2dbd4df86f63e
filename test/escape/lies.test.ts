// Guests that lie about where things are, what they are and how long they are: nothing a guest hands out is believed.
import { Writer } from '../../runtime/wasm/writer.ts';
import { TEXT, tell, textAt, WORLD_IMPORTS } from '../contract/case.ts';
import { asm } from '../wasm/asm.ts';
import { answer, RESULT } from '../wasm/kernel.ts';
import { type Hostile, hostiles } from './hostile.ts';

const INPUT = Uint8Array.of(9, 9, 9, 9, 9);
const LOG = { grants: [{ kind: 'log' as const }] };
const RANDOM = { grants: [{ kind: 'random' as const }] };

/** SHA-256 of nothing. */
const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

const breach = (says: string) => ({ failed: 'ERR_ABI', says }) as const;
const ends = (code: string) => ({ run: { code } });

hostiles('a result area lies inside the memory', [
  { name: 'unaligned', guest: ends('i32.const 17'), ...breach('the result area at 17 is not aligned to 4') },
  { name: 'at the end of 32 bits', guest: ends('i32.const -4'), ...breach('at 4294967292 lies outside the memory') },
  { name: 'half outside', guest: ends('i32.const 65528'), ...breach('of 12 bytes at 65528 lies outside the memory') },
  { name: 'at the very end, which is allowed', guest: ends('i32.const 65524'), bytes: 0 },
]);

hostiles(
  'an output lies inside the memory',
  [
    ['a pointer of ones', '-1', '1'],
    ['a pointer and a length whose sum wraps', '-1', '2'],
    ['a length of ones', '0', '-1'],
    ['one byte past the end', '65536', '1'],
    ['nothing, but far outside', '-1', '0'],
  ].map(
    ([name = '', pointer, length]): Hostile => ({
      name,
      guest: ends(answer(0, `i32.const ${pointer}`, `i32.const ${length}`)),
      ...breach('lies outside the memory'),
    }),
  ),
);

hostiles('an output lies inside the memory, to its end', [
  { name: 'the last byte', guest: ends(answer(0, 'i32.const 65535', 'i32.const 1')), bytes: 1 },
  { name: 'nothing at the end', guest: ends(answer(0, 'i32.const 65536', 'i32.const 0')), bytes: 0 },
  {
    name: 'more than the task may give',
    guest: {},
    given: { input: INPUT, limits: { outputBytesMax: 4 } },
    failed: 'ERR_OUTPUT_TOO_LARGE',
    says: 'output of 5 bytes exceeds outputBytesMax of 4',
  },
]);

const tag = (value: number) => ends(`i32.const ${RESULT} i32.const ${value} i32.store8 0 0 i32.const ${RESULT}`);
const error = (pointer: string, length: string) => ends(answer(1, `i32.const ${pointer}`, `i32.const ${length}`));
const at = (bytes: readonly number[]) => ({ data: [{ offset: TEXT, bytes }] });

hostiles('tags and texts are what they must be', [
  { name: 'a tag of 2', guest: tag(2), ...breach("the result's tag is 2, not 0 or 1") },
  { name: 'a tag of 255', guest: tag(255), ...breach("the result's tag is 255, not 0 or 1") },
  { name: 'a message outside the memory', guest: error('65530', '7'), ...breach('a string of 7 bytes at 65530') },
  { name: 'a message that is no UTF-8', guest: { ...error('512', '2'), ...at([0xc3, 0x28]) }, ...breach('utf8') },
  { name: 'an overlong UTF-8', guest: { ...error('512', '2'), ...at([0xc0, 0x80]) }, ...breach('utf8') },
  { name: 'a surrogate in UTF-8', guest: { ...error('512', '3'), ...at([0xed, 0xa0, 0x80]) }, ...breach('utf8') },
  {
    name: 'UTF-16 at an odd place',
    guest: { ...error('513', '1'), encoding: 'utf16' },
    ...breach('a string at 513 is not aligned to 2'),
  },
  {
    name: 'half a surrogate pair',
    guest: { ...error('512', '1'), ...at([0x00, 0xd8]), encoding: 'utf16' },
    ...breach('a string is not well-formed utf16'),
  },
  {
    name: 'a length in code units that doubles past the end',
    guest: { ...error('0', '40000'), encoding: 'utf16' },
    ...breach('a string of 80000 bytes'),
  },
  {
    name: 'a message of megabytes, which is cut',
    guest: { ...error('65536', '2000000'), memory: [64, 64] },
    failed: 'ERR_EXIT',
    says: '... (2000000 bytes)',
  },
  {
    name: 'a message of megabytes through exit.fail, which is cut',
    guest: {
      imports: [WORLD_IMPORTS.fail],
      ...ends('i32.const 0 i32.const 3000000 call $fail i32.const 0'),
      memory: [64, 64],
    },
    failed: 'ERR_EXIT',
    says: '... (3000000 bytes)',
  },
]);

const logging = (level: number, pointer: number, length: number) => ({
  imports: [WORLD_IMPORTS.write],
  ...ends(
    `i32.const ${level} i32.const ${pointer} i32.const ${length} call $write ${answer(0, 'i32.const 0', 'i32.const 0')}`,
  ),
});
const filling = (length: number, area: number) => ({
  imports: [WORLD_IMPORTS.fill],
  ...ends(`i32.const ${length} i32.const ${area} call $fill ${answer(0, 'i32.const 0', 'i32.const 0')}`),
});

hostiles('arguments of imports are checked', [
  { name: 'a log level of 4', guest: logging(4, 512, 1), given: LOG, ...breach('log level 4 is not one of 0 to 3') },
  { name: 'a log level of ones', guest: logging(-1, 512, 1), given: LOG, ...breach('log level 4294967295') },
  { name: 'a log line outside the memory', guest: logging(1, -1, 2), given: LOG, ...breach('lies outside the memory') },
  {
    name: 'a log line of ones, longer than any ceiling',
    guest: logging(1, 0, -1),
    given: LOG,
    ...breach('a string of 4294967295 bytes'),
  },
  { name: 'random bytes to an odd area', guest: filling(4, 18), given: RANDOM, ...breach('not aligned to 4') },
  { name: 'random bytes to an area outside', guest: filling(4, 65532), given: RANDOM, ...breach('lies outside') },
  {
    name: '4 GiB of random bytes into room that it only claims to have',
    guest: { ...filling(-1, 16), realloc: { code: 'i32.const 1024' } },
    given: RANDOM,
    ...breach('what cabi_realloc gave of 4294967295 bytes at 1024 lies outside the memory'),
  },
]);

const realloc = (code: string) => ({ realloc: { code } });
const given = { input: INPUT };

hostiles('cabi_realloc is not believed', [
  { name: 'it points outside', guest: realloc('i32.const -1'), given, ...breach('what cabi_realloc gave') },
  { name: 'it points at the last byte', guest: realloc('i32.const 65535'), given, ...breach('what cabi_realloc gave') },
  { name: 'it points into the result area', guest: realloc(`i32.const ${RESULT}`), given, bytes: 5 },
  { name: 'it always gives 0', guest: realloc('i32.const 0'), given, bytes: 5 },
  {
    name: 'it moves the memory each time',
    guest: realloc('i32.const 1 memory.grow drop i32.const 2048'),
    given,
    bytes: 5,
  },
  { name: 'it traps', guest: realloc('unreachable'), given, failed: 'ERR_TRAP', says: 'unreachable executed' },
  {
    name: 'it gives an odd place for UTF-16',
    guest: {
      imports: [WORLD_IMPORTS.size],
      encoding: 'utf16',
      ...realloc('i32.const 1025'),
      ...ends(`i32.const 512 i32.const 0 i32.const 32 call $size ${answer(0, 'i32.const 0', 'i32.const 0')}`),
    },
    given: { grants: [{ kind: 'blobs', name: 'x', digest: EMPTY }], blobs: { x: new Uint8Array() } },
    ...breach('what cabi_realloc gave at 1025 is not aligned to 2'),
  },
  {
    name: 'it calls an import',
    guest: {
      imports: [WORLD_IMPORTS.write],
      ...realloc('i32.const 1 i32.const 512 i32.const 1 call $write i32.const 1024'),
    },
    given: { ...given, ...LOG },
    ...breach('an import was called from cabi_realloc or a cabi_post_ function'),
  },
  {
    name: 'it fails the task, which it may',
    guest: {
      imports: [WORLD_IMPORTS.fail],
      ...realloc(`i32.const ${TEXT} i32.const 4 call $fail i32.const 0`),
      data: [textAt('full')],
    },
    given,
    failed: 'ERR_EXIT',
    says: 'full',
  },
  {
    name: 'cabi_post_run calls an import',
    guest: {
      imports: [WORLD_IMPORTS.write],
      functions: [{ type: 'i>', export: 'cabi_post_run', code: 'i32.const 1 i32.const 512 i32.const 1 call $write' }],
    },
    given: LOG,
    ...breach('an import was called from cabi_realloc or a cabi_post_ function'),
  },
]);

/** A stepper whose `step` gives what this code leaves as an f64. */
const stepping = (share: string, area = 16) => ({
  run: null,
  functions: [
    { type: 'ii>i', export: 'begin', code: 'i32.const 16' },
    { type: '>i', export: 'step', code: `i32.const 16 ${share} f64.store 3 8 i32.const ${area}` },
    { type: '>i', export: 'finish', code: 'i32.const 64' },
  ],
});
const whole = (value: number) => `i32.const ${value} f64.convert_i32_s`;

hostiles('the share of a step is from 0 to 1', [
  { name: 'minus 1', guest: stepping(whole(-1)), ...breach('step gave a share of -1') },
  { name: '2', guest: stepping(whole(2)), ...breach('step gave a share of 2') },
  { name: 'no number', guest: stepping(`${whole(0)} ${whole(0)} f64.div`), ...breach('step gave a share of NaN') },
  { name: 'endless', guest: stepping(`${whole(1)} ${whole(0)} f64.div`), ...breach('step gave a share of Infinity') },
  {
    name: 'at a place for an f32',
    guest: stepping(whole(1), 20),
    ...breach('the result area at 20 is not aligned to 8'),
  },
  { name: '1, which ends it', guest: stepping(whole(1)), bytes: 0 },
]);

const nested = (instruction: readonly number[]) =>
  new Writer().raw(instruction).raw(asm('i32.const 16')).byte(0x0b).take();

hostiles('a guest uses what it was given, and no more', [
  {
    name: 'memory beyond its limit',
    guest: ends(tell('i32.const 1 memory.grow', 'i32.const 1 memory.grow', 'i32.const -1 memory.grow', 'memory.size')),
    given: { limits: { memoryBytesMax: 2 * 65_536 } },
    tells: [1, -1, -1, 2],
  },
  {
    name: 'memory beyond its own maximum',
    guest: { ...ends(tell('i32.const 2 memory.grow', 'i32.const 1 memory.grow', 'memory.size')), memory: [1, 2] },
    tells: [-1, 1, 2],
  },
  {
    name: 'memory, page by page, for as long as there is some',
    guest: {
      run: { code: `loop i32.const 1 memory.grow i32.const -1 i32.ne br_if 0 end ${tell('memory.size')}` },
      memory: [1],
    },
    given: { limits: { memoryBytesMax: 64 << 20 } },
    tells: [1024],
  },
  { name: 'a table of a million', guest: { table: [1_000_000] }, refused: 'ERR_KERNEL_CEILING', says: 'tableElements' },
  {
    name: 'a table beyond its end',
    guest: { types: ['>i'], table: [1], ...ends('i32.const 5 call_indirect 0') },
    failed: 'ERR_TRAP',
    says: 'table index out of bounds',
  },
  {
    name: 'a hole in a table',
    guest: { types: ['>i'], table: [1], ...ends('i32.const 0 call_indirect 0') },
    failed: 'ERR_TRAP',
    says: 'indirect call to a missing or wrongly typed function',
  },
  {
    name: 'a table, to make it larger',
    guest: { table: [1], run: { code: nested([0xd0, 0x70, 0x41, 0x01, 0xfc, 0x0f, 0x00, 0x1a]) } },
    refused: 'ERR_KERNEL_FEATURE',
    says: 'not admitted',
  },
  {
    name: 'a table, to change what is called',
    guest: { table: [1], run: { code: nested([0x41, 0x00, 0xd0, 0x70, 0x26, 0x00]) } },
    refused: 'ERR_KERNEL_FEATURE',
    says: 'not admitted',
  },
  {
    name: 'data outside its memory',
    guest: { data: [{ offset: 65_535, bytes: [1, 2] }] },
    failed: 'ERR_TRAP',
    says: 'memory access out of bounds',
  },
  {
    name: 'the stack',
    guest: ends('local.get 0 local.get 1 call $run'),
    failed: 'ERR_STACK_SPENT',
    says: 'too deeply',
  },
  {
    name: 'the stack, two functions in turn',
    guest: {
      ...ends('local.get 0 local.get 1 call $other'),
      functions: [{ type: 'ii>i', name: 'other', code: 'local.get 0 local.get 1 call $run' }],
    },
    failed: 'ERR_STACK_SPENT',
    says: 'too deeply',
  },
  {
    name: 'the stack, in cabi_realloc',
    guest: realloc('local.get 0 local.get 1 local.get 2 local.get 3 call $cabi_realloc'),
    given,
    failed: 'ERR_STACK_SPENT',
    says: 'too deeply',
  },
  {
    name: 'the stack, in _initialize',
    guest: { functions: [{ type: '>', export: '_initialize', code: 'call $_initialize' }] },
    failed: 'ERR_STACK_SPENT',
    says: 'too deeply',
  },
]);
