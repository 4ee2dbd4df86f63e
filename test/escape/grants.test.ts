// Guests that turn what they were granted against the host: areas, names and calls at the wrong time, memory moved underfoot.
import { createHash } from 'node:crypto';
import { writeManifest } from '../../runtime/job/tree.ts';
import type { Grant } from '../../runtime/policy/grant.ts';
import { type Given, TEXT, tell, textAt, WORLD_IMPORTS } from '../contract/case.ts';
import { streamOf } from '../contract/random.ts';
import type { ImportPart } from '../wasm/build.ts';
import { answer, type KernelParts, RESULT } from '../wasm/kernel.ts';
import { type Hostile, hostiles } from './hostile.ts';

const BLOB = Uint8Array.of(11, 22, 33, 44);
const digest = createHash('sha256').update(BLOB).digest('hex');

/** A pinned folder with one file, `/b/b`. */
const MANIFEST = writeManifest([{ name: 'b', size: BLOB.length, digest }]);
const tree = `sha256:${createHash('sha256').update(MANIFEST).digest('hex')}`;

const ALL: Given = {
  grants: [
    ...[{ kind: 'log' }, { kind: 'random' }, { kind: 'clock' }, { kind: 'blobs', name: 'b', digest }],
    { kind: 'files', at: '/b', from: tree, mode: 'read' },
  ] as Grant[],
  blobs: { b: BLOB, [tree]: MANIFEST, [`sha256:${digest}`]: BLOB },
};
/** Where the path of that file lies. */
const PATH = TEXT + 64;
const NOTHING = answer(0, 'i32.const 0', 'i32.const 0');
const breach = (says: string) => ({ failed: 'ERR_ABI', says }) as const;

/** Calls the import once, with the name of the blob lying at TEXT. */
const calling = (part: ImportPart, args: string, more: KernelParts = {}): Pick<Hostile, 'guest' | 'given'> => ({
  guest: {
    imports: [part],
    data: [textAt('b', more.encoding === 'utf16' ? 'utf16' : 'utf8')],
    run: { code: `${args} call 0 ${NOTHING}` },
    ...more,
  },
  given: ALL,
});
const sizing = (pointer: number, length: number, area: number, more?: KernelParts) =>
  calling(WORLD_IMPORTS.size, `i32.const ${pointer} i32.const ${length} i32.const ${area}`, more);
const reading = (length: number, area: number, more?: KernelParts) =>
  calling(WORLD_IMPORTS.read, `i32.const ${TEXT} i32.const ${length} i64.const 0 i32.const -1 i32.const ${area}`, more);

hostiles('every pointer that a guest hands to an import is checked', [
  { name: 'a name outside the memory', ...sizing(65_536, 1, 32), ...breach('a string of 1 bytes at 65536') },
  { name: 'a name whose end wraps', ...sizing(-1, -1, 32), ...breach('a string of 4294967295 bytes at 4294967295') },
  {
    name: 'a name that is no UTF-8',
    ...sizing(TEXT, 1, 32, { data: [{ offset: TEXT, bytes: [0xff] }] }),
    ...breach('a string is not well-formed utf8'),
  },
  {
    name: 'a UTF-16 name at an odd place',
    ...sizing(TEXT + 1, 1, 32, { encoding: 'utf16' }),
    ...breach('aligned to 2'),
  },
  {
    name: 'a UTF-16 name of half a pair',
    ...sizing(TEXT, 1, 32, { encoding: 'utf16', data: [{ offset: TEXT, bytes: [0, 0xdc] }] }),
    ...breach('a string is not well-formed utf16'),
  },
  { name: 'an area for a size at 12', ...sizing(TEXT, 1, 12), ...breach('the result area at 12 is not aligned to 8') },
  { name: 'an area for a size half outside', ...sizing(TEXT, 1, 65_528), ...breach('of 16 bytes at 65528') },
  { name: 'an area for a size at the very end', ...sizing(TEXT, 1, 65_520), bytes: 0 },
  { name: 'an area for a piece at 14', ...reading(1, 14), ...breach('the result area at 14 is not aligned to 4') },
  { name: 'an area for a piece of ones', ...reading(1, -4), ...breach('of 12 bytes at 4294967292') },
  { name: 'an area for a piece at the very end', ...reading(1, 65_524), bytes: 0 },
  { name: 'an area for an error half outside', ...reading(0, 65_528), ...breach('of 12 bytes at 65528') },
]);

/** Whatever it is asked for, it grows the memory and gives the same place. */
const moving = { code: 'i32.const 1 memory.grow drop i32.const 4096' };
const [word = 0, next = 0] = new Int32Array(streamOf(0, 0, 8).buffer.slice(0, 8));

const filing = (args: string, part: ImportPart = WORLD_IMPORTS.fileRead): Pick<Hostile, 'guest' | 'given'> => ({
  guest: { imports: [part], data: [textAt('/b/b', 'utf8', PATH)], run: { code: `${args} call 0 ${NOTHING}` } },
  given: ALL,
});

hostiles('every pointer that a guest hands to files is checked', [
  {
    name: 'a path outside the memory',
    ...filing('i32.const 65536 i32.const 4 i64.const 0 i32.const 1 i32.const 32'),
    ...breach('a string of 4 bytes at 65536'),
  },
  {
    name: 'an area half outside',
    ...filing(`i32.const ${PATH} i32.const 4 i64.const 0 i32.const 1 i32.const 65528`),
    ...breach('of 12 bytes at 65528'),
  },
  {
    name: 'an area at the very end',
    ...filing(`i32.const ${PATH} i32.const 4 i64.const 0 i32.const 1 i32.const 65524`),
    bytes: 0,
  },
  {
    name: 'bytes to write that are not there',
    ...filing(
      `i32.const ${PATH} i32.const 4 i64.const 0 i32.const -16 i32.const 32 i32.const 32`,
      WORLD_IMPORTS.fileWrite,
    ),
    ...breach('a list of 32 bytes at 4294967280'),
  },
  {
    name: 'names over their own result area',
    guest: {
      imports: [WORLD_IMPORTS.fileNames],
      data: [textAt('/b', 'utf8', PATH)],
      realloc: { code: 'i32.const 32' },
      run: {
        code: `i32.const ${PATH} i32.const 2 i32.const 32 call 0 ${tell('i32.const 36 i32.load 2 0', 'i32.const 40 i32.load 2 0')}`,
      },
    },
    given: ALL,
    tells: [32, 1],
  },
]);

hostiles('memory that moves during a call is written where it is then', [
  {
    name: 'under a piece of a file',
    guest: {
      imports: [WORLD_IMPORTS.fileRead],
      data: [textAt('/b/b', 'utf8', PATH)],
      realloc: moving,
      run: {
        code: `i32.const ${PATH} i32.const 4 i64.const 1 i32.const 9 i32.const 32 call 0
               ${tell('i32.const 36 i32.load 2 0', 'i32.const 40 i32.load 2 0', 'i32.const 4096 i32.load 2 0')}`,
      },
    },
    given: ALL,
    tells: [4_096, 3, 0x2c_2116],
  },
  {
    name: 'under random bytes',
    guest: {
      imports: [WORLD_IMPORTS.fill],
      realloc: moving,
      run: {
        code: `i32.const 8 i32.const 32 call $fill
               ${tell('i32.const 32 i32.load 2 0', 'i32.const 4096 i32.load 2 0', 'i32.const 4100 i32.load 2 0', 'memory.size')}`,
      },
    },
    given: ALL,
    tells: [4_096, word, next, 3],
  },
  {
    name: 'under a piece of a blob',
    guest: {
      imports: [WORLD_IMPORTS.read],
      data: [textAt('b')],
      realloc: moving,
      run: {
        code: `i32.const ${TEXT} i32.const 1 i64.const 1 i32.const 9 i32.const 32 call $read
               ${tell('i32.const 36 i32.load 2 0', 'i32.const 40 i32.load 2 0', 'i32.const 4096 i32.load 2 0')}`,
      },
    },
    given: ALL,
    tells: [4_096, 3, 0x2c_2116],
  },
  {
    name: 'under an error message',
    guest: {
      imports: [WORLD_IMPORTS.size],
      realloc: moving,
      run: {
        code: `i32.const ${TEXT} i32.const 0 i32.const 32 call $size
               ${tell('i32.const 32 i32.load8_u 0 0', 'i32.const 40 i32.load 2 0', 'i32.const 4096 i32.load8_u 0 0')}`,
      },
    },
    given: ALL,
    tells: [1, 4_096, 'n'.charCodeAt(0)],
  },
  {
    name: 'random bytes over their own result area',
    guest: {
      imports: [WORLD_IMPORTS.fill],
      realloc: { code: 'i32.const 32' },
      run: {
        code: `i32.const 8 i32.const 32 call $fill ${tell('i32.const 32 i32.load 2 0', 'i32.const 36 i32.load 2 0')}`,
      },
    },
    given: ALL,
    tells: [32, 8],
  },
]);

/** Every import, called with nothing much. */
const IMPORTS: readonly (readonly [ImportPart, string])[] = [
  [WORLD_IMPORTS.write, `i32.const 1 i32.const ${TEXT} i32.const 1 call 0`],
  [WORLD_IMPORTS.fill, 'i32.const 4 i32.const 32 call 0'],
  [WORLD_IMPORTS.now, 'call 0 drop'],
  [WORLD_IMPORTS.size, `i32.const ${TEXT} i32.const 1 i32.const 32 call 0`],
  [WORLD_IMPORTS.read, `i32.const ${TEXT} i32.const 1 i64.const 0 i32.const 4 i32.const 32 call 0`],
  [WORLD_IMPORTS.fileSize, `i32.const ${PATH} i32.const 4 i32.const 32 call 0`],
  [WORLD_IMPORTS.fileRead, `i32.const ${PATH} i32.const 4 i64.const 0 i32.const 4 i32.const 32 call 0`],
  [WORLD_IMPORTS.fileWrite, `i32.const ${PATH} i32.const 4 i64.const 0 i32.const 0 i32.const 4 i32.const 32 call 0`],
  [WORLD_IMPORTS.fileNames, `i32.const ${PATH} i32.const 2 i32.const 32 call 0`],
];
const NO_LEAVE = breach('an import was called from cabi_realloc or a cabi_post_ function');

hostiles('no import is called while the host waits for cabi_realloc or cabi_post_', [
  ...IMPORTS.map(
    ([part, call]): Hostile => ({
      name: `${part.name} from cabi_realloc`,
      guest: { imports: [part], realloc: { code: `${call} i32.const 4096` } },
      given: ALL,
      ...NO_LEAVE,
    }),
  ),
  {
    name: 'random.fill from the cabi_realloc that it called itself',
    guest: {
      imports: [WORLD_IMPORTS.fill],
      realloc: { code: 'local.get 3 i32.const 7 i32.eq if i32.const 7 i32.const 32 call $fill end i32.const 4096' },
      run: { code: `i32.const 7 i32.const 32 call $fill ${NOTHING}` },
    },
    given: ALL,
    ...NO_LEAVE,
  },
  {
    name: 'from a cabi_realloc that the guest calls itself, which is its own affair',
    guest: {
      imports: [WORLD_IMPORTS.now],
      globals: [{ type: 'i', mutable: true, value: 'i32.const 0' }],
      realloc: { code: 'global.get 1 if call $now drop end i32.const 4096' },
      run: {
        code: `i32.const 1 global.set 1 i32.const 0 i32.const 0 i32.const 1 i32.const 1 call $cabi_realloc drop
               i32.const 0 global.set 1 ${NOTHING}`,
      },
    },
    given: ALL,
    bytes: 0,
  },
]);

/** Frames of many sizes, so that the stack ends at many places in the host's own functions. */
const FRAMES = [0, 1, 5, 10, 20, 40, 80, 160];

hostiles(
  'a stack that ends inside the host is the failure of the guest',
  IMPORTS.flatMap(([part, call]) =>
    FRAMES.map(
      (locals): Hostile => ({
        name: `${part.name} at every depth, ${locals} locals a frame`,
        guest: {
          imports: [part],
          data: [textAt('b'), textAt('/b/b', 'utf8', PATH)],
          realloc: { code: 'i32.const 4096' },
          run: {
            locals: [[locals + 1, 'I']],
            code: `${call} local.get 0 local.get 1 call $run i64.const 1 local.set ${locals + 2}`,
          },
        },
        given: { ...ALL, limits: { logLinesMax: 10 } },
        failed: 'ERR_STACK_SPENT',
        says: 'the kernel recursed too deeply',
      }),
    ),
  ),
);

hostiles('an instance that broke a rule is ended', [
  {
    name: 'a tag of 2 on the second call of a stepper',
    guest: {
      run: null,
      functions: [
        { type: 'ii>i', export: 'begin', code: NOTHING },
        { type: '>i', export: 'step', code: `i32.const ${RESULT} i32.const 2 i32.store8 0 0 i32.const ${RESULT}` },
        { type: '>i', export: 'finish', code: 'unreachable' },
      ],
    },
    ...breach("the result's tag is 2, not 0 or 1"),
  },
]);
