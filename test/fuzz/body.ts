// The body of one generated function: steps of every kind, each as often as its weight says.
import { Writer } from '../../runtime/wasm/writer.ts';
import { CONSTANTS, MEMORY, named, SCALAR, SCALAR_MEMORY, SIMD } from './choices.ts';
import { type Code, type KernelRecord, setLocal, write, writeLeaf } from './code.ts';
import { close, type Fill, writeBlock, writeBranch, writeCounted } from './control.ts';
import type { Dice } from './dice.ts';
import { writeBulk, writeCall, writeGrow, writeImport } from './effects.ts';
import { type ValueType, writeConstant } from './numbers.ts';
import type { KernelOptions, Plan, Signature } from './plan.ts';
import { writeChoice, writeMemory, writePure, writeSink } from './values.ts';

type Step = (code: Code, steps: number) => void;

const NOP = named('nop');

/** Weight, step, and the option without which it is left out. */
const STEPS: readonly (readonly [number, Step, (keyof KernelOptions)?])[] = [
  [34, (code) => writePure(code, code.dice.pick(SCALAR))],
  [26, (code) => writePure(code, code.dice.pick(SIMD)), 'hasSimd'],
  [10, (code) => writeMemory(code, code.dice.pick(code.plan.options.hasSimd ? MEMORY : SCALAR_MEMORY))],
  [12, writeSink],
  [4, (code) => writeLeaf(code, code.dice.pick(code.plan.types))],
  [2, writeChoice],
  [5, (code, steps) => writeBlock(code, fill, steps)],
  [1, (code, steps) => writeCounted(code, fill, steps)],
  [4, (code) => writeBranch(code, fill)],
  [3, writeCall],
  [2, writeBulk, 'hasBulk'],
  [1, writeGrow, 'canGrow'],
  [1, writeImport, 'hasImports'],
  [1, (code) => void write(code, NOP)],
];

/** The body of the generated function at a place, as bytes with its `end`, and its locals by letter. */
export function writeBody(
  dice: Dice,
  plan: Plan,
  place: number,
  record: KernelRecord,
): { locals: string; code: Uint8Array } {
  const { params, results } = plan.signatures[plan.functions[place] as number] as Signature;
  const own = Array.from({ length: dice.below(6) }, () => dice.pick(plan.types)).join('');
  const all = plan.types.join('');
  // Own locals, one of each type so that there is one to pick, and one of each to spare.
  const locals = `${own}${all}${all}`;
  const places = `${params}${own}${all}`;
  const code: Code = {
    dice,
    plan,
    place,
    out: new Writer(512),
    frames: [{ base: 0, label: results, results }],
    locals: byType((type) => [...places].flatMap((letter, index) => (letter === type ? [index] : []))),
    spare: byType((type) => places.length + all.indexOf(type)),
    record,
    stack: '',
  };
  for (const [index, type] of [...places].entries()) if (index >= params.length) begin(code, index, type as ValueType);
  fill(code, 6 + dice.below(50));
  close(code);
  write(code, END);
  return { locals, code: code.out.take() };
}

const END = named('end');

/** Most locals get a value: much comes to the same for zeros. */
function begin(code: Code, index: number, type: ValueType): void {
  if (code.dice.oneIn(4)) return;
  writeConstant(write(code, CONSTANTS[type]), type, code.dice);
  setLocal(code, index);
}

function byType<T>(of: (type: ValueType) => T): Readonly<Record<ValueType, T>> {
  return { i: of('i'), I: of('I'), f: of('f'), F: of('F'), v: of('v') };
}

/** Steps for each set of options, each as often as it weighs. */
const lots = new Map<string, readonly Step[]>();

function lotOf({ options }: Plan): readonly Step[] {
  const left = STEPS.filter(([, , needed]) => needed === undefined || options[needed]);
  const key = left.map(([, , needed]) => needed).join();
  const known = lots.get(key) ?? left.flatMap(([weight, step]) => new Array<Step>(weight).fill(step));
  lots.set(key, known);
  return known;
}

const fill: Fill = (code, steps) => {
  const lot = lotOf(code.plan);
  // A block takes its steps from what is left for the whole.
  for (let left = steps; left > 0; left--) code.dice.pick(lot)(code, left >> 1);
};
