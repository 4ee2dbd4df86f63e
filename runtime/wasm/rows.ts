// The opcode table as arrays, for the walker's inner loop: one row an instruction.
import { FEATURES, IMMEDIATES, OPCODES } from './opcodes.ts';

/** What instructions cost a compiler beside their own code: blocks that it makes for them, and ways out to other code. */
const COSTS: readonly (readonly [names: RegExp, points: number, exits: number])[] = [
  [/^(?:if|loop)$/, 1, 0],
  [/^i(?:32|64)\.(?:div|rem)_s$/, 2, 1],
  [/^i(?:32|64)\.trunc_sat_/, 4, 0],
  [/^i(?:32|64)\.(?:(?:div|rem)_u|trunc_f\d\d_[su])$/, 0, 1],
  [/^memory\.(?:grow|copy|fill|init)$/, 0, 1],
  // The index is checked, then the signature.
  [/^call_indirect$/, 2, 1],
  [/^call$/, 0, 1],
];

// One row an instruction: 0 to 255 without prefix, then 256 behind 0xFC, then 256 behind 0xFD.
const ROWS = 768;
/** Kinds that are no immediates: an opcode that does not exist, and one that is only a prefix. */
export const UNKNOWN = 255;
export const PREFIXED = 254;
/** Index into IMMEDIATES. */
export const KIND = new Uint8Array(ROWS).fill(UNKNOWN);
/** Operands taken and results given; where types decide, the walker adds to them. */
export const POPS = new Uint8Array(ROWS);
export const PUSHES = new Uint8Array(ROWS);
/** Index into FEATURES plus one; 0 for none. */
export const FEATURE = new Uint8Array(ROWS);
/** Control points and exits. */
export const POINTS = new Uint8Array(ROWS);
export const EXITS = new Uint8Array(ROWS);
/** The first row behind a prefix. */
export const PREFIX_ROWS: Readonly<Record<number, number>> = { 0: 0, 252: 256, 253: 512 };

for (const op of OPCODES.values()) {
  const row = (PREFIX_ROWS[Math.floor(op.code / 4096)] ?? 0) + (op.code % 4096);
  KIND[row] = IMMEDIATES.indexOf(op.immediate);
  POPS[row] = op.operands.length;
  PUSHES[row] = op.results.length;
  [, POINTS[row], EXITS[row]] = COSTS.find(([names]) => names.test(op.name)) ?? [/./, 0, 0];
  FEATURE[row] = op.feature === undefined ? 0 : FEATURES.indexOf(op.feature) + 1;
}
for (const prefix of [0xfb, 0xfc, 0xfd, 0xfe]) KIND[prefix] = PREFIXED;
