// Hostile guests that ask for what is not theirs: imports of everything, and exports that pretend.

import { tell, WORLD_IMPORTS } from '../contract/case.ts';
import { type ImportPart, moduleOf } from '../wasm/build.ts';
import { kernelOf } from '../wasm/kernel.ts';
import { type End, type Hostile, hostiles } from './hostile.ts';

const INTERFACE = 'ERR_KERNEL_INTERFACE';

const wanting = (
  part: ImportPart,
  says: string,
  refused: 'ERR_KERNEL_INTERFACE' | 'ERR_KERNEL_FEATURE' = INTERFACE,
): Hostile => ({
  name: `imports ${'type' in part ? 'the function' : 'table' in part ? 'the table' : 'memory' in part ? 'the memory' : 'the global'} ${JSON.stringify(part.name)} of ${JSON.stringify(part.module)}`,
  // A kernel that imports a memory has none of its own: two would be refused for their number already.
  guest: { imports: [part], ...('memory' in part && { raw: { 5: [0] } }) },
  refused,
  says,
});

const exit = 'lodger:kernel/exit@0.1.0';

hostiles('a kernel reaches nothing that was not granted', [
  wanting({ module: 'wasi_snapshot_preview1', name: 'fd_write', type: 'iiii>i' }, 'there is no system interface here'),
  wanting(
    { module: 'wasi:cli/environment@0.2.0', name: 'get-environment', type: 'i>' },
    'there is no system interface here',
  ),
  wanting({ module: 'wasi_unstable', name: 'proc_exit', type: 'i>' }, 'there is no system interface here'),
  wanting({ module: 'env', name: 'emscripten_run_script', type: 'i>' }, 'nothing is called "env" here'),
  wanting({ module: 'env', name: 'abort', type: 'iiii>' }, 'which turns abort into exit.fail'),
  wanting({ module: 'env', name: 'memory', memory: [1] }, 'nothing is called "env" here'),
  wanting(
    { module: 'wasm:js-string', name: 'fromCharCode', type: 'i>i' },
    'only interfaces of lodger:kernel are given',
  ),
  wanting({ module: 'lodger:host', name: 'memory', memory: [1] }, 'reserved for the host'),
  wanting({ module: 'lodger:host', name: 'fuel', type: '>' }, 'reserved for the host'),
  wanting({ module: 'lodger:host2', name: 'anything', type: '>' }, 'reserved for the host'),
  wanting({ module: '', name: '', type: '>' }, 'only interfaces of lodger:kernel are given'),
  wanting({ module: '__proto__', name: 'toString', type: '>i' }, 'only interfaces of lodger:kernel are given'),
  wanting({ module: 'constructor', name: 'constructor', type: 'i>i' }, 'only interfaces of lodger:kernel are given'),
  wanting({ module: 'toString', name: 'call', type: '>' }, 'only interfaces of lodger:kernel are given'),
  wanting({ module: 'cm32p2|lodger:kernel/exit@0.1', name: 'fail', type: 'ii>' }, 'build with legacy name mangling'),
  ...['0.2.0', '1.1.0', '0.1', '0.1.', '0.1.01', '0.1.0-rc', '0.1.0 ', '0.1.9999999999', ''].map((version) =>
    wanting(
      { module: `lodger:kernel/exit@${version}`, name: 'fail', type: 'ii>' },
      'this version of the interface is not known',
    ),
  ),
  wanting({ module: 'lodger:kernel/exit', name: 'fail', type: 'ii>' }, 'this version of the interface is not known'),
  wanting({ module: 'lodger:kernel/sockets@0.1.0', name: 'open', type: 'ii>i' }, 'there is no interface "sockets"'),
  wanting(
    { module: 'lodger:kernel/constructor@0.1.0', name: 'name', type: '>' },
    'there is no interface "constructor"',
  ),
  wanting({ module: exit, name: 'exec', type: 'ii>' }, 'the interface has fail only'),
  wanting({ module: exit, name: 'constructor', type: 'ii>' }, 'the interface has fail only'),
  wanting({ module: exit, name: '__proto__', type: 'ii>' }, 'the interface has fail only'),
  wanting({ module: exit, name: 'toString', type: '>i' }, 'the interface has fail only'),
  wanting({ module: exit, name: 'fail\0', type: 'ii>' }, 'the interface has fail only'),
  wanting({ module: exit, name: 'fail', type: 'ii>i' }, 'it must be (i32, i32) -> (), not (i32, i32) -> i32'),
  wanting({ module: exit, name: 'fail', type: '>' }, 'it must be (i32, i32) -> ()'),
  wanting({ module: exit, name: 'fail', type: 'II>' }, 'it must be (i32, i32) -> ()'),
  wanting({ module: exit, name: 'fail', memory: [1] }, 'a memory cannot be imported'),
  wanting({ module: exit, name: 'fail', table: [1] }, 'a table cannot be imported'),
  wanting({ module: exit, name: 'fail', global: 'i' }, 'a global cannot be imported'),
  wanting({ module: exit, name: 'fail', global: 'i', mutable: true }, 'a global cannot be imported'),
]);

const ungranted = (part: ImportPart, grant: string): Hostile => ({
  ...wanting(part, `${part.module} ${part.name}", which no grant covers: grant "${grant}`),
  refused: 'ERR_GRANT_MISSING',
});

hostiles('what is granted is granted by name only', [
  ungranted(WORLD_IMPORTS.write, 'log'),
  ungranted(WORLD_IMPORTS.fill, 'random'),
  ungranted(WORLD_IMPORTS.now, 'clock'),
  ungranted(WORLD_IMPORTS.read, 'blobs:NAME=FILE'),
  ungranted({ module: 'lodger:kernel/files@0.1.0', name: 'read', type: 'iiIii>' }, 'files:/PATH=FOLDER:read'),
  ungranted({ module: 'lodger:kernel/http@0.1.0', name: 'request', type: 'iiiiiii>' }, 'http:ORIGIN:GET'),
  {
    name: 'another grant does not cover an import',
    guest: { imports: [WORLD_IMPORTS.fill] },
    given: { grants: [{ kind: 'log' }, { kind: 'clock' }] },
    refused: 'ERR_GRANT_MISSING',
    says: 'lodger:kernel/random@0.1.0 fill',
  },
]);

/** A function that nobody needs, exported under a name. */
const extra = (name: string) => ({ type: '>', export: name, code: 'unreachable' });

const NO_END: End = { bytes: 0 };

hostiles('an export is what it claims to be', [
  ...['__proto__', 'constructor', 'then', 'toString', 'valueOf', 'toJSON', 'Symbol.iterator', ''].map(
    (name): Hostile => ({
      name: `exports a function as ${JSON.stringify(name)}`,
      guest: { functions: [extra(name)] },
      ...NO_END,
    }),
  ),
  {
    name: 'exports an imported function as run',
    guest: { imports: [WORLD_IMPORTS.fail], run: null, exports: [{ name: 'run', kind: 0, index: 0 }] },
    refused: INTERFACE,
    says: 'the export "run" must be (i32, i32) -> i32, not (i32, i32) -> ()',
  },
  {
    name: 'exports an imported function as _initialize',
    guest: {
      imports: [WORLD_IMPORTS.now],
      exports: [{ name: '_initialize', kind: 0, index: 0 }],
    },
    given: { grants: [{ kind: 'clock' }] },
    refused: INTERFACE,
    says: 'the export "_initialize" must be () -> (), not () -> i64',
  },
  {
    name: 'exports an imported function under a name of its own',
    guest: { imports: [WORLD_IMPORTS.fail], exports: [{ name: 'leak', kind: 0, index: 0 }] },
    ...NO_END,
  },
  {
    name: 'exports run as a global',
    guest: { run: null, exports: [{ name: 'run', kind: 3, index: 0 }] },
    refused: INTERFACE,
    says: 'the export "run" must be a function',
  },
  {
    name: 'exports run as its memory',
    guest: { run: null, exports: [{ name: 'run', kind: 2, index: 0 }] },
    refused: INTERFACE,
    says: 'the export "run" must be a function',
  },
  {
    name: 'exports a function as its memory',
    guest: moduleOf({
      memory: [1],
      functions: [
        { type: 'ii>i', export: 'run', code: 'i32.const 0' },
        { type: 'iiii>i', export: 'cabi_realloc', code: 'i32.const 0' },
        extra('memory'),
      ],
    }),
    refused: INTERFACE,
    says: 'it does not export its memory as "memory"',
  },
  {
    name: 'exports run twice',
    guest: { exports: [{ name: 'run', kind: 0, index: 1 }] },
    refused: 'ERR_KERNEL_MALFORMED',
    says: 'run',
  },
  {
    name: 'exports one function as run and as cabi_realloc',
    guest: { realloc: null, exports: [{ name: 'cabi_realloc', kind: 0, index: 0 }] },
    refused: INTERFACE,
    says: 'the export "cabi_realloc" must be (i32, i32, i32, i32) -> i32',
  },
  {
    name: 'exports one function under several names, cabi_post_run among them',
    guest: {
      globals: [{ type: 'i', mutable: true, value: 'i32.const 0' }],
      functions: [{ type: 'i>', name: 'tidy', code: 'global.get 1 i32.const 1 i32.add global.set 1' }],
      exports: ['cabi_post_run', 'tidy', 'again'].map((name) => ({ name, kind: 0, index: 2 })),
      run: { code: tell('global.get 1') },
    },
    tells: [0],
  },
  {
    name: 'exports _initialize that takes something',
    guest: { functions: [{ type: 'i>', export: '_initialize', code: '' }] },
    refused: INTERFACE,
    says: 'the export "_initialize" must be () -> ()',
  },
  {
    name: 'exports cabi_post_run that gives something',
    guest: { functions: [{ type: 'i>i', export: 'cabi_post_run', code: 'i32.const 0' }] },
    refused: INTERFACE,
    says: 'the export "cabi_post_run" must be (i32) -> ()',
  },
  {
    name: 'is a kernel and a stepper at once',
    guest: { functions: [{ type: '>i', export: 'step', code: 'i32.const 0' }] },
    refused: INTERFACE,
    says: 'it can be one of them',
  },
  {
    name: 'runs code before it is called, by a start section',
    guest: { functions: [{ type: '>', name: 'begin', code: '' }], start: 2 },
    refused: 'ERR_KERNEL_FEATURE',
    says: 'a start section',
  },
]);

/** The bytes of a kernel with one byte of the given text broken, so that it is no UTF-8 any more. */
function broken(kernel: Uint8Array<ArrayBuffer>, text: string): Uint8Array<ArrayBuffer> {
  const at = Buffer.from(kernel).indexOf(text);
  if (at < 0) throw new Error(`there is no "${text}" in the kernel`);
  const copy = kernel.slice();
  copy[at] = 0xff;
  return copy;
}

hostiles('names are UTF-8', [
  {
    name: 'an import module is not',
    guest: broken(kernelOf({ imports: [WORLD_IMPORTS.fail] }), 'lodger:kernel'),
    refused: 'ERR_KERNEL_MALFORMED',
    says: 'UTF-8',
  },
  {
    name: 'an import name is not',
    guest: broken(kernelOf({ imports: [WORLD_IMPORTS.fail] }), 'fail'),
    refused: 'ERR_KERNEL_MALFORMED',
    says: 'UTF-8',
  },
  {
    name: 'an export name is not',
    guest: broken(kernelOf(), 'cabi_realloc'),
    refused: 'ERR_KERNEL_MALFORMED',
    says: 'UTF-8',
  },
  {
    name: 'the name of a custom section is not',
    guest: broken(kernelOf({ customs: [{ name: 'strange', bytes: [1] }] }), 'strange'),
    refused: 'ERR_KERNEL_MALFORMED',
    says: 'UTF-8',
  },
]);
