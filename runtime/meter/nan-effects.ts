// What each instruction does to the NaNs in its operands, as a table: one row an instruction.
import { OPCODES, type Opcode } from '../wasm/opcodes.ts';
import { KIND as IMMEDIATE_KIND, PREFIX_ROWS } from '../wasm/rows.ts';
import { KIND, RAW, RAW32, RAW64 } from './nan-kinds.ts';

/** How the kind of the result follows from those of the operands. */
export const EFFECT = {
  /** It does not: it is the row's. */
  fixed: 0,
  /** The row's, unless all operands are numbers. */
  round: 1,
  /** One operand, its sign turned or taken away; the first operand with the sign of the second. */
  negate: 2,
  magnitude: 3,
  copysign: 4,
  /** One of two operands: lane by lane the first one, unless the second compares as less or more, and is a number then; or as a whole. */
  either: 5,
  select: 6,
  /** A constant, by its bits. */
  constant: 7,
  splat: 8,
  extract: 9,
  replace: 10,
  shuffle: 11,
  /** Locals, blocks, branches and calls: for the walk to know. */
  get: 12,
  set: 13,
  tee: 14,
  drop: 15,
  control: 16,
  /** Floats go to memory. */
  store: 17,
  /** Bits of vectors together, which take or leave whole lanes where one is a mask. */
  and: 18,
  andnot: 19,
  bitselect: 20,
} as const;

type EffectName = keyof typeof EFFECT;

const { keep, plus64, plus32, clean64, clean32, mask64, mask32, vector } = KIND;
const [OF_32, OF_64] = [
  { plus: plus32, clean: clean32, mask: mask32, other: RAW64 },
  { plus: plus64, clean: clean64, mask: mask64, other: RAW32 },
] as const;

const ROWS = IMMEDIATE_KIND.length;
export const EFFECTS = new Uint8Array(ROWS);
/** Operands with one of these bits are made canonical first, since their bits are seen. */
export const SEES: Uint8Array = new Uint8Array(ROWS);
/** The kind of the result. */
export const GIVES: Uint16Array = new Uint16Array(ROWS);
/** Whether it makes NaNs. */
export const MAKES: Uint8Array = new Uint8Array(ROWS);
/** Whether it neither traps, nor leads elsewhere, nor has to do with memory: nobody can tell whether a store comes before or behind it. */
export const QUIET: Uint8Array = new Uint8Array(ROWS);

/**
 * The first pattern that fits an instruction's name says what it does; `sees: other` stands for bits of the other width, and the effect
 * `named` for the one that is called as the instruction is.
 */
const RULES: readonly (readonly [
  pattern: RegExp,
  sees: 'all' | 'other' | 'none',
  gives: string,
  effect?: EffectName | 'named',
])[] = [
  [/^f.*\.(?:add|sub|mul|div|sqrt)$/, 'other', 'plus'],
  [/^f(?:32x4|64x2)\.(?:ceil|floor|trunc|nearest|min|max)$/, 'other', 'plus'],
  [/^f(?:32|64)\.(?:ceil|floor|trunc|nearest|min|max|demote_f64|promote_f32)$/, 'none', 'plus', 'round'],
  [/^f64x2\.promote_low_f32x4$|^f32x4\.demote_f64x2_zero$/, 'other', 'plus'],
  [/^f.*\.neg$/, 'other', 'keep', 'negate'],
  [/^f.*\.abs$/, 'other', 'keep', 'magnitude'],
  [/^f.*\.p(?:min|max)$/, 'other', 'clean', 'either'],
  [/^f.*\.(?:eq|ne|[lg][te])$/, 'other', 'mask'],
  [/^i(?:32x4|64x2)\.(?:eq$|ne$|[lg][te]_)/, 'all', 'mask'],
  [/^i32x4\.trunc_sat_/, 'other', 'keep'],
  [/^f(?:32x4|64x2)\.convert_/, 'all', 'clean'],
  // A NaN is not zero, whatever its bits.
  [/^i\d\d\.trunc_|^f\d\d\.convert_|any_true/, 'none', 'number'],
  [/^(?:f32|f64|v128)\.const$/, 'none', 'keep', 'constant'],
  [/^f(?:32x4|64x2)\.splat$/, 'none', 'clean', 'splat'],
  [/^f(?:32x4|64x2)\.extract_lane$/, 'other', 'clean', 'extract'],
  [/^f(?:32x4|64x2)\.replace_lane$/, 'other', 'clean', 'replace'],
  [/^(?:local\..+|drop|select|i8x16\.shuffle)$/, 'none', 'keep', 'named'],
  [/^(?:f..\.copysign|v128\.(?:and|andnot|bitselect))$/, 'all', 'keep', 'named'],
  [/^(?:f32|f64|v128)\.store(?:$|.+_lane)/, 'all', 'keep', 'store'],
  [/^(?:block|loop|if|else|end|br|br_if|br_table|return|unreachable|call|call_indirect)$/, 'all', 'keep', 'control'],
  [/./, 'all', 'keep'],
];

const [QUIET_NAMES, LOUD_NAMES] = [
  /^(?:local|drop|select|nop|global\.get|[if]\d|v128)/,
  /\.(?:load|store)|^i\d\d\.(?:div_|rem_|trunc_f)/,
] as const;

for (const op of OPCODES.values()) {
  const row = (PREFIX_ROWS[Math.floor(op.code / 4096)] ?? 0) + (op.code % 4096);
  const [, sees, gives, effect = 'fixed'] = RULES.find(([pattern]) => pattern.test(op.name)) as (typeof RULES)[number];
  EFFECTS[row] = EFFECT[effect === 'named' ? (op.name.slice(op.name.indexOf('.') + 1) as EffectName) : effect];
  SEES[row] = sees === 'all' ? RAW : sees === 'none' ? 0 : otherOf(op);
  GIVES[row] = givenBy(op, gives);
  MAKES[row] = gives === 'plus' ? 1 : 0;
  QUIET[row] = QUIET_NAMES.test(op.name) && !LOUD_NAMES.test(op.name) ? 1 : 0;
}

/** Bits of raw NaNs that an instruction would not take for NaNs of its own width. */
function otherOf({ name, operands }: Opcode): number {
  if (!operands.includes('v')) return 0;
  // Of two widths in a name, the last is the operand's.
  return (name.lastIndexOf('f64x2') > name.lastIndexOf('f32x4') ? OF_64 : OF_32).other;
}

function givenBy({ name, results }: Opcode, gives: string): number {
  const width = /^[fi]64/.test(name) ? OF_64 : OF_32;
  const isVector = results === 'v' ? vector : 0;
  if (results !== '' && 'iI'.includes(results)) return 0;
  if (gives in width) return width[gives as 'plus' | 'clean' | 'mask'] | isVector;
  return gives === 'number' ? 0 : keep | isVector;
}
