// Where a kernel failed: the same places in the submitted module on every engine, whatever was added to it for the counter and for images.
import { expect, test } from 'vitest';
import { admit, createSandbox } from '../../runtime/index.ts';
import { type Outcome, TRACE_FRAMES_MAX } from '../../runtime/job/outcome.ts';
import { OPCODES } from '../../runtime/wasm/opcodes.ts';
import { rowAt } from '../../runtime/wasm/outline.ts';
import { PREFIX_ROWS } from '../../runtime/wasm/rows.ts';
import { ENGINES } from '../contract/engines.ts';
import { TRAP_CASES } from '../contract/traps.ts';
import { generateKernel } from '../fuzz/generate.ts';
import { type KernelParts, kernelOf } from '../wasm/kernel.ts';

const NAMES = new Map(
  [...OPCODES.values()].map(({ name, code }) => [(PREFIX_ROWS[Math.floor(code / 4096)] ?? 0) + (code % 4096), name]),
);
const BENCHES = ENGINES.flatMap(([name, engine]) =>
  [true, false].map((metered) => [`${name}, ${metered ? 'metered' : 'not metered'}`, engine, metered] as const),
);
const CAN_TRAP = /^unreachable$|load|store|memory\.(?:fill|copy|init)|div|rem|trunc|^call_indirect$/;

async function traces(bytes: Uint8Array, input = new Uint8Array(1)) {
  const kernel = await admit(bytes);
  const found = new Map<string, Outcome>();
  for (const [name, engine, metered] of BENCHES)
    found.set(name, await createSandbox({ engine: engine(), metered }).run({ kernel, input }));
  return [...found].map(([name, outcome]) => ({
    name,
    code: outcome.state === 'failed' ? outcome.code : 'done',
    trace: outcome.state === 'failed' ? outcome.trace : undefined,
  }));
}

/**
 * The same trace everywhere, and the names of the instructions in it. Where a kernel that is not metered traps whatever it is given, Wasmtime
 * names the look at its deadline that comes before: the function is right.
 */
async function sameTrace(parts: KernelParts, input?: Uint8Array<ArrayBuffer>) {
  const bytes = kernelOf(parts);
  const all = await traces(bytes, input);
  const [first] = all;
  const trace = first?.trace ?? [];
  for (const one of all) {
    if (one.name !== 'wasmtime, not metered') expect(one).toEqual({ ...first, name: one.name });
    else expect(one.trace?.map(({ function: index }) => index)).toEqual(trace.map(({ function: index }) => index));
  }
  return { trace, at: trace.map(({ offset }) => NAMES.get(rowAt(bytes, offset))) };
}

test.each(TRAP_CASES.map(({ name, kernel }) => [name, kernel] as const))(
  '%s, and is found there',
  async (_, kernel) => {
    const { trace, at } = await sameTrace(kernel);
    expect(trace).toHaveLength(1);
    expect(at[0]).toMatch(CAN_TRAP);
  },
);

const DEEP = 'local.get 0 i32.const 1 i32.add call $deep i32.const 1 i32.add';
const FAIL = { module: 'lodger:kernel/exit@0.1.0', name: 'fail', type: 'ii>' } as const;
const FURTHER = { type: 'i>i', name: 'inner' } as const;

test.each([
  [
    'a trap in a function that was called',
    {
      run: { code: 'local.get 1 call $inner' },
      functions: [{ ...FURTHER, code: 'i32.const 1 local.get 0 i32.const 1 i32.sub i32.div_s' }],
    },
    ['i32.div_s', 'call'],
  ],
  [
    'a trap in a loop that is cut into pieces',
    {
      run: {
        locals: 'i',
        code: 'loop local.get 2 i32.const 1 i32.add local.tee 2 i32.const 100000 i32.lt_u br_if 0 end local.get 2 i32.const 16 i32.shl i32.load 2 0',
      },
    },
    ['i32.load'],
  ],
  ['unreachable behind an if', { run: { code: 'local.get 1 if unreachable end local.get 0' } }, ['unreachable']],
  [
    'unreachable behind a branch',
    { run: { code: 'block local.get 1 i32.eqz br_if 0 unreachable end local.get 0' } },
    ['unreachable'],
  ],
  [
    'a message of its own',
    { imports: [FAIL], run: { code: 'i32.const 0 i32.const 0 call $fail local.get 0' } },
    ['call'],
  ],
  [
    'a range that is worked on in pieces',
    { memory: [64, 64], run: { code: 'i32.const 0 i32.const 0 i32.const 4194305 memory.fill local.get 0' } },
    ['memory.fill'],
  ],
] satisfies readonly (readonly [string, KernelParts, readonly string[]])[])(
  '%s is found where it is written',
  async (_, kernel, at) => {
    expect((await sameTrace(kernel)).at).toEqual(at);
  },
);

test('a kernel that recursed too deeply is found in its innermost calls, no more than the ceiling', async () => {
  const kernel = await admit(
    kernelOf({ run: { code: 'local.get 0 call $deep' }, functions: [{ type: 'i>i', name: 'deep', code: DEEP }] }),
  );
  for (const [, engine] of ENGINES) {
    const outcome = await createSandbox({ engine: engine() }).run({ kernel, input: new Uint8Array(1) });
    expect(outcome).toMatchObject({ state: 'failed', code: 'ERR_STACK_SPENT' });
    if (outcome.state !== 'failed') return;
    expect(outcome.trace).toHaveLength(TRACE_FRAMES_MAX);
    expect(new Set(outcome.trace?.map(({ function: index }) => index))).toEqual(new Set([2]));
  }
});

test('a stepper whose code was edited for its images is found at the byte that was submitted', async () => {
  const ok = 'i32.const 16 i32.const 0 i32.store8 0 0 i32.const 16';
  const kernel: KernelParts = {
    run: null,
    data: [{ bytes: [1] }, { bytes: [2] }],
    functions: [
      { type: 'ii>i', export: 'begin', code: `data.drop 0 data.drop 1 local.get 1 i32.const 0 i32.div_u drop ${ok}` },
      { type: '>i', export: 'step', code: ok },
      { type: '>i', export: 'finish', code: ok },
    ],
  };
  expect((await sameTrace(kernel)).at).toEqual(['i32.div_u']);
});

test('names of functions are told, and a name that looks like a frame is no frame', async () => {
  const name = 'x\n    at wasm-function[1]:0x40';
  const text = new TextEncoder().encode(name);
  const map = [1, 0, text.length, ...text];
  const customs = [{ name: 'name', bytes: [1, map.length, ...map] }];
  const { trace } = await sameTrace({ run: { code: 'unreachable' }, customs });
  expect(trace.at(-1)).toMatchObject({ function: 0, name });
  expect(trace.length).toBeLessThanOrEqual(TRACE_FRAMES_MAX);
});

test('tasks that end well, and those that failed elsewhere, have no trace', async () => {
  for (const { code, trace } of await traces(kernelOf()))
    expect({ code, trace }).toEqual({ code: 'done', trace: undefined });
  const spent = await createSandbox().run({
    kernel: await admit(kernelOf({ run: { code: 'loop br 0 end unreachable' } })),
    input: new Uint8Array(),
    limits: { fuelMax: 1_000_000 },
  });
  expect(spent).toMatchObject({ code: 'ERR_FUEL_SPENT' });
  expect(spent).not.toHaveProperty('trace');
});

test('generated kernels that fail are found at the same places on every engine', async () => {
  const boxes = ENGINES.map(([, engine]) => createSandbox({ engine: engine() }));
  let failed = 0;
  // Kernels 41 and 163 trap where Wasmtime makes one of a branch and what it leads to.
  for (const seed of [41, 163, ...Array.from({ length: 40 }, (_, index) => index + 1)]) {
    const kernel = await admit(generateKernel(seed).bytes);
    const input = Uint8Array.from({ length: (seed * 7) % 50 }, (_, at) => (at * seed) & 0xff);
    const limits = { wallMsMax: 500, memoryBytesMax: 3 * 65_536 };
    const grants = [{ kind: 'log' }, { kind: 'random' }] as const;
    const outcomes = await Promise.all(boxes.map((box) => box.run({ kernel, input, limits, grants })));
    if (outcomes.some((one) => one.state === 'done' || one.code === 'ERR_WALL_SPENT')) continue;
    failed++;
    const traces = outcomes.map((one) => (one.state === 'failed' ? one.trace : []));
    for (const trace of traces) expect(trace, `seed ${seed}`).toEqual(traces[0]);
  }
  expect(failed).toBeGreaterThan(5);
});
