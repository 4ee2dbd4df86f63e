// Functions that stand in for those that end the guest. They take what is owed as one more argument, pay it, and call: many places in a
// module end it, each owes something else, and a constant there is shorter than code that pays.
import type { FunctionType, Module } from '../wasm/module.ts';
import { Writer } from '../wasm/writer.ts';
import type { Calls } from './calls.ts';

/** From so many places on such a function is shorter. */
const PLACES_MIN = 12;

/** One of them; indexes are in the new numbering. */
export interface Payer {
  readonly type: FunctionType;
  /** The function that it calls. */
  readonly callee: number;
}

/** The payers of a module by the function that they stand in for, in the order of the map. `added` is by how much indexes move. */
export function payersOf(
  { functions, functionsImported, types }: Module,
  calls: Calls,
  added: number,
): Map<number, Payer> {
  const payers = new Map<number, Payer>();
  for (const [index, places] of calls.endings) {
    if (places < PLACES_MIN) continue;
    const params = `${types[functions[index] as number]?.params ?? ''}i`;
    payers.set(index, { type: { params, results: '' }, callee: index < functionsImported ? index : index + added });
  }
  return payers;
}

/** Writes the body of one, behind its size. Nobody comes back from what it calls. */
export function writePayer(w: Writer, { type, callee }: Payer, fuel: number): void {
  const body = new Writer();
  const owed = type.params.length - 1;
  body.raw([0, 0x23]).u32(fuel).byte(0x20).u32(owed).raw([0xac, 0x7d, 0x24]).u32(fuel);
  for (let param = 0; param < owed; param++) body.byte(0x20).u32(param);
  body.byte(0x10).u32(callee).raw([0x00, 0x0b]);
  w.u32(body.length).raw(body.view());
}
