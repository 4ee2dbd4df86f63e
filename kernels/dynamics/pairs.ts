// Lennard-Jones forces of pairs: 4 (r^-12 - r^-6), cut off at a radius and shifted to be 0 there.
import { ADDRESS, GROUP, GROUP_Z, LANES, Records, SUM_XY, SUM_Z, Z } from './records';

/** For each mask of four lanes, how far the records of those that are in it lie behind the first of the four, one after the other. */
const CHOSEN = memory.data<u32>(
  [
    0, 0, 0, 0, 0, 0, 0, 0, 48, 0, 0, 0, 0, 48, 0, 0, 96, 0, 0, 0, 0, 96, 0, 0, 48, 96, 0, 0, 0, 48, 96, 0, 144, 0, 0,
    0, 0, 144, 0, 0, 48, 144, 0, 0, 0, 48, 144, 0, 96, 144, 0, 0, 0, 96, 144, 0, 48, 96, 144, 0, 0, 48, 96, 144,
  ],
  16,
);

/** Two cells beside z for four lanes and behind them none: from the fourth on for the first lane, from the first on for all four. */
const GONE = memory.data<u32>([0x40000000, 0x40000000, 0x40000000, 0x40000000, 0, 0, 0], 16);

/** Numbers in memory, since V8 makes a constant anew at every use; read where they are used, they take no register through a loop. */
const ONE = memory.data<f64>([1, 1], 16);
const HALF = memory.data<f64>([0.5, 0.5], 16);

export class PairForce {
  /** Copies of the groups around a cell. A copy costs less than looking each row of cells up again for each particle of the cell. */
  private groups: usize = 0;
  private end: usize = 0;
  /** Addresses of records that may be near. */
  private found: usize = 0;
  private readonly radius: f64;
  /** The square of the radius in parts of a cell: more than what it becomes for a pair that is as near. */
  private readonly reach: i32;
  private readonly shift: f64;
  /** One sum a lane: of s (s - 1), s = r^-6, and how many pairs. */
  private readonly energy: usize;

  constructor(
    cutoff: f64,
    parts: f64,
    private readonly records: Records,
  ) {
    this.energy = heap.alloc(32);
    const radius = cutoff * cutoff;
    const inverse = 1 / (radius * radius * radius);
    this.radius = radius;
    this.shift = 4 * inverse * (inverse - 1);
    // Places are off by half a part, hence ways along an axis by a part and distances by less than two.
    const reach = cutoff * parts + 2;
    this.reach = <i32>(reach * reach);
  }

  /**
   * For so many slots, which may all be around one cell: five stretches have at most eight groups more than their slots fill. One more
   * is read behind the last, and not used.
   */
  reserve(slots: i32): void {
    if (this.groups !== 0) {
      heap.free(this.groups);
      heap.free(this.found);
    }
    const groups = <usize>slots / LANES + 9;
    this.groups = heap.alloc(groups * GROUP);
    this.found = heap.alloc(groups * LANES * 4);
  }

  clear(): void {
    v128.store(this.energy, f64x2.splat(0));
    v128.store(this.energy, i64x2.splat(0), 16);
  }

  /** Of all pairs since `clear`. */
  potential(): f64 {
    const sum = load<f64>(this.energy) + load<f64>(this.energy, 8);
    return 4 * sum - this.shift * <f64>(load<i64>(this.energy, 16) + load<i64>(this.energy, 24));
  }

  /** Nothing is around. */
  begin(): void {
    this.end = this.groups;
  }

  /** Slots of a row are around, in whole groups: others in these are of the same row, but farther than a cell, or nobody. */
  add(from: i32, to: i32): void {
    let at = this.end;
    const end = this.records.groupOf(to + <i32>(LANES - 1));
    for (let group = this.records.groupOf(from); group < end; group += GROUP) {
      v128.store(at, v128.load(group));
      v128.store(at, v128.load(group, 16), 16);
      v128.store(at, v128.load(group, 32), 32);
      at += GROUP;
    }
    this.end = at;
  }

  /** A particle with all behind it in what is around. Adds to what acts on both, in parts of 48. */
  @inline
  meet(slot: i32, place: usize): void {
    let group = this.groups + (place / LANES) * GROUP;
    const lane = (place % LANES) << 2;
    const xy4 = v128.load32_splat(group + lane);
    const z4 = v128.load32_splat(group + lane, GROUP_Z);
    // It and those before it are near to nothing.
    let z = v128.or(v128.load(group, GROUP_Z), v128.load(GONE + 12 - lane));
    const reach = i32x4.splat(this.reach);
    const end = this.end;
    // First those that are near, without a branch: a processor foretells it wrongly so often that it costs more than this.
    const list = this.found;
    let found = list;
    do {
      const toXY = i16x8.sub(v128.load(group), xy4);
      const toZ = i16x8.sub(z, z4);
      const square = i32x4.add(i32x4.dot_i16x8_s(toXY, toXY), i32x4.dot_i16x8_s(toZ, toZ));
      const mask = i32x4.bitmask(i32x4.lt_s(square, reach));
      v128.store(found, i32x4.add(v128.load(group, ADDRESS), v128.load((<usize>mask) << 4, CHOSEN)));
      found += (<usize>popcnt(mask)) << 2;
      group += GROUP;
      z = v128.load(group, GROUP_Z);
    } while (group < end);
    if (found === list) return;
    // Two at a time: where one is left over, with one that is far.
    store<u32>(found, <u32>this.records.far);

    const own = this.records.recordOf(slot);
    const xy = v128.load(own);
    const ownZ = v128.load64_splat(own, Z);
    const radius = f64x2.splat(this.radius);
    let sumXY = f64x2.splat(0);
    let sumZ = f64x2.splat(0);
    let energy = v128.load(this.energy);
    let pairs = v128.load(this.energy, 16);
    let next = list;
    do {
      const a = <usize>load<u32>(next);
      const b = <usize>load<u32>(next, 4);
      const toA = f64x2.sub(v128.load(a), xy);
      const toB = f64x2.sub(v128.load(b), xy);
      const dx = v128.shuffle<f64>(toA, toB, 0, 2);
      const dy = v128.shuffle<f64>(toA, toB, 1, 3);
      const zA = v128.load(a, Z);
      const zB = v128.load(b, Z);
      const dz = f64x2.sub(v128.shuffle<f64>(zA, zB, 0, 2), ownZ);
      const square = f64x2.add(f64x2.add(f64x2.mul(dx, dx), f64x2.mul(dy, dy)), f64x2.mul(dz, dz));
      const near = f64x2.lt(square, radius);
      const one = v128.load(ONE);
      // All that is far becomes 0 here, where one look at bits is enough.
      const inverse = v128.and(f64x2.div(one, square), near);
      const sixth = f64x2.mul(f64x2.mul(inverse, inverse), inverse);
      energy = f64x2.add(energy, f64x2.mul(sixth, f64x2.sub(sixth, one)));
      pairs = i64x2.sub(pairs, near);
      const share = f64x2.mul(f64x2.mul(sixth, f64x2.sub(sixth, v128.load(HALF))), inverse);
      const forceX = f64x2.mul(share, dx);
      const forceY = f64x2.mul(share, dy);
      const forceZ = f64x2.mul(share, dz);
      const onA = v128.shuffle<f64>(forceX, forceY, 0, 2);
      const onB = v128.shuffle<f64>(forceX, forceY, 1, 3);
      const onZ = f64x2.add(v128.shuffle<f64>(zA, zB, 1, 3), forceZ);
      const allA = f64x2.add(v128.load(a, SUM_XY), onA);
      const allB = f64x2.add(v128.load(b, SUM_XY), onB);
      // Stored together, and so looked at together for NaNs where these are to be the same everywhere.
      v128.store(a, allA, SUM_XY);
      v128.store(b, allB, SUM_XY);
      v128.store64_lane(a, onZ, 0, SUM_Z);
      v128.store64_lane(b, onZ, 1, SUM_Z);
      sumXY = f64x2.add(f64x2.add(sumXY, onA), onB);
      sumZ = f64x2.add(sumZ, forceZ);
      next += 8;
    } while (next < found);
    v128.store(own, f64x2.sub(v128.load(own, SUM_XY), sumXY), SUM_XY);
    store<f64>(own, load<f64>(own, SUM_Z) - (f64x2.extract_lane(sumZ, 0) + f64x2.extract_lane(sumZ, 1)), SUM_Z);
    v128.store(this.energy, energy);
    v128.store(this.energy, pairs, 16);
  }
}
