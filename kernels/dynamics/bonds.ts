// Bonds between neighbours in chains: springs, of energy k (r - r0)^2 / 2.
import { Plan } from './plan';

/** Chains are `chain` particles, one after the other; bonded particles attract and repel each other as any others do, too. */
export class Bonds {
  constructor(private readonly plan: Plan) {}

  /** Adds to the forces on particles at these positions, and gives the energy of all bonds. They are summed in the order of particles. */
  compute(positions: usize, forces: usize): f64 {
    const plan = this.plan;
    let energy = 0.0;
    if (plan.chain === 1) return energy;
    for (let i = 1; i < plan.particles; i++) {
      if (i % plan.chain !== 0) energy += this.pull(positions + <usize>i * 8, forces + <usize>i * 8);
    }
    return energy;
  }

  /** The bond of the particle whose x lies at the address with the one before it. */
  @inline
  private pull(at: usize, force: usize): f64 {
    const plan = this.plan;
    const axis = <usize>plan.particles * 8;
    const x = this.apart(at);
    const y = this.apart(at + axis);
    const z = this.apart(at + 2 * axis);
    const length = Math.sqrt(x * x + y * y + z * z);
    const stretch = length - plan.bondLength;
    const share = (-plan.bondStiffness * stretch) / length;
    addTo(force, share * x);
    addTo(force + axis, share * y);
    addTo(force + 2 * axis, share * z);
    return 0.5 * plan.bondStiffness * stretch * stretch;
  }

  /** From the value before to the one at the address, by way of the nearest image. */
  @inline
  private apart(at: usize): f64 {
    const edge = this.plan.edge;
    const way = load<f64>(at) - load<f64>(at - 8);
    if (way > 0.5 * edge) return way - edge;
    return way < -0.5 * edge ? way + edge : way;
  }
}

/** To one end of a bond, and the opposite to the other. */
function addTo(force: usize, value: f64): void {
  store<f64>(force, load<f64>(force) + value);
  store<f64>(force - 8, load<f64>(force - 8) - value);
}
