// Particles and their images, slot by slot, so that neighbours lie side by side: where they are and what acts on them, in a record of
// 48 bytes each, and where they are in 16 bits, in a group of 48 bytes for four, for a first look at which are near.

/** x, y; the sums of what acts along x and y; z, and the sum of what acts along it. */
export const RECORD: usize = 48;
export const SUM_XY: usize = 16;
export const Z: usize = 32;
export const SUM_Z: usize = 40;

/** Four pairs of x and y, four of z and 0, each of 16 bits, and the address of the first one's record, four times. */
export const GROUP: usize = 48;
export const GROUP_Z: usize = 16;
export const ADDRESS: usize = 32;
export const LANES: usize = 4;

/**
 * Places in 16 bits are counted in this part of a cell, modulo 2^16: those in cells side by side differ by less than two cells, so that
 * squares of distances fit an i32.
 */
export const PARTS: f64 = 8192;

/** Added to a number, it leaves the nearest integer in the lowest bits. */
const ROUND: f64 = 6755399441055744;

/** Nothing is near to this place. */
const FAR: f64 = 1e18;

export class Records {
  records: usize = 0;
  groups: usize = 0;
  /** A record of nobody, who is far. */
  readonly far: usize;
  private slots: i32 = 0;

  /** `parts` are those of a cell in a unit of length. */
  constructor(private readonly parts: f64) {
    this.far = heap.alloc(RECORD);
    v128.store(this.far, f64x2.splat(FAR));
    v128.store(this.far, f64x2.splat(FAR), Z);
  }

  /** Makes room for so many slots, a multiple of four; what was there is lost then. Says whether it had to. */
  reserve(slots: i32): bool {
    if (slots <= this.slots) return false;
    if (this.slots !== 0) {
      heap.free(this.records);
      heap.free(this.groups);
    }
    this.slots = slots;
    this.records = heap.alloc(<usize>slots * RECORD);
    this.groups = heap.alloc((<usize>slots / LANES) * GROUP);
    for (let slot = 0; slot < slots; slot += <i32>LANES) {
      v128.store(this.groupOf(slot), i64x2.splat(0), GROUP_Z);
      v128.store(this.groupOf(slot), i32x4.splat(<i32>this.recordOf(slot)), ADDRESS);
    }
    return true;
  }

  @inline
  recordOf(slot: i32): usize {
    return this.records + <usize>slot * RECORD;
  }

  @inline
  groupOf(slot: i32): usize {
    return this.groups + (<usize>slot / LANES) * GROUP;
  }

  /** Somebody, on whom nothing acts yet; beside z there is 0. */
  @inline
  put(slot: i32, xy: v128, z: v128): void {
    const at = this.recordOf(slot);
    v128.store(at, xy);
    v128.store(at, f64x2.splat(0), SUM_XY);
    v128.store(at, z, Z);
    const lane = this.groupOf(slot) + ((<usize>slot % LANES) << 2);
    const parts = f64x2.splat(this.parts);
    const round = f64x2.splat(ROUND);
    const xy16 = f64x2.add(f64x2.mul(xy, parts), round);
    v128.store16_lane(lane, xy16, 0);
    v128.store16_lane(lane, xy16, 4, 2);
    v128.store16_lane(lane, f64x2.add(f64x2.mul(z, parts), round), 0, GROUP_Z);
  }

  /** Nobody, who is far. */
  putNobody(slot: i32): void {
    this.put(slot, f64x2.splat(FAR), f64x2.splat(FAR));
  }

  /** So many images, moved by the shifts; that beside z is 0. */
  copy(from: i32, to: i32, count: i32, shiftXY: v128, shiftZ: v128): void {
    for (const end = to + count; to < end; to++) {
      const at = this.recordOf(from++);
      this.put(to, f64x2.add(v128.load(at), shiftXY), f64x2.add(v128.load(at, Z), shiftZ));
    }
  }

  /** Adds what acts on images to what acts on those that they are of. */
  give(from: i32, to: i32, count: i32): void {
    let at = this.recordOf(to);
    const end = this.recordOf(from + count);
    for (let image = this.recordOf(from); image < end; image += RECORD) {
      v128.store(at, f64x2.add(v128.load(at, SUM_XY), v128.load(image, SUM_XY)), SUM_XY);
      store<f64>(at, load<f64>(at, SUM_Z) + load<f64>(image, SUM_Z), SUM_Z);
      at += RECORD;
    }
  }
}
