// A valid kernel for every seed: what it may have is an option, what it does is chance.
import type { FunctionPart } from '../wasm/build.ts';
import { kernelOf } from '../wasm/kernel.ts';
import { writeBody } from './body.ts';
import { createDice, type Dice } from './dice.ts';
import { TEXT } from './effects.ts';
import type { ValueType } from './numbers.ts';
import { type KernelOptions, type Plan, planKernel, type Signature } from './plan.ts';

export type { KernelOptions } from './plan.ts';

export interface GeneratedKernel {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The opcodes in it, as the opcode table numbers them. */
  readonly used: ReadonlySet<number>;
}

/** The globals are stored here when the kernel is done, and whenever `cabi_post_run` is called: so the output holds all of its state. */
const GLOBALS_AT = 64;

/** Rounds that the loops of one task share, and how many an endless kernel has: more than any wall limit allows. */
const ROUNDS_MAX = 400;
const ROUNDS_ENDLESS = 2 ** 31 - 1;

/** More frames than a stack has room for, as the meter counts it; a fifth of the kernels come to its end. */
const CALLS_BACK_MAX = 50_000;

const FILL = { module: 'lodger:kernel/random@0.1.0', name: 'fill', type: 'ii>' };
const WRITE = { module: 'lodger:kernel/log@0.1.0', name: 'write', type: 'iii>' };
const FAIL = { module: 'lodger:kernel/exit@0.1.0', name: 'fail', type: 'ii>' };

/** Takes blocks from the heap's end, which is global 0; whether they are within the memory is the host's to check. */
const REALLOC = `
  global.get 0 local.get 2 i32.add i32.const 1 i32.sub i32.const 0 local.get 2 i32.sub i32.and local.tee 4
  local.get 3 i32.add global.set 0 local.get 4`;

/**
 * The kernel of a seed. It passes admission and gives its whole memory, globals included, as its output, unless it traps first.
 * Unless it `isEndless` it ends by itself within some milliseconds.
 */
export function generateKernel(seed: number, options: KernelOptions = {}): GeneratedKernel {
  const dice = createDice(seed);
  const plan = planKernel(dice, options);
  const record = { used: new Set<number>(), slots: 0 };
  const functions = plan.functions.map((signature, place): FunctionPart => {
    const { params, results } = plan.signatures[signature] as Signature;
    return { type: `${params}>${results}`, name: `made${place}`, ...writeBody(dice, plan, place, record) };
  });
  const bytes = kernelOf({
    types: plan.signatures.map(({ params, results }) => `${params}>${results}`),
    imports: plan.options.hasImports ? [FAIL, WRITE, FILL] : [],
    memory: [1, plan.pagesMax],
    table: [plan.table.length, plan.table.length],
    elements: plan.table.flatMap((place, offset) =>
      place === undefined ? [] : [{ offset, functions: [`$made${place}`] }],
    ),
    globals: globalsOf(dice, plan),
    data: dataOf(dice, plan),
    run: { code: runCode(dice, plan) },
    realloc: { locals: 'i', code: REALLOC },
    functions: [{ type: 'i>', export: 'cabi_post_run', code: showGlobals(plan) }, ...functions],
  });
  return { bytes, used: record.used };
}

/** Calls the first generated function with the input and the others with constants, shows the globals, answers with all of the memory. */
const runCode = (dice: Dice, plan: Plan) => `
  local.get 0 local.get 1 call $made0 drop
  ${plan.functions.map((_, place) => (place === 0 ? '' : callOf(dice, plan, place))).join(' ')}
  i32.const 0 call $cabi_post_run
  i32.const 16 i32.const 0 i32.store 2 0
  i32.const 16 i32.const 0 i32.store 2 4
  i32.const 16 memory.size i32.const 16 i32.shl i32.store 2 8
  i32.const 16`;

/** A direct call, so that no function is without one. */
function callOf(dice: Dice, { signatures, functions }: Plan, place: number): string {
  const { params, results } = signatures[functions[place] as number] as Signature;
  const given = [...params].map((type) => initialOf(dice, type as ValueType));
  return [...given, `call $made${place}`, ...[...results].map(() => 'drop')].join(' ');
}

const NAMES: Readonly<Record<ValueType, string>> = { i: 'i32', I: 'i64', f: 'f32', F: 'f64', v: 'v128' };

function showGlobals({ globals }: Plan): string {
  return globals
    .map(({ index, type }, at) => `i32.const ${GLOBALS_AT + 16 * at} global.get ${index} ${NAMES[type]}.store 0 0`)
    .join(' ');
}

function globalsOf(dice: Dice, { globals, options }: Plan) {
  const rounds = options.isEndless ? ROUNDS_ENDLESS : dice.below(ROUNDS_MAX);
  const values = globals.map(({ type, isMutable }) => ({ type, mutable: isMutable, value: initialOf(dice, type) }));
  const callsBack = options.hasRecursion ? dice.below(dice.oneIn(2) ? 100 : CALLS_BACK_MAX) : 0;
  const counters = [rounds, callsBack].map((count) => ({ type: 'i', mutable: true, value: `i32.const ${count}` }));
  return [...counters, ...values];
}

function initialOf(dice: Dice, type: ValueType): string {
  const lanes = type === 'v' ? Array.from({ length: 16 }, () => dice.below(256)).join(' ') : String(dice.below(1_000));
  return `${NAMES[type]}.const ${lanes}`;
}

function dataOf(dice: Dice, { passive }: Plan) {
  const bytes = (length: number) => Array.from({ length }, () => dice.below(256));
  const text = Array.from({ length: TEXT.length }, () => 0x20 + dice.below(0x5f));
  return [
    ...passive.map((length) => ({ bytes: bytes(length) })),
    { offset: TEXT.at, bytes: text },
    { offset: 1_088 + dice.below(14_000), bytes: bytes(dice.below(1_500)) },
  ];
}
