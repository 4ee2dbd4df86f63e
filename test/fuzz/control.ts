// Steps that move control: blocks, loops, ifs, branches, tables of branches, returns.
import { named } from './choices.ts';
import {
  baseOf,
  type Code,
  type Frame,
  getLocal,
  provide,
  setLocal,
  teeLocal,
  write,
  writeAll,
  writeI32,
  writeLeaf,
} from './code.ts';
import type { ValueType } from './numbers.ts';
import { ROUNDS, type Signature } from './plan.ts';
import { writeSink } from './values.ts';

const BLOCK = named('block');
const LOOP = named('loop');
const IF = named('if');
const ELSE = named('else');
const END = named('end');
const BR = named('br');
const BR_IF = named('br_if');
const BR_TABLE = named('br_table');
const RETURN = named('return');
const UNREACHABLE = named('unreachable');
const GLOBAL_GET = named('global.get');
const GLOBAL_SET = named('global.set');

const NESTING_MAX = 6;
const EMPTY = 0x40;

/** Writes so many steps into the block that is open. */
export type Fill = (code: Code, steps: number) => void;

/** A block, a loop or an if, with parameters and results, and up to so many steps inside. */
export function writeBlock(code: Code, fill: Fill, steps: number): void {
  const { dice, plan } = code;
  if (code.frames.length > NESTING_MAX) return;
  const type = dice.below(plan.signatures.length);
  const { params, results } = plan.signatures[type] as Signature;
  const kind = dice.below(3);
  provide(code, kind === 2 ? `${params}i` : params);
  if (kind === 1) {
    writeLoop(code, type, () => fill(code, steps));
    return;
  }
  open(code, kind === 2 ? IF : BLOCK, type);
  fill(code, steps);
  close(code);
  // Without an `else`, what goes in comes out.
  if (kind === 2 && (params !== results || dice.oneIn(2))) {
    write(code, ELSE);
    code.stack = code.stack.slice(0, code.stack.length - results.length) + params;
    code.frames.push({ base: code.stack.length - params.length, label: results, results });
    fill(code, steps >> 1);
    close(code);
  }
  write(code, END);
}

/** A loop within a block of the same type, to which its first instructions leave when all rounds are used up. */
function writeLoop(code: Code, type: number, fill: () => void): void {
  const { dice } = code;
  const { params, results } = code.plan.signatures[type] as Signature;
  open(code, BLOCK, type);
  open(code, LOOP, type);
  write(code, GLOBAL_GET).u32(ROUNDS);
  code.stack += 'i';
  writeAll(code, 'i32.const', 1, 'i32.sub');
  write(code, GLOBAL_SET).u32(ROUNDS);
  write(code, GLOBAL_GET).u32(ROUNDS);
  writeAll(code, 'i32.const', 0, 'i32.lt_s');
  write(code, IF).byte(EMPTY);
  const { stack } = code;
  for (const one of results) writeLeaf(code, one as ValueType);
  write(code, BR).u32(2);
  code.stack = stack;
  write(code, END);
  fill();
  if (params === '' && dice.oneIn(2)) {
    provide(code, 'i');
    write(code, BR_IF).u32(0);
  }
  close(code);
  write(code, END);
  close(code);
  write(code, END);
}

function open(code: Code, op: typeof BLOCK, type: number): void {
  const { signatures } = code.plan;
  const { params, results } = signatures[type] as Signature;
  const out = write(code, op);
  if (params === '' && results === '') out.byte(EMPTY);
  else if (params === '' && results.length === 1 && code.dice.oneIn(2)) out.byte(TYPE_BYTES[results as ValueType]);
  else out.s32(type);
  const label = op === LOOP ? params : results;
  code.frames.push({ base: code.stack.length - params.length, label, results });
}

const TYPE_BYTES: Readonly<Record<ValueType, number>> = { i: 0x7f, I: 0x7e, f: 0x7d, F: 0x7c, v: 0x7b };

/** Leaves exactly the results of the block on the stack. Its `end` is the caller's. */
export function close(code: Code): void {
  const { base, results } = code.frames.at(-1) as Frame;
  while (code.stack.length > base && code.stack.slice(base) !== results) writeSink(code);
  provide(code, results);
  code.frames.pop();
}

/** A branch of any kind. Behind one that is always taken, a step or two that nobody reaches. */
export function writeBranch(code: Code, fill: Fill): void {
  const { dice, frames } = code;
  // Out of the function itself it goes less often: much would not be reached.
  if (frames.length === 1 && !dice.oneIn(4)) return;
  const kind = dice.below(20);
  const depth = dice.below(frames.length);
  const { label } = frames[frames.length - 1 - depth] as Frame;
  if (kind < 13) {
    provide(code, `${label}i`);
    write(code, BR_IF).u32(depth);
    return;
  }
  if (kind < 17) writeBranchTable(code, label);
  else if (kind === 17) {
    provide(code, label);
    write(code, BR).u32(depth);
  } else if (kind === 18) {
    provide(code, (frames[0] as Frame).results);
    write(code, RETURN);
  } else if (dice.oneIn(3)) write(code, UNREACHABLE);
  else return;
  code.stack = code.stack.slice(0, baseOf(code));
  fill(code, dice.below(2));
}

function writeBranchTable(code: Code, label: string): void {
  const { dice, frames } = code;
  const targets = frames.flatMap((frame, at) => (frame.label === label ? [frames.length - 1 - at] : []));
  provide(code, `${label}i`);
  if (!dice.oneIn(4)) writeAll(code, 'i32.const', 7, 'i32.and');
  const count = dice.below(8);
  const out = write(code, BR_TABLE).u32(count);
  for (let at = 0; at <= count; at++) out.u32(dice.pick(targets));
}

/** A loop that runs a few rounds by a counter of its own, as compilers write them. */
export function writeCounted(code: Code, fill: Fill, steps: number): void {
  const { dice } = code;
  if (code.frames.length > NESTING_MAX) return;
  const counter = dice.pick(code.locals.i);
  writeI32(code, 0);
  setLocal(code, counter);
  writeLoop(code, EMPTY_SIGNATURE, () => {
    fill(code, steps);
    getLocal(code, counter, 'i');
    writeAll(code, 'i32.const', 1, 'i32.add');
    teeLocal(code, counter);
    writeI32(code, dice.below(40));
    writeAll(code, 'i32.lt_s');
    write(code, BR_IF).u32(0);
  });
}

/** The index of `()->()` among the plan's signatures. */
const EMPTY_SIGNATURE = 1;
