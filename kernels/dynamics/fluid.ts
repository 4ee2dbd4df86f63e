// The particles at one time, and velocity Verlet, which moves them on: Swope et al., J. Chem. Phys. 76 (1982), 637.
// Values are f64: forces are small differences of large terms, and the energy must stay through a hundred thousand steps.
import { Bonds } from './bonds';
import { CellList } from './cells';
import { Plan } from './plan';

/** Three axes a quantity, each `count` values of f64 one after the other; particles keep their place from beginning to end. */
export class Fluid {
  readonly count: i32;
  readonly lattice: i32;
  readonly edge: f64;
  /** Addresses. */
  readonly positions: usize;
  readonly velocities: usize;
  private readonly forces: usize;
  private readonly cells: CellList;
  private readonly bonds: Bonds;
  /** Farthest way of a particle in one step that still makes sense, squared. */
  private readonly wayMax: f64;
  /** Of all particles together, at the time of the positions. */
  potential: f64 = 0;

  constructor(plan: Plan) {
    this.count = plan.particles;
    this.lattice = plan.lattice;
    this.edge = plan.edge;
    const bytes = <usize>plan.particles * 24;
    this.positions = heap.alloc(bytes);
    this.velocities = heap.alloc(bytes);
    this.forces = heap.alloc(bytes);
    this.cells = new CellList(plan.particles, plan.edge, plan.cutoff);
    this.bonds = new Bonds(plan);
    this.wayMax = 0.25 * plan.cutoff * plan.cutoff;
  }

  @inline
  get(quantity: usize, i: i32, axis: i32): f64 {
    return load<f64>(quantity + <usize>(axis * this.count + i) * 8);
  }

  @inline
  set(quantity: usize, i: i32, axis: i32, value: f64): void {
    store<f64>(quantity + <usize>(axis * this.count + i) * 8, value);
  }

  /** The values of one axis. */
  bytesOf(quantity: usize, axis: i32): Uint8Array {
    const bytes = new Uint8Array(this.count * 8);
    memory.copy(bytes.dataStart, quantity + <usize>(axis * this.count) * 8, this.count * 8);
    return bytes;
  }

  computeForces(): void {
    this.potential = this.cells.compute(this.positions, this.forces) + this.bonds.compute(this.positions, this.forces);
  }

  /** One time step. False where a particle went so far that the step is too long; the state is then of no use. */
  advance(dt: f64): bool {
    const half = 0.5 * dt;
    const axis = <usize>this.count * 8;
    const forces = this.forces;
    const velocities = this.velocities;
    const positions = this.positions;
    const halves = f64x2.splat(half);
    const times = f64x2.splat(dt);
    // Two particles at a time: there are four in each cell of the lattice.
    for (let i: usize = 0; i < axis; i += 16) {
      let way = f64x2.splat(0);
      for (let at = i; at < 3 * axis; at += axis) {
        const change = f64x2.mul(halves, v128.load(forces + at));
        const velocity = f64x2.add(v128.load(velocities + at), change);
        const move = f64x2.mul(times, velocity);
        v128.store(velocities + at, velocity);
        v128.store(positions + at, this.wrapped(f64x2.add(v128.load(positions + at), move)));
        way = f64x2.add(way, f64x2.mul(move, move));
      }
      if (!i64x2.all_true(f64x2.le(way, f64x2.splat(this.wayMax)))) return false;
    }
    this.computeForces();
    for (let at: usize = 0; at < 3 * axis; at += 16) {
      const change = f64x2.mul(halves, v128.load(forces + at));
      v128.store(velocities + at, f64x2.add(v128.load(velocities + at), change));
    }
    return true;
  }

  kinetic(): f64 {
    let sum = 0.0;
    for (let at: usize = 0; at < <usize>this.count * 24; at += 8) {
      const velocity = load<f64>(this.velocities + at);
      sum += velocity * velocity;
    }
    return 0.5 * sum;
  }

  /** Momentum is 0 and stays so: three degrees of freedom are missing. */
  temperatureOf(kinetic: f64): f64 {
    return (2 * kinetic) / <f64>(3 * this.count - 3);
  }

  /** Scales all velocities. */
  scaleTo(temperature: f64): void {
    const factor = Math.sqrt(temperature / this.temperatureOf(this.kinetic()));
    for (let at: usize = 0; at < <usize>this.count * 24; at += 8) {
      store<f64>(this.velocities + at, load<f64>(this.velocities + at) * factor);
    }
  }

  /** Into the box, from 0 inclusive to the edge exclusive. */
  @inline
  private wrapped(at: v128): v128 {
    const edges = f64x2.splat(this.edge);
    const inside = f64x2.add(at, v128.and(edges, f64x2.lt(at, f64x2.splat(0))));
    // A tiny negative number and the edge add up to the edge.
    return f64x2.sub(inside, v128.and(edges, f64x2.ge(inside, edges)));
  }
}
