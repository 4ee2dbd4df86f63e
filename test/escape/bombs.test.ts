// Bombs: guests that are small to send and large to keep, to compile or to start. All are refused before anything is compiled.
import { ADMISSION, type CeilingName } from '../../runtime/base/admission.ts';
import { BOMBS } from '../admit/bomb.ts';
import { WORLD_IMPORTS } from '../contract/case.ts';
import { type KernelParts, kernelOf } from '../wasm/kernel.ts';
import { type Hostile, hostiles } from './hostile.ts';

/** One more than the ceiling. */
const over = (name: CeilingName) => ADMISSION[name].default + 1;
const many = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));
const refused = { refused: 'ERR_KERNEL_CEILING', says: 'the ceiling is' } as const;

/** How many times each bomb's trouble is repeated: loops nested deeper are not even read. */
const timesOf = (name: string) => (name === 'nested loops' ? 8_000 : 200_000);

hostiles(
  'what is let through compiles within bounds',
  Object.entries(BOMBS).map(([name, bomb]): Hostile => {
    const functions = [{ type: 'i>i', ...bomb(2_000, timesOf(name)) }];
    return { name: `${name} over 2,000 locals`, guest: { types: ['i>i'], table: [1], functions }, ...refused };
  }),
);

const nothing = { type: '>', code: '' };
const bodyOf = (code: string): KernelParts => ({ functions: [{ type: '>', code }] });

/** Ceiling, and a guest that has one more than it. */
const LARGE: readonly (readonly [CeilingName, KernelParts])[] = [
  ['functions', { functions: many(over('functions'), () => nothing) }],
  ['types', { types: many(over('types'), (index) => [...index.toString(2)].map((bit) => 'iI'[Number(bit)]).join('')) }],
  ['locals', { functions: [{ type: '>', locals: [[over('locals'), 'i']], code: '' }] }],
  ['operands', bodyOf(`${'i32.const 0 '.repeat(over('operands'))} ${'drop '.repeat(over('operands'))}`)],
  ['nesting', bodyOf(`${'block '.repeat(over('nesting'))} ${'end '.repeat(over('nesting'))}`)],
  ['bodyBytes', bodyOf('nop '.repeat(over('bodyBytes')))],
  ['imports', { imports: many(over('imports'), () => WORLD_IMPORTS.fail) }],
  ['exports', { exports: many(over('exports'), (index) => ({ name: `e${index}`, kind: 0, index: 0 })) }],
  ['globals', { globals: many(over('globals'), () => ({ type: 'i', value: 'i32.const 0' })) }],
  ['elements', { table: [1], elements: [{ offset: 0, functions: many(over('elements'), () => 0) }] }],
  ['tableElements', { table: [over('tableElements')] }],
  ['customBytes', { customs: [{ name: 'x', bytes: new Uint8Array(ADMISSION.customBytes.default) }] }],
  ['memoryPagesMin', { memory: [over('memoryPagesMin'), 65_536] }],
];

hostiles(
  'everything is bounded before it runs',
  LARGE.map(
    ([name, guest]): Hostile => ({
      name: `too many ${ADMISSION[name].unit}`,
      guest,
      refused: 'ERR_KERNEL_CEILING',
      says: `(${name}:`,
    }),
  ),
);

const RUN_OF_LOCALS = 2 ** 32 - 1;

hostiles('no byte sequence is taken at its word', [
  {
    name: '4 billion locals in 6 bytes',
    guest: { functions: [{ type: '>', locals: [[RUN_OF_LOCALS, 'i']], code: '' }] },
    refused: 'ERR_KERNEL_CEILING',
    says: 'locals',
  },
  {
    name: 'locals whose number overflows 32 bits',
    guest: {
      functions: [
        {
          type: '>',
          locals: [
            [RUN_OF_LOCALS, 'i'],
            [RUN_OF_LOCALS, 'i'],
            [3, 'i'],
          ],
          code: '',
        },
      ],
    },
    refused: 'ERR_KERNEL_CEILING',
    says: 'kernel has 8589934593 locals in one function',
  },
  {
    name: 'a vector of 4 billion types in 5 bytes',
    guest: { raw: { 1: [0xff, 0xff, 0xff, 0xff, 0x0f] } },
    refused: 'ERR_KERNEL_MALFORMED',
    says: 'not a well-formed WebAssembly binary',
  },
  {
    name: 'a module that is larger than any',
    guest: new Uint8Array(over('moduleBytes')),
    refused: 'ERR_KERNEL_CEILING',
    says: '(moduleBytes:',
  },
  {
    name: 'more data segments than are read at all',
    guest: { data: many(over('dataSegments'), () => ({ offset: 0, bytes: [] })) },
    refused: 'ERR_KERNEL_CEILING',
    says: '(dataSegments:',
  },
  { name: 'nothing', guest: new Uint8Array(), refused: 'ERR_KERNEL_MALFORMED', says: 'not a well-formed' },
  {
    name: 'half of a kernel',
    guest: kernelOf().slice(0, 60),
    refused: 'ERR_KERNEL_MALFORMED',
    says: 'not a well-formed',
  },
]);
