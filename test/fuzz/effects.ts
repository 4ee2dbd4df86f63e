// Steps that reach beyond the function: bulk memory, growing, calls and imports.
import { named } from './choices.ts';
import { type Code, provide, write, writeAll, writeI32, writeLeaf } from './code.ts';
import type { ValueType } from './numbers.ts';
import { CALLS_BACK, IMPORTS, type Signature } from './plan.ts';
import { writeAddress, writeRange } from './values.ts';

const CALL = named('call');
const DROP = named('drop');
const IF = named('if');
const END = named('end');
const GLOBAL_GET = named('global.get');
const GLOBAL_SET = named('global.set');
const CALL_INDIRECT = named('call_indirect');
const COPY = named('memory.copy');
const FILL = named('memory.fill');
const INIT = named('memory.init');
const DROP_DATA = named('data.drop');
const GROW = named('memory.grow');

/** The type of a block that takes and gives nothing. */
const EMPTY = 0x40;

/** Where the text lies that messages are cut from, and how long it is. */
export const TEXT = { at: 512, length: 64 } as const;

/** One of the bulk operations. */
export function writeBulk(code: Code): void {
  const { dice, plan } = code;
  const kind = dice.below(plan.passive.length > 0 ? 8 : 5);
  writeAddress(code);
  if (kind < 3) {
    writeRange(code);
    write(code, COPY).byte(0).byte(0);
  } else if (kind < 5) {
    writeRange(code);
    write(code, FILL).byte(0);
  } else {
    const segment = dice.below(plan.passive.length);
    const length = plan.passive[segment] as number;
    const from = dice.below(length + 1);
    writeI32(code, from);
    writeI32(code, dice.oneIn(40) ? dice.below(length + 2) : dice.below(length - from + 1));
    write(code, INIT).u32(segment).byte(0);
    if (dice.oneIn(8)) write(code, DROP_DATA).u32(segment);
  }
}

/** Grows the memory by a page or by whatever was computed; what comes back stays on the stack. */
export function writeGrow(code: Code): void {
  provide(code, 'i');
  if (!code.dice.oneIn(5)) writeAll(code, 'i32.const', 1, 'i32.and');
  write(code, GROW).byte(0);
}

/** Calls a later function, or a slot of the table, which may be missing or of another type. */
export function writeCall(code: Code): void {
  const { dice, plan, place } = code;
  // The table's functions are the last ones: they do not call through it.
  const mayUseTable = place < Math.ceil(plan.functions.length / 2);
  if (mayUseTable && dice.oneIn(2)) {
    writeTableCall(code);
    return;
  }
  if (plan.options.hasRecursion && dice.oneIn(2)) {
    writeCallBack(code);
    return;
  }
  if (place + 1 === plan.functions.length) return;
  const callee = place + 1 + dice.below(plan.functions.length - place - 1);
  const { params, results } = plan.signatures[plan.functions[callee] as number] as Signature;
  provide(code, params);
  write(code, CALL).u32(plan.functionsFrom + callee);
  returnFrom(code, params, results);
}

/** A call of this function or one before it, if there are any of those calls left; what it gives is dropped. */
function writeCallBack(code: Code): void {
  const { dice, plan, place } = code;
  const callee = dice.below(place + 1);
  const { params, results } = plan.signatures[plan.functions[callee] as number] as Signature;
  const { stack } = code;
  write(code, GLOBAL_GET).u32(CALLS_BACK);
  code.stack += 'i';
  write(code, IF).byte(EMPTY);
  code.stack = stack;
  write(code, GLOBAL_GET).u32(CALLS_BACK);
  code.stack += 'i';
  writeAll(code, 'i32.const', 1, 'i32.sub');
  write(code, GLOBAL_SET).u32(CALLS_BACK);
  code.stack = stack;
  for (const type of params) writeLeaf(code, type as ValueType);
  write(code, CALL).u32(plan.functionsFrom + callee);
  for (const _ of results) write(code, DROP);
  write(code, END);
  code.stack = stack;
}

function writeTableCall(code: Code): void {
  const { dice, plan } = code;
  const filled = plan.table.flatMap((callee, slot) => (callee === undefined ? [] : [slot]));
  const slot = filled.length > 0 && !dice.oneIn(40) ? dice.pick(filled) : dice.below(plan.table.length);
  const callee = plan.table[slot];
  const isRight = callee !== undefined && !dice.oneIn(40);
  const type = isRight ? (plan.functions[callee] as number) : dice.below(plan.signatures.length);
  const { params, results } = plan.signatures[type] as Signature;
  provide(code, params);
  if (dice.oneIn(60)) writeLeaf(code, 'i');
  else writeI32(code, slot);
  write(code, CALL_INDIRECT).u32(type).byte(0);
  returnFrom(code, params, results);
}

function returnFrom(code: Code, params: string, results: string): void {
  code.stack = code.stack.slice(0, code.stack.length - params.length) + results;
}

/** Writes to the log, draws random bytes, or ends the task. */
export function writeImport(code: Code): void {
  const { dice } = code;
  const kind = dice.below(60);
  if (kind < 30) {
    writeI32(code, dice.oneIn(30) ? dice.bits() : dice.below(4));
    writeText(code);
    callImport(code, 'write', 3);
  } else if (kind < 59) {
    writeI32(code, dice.oneIn(20) ? dice.below(100_000) : dice.below(40));
    writeI32(code, dice.oneIn(40) ? dice.bits() : 2_048 + 4 * dice.below(3_000));
    callImport(code, 'fill', 2);
  } else {
    writeText(code);
    callImport(code, 'fail', 2);
  }
}

function writeText(code: Code): void {
  const { dice } = code;
  if (dice.oneIn(40)) {
    writeRange(code);
    return;
  }
  const from = dice.below(TEXT.length);
  writeI32(code, TEXT.at + from);
  writeI32(code, dice.below(TEXT.length - from));
}

function callImport(code: Code, name: keyof typeof IMPORTS, params: number): void {
  write(code, CALL).u32(IMPORTS[name]);
  code.stack = code.stack.slice(0, -params);
}
