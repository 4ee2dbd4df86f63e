// Forces between particles that are nearer than the cut-off. The box is cut into cells at least as wide as that, and a particle
// meets those of its own cell and of the 26 around it: Quentrec and Brot, J. Comput. Phys. 13 (1973), 430.
// Particles are copied cell by cell, so that neighbours lie side by side and two fit a vector. The order of all sums is that of
// cells and, in a cell, of particles, hence the same on every machine.
import { CELLS_MIN } from './plan';
import { PairForce } from './pairs';

/**
 * Half of the rows of cells around a row, as steps along y and z; the other half has this row among theirs. A row runs along x,
 * so that a cell and its neighbours in it are one stretch of the sorted particles.
 */
const AROUND = memory.data<i8>([1, 0, -1, 1, 0, 1, 1, 1]);
const AROUND_COUNT: usize = 4;

export class CellList {
  private readonly side: i32;
  private readonly pairs: PairForce;
  /** Cell of each particle, and where it went among the sorted. */
  private readonly cellOf: StaticArray<i32>;
  private readonly slotOf: StaticArray<i32>;
  /** Where each cell begins among the sorted, and where the last ends. */
  private readonly starts: StaticArray<i32>;

  constructor(
    private readonly count: i32,
    private readonly edge: f64,
    cutoff: f64,
  ) {
    // Not more cells than particles: thin fluids would spend their time on empty ones.
    const wanted = min(<i32>(edge / cutoff), <i32>Math.cbrt(<f64>count));
    const side = max(CELLS_MIN, wanted);
    this.side = side;
    this.pairs = new PairForce(count, cutoff);
    this.cellOf = new StaticArray<i32>(count);
    this.slotOf = new StaticArray<i32>(count);
    this.starts = new StaticArray<i32>(side * side * side + 1);
  }

  /** Writes the forces on particles at these positions, and gives their potential energy. */
  compute(positions: usize, forces: usize): f64 {
    this.sort(positions);
    this.pairs.clear();
    const side = this.side;
    for (let z = 0; z < side; z++) {
      for (let y = 0; y < side; y++) {
        for (let x = 0; x < side; x++) this.meet(x, y, z);
      }
    }
    this.pairs.take(forces, this.slotOf);
    return this.pairs.potential();
  }

  /** Counting sort, which keeps the order of particles within a cell. */
  private sort(positions: usize): void {
    const starts = this.starts;
    starts.fill(0);
    for (let i = 0; i < this.count; i++) {
      const cell = this.indexOf(positions + <usize>i * 8);
      this.cellOf[i] = cell;
      starts[cell + 1]++;
    }
    for (let cell = 1; cell < starts.length; cell++) starts[cell] += starts[cell - 1];
    for (let i = 0; i < this.count; i++) this.slotOf[i] = starts[this.cellOf[i]]++;
    // Each start has moved on to its cell's end.
    for (let cell = starts.length - 1; cell > 0; cell--) starts[cell] = starts[cell - 1];
    starts[0] = 0;
    this.pairs.put(positions, this.slotOf);
  }

  /** The cell of the particle whose x lies at this address. */
  private indexOf(at: usize): i32 {
    const axis = <usize>this.count * 8;
    const x = this.along(load<f64>(at));
    const y = this.along(load<f64>(at + axis));
    const z = this.along(load<f64>(at + 2 * axis));
    return (z * this.side + y) * this.side + x;
  }

  @inline
  private along(place: f64): i32 {
    return min(this.side - 1, <i32>((place * <f64>this.side) / this.edge));
  }

  /** A cell with itself and with half of those around it. */
  private meet(x: i32, y: i32, z: i32): void {
    const row = (z * this.side + y) * this.side;
    const from = this.starts[row + x];
    const to = this.starts[row + x + 1];
    if (from === to) return;

    const end = this.starts[row + min(this.side, x + 2)];
    for (let slot = from; slot < to; slot++) this.pairs.near(slot, slot + 1, end, 0, 0, 0);
    if (x === this.side - 1) this.meetSpan(from, to, row, row + 1, this.edge, 0, 0);
    for (let i: usize = 0; i < AROUND_COUNT; i++) {
      this.meetRow(from, to, x, y + load<i8>(AROUND + i * 2), z + load<i8>(AROUND + i * 2, 1));
    }
  }

  /** Slots of a cell with the cell in another row that has the same x, and those on both sides of it. */
  private meetRow(from: i32, to: i32, x: i32, y: i32, z: i32): void {
    const side = this.side;
    const row = (this.inside(z) * side + this.inside(y)) * side;
    const shiftY = this.shift(y);
    const shiftZ = this.shift(z);
    this.meetSpan(from, to, row + max(0, x - 1), row + min(side, x + 2), 0, shiftY, shiftZ);
    if (x === 0) this.meetSpan(from, to, row + side - 1, row + side, -this.edge, shiftY, shiftZ);
    if (x === side - 1) this.meetSpan(from, to, row, row + 1, this.edge, shiftY, shiftZ);
  }

  /** Slots with all particles of some cells in a row. */
  private meetSpan(from: i32, to: i32, cellFrom: i32, cellTo: i32, shiftX: f64, shiftY: f64, shiftZ: f64): void {
    const first = this.starts[cellFrom];
    const end = this.starts[cellTo];
    for (let slot = from; slot < to; slot++) this.pairs.near(slot, first, end, shiftX, shiftY, shiftZ);
  }

  @inline
  private inside(along: i32): i32 {
    return along < 0 ? this.side - 1 : along === this.side ? 0 : along;
  }

  /** How far the image that is meant lies from the particles of the cell itself. */
  @inline
  private shift(along: i32): f64 {
    return along < 0 ? -this.edge : along === this.side ? this.edge : 0;
  }
}
