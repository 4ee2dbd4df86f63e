// Contract: how a kernel is called, and how it answers or says that it failed.
import { answer, RESULT } from '../wasm/kernel.ts';
import { type Case, TEXT, tell, textAt, WORLD_IMPORTS } from './case.ts';

const bytes = (length: number) => Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8)) & 255);

const LONG = 'x'.repeat(9_000);
const CUT = `${'x'.repeat(8_192)}... (9000 bytes)`;

/** Outputs for inputs of many sizes: around pages, powers of two, and nothing at all. */
export const ECHOES: readonly Case[] = [
  0, 1, 2, 63, 64, 65, 4_095, 64_511, 64_512, 65_535, 65_536, 65_537, 900_000,
].map((length) => ({
  name: `an input of ${length} bytes comes back as it was`,
  kernel: {},
  given: { input: bytes(length) },
  done: bytes(length),
}));

const initialized = { type: 'i', mutable: true, value: 'i32.const 5' } as const;

/** Writes a stepper's share at RESULT. */
const share = (value: string) =>
  `i32.const ${RESULT} i32.const 0 i32.store8 0 0 i32.const ${RESULT} ${value} f64.store 3 8 i32.const ${RESULT}`;

/** A stepper that is asked four times: shares 0.25, 0.5, 0.75, 1. Global 1 counts steps, global 2 holds the input's length. */
const stepper = (finish: string) => ({
  run: null,
  globals: [
    { type: 'i', mutable: true, value: 'i32.const 0' },
    { type: 'i', mutable: true, value: 'i32.const 0' },
  ],
  functions: [
    {
      type: 'ii>i',
      export: 'begin',
      code: `local.get 1 global.set 2 ${answer(0, 'i32.const 0', 'i32.const 0')}`,
    },
    {
      type: '>i',
      export: 'step',
      code: `global.get 1 i32.const 1 i32.add global.set 1
             ${share('global.get 1 f64.convert_i32_s f64.const 0.25 f64.mul')}`,
    },
    { type: '>i', export: 'finish', code: finish },
  ],
});

export const CALLS: readonly Case[] = [
  {
    name: '_initialize runs once, before run',
    kernel: {
      globals: [initialized],
      functions: [{ type: '>', export: '_initialize', code: 'global.get 1 i32.const 2 i32.mul global.set 1' }],
      run: { code: tell('global.get 1') },
    },
    tells: [10],
  },
  {
    name: '_initialize may call imports',
    kernel: {
      imports: [WORLD_IMPORTS.fail],
      data: [textAt('not today')],
      functions: [{ type: '>', export: '_initialize', code: `i32.const ${TEXT} i32.const 9 call $fail` }],
    },
    failed: 'ERR_EXIT',
    message: 'not today',
  },
  {
    name: 'cabi_post_run is called with the result',
    kernel: {
      functions: [
        {
          type: 'i>',
          export: 'cabi_post_run',
          code: `local.get 0 i32.const ${RESULT} i32.eq if unreachable end`,
        },
      ],
    },
    failed: 'ERR_TRAP',
    message: 'trap: unreachable executed',
  },
  {
    name: 'what cabi_post_run does to the output is too late',
    kernel: {
      functions: [
        { type: 'i>', export: 'cabi_post_run', code: 'i32.const 0 i32.const 255 i32.const 65536 memory.fill' },
      ],
    },
    given: { input: bytes(100) },
    done: bytes(100),
  },
  {
    name: 'a stepper steps until its share is 1, then finishes',
    kernel: stepper(tell('global.get 1', 'global.get 2')),
    given: { input: bytes(77) },
    tells: [4, 77],
  },
  ...['begin', 'step', 'finish'].map(
    (name): Case => ({
      name: `cabi_post_${name} of a stepper is called`,
      kernel: {
        ...stepper(tell('global.get 1')),
        functions: [
          ...stepper(tell('global.get 1')).functions,
          { type: 'i>', export: `cabi_post_${name}`, code: 'unreachable' },
        ],
      },
      failed: 'ERR_TRAP',
      message: 'trap: unreachable executed',
    }),
  ),
  {
    name: "the err branch of a stepper's begin ends the task with its message",
    kernel: {
      run: null,
      data: [textAt('no such input')],
      functions: [
        { type: 'ii>i', export: 'begin', code: answer(1, `i32.const ${TEXT}`, 'i32.const 13') },
        { type: '>i', export: 'step', code: 'unreachable' },
        { type: '>i', export: 'finish', code: 'unreachable' },
      ],
    },
    failed: 'ERR_EXIT',
    message: 'no such input',
  },
  {
    name: "the err branch of a stepper's step has its message at 8",
    kernel: {
      run: null,
      data: [textAt('stuck')],
      functions: [
        { type: 'ii>i', export: 'begin', code: answer(0, 'i32.const 0', 'i32.const 0') },
        {
          type: '>i',
          export: 'step',
          code: `i32.const ${RESULT} i32.const 1 i32.store8 0 0 i32.const ${RESULT} i32.const ${TEXT} i32.store 2 8
                 i32.const ${RESULT} i32.const 5 i32.store 2 12 i32.const ${RESULT}`,
        },
        { type: '>i', export: 'finish', code: 'unreachable' },
      ],
    },
    failed: 'ERR_EXIT',
    message: 'stuck',
  },
];

const MESSAGES = [
  ['utf8', 'caf\u00e9 \u20ac \u{1f6aa}'],
  ['utf16', 'caf\u00e9 \u20ac \u{1f6aa}'],
  ['utf8', '\ufeffa mark is kept'],
  ['utf16', '\ufeffa mark is kept'],
  ['utf8', ''],
  ['utf16', ''],
] as const;

/** A message's length as the ABI counts it. */
const lengthOf = (encoding: 'utf8' | 'utf16', text: string) =>
  encoding === 'utf8' ? Buffer.byteLength(text) : text.length;

/** `exit.fail` and the err branch mean the same, in both encodings. */
export const FAILURES: readonly Case[] = [
  ...MESSAGES.flatMap(([encoding, message]): Case[] => {
    const place = [`i32.const ${TEXT}`, `i32.const ${lengthOf(encoding, message)}`] as const;
    const common = { encoding, data: [textAt(message, encoding)] };
    return [
      {
        name: `fail carries ${JSON.stringify(message)} from ${encoding}`,
        kernel: {
          ...common,
          imports: [WORLD_IMPORTS.fail],
          run: { code: `${place.join(' ')} call $fail unreachable` },
        },
        failed: 'ERR_EXIT',
        message,
      },
      {
        name: `the err branch carries ${JSON.stringify(message)} from ${encoding}`,
        kernel: { ...common, run: { code: answer(1, ...place) } },
        failed: 'ERR_EXIT',
        message,
      },
    ];
  }),
  {
    name: 'a message of over 8 KiB is cut there, and says so',
    kernel: {
      data: [textAt(LONG, 'utf8', 2_048)],
      run: { code: answer(1, 'i32.const 2048', `i32.const ${LONG.length}`) },
    },
    failed: 'ERR_EXIT',
    message: CUT,
  },
  {
    name: 'a message is never cut inside a character',
    kernel: {
      data: [textAt(`abc${'\u20ac'.repeat(3_000)}`, 'utf8', 2_048)],
      run: { code: answer(1, 'i32.const 2048', 'i32.const 9003') },
    },
    failed: 'ERR_EXIT',
    message: `abc${'\u20ac'.repeat(2_729)}... (9003 bytes)`,
  },
  {
    name: 'a message with the marks of the error table is carried as it is',
    kernel: { data: [textAt('100%s $& %s')], run: { code: answer(1, `i32.const ${TEXT}`, 'i32.const 11') } },
    failed: 'ERR_EXIT',
    message: '100%s $& %s',
  },
];
