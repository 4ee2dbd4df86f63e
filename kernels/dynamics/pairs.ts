// Lennard-Jones forces of pairs, two at a time: 4 (r^-12 - r^-6), cut off at a radius and shifted to be 0 there.

const LANES = 2;
/** The square of the radius for both lanes; behind it for a last vector with a particle in its first lane only: nothing is so near. */
const RADII = memory.data<f64>([0, 0, 0, -1], 16);

/** The shift of energy, and numbers: in memory, since V8 makes a constant anew at every use. */
const SHIFT = memory.data<f64>([0]);
const ONE = memory.data<f64>([1]);
const FORTY_EIGHT = memory.data<f64>([48]);
const HALF = memory.data<f64>([0.5]);
const FOUR = memory.data<f64>([4]);

/** Sorted copies of positions, and the forces on them. Three axes each, one after the other, with room for a vector behind the last. */
export class PairForce {
  private readonly axis: usize;
  private readonly positions: usize;
  private readonly forces: usize;
  /** Potential energy, one sum a lane. */
  private readonly energy: usize;
  /** Addresses of vectors of positions with a particle that is near. */
  private readonly found: usize;

  constructor(
    private readonly count: i32,
    cutoff: f64,
  ) {
    this.axis = <usize>(count + LANES) * 8;
    this.positions = heap.alloc(3 * this.axis);
    this.forces = heap.alloc(3 * this.axis);
    this.energy = heap.alloc(16);
    this.found = heap.alloc(<usize>(count / LANES + 2) * 4);
    memory.fill(this.positions, 0, 3 * this.axis);
    const radius = cutoff * cutoff;
    const inverse = 1 / (radius * radius * radius);
    store<f64>(RADII, radius);
    store<f64>(RADII, radius, 8);
    store<f64>(RADII, radius, 16);
    store<f64>(SHIFT, 4 * inverse * (inverse - 1));
  }

  clear(): void {
    memory.fill(this.forces, 0, 3 * this.axis);
    v128.store(this.energy, f64x2.splat(0));
  }

  /** Of all pairs since `clear`. */
  potential(): f64 {
    return load<f64>(this.energy) + load<f64>(this.energy, 8);
  }

  /** Copies positions to their slots. */
  put(positions: usize, slotOf: StaticArray<i32>): void {
    for (let axis: usize = 0; axis < 3; axis++) {
      const from = positions + axis * <usize>this.count * 8;
      const to = this.positions + axis * this.axis;
      for (let i = 0; i < this.count; i++) store<f64>(to + <usize>slotOf[i] * 8, load<f64>(from + <usize>i * 8));
    }
  }

  /** Copies forces from their slots. */
  take(forces: usize, slotOf: StaticArray<i32>): void {
    for (let axis: usize = 0; axis < 3; axis++) {
      const from = this.forces + axis * this.axis;
      const to = forces + axis * <usize>this.count * 8;
      for (let i = 0; i < this.count; i++) store<f64>(to + <usize>i * 8, load<f64>(from + <usize>slotOf[i] * 8));
    }
  }

  /** The particle of a slot with those of other slots, which are shifted by a whole box or not at all. Adds to the forces on both. */
  @inline
  near(slot: i32, from: i32, to: i32, shiftX: f64, shiftY: f64, shiftZ: f64): void {
    const axis = this.axis;
    const own = this.positions + <usize>slot * 8;
    const x = f64x2.splat(load<f64>(own) - shiftX);
    const y = f64x2.splat(load<f64>(own + axis) - shiftY);
    const z = f64x2.splat(load<f64>(own + 2 * axis) - shiftZ);
    const radius = v128.load(RADII);
    const end = this.positions + <usize>to * 8;
    let at = this.positions + <usize>from * 8;
    if (at >= end) return;
    // First those with a particle that is near, without a branch: a processor foretells it wrongly so often that it costs more than this.
    let found = this.found;
    do {
      const dx = f64x2.sub(x, v128.load(at));
      const dy = f64x2.sub(y, v128.load(at + axis));
      const dz = f64x2.sub(z, v128.load(at + 2 * axis));
      const square = f64x2.add(f64x2.add(f64x2.mul(dx, dx), f64x2.mul(dy, dy)), f64x2.mul(dz, dz));
      store<u32>(found, <u32>at);
      // A step if any lane is near.
      found += (i64x2.bitmask(f64x2.lt(square, radius)) + 3) & 4;
      at += 8 * LANES;
    } while (at < end);

    let forceX = f64x2.splat(0);
    let forceY = f64x2.splat(0);
    let forceZ = f64x2.splat(0);
    let energy = f64x2.splat(0);
    const forces = this.forces - this.positions;
    for (let next = this.found; next < found; next += 4) {
      const at = <usize>load<u32>(next);
      const dx = f64x2.sub(x, v128.load(at));
      const dy = f64x2.sub(y, v128.load(at + axis));
      const dz = f64x2.sub(z, v128.load(at + 2 * axis));
      const square = f64x2.add(f64x2.add(f64x2.mul(dx, dx), f64x2.mul(dy, dy)), f64x2.mul(dz, dz));
      const near = f64x2.lt(square, v128.load(RADII + ((<usize>(end - at < 8 * LANES)) << 4)));
      const one = v128.load64_splat(ONE);
      // All that is far becomes 0 here, where one look at bits is enough.
      const inverse = v128.and(f64x2.div(one, square), near);
      const sixth = f64x2.mul(f64x2.mul(inverse, inverse), inverse);
      const strength = f64x2.mul(
        f64x2.mul(v128.load64_splat(FORTY_EIGHT), sixth),
        f64x2.sub(sixth, v128.load64_splat(HALF)),
      );
      const share = f64x2.mul(strength, inverse);
      const level = f64x2.mul(f64x2.mul(v128.load64_splat(FOUR), sixth), f64x2.sub(sixth, one));
      energy = f64x2.add(energy, f64x2.sub(level, v128.and(v128.load64_splat(SHIFT), near)));
      const fx = f64x2.mul(share, dx);
      const fy = f64x2.mul(share, dy);
      const fz = f64x2.mul(share, dz);
      forceX = f64x2.add(forceX, fx);
      forceY = f64x2.add(forceY, fy);
      forceZ = f64x2.add(forceZ, fz);
      subtract(at + forces, fx);
      subtract(at + forces + axis, fy);
      subtract(at + forces + 2 * axis, fz);
    }
    const mine = own + forces;
    add(mine, forceX);
    add(mine + axis, forceY);
    add(mine + 2 * axis, forceZ);
    v128.store(this.energy, f64x2.add(v128.load(this.energy), energy));
  }
}

function subtract(at: usize, value: v128): void {
  v128.store(at, f64x2.sub(v128.load(at), value));
}

/** Both lanes to the one value at the address. */
function add(at: usize, value: v128): void {
  store<f64>(at, load<f64>(at) + (f64x2.extract_lane(value, 0) + f64x2.extract_lane(value, 1)));
}
