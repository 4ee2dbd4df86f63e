// Code that pays for a counted loop in chunks, before it runs.
//
// A chunk is so many trips, paid together, and a limit of its own at which the loop leaves off: `counter + trips * step`. The last
// chunk ends where the loop does. Where the counter could wrap round before that, a chunk is one trip. The loop's own test decides
// whether another chunk follows, so the sum over chunks is exact in any case.
import type { Writer } from '../wasm/writer.ts';
import { BOUNDS } from './bounds.ts';
import type { Counted, Operand } from './counted.ts';
import { DOMAINS, wraps } from './trips.ts';

/** Locals that the meter adds to a function. */
export interface OwnLocals {
  /** i64: the counter, while it is not in its global. */
  readonly fuel: number;
  /** i64: the trips of a chunk. */
  readonly trips: number;
  /** i64: the stack's weight that was left before the function's frame. */
  readonly stack: number;
  /** i32: the limit of a chunk. */
  readonly limit: number;
}

/** A longer step is not worth the proof that a chunk stays below 2^32. */
const STRIDE_MAX = 4_096;

const GET = 0x20;
const SET = 0x21;
const TEE = 0x22;
const CONST = 0x41;
const CONST64 = 0x42;
const SELECT = 0x1b;
const I32 = { and: 0x71, add: 0x6a, sub: 0x6b, mul: 0x6c, wrap: 0xa7 } as const;
const I64 = {
  ...{ eqz: 0x50, lessS: 0x53, lessU: 0x54, greaterS: 0x55, atMostS: 0x57, atLeastS: 0x59 },
  ...{ add: 0x7c, sub: 0x7d, mul: 0x7e, divS: 0x7f, divU: 0x80, remU: 0x82, extendS: 0xac, extendU: 0xad },
} as const;

/** Whether a counted loop can be cut into chunks. */
export function canChunk({ limit, step, relation }: Counted): boolean {
  if ('local' in step) return true;
  const stride = Math.abs(step.constant);
  if (relation.kind === 'unequal') return stride <= STRIDE_MAX;
  return 'local' in limit || !wraps(limit, stride, step.constant > 0, relation);
}

/** Pays a chunk out of the local counter, and leaves the limit in its local. `tripFuel` is what a trip weighs. */
export function writeChunk(w: Writer, counted: Counted, tripFuel: number, own: OwnLocals): void {
  // A trip that cannot be finished has no weight.
  const most = Math.max(1, Math.floor(BOUNDS.chunkFuel / Math.max(1, tripFuel)));
  if (counted.relation.kind === 'unequal') writeUnequal(w, counted, most, own);
  else writeOrdered(w, counted, most, own);
  w.byte(GET).u32(own.fuel).byte(GET).u32(own.trips);
  if (tripFuel !== 1) w.byte(CONST64).s32(tripFuel).byte(I64.mul);
  w.byte(I64.sub).byte(SET).u32(own.fuel);
}

/** `counter != limit`: the way is taken modulo 2^32, as the counter goes. */
function writeUnequal(w: Writer, counted: Counted, most: number, own: OwnLocals): void {
  const { counter, limit, step } = counted;
  if (!('constant' in step)) throw new Error('a step to an unequal limit is constant');
  const stride = Math.abs(step.constant);
  if (step.constant > 0) operand(w, limit).byte(GET).u32(counter);
  else operand(w.byte(GET).u32(counter), limit);
  w.byte(I32.sub).byte(I64.extendU).byte(TEE).u32(own.trips);
  if (stride > 1) {
    w.byte(CONST64).s32(stride).byte(I64.remU).byte(I64.eqz).byte(SET).u32(own.limit);
    w.byte(GET).u32(own.trips).byte(CONST64).s32(stride).byte(I64.divU).byte(TEE).u32(own.trips);
  }
  w.byte(CONST64).s32(most);
  // No trips left stands for 2^32 of them, or for a limit that is met after another round.
  w.byte(GET).u32(own.trips).byte(CONST64).s32(1).byte(I64.sub).byte(CONST64).s32(most).byte(I64.lessU);
  if (stride > 1) w.byte(GET).u32(own.limit).byte(I32.and);
  w.byte(SELECT);
  writeReach(w, counted, own);
  w.byte(SET).u32(own.limit);
}

/** `counter < limit` and the like, in 64 bits, where nothing wraps round. */
function writeOrdered(w: Writer, counted: Counted, most: number, own: OwnLocals): void {
  const { counter, limit, step, relation } = counted;
  const up = relation.kind === 'less';
  const extend = relation.signed ? I64.extendS : I64.extendU;
  const place = { local: counter };
  extended(w, up ? limit : place, extend);
  extended(w, up ? place : limit, extend).byte(I64.sub);
  if (relation.orEqual) w.byte(CONST64).s32(1).byte(I64.add);
  const guarded = writeGuard(w, counted, own);
  if (guarded) w.byte(SET).u32(own.limit).byte(GET).u32(own.trips);
  writeStrides(w, step);
  w.byte(TEE).u32(own.trips).byte(CONST64).s32(most);
  w.byte(GET).u32(own.trips).byte(CONST64).s32(most).byte(I64.lessS).byte(SELECT);
  if (guarded) w.byte(CONST64).s32(1).byte(GET).u32(own.limit).byte(SELECT);
  writeReach(w, counted, own);
  if (guarded) {
    // Nothing is beyond the end of the domain: the loop leaves off after one trip.
    const { min, max } = DOMAINS[relation.signed ? 'signed' : 'unsigned'];
    w.byte(CONST)
      .s32(up ? min : max)
      .byte(GET)
      .u32(own.limit)
      .byte(SELECT);
  }
  w.byte(SET).u32(own.limit);
}

/** Takes the way from the stack. Puts it into `trips`, and leaves there whether the trips are what it says, unless that is certain. */
function writeGuard(w: Writer, { form, limit, step, relation }: Counted, own: OwnLocals): boolean {
  let parts = 0;
  const part = () => {
    if (parts++ > 0) w.byte(I32.and);
  };
  if (form === 'bottom') {
    w.byte(TEE).u32(own.trips).byte(CONST64).s32(0).byte(I64.greaterS);
    part();
  }
  const up = relation.kind === 'less';
  const set = () => {
    if (parts === 0) w.byte(SET).u32(own.trips);
  };
  const fixed = 'constant' in step ? Math.abs(step.constant) : 1;
  const reach = fixed - 1 + (relation.orEqual ? 1 : 0);
  if ('local' in step || ('local' in limit && reach > 0)) {
    set();
    const { min, max } = DOMAINS[relation.signed ? 'signed' : 'unsigned'];
    extended(w, limit, relation.signed ? I64.extendS : I64.extendU);
    if ('local' in step)
      extended(w, step, I64.extendS)
        .byte(CONST64)
        .s32(relation.orEqual ? 0 : -1)
        .byte(I64.add);
    else w.byte(CONST64).s64(BigInt(reach));
    w.byte(up ? I64.add : I64.sub)
      .byte(CONST64)
      .s64(BigInt(up ? max : min));
    w.byte(up ? I64.atMostS : I64.atLeastS);
    part();
  }
  if ('local' in step) {
    extended(w, step, I64.extendS).byte(CONST64).s32(0).byte(I64.greaterS);
    part();
  }
  return parts > 0;
}

/** The way on the stack, in steps, rounded up. */
function writeStrides(w: Writer, step: Operand): void {
  if ('constant' in step) {
    const stride = Math.abs(step.constant);
    if (stride === 1) return;
    w.byte(CONST64)
      .s32(stride - 1)
      .byte(I64.add);
    w.byte(CONST64).s32(stride).byte(I64.divS);
    return;
  }
  extended(w, step, I64.extendS).byte(I64.add).byte(CONST64).s32(1).byte(I64.sub);
  // A step that does not lead upwards is not divided by: the guard has seen it.
  extended(w, step, I64.extendS).byte(CONST64).s32(1);
  extended(w, step, I64.extendS).byte(CONST64).s32(0).byte(I64.greaterS).byte(SELECT);
  w.byte(I64.divS);
}

/** `counter + trips * step`; the trips are on the stack, and are kept. */
function writeReach(w: Writer, { counter, step }: Counted, own: OwnLocals): void {
  w.byte(TEE).u32(own.trips).byte(I32.wrap);
  if ('local' in step || step.constant !== 1) operand(w, step).byte(I32.mul);
  w.byte(GET).u32(counter).byte(I32.add);
}

function operand(w: Writer, one: Operand): Writer {
  return 'local' in one ? w.byte(GET).u32(one.local) : w.byte(CONST).s32(one.constant);
}

function extended(w: Writer, one: Operand, extend: number): Writer {
  if ('local' in one) return w.byte(GET).u32(one.local).byte(extend);
  return w.byte(CONST64).s64(BigInt(extend === I64.extendS ? one.constant : one.constant >>> 0));
}

const COMPARE = { unequal: [71, 71], less: [73, 72], greater: [75, 74] } as const;
const OR_EQUAL = 4;

/** `counter <relation> limit` as the loop has it. */
export function writeTest(w: Writer, { counter, limit, relation }: Counted): void {
  const [unsigned, signed] = COMPARE[relation.kind];
  operand(w.byte(GET).u32(counter), limit).byte(
    (relation.signed ? signed : unsigned) + (relation.orEqual ? OR_EQUAL : 0),
  );
}

/** The comparison with the limit of a chunk, which is never `or equal`; `swapped`: the limit comes first. */
export function chunkCompare({ relation }: Counted, swapped: boolean): number {
  const { kind, signed } = relation;
  const turned = kind === 'less' ? 'greater' : kind === 'greater' ? 'less' : kind;
  return COMPARE[swapped ? turned : kind][signed ? 1 : 0];
}
