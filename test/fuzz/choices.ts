// The opcode table as the generator sees it: which instructions it may write, by what they need.
import { ADMITTED } from '../../runtime/admit/features.ts';
import { type Feature, OPCODES, type Opcode } from '../../runtime/wasm/opcodes.ts';
import type { ValueType } from './numbers.ts';

const isAdmitted = (feature: Feature) => (ADMITTED as readonly Feature[]).includes(feature);

/** Every instruction that admission lets through. */
export const ALLOWED: readonly Opcode[] = [...OPCODES.values()].filter(
  ({ immediate, feature }) => immediate !== 'refused' && (feature === undefined || isAdmitted(feature)),
);

const BY_NAME = new Map(ALLOWED.map((op) => [op.name, op]));

/** An allowed instruction by its name. */
export function named(name: string): Opcode {
  const op = BY_NAME.get(name);
  if (op === undefined) throw new Error(`no instruction "${name}" is allowed`);
  return op;
}

/** Takes values and gives values, whatever the state of memory, locals and globals. */
const isPure = ({ immediate, operands, results, name }: Opcode) =>
  /^(?:none|byte|bytes16)$/.test(immediate) && operands !== '' && results !== '' && !`${operands}${name}`.includes('?');

const isSimd = ({ feature }: Opcode) => feature === 'simd';

export const SCALAR = ALLOWED.filter((op) => isPure(op) && !isSimd(op));
export const SIMD = ALLOWED.filter((op) => isPure(op) && isSimd(op));

/** Takes an address, and a value where it stores or fills a lane. */
export const MEMORY = ALLOWED.filter(({ immediate }) => immediate === 'memarg' || immediate === 'memargLane');
export const SCALAR_MEMORY = MEMORY.filter((op) => !isSimd(op));

/** May make a NaN, or pass one on, whose bits an engine may choose. Comparisons, signs and moves do not. */
export function makesNan({ name, results }: Opcode): boolean {
  const floats = /^f(?:32|64)(?:x\d)?\./.test(name);
  return (
    floats &&
    /^[fFv]$/.test(results) &&
    /\.(?:add|sub|mul|div|min|max|sqrt|ceil|floor|trunc|nearest|demote|promote)/.test(name)
  );
}

/** Traps for some operands. */
export const DIVIDES = /^i(?:32|64)\.(?:div|rem)_/;
export const CONVERTS = /^i(?:32|64)\.trunc_f/;

/** How many lanes the immediate of a lane instruction can name. */
export function lanesOf(name: string): number {
  const [, lanes] = /^[if]\d+x(\d+)\./.exec(name) ?? [];
  if (lanes !== undefined) return Number(lanes);
  const [, bits] = /(\d+)_lane$/.exec(name) ?? [];
  return 128 / Number(bits);
}

/** The largest alignment that a memory instruction may state, as a power of two. */
export function alignmentOf(name: string): number {
  const [, type = '', bits, times] = /^(\w+)\.(?:load|store)(\d+)?(x\d)?/.exec(name) ?? [];
  const bytes = times === undefined ? Number(bits ?? type.slice(1)) / 8 : 8;
  return Math.log2(bytes);
}

/** The `const` of a type. */
export const CONSTANTS: Readonly<Record<ValueType, Opcode>> = {
  i: named('i32.const'),
  I: named('i64.const'),
  f: named('f32.const'),
  F: named('f64.const'),
  v: named('v128.const'),
};
