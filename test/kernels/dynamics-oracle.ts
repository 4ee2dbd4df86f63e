// The same fluid without cells: every pair at its nearest image, in plain TypeScript, as an oracle.

export interface DynamicsOutput {
  readonly particles: number;
  readonly edge: number;
  readonly header: readonly number[];
  /** Time, kinetic, potential and total energy per particle, temperature. */
  readonly samples: readonly (readonly [number, number, number, number, number])[];
  /** All x, then all y, then all z. */
  readonly positions: Float64Array;
  readonly velocities: Float64Array;
}

/** The output of the kernel, by the form that its README states. */
export function readDynamics(output: Uint8Array): DynamicsOutput {
  const { buffer } = output.slice();
  const view = new DataView(buffer);
  const [, particles = 0, count = 0, columns = 0] = [8, 12, 16, 20].map((at) => view.getUint32(at, true));
  const header = [24, 32, 40, 48, 56].map((at) => view.getFloat64(at, true));
  const table = new Float64Array(buffer, 64, count * columns);
  const samples = Array.from({ length: count }, (_, row) => {
    const [time = 0, kinetic = 0, potential = 0, total = 0, temperature = 0] = table.subarray(row * columns);
    return [time, kinetic, potential, total, temperature] as const;
  });
  const at = 64 + 8 * count * columns;
  return {
    particles,
    edge: header[0] ?? 0,
    header,
    samples,
    positions: new Float64Array(buffer, at, 3 * particles),
    velocities: new Float64Array(buffer, at + 24 * particles, 3 * particles),
  };
}

export interface State {
  readonly edge: number;
  readonly cutoff: number;
  readonly positions: Float64Array;
  readonly velocities: Float64Array;
  /** Of chains: particles of each, length and stiffness of bonds. */
  readonly bonds?: { readonly chain: number; readonly length: number; readonly stiffness: number };
}

/** Moves a state on by velocity Verlet; gives the potential energy per particle at its end. */
export function integrate(state: State, dt: number, steps: number): number {
  const { positions, velocities, edge } = state;
  let { forces, potential } = forcesOf(state);
  for (let n = 0; n < steps; n++) {
    for (let i = 0; i < positions.length; i++) {
      const velocity = (velocities[i] ?? 0) + 0.5 * dt * (forces[i] ?? 0);
      velocities[i] = velocity;
      const at = (positions[i] ?? 0) + dt * velocity;
      positions[i] = at - edge * Math.floor(at / edge);
    }
    ({ forces, potential } = forcesOf(state));
    for (let i = 0; i < positions.length; i++) velocities[i] = (velocities[i] ?? 0) + 0.5 * dt * (forces[i] ?? 0);
  }
  return potential / (positions.length / 3);
}

function forcesOf({ positions, edge, cutoff, bonds }: State): {
  readonly forces: Float64Array;
  readonly potential: number;
} {
  const count = positions.length / 3;
  const forces = new Float64Array(positions.length);
  const shift = 4 * (cutoff ** -12 - cutoff ** -6);
  let potential = 0;
  const way = [0, 0, 0];
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < i; j++) {
      let square = 0;
      for (let axis = 0; axis < 3; axis++) {
        const apart = (positions[axis * count + i] ?? 0) - (positions[axis * count + j] ?? 0);
        way[axis] = apart - edge * Math.round(apart / edge);
        square += (way[axis] ?? 0) ** 2;
      }
      let share = 0;
      if (square < cutoff * cutoff) {
        potential += 4 * (square ** -6 - square ** -3) - shift;
        share = (48 * square ** -6 - 24 * square ** -3) / square;
      }
      if (bonds && i - j === 1 && i % bonds.chain !== 0) {
        const stretch = Math.sqrt(square) - bonds.length;
        potential += (bonds.stiffness * stretch ** 2) / 2;
        share -= (bonds.stiffness * stretch) / Math.sqrt(square);
      }
      for (let axis = 0; axis < 3; axis++) {
        const force = share * (way[axis] ?? 0);
        forces[axis * count + i] = (forces[axis * count + i] ?? 0) + force;
        forces[axis * count + j] = (forces[axis * count + j] ?? 0) - force;
      }
    }
  }
  return { forces, potential };
}
