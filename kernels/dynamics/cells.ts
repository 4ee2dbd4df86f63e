// Forces between particles that are nearer than the cut-off. The box is cut into cells at least as wide as that, and a particle
// meets those of its own cell and of the 26 around it: Quentrec and Brot, J. Comput. Phys. 13 (1973), 430.
// Cells have others around them on all sides that need them, with images of the particles on the other side of the box. The order of
// all sums is that of cells and, in a cell, of particles, hence the same on every machine.
import { CELLS_MIN } from './plan';
import { PairForce } from './pairs';
import { LANES, PARTS, Records, SUM_XY, SUM_Z } from './records';

/** An image of a cell: the cell and that which it is of, as i32, and by how much it is moved along x, y and z, as f64. */
const IMAGE: usize = 32;

export class CellList {
  private readonly side: i32;
  private readonly cellsPerLength: f64;
  /** Cells of a row along x, and of a plane of rows along y. */
  private readonly row: i32;
  private readonly plane: i32;
  private readonly cells: i32;
  private readonly records: Records;
  private readonly pairs: PairForce;
  /** Cell of each particle, and its slot. */
  private readonly cellOf: StaticArray<i32>;
  private readonly slotOf: StaticArray<i32>;
  /** How many particles each cell has, and where it begins. Rows begin with a group of four, behind up to three slots of nobody. */
  private readonly counts: StaticArray<i32>;
  private readonly starts: StaticArray<i32>;
  private readonly images: usize;
  private imagesEnd: usize = 0;

  constructor(
    private readonly count: i32,
    private readonly edge: f64,
    cutoff: f64,
  ) {
    // Not more cells than particles: thin fluids would spend their time on empty ones.
    const wanted = min(<i32>(edge / cutoff), <i32>Math.cbrt(<f64>count));
    const side = max(CELLS_MIN, wanted);
    const row = side + 2;
    const cells = row * row * (side + 1);
    this.side = side;
    this.cellsPerLength = <f64>side / edge;
    this.row = row;
    this.plane = row * row;
    this.cells = cells;
    const parts = (PARTS * <f64>side) / edge;
    const records = new Records(parts);
    this.records = records;
    this.pairs = new PairForce(cutoff, parts, records);
    this.cellOf = new StaticArray<i32>(count);
    this.slotOf = new StaticArray<i32>(count);
    this.counts = new StaticArray<i32>(cells);
    this.starts = new StaticArray<i32>(cells + 1);
    this.images = heap.alloc(<usize>cells * IMAGE);
    this.putImages();
  }

  private putImages(): void {
    const side = this.side;
    let at = this.images;
    for (let z = 0; z <= side; z++) {
      for (let y = -1; y <= side; y++) {
        for (let x = -1; x <= side; x++) {
          const boxesX = i32(x === side) - i32(x < 0);
          const boxesY = i32(y === side) - i32(y < 0);
          const boxesZ = i32(z === side);
          if ((boxesX | boxesY | boxesZ) === 0) continue;
          store<i32>(at, indexOf(side, x, y, z));
          store<i32>(at, indexOf(side, x - boxesX * side, y - boxesY * side, z - boxesZ * side), 4);
          store<f64>(at, this.edge * <f64>boxesX, 8);
          store<f64>(at, this.edge * <f64>boxesY, 16);
          store<f64>(at, this.edge * <f64>boxesZ, 24);
          at += IMAGE;
        }
      }
    }
    this.imagesEnd = at;
  }

  /** Writes the forces on particles at these positions, and gives their potential energy. */
  compute(positions: usize, forces: usize): f64 {
    this.sort(positions);
    this.pairs.clear();
    const side = this.side;
    for (let z = 0; z < side; z++) {
      for (let y = 0; y < side; y++) {
        for (let x = 0; x < side; x++) this.meet(indexOf(side, x, y, z));
      }
    }
    this.take(forces);
    return this.pairs.potential();
  }

  /** Counting sort, which keeps the order of particles within a cell. */
  private sort(positions: usize): void {
    const counts = changetype<usize>(this.counts);
    const starts = changetype<usize>(this.starts);
    const cellOf = changetype<usize>(this.cellOf);
    const slotOf = changetype<usize>(this.slotOf);
    const axis = <usize>this.count * 8;
    memory.fill(counts, 0, <usize>this.cells * 4);
    const perLength = f64x2.splat(this.cellsPerLength);
    const last = i32x4.splat(this.side - 1);
    for (let i: usize = 0; i < axis; i += 8) {
      const at = positions + i;
      // Conversions that may trap are checked one by one, and take longer than these.
      const xy = f64x2.mul(v128.load64_lane(at + axis, v128.load64_zero(at), 1), perLength);
      const z = f64x2.mul(v128.load64_zero(at + 2 * axis), perLength);
      const cellXY = i32x4.min_u(i32x4.trunc_sat_f64x2_u_zero(xy), last);
      const cellZ = i32x4.min_u(i32x4.trunc_sat_f64x2_u_zero(z), last);
      const cell = indexOf(
        this.side,
        i32x4.extract_lane(cellXY, 0),
        i32x4.extract_lane(cellXY, 1),
        i32x4.extract_lane(cellZ, 0),
      );
      store<i32>(cellOf + (i >> 1), cell);
      const count = counts + <usize>cell * 4;
      store<i32>(slotOf + (i >> 1), load<i32>(count));
      store<i32>(count, load<i32>(count) + 1);
    }
    for (let image = this.images; image < this.imagesEnd; image += IMAGE) {
      store<i32>(counts + <usize>load<i32>(image) * 4, load<i32>(counts + <usize>load<i32>(image, 4) * 4));
    }
    let slot = 0;
    for (let cell = 0; cell < this.cells; ) {
      slot = wholeGroups(slot);
      for (const end = cell + this.row; cell < end; cell++) {
        store<i32>(starts + <usize>cell * 4, slot);
        slot += load<i32>(counts + <usize>cell * 4);
      }
    }
    slot = wholeGroups(slot);
    this.starts[this.cells] = slot;
    if (this.records.reserve(slot)) this.pairs.reserve(slot);
    this.put(positions);
  }

  /** Particles into their slots, then images, and nobody where a row ends. */
  private put(positions: usize): void {
    const records = this.records;
    const starts = this.starts;
    const counts = this.counts;
    const cellOf = changetype<usize>(this.cellOf);
    const slotOf = changetype<usize>(this.slotOf);
    const axis = <usize>this.count * 8;
    for (let i: usize = 0; i < axis; i += 8) {
      const cell = load<i32>(cellOf + (i >> 1));
      const slot = load<i32>(slotOf + (i >> 1)) + load<i32>(changetype<usize>(starts) + <usize>cell * 4);
      store<i32>(slotOf + (i >> 1), slot);
      const at = positions + i;
      const xy = v128.load64_lane(at + axis, v128.load64_zero(at), 1);
      records.put(slot, xy, v128.load64_zero(at + 2 * axis));
    }
    for (let image = this.images; image < this.imagesEnd; image += IMAGE) {
      const from = load<i32>(image, 4);
      const to = starts[load<i32>(image)];
      records.copy(starts[from], to, counts[from], v128.load(image, 8), v128.load64_zero(image, 24));
    }
    for (let last = this.row - 1; last < this.cells; last += this.row) {
      for (let slot = starts[last] + counts[last]; slot < starts[last + 1]; slot++) records.putNobody(slot);
    }
  }

  /** A cell with itself and with half of those around it. */
  private meet(cell: i32): void {
    const pairs = this.pairs;
    const starts = this.starts;
    const from = starts[cell];
    const to = starts[cell + 1];
    if (from === to) return;
    pairs.begin();
    // Three cells of a row are one stretch of slots.
    pairs.add(from, starts[cell + 2]);
    this.addRow(cell + this.row);
    this.addRow(cell + this.plane - this.row);
    this.addRow(cell + this.plane);
    this.addRow(cell + this.plane + this.row);
    const place = <usize>from % LANES;
    for (let slot = from; slot < to; slot++) pairs.meet(slot, place + <usize>(slot - from));
  }

  /** A cell with those on both sides of it. */
  @inline
  private addRow(cell: i32): void {
    this.pairs.add(this.starts[cell - 1], this.starts[cell + 2]);
  }

  /** Copies forces from slots, once those on images are given to particles. */
  private take(forces: usize): void {
    const records = this.records;
    for (let image = this.images; image < this.imagesEnd; image += IMAGE) {
      const to = load<i32>(image, 4);
      records.give(this.starts[load<i32>(image)], this.starts[to], this.counts[to]);
    }
    const slotOf = changetype<usize>(this.slotOf);
    const axis = <usize>this.count * 8;
    for (let i: usize = 0; i < axis; i += 8) {
      const from = records.recordOf(load<i32>(slotOf + (i >> 1)));
      const to = forces + i;
      store<f64>(to, 48 * load<f64>(from, SUM_XY));
      store<f64>(to + axis, 48 * load<f64>(from, SUM_XY + 8));
      store<f64>(to + 2 * axis, 48 * load<f64>(from, SUM_Z));
    }
  }
}

/** From -1 to the side along x and y, from 0 along z: no cell looks for those before it in that. */
function indexOf(side: i32, x: i32, y: i32, z: i32): i32 {
  return (z * (side + 2) + (y + 1)) * (side + 2) + (x + 1);
}

/** The first slot of the next group, or of this one. */
function wholeGroups(slot: i32): i32 {
  return (slot + 3) & -4;
}
