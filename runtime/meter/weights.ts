// The tariff by rows of the opcode table: what the meter adds up.
import { OPCODES } from '../wasm/opcodes.ts';
import { PREFIX_ROWS } from '../wasm/rows.ts';
import { TARIFF } from './tariff.ts';

/** The weight of every row of the opcode table. */
export const WEIGHTS: Uint16Array = new Uint16Array(768);

for (const { name, code } of OPCODES.values()) {
  const row = (PREFIX_ROWS[Math.floor(code / 4096)] ?? 0) + (code % 4096);
  WEIGHTS[row] = TARIFF.find(([names]) => names.test(name))?.[1] ?? 1;
}
