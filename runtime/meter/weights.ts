// The tariff's table of weights, and the weights by rows of the opcode table, which the meter adds up. Those who run what is metered need neither.
import { OPCODES } from '../wasm/opcodes.ts';
import { PREFIX_ROWS } from '../wasm/rows.ts';

/** Weights by the names of instructions; the first that fits counts. What is not named weighs 1. */
const TARIFF: readonly (readonly [names: RegExp, weight: number])[] = [
  // They mark places; nothing is done there.
  [/^(?:block|loop|else|end|nop)$/, 0],
  [/^(?:call|br_table)$/, 2],
  [/^call_indirect$/, 4],
  [/^i(?:32|64)\.(?:div|rem)_[su]$/, 8],
  [/^f(?:32|64)\.(?:div|sqrt)$/, 4],
  [/^f(?:32x4|64x2)\.(?:div|sqrt)$/, 6],
  [/^memory\.(?:fill|copy|init)$/, 8],
  // Asks the host, even when it fails.
  [/^memory\.grow$/, 256],
];

/** The weight of every row of the opcode table. */
export const WEIGHTS: Uint16Array = new Uint16Array(768);

for (const { name, code } of OPCODES.values()) {
  const row = (PREFIX_ROWS[Math.floor(code / 4096)] ?? 0) + (code % 4096);
  WEIGHTS[row] = TARIFF.find(([names]) => names.test(name))?.[1] ?? 1;
}
