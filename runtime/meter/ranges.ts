// Functions that the meter adds to a module. Most stand in place of the instructions that work on ranges of memory: they pay by
// length, and long ranges are worked on in pieces, with a look at the counter before each.
//
// A range is checked whole before its first byte is written, as the instruction does it: what lies outside is left to the
// instruction itself, which traps. `memory.init` is not cut: its source is part of the module, and no longer than that.
import type { FunctionType } from '../wasm/module.ts';
import { ROW } from '../wasm/outline.ts';
import { Writer } from '../wasm/writer.ts';
import { BOUNDS } from './bounds.ts';
import { type Places, writeCheck, writeLength } from './code.ts';
import { FUEL_PER_PAGE } from './tariff.ts';

/** Stands for no instruction: the function that is called when the counter or the stack's weight is below zero. */
export const BELOW = -1;

/** The same for a counter that lies in a local. */
export const LOOK = -2;

/** The one that pays where that is seldom done. */
export const CHARGE = -3;

/** The one that works on ranges go by: gives how many bytes to work on next, paid for and looked at. */
export const PIECE = -4;

/** The signatures of the meter's functions, by the row of the opcode table that each stands for. */
export const OWN_FUNCTIONS: ReadonlyMap<number, FunctionType> = new Map([
  [BELOW, { params: '', results: '' }],
  [LOOK, { params: 'I', results: 'I' }],
  [CHARGE, { params: 'I', results: '' }],
  [PIECE, { params: 'i', results: 'i' }],
  [ROW.memoryGrow, { params: 'i', results: 'i' }],
  [ROW.memoryCopy, { params: 'iii', results: '' }],
  [ROW.memoryFill, { params: 'iii', results: '' }],
]);

const EMPTY = 0x40;
const I32_LOCAL = [1, 1, 0x7f] as const;
const PAGE_SHIFT = 16;
/** Parameters: where to, what (a byte, or where from), how many bytes. Local 3 is the length of a piece. */
const [TO, WHAT, LENGTH, NEXT] = [0, 1, 2, 3] as const;

/** Writes the body of one, behind its size. */
export function writeOwnFunction(w: Writer, row: number, places: Places): void {
  const body = new Writer();
  if (row === BELOW) writeBelow(body, places);
  else if (row === LOOK) writeLook(body, places);
  else if (row === CHARGE) body.raw([0, 0x23]).u32(places.fuel).raw([0x20, 0, 0x7d, 0x24]).u32(places.fuel);
  else if (row === PIECE) writePiece(body, places);
  else if (row === ROW.memoryGrow) writeGrow(body, places);
  else writeRange(body, row, places);
  body.byte(0x0b);
  w.u32(body.length).raw(body.view());
}

/** The stack first: it is spent at the same call, whatever the slices of fuel. */
function writeBelow(w: Writer, places: Places): void {
  w.byte(0)
    .byte(0x23)
    .u32(places.stack)
    .raw([0x42, 0, 0x53, 0x04, EMPTY, 0x10])
    .u32(places.stackSpent)
    .raw([0x00, 0x0b]);
  writeCheck(w, places);
}

/** The counter comes in as the parameter, and goes out as the result, which is the same unless it is below zero. */
function writeLook(w: Writer, { fuel, refill }: Places): void {
  w.raw([0, 0x20, 0, 0x42, 0, 0x53, 0x04, EMPTY, 0x20, 0, 0x24]).u32(fuel);
  w.byte(0x10).u32(refill).byte(0x23).u32(fuel).raw([0x21, 0, 0x0b, 0x20, 0]);
}

/** Pays for pages that were really added, or asks the host whose fault it is that there are none. */
function writeGrow(w: Writer, { fuel, growRefused }: Places): void {
  w.raw(I32_LOCAL);
  w.raw([0x20, 0, 0x40, 0, 0x22, 1, 0x41]).s32(-1).raw([0x47, 0x04, EMPTY]);
  w.byte(0x23).u32(fuel).raw([0x20, 0, 0xad, 0x42]).s32(FUEL_PER_PAGE).raw([0x7e, 0x7d, 0x24]).u32(fuel);
  w.raw([0x05, 0x20, 0, 0x10]).u32(growRefused);
  w.raw([0x0b, 0x20, 1]);
}

function writeRange(w: Writer, row: number, places: Places): void {
  const isCopy = row === ROW.memoryCopy;
  const operation = isCopy ? [0xfc, 10, 0, 0] : [0xfc, 11, 0];
  w.raw(I32_LOCAL);
  // The range that begins later ends later.
  w.raw(isCopy ? [0x20, TO, 0x20, WHAT, 0x20, TO, 0x20, WHAT, 0x4b, 0x1b] : [0x20, TO]);
  w.raw([0xad, 0x20, LENGTH, 0xad, 0x7c, 0x3f, 0, 0xad, 0x42, PAGE_SHIFT, 0x86, 0x56]);
  w.raw([0x04, EMPTY, 0x20, TO, 0x20, WHAT, 0x20, LENGTH]).raw(operation).byte(0x0b);
  w.raw([0x03, EMPTY, 0x20, LENGTH, 0x20, LENGTH, 0x10]).u32(places.piece);
  w.raw([0x22, NEXT, 0x6b, 0x21, LENGTH]);
  if (isCopy) writeBackwards(w, operation);
  w.raw([0x20, TO, 0x20, WHAT, 0x20, NEXT]).raw(operation);
  advance(w, TO);
  if (isCopy) advance(w, WHAT).byte(0x0b);
  w.raw([0x20, LENGTH, 0x0d, 0, 0x0b]);
}

/** `min(length, pieceBytes)` */
function writePiece(w: Writer, places: Places): void {
  w.raw([0, 0x20, 0, 0x41]).s32(BOUNDS.pieceBytes).raw([0x20, 0, 0x41]).s32(BOUNDS.pieceBytes);
  w.raw([0x49, 0x1b, 0x21, 0]);
  writeLength(w, 0, places.fuel);
  writeCheck(w, places);
  w.raw([0x20, 0]);
}

function advance(w: Writer, local: number): Writer {
  return w.raw([0x20, local, 0x20, NEXT, 0x6a, 0x21, local]);
}

/** The last piece first, where the range would otherwise overwrite what it has yet to read; else what follows. */
function writeBackwards(w: Writer, operation: readonly number[]): void {
  w.raw([0x20, TO, 0x20, WHAT, 0x4b, 0x04, EMPTY]);
  w.raw([0x20, TO, 0x20, LENGTH, 0x6a, 0x20, WHAT, 0x20, LENGTH, 0x6a, 0x20, NEXT]).raw(operation);
  w.byte(0x05);
}
