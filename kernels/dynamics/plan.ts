// What a task asks for, in reduced units (mass, sigma, epsilon and Boltzmann's constant are 1), each within bounds that are said by name.
import { fail, Settings } from 'lodger/kernel';

/** Unit cells of the lattice along an edge: 108,000 particles at most. */
const LATTICE_MAX = 30;

/** Cells along an edge: with fewer, a cell would meet the same neighbour on both sides. */
export const CELLS_MIN = 3;

const SAMPLES_MAX = 1000000;

/** One run. */
export class Plan {
  particles: i32 = 0;
  /** Unit cells of the lattice along an edge of the box. */
  lattice: i32 = 0;
  density: f64 = 0;
  edge: f64 = 0;
  temperature: f64 = 0;
  cutoff: f64 = 0;
  steps: i32 = 0;
  dt: f64 = 0;
  /** Time steps from one sample to the next, and how many there are, the one at the beginning included. */
  sample: i32 = 0;
  samples: i32 = 0;
  /** Time steps in which the temperature is held. */
  equilibration: i32 = 0;
  /** Particles of a chain, 1 where there are no bonds; length of a bond at rest, and its spring constant. */
  chain: i32 = 1;
  bondLength: f64 = 0;
  bondStiffness: f64 = 0;
}

/** Reads a run. Fails by name of the setting. */
export function readPlan(settings: Settings): Plan {
  const plan = new Plan();
  plan.particles = settings.integer('particles', 4, 4 * LATTICE_MAX * LATTICE_MAX * LATTICE_MAX);
  plan.lattice = latticeOf(plan.particles);
  plan.density = settings.number('density', 1e-4, 2);
  plan.edge = Math.cbrt(<f64>plan.particles / plan.density);
  plan.temperature = settings.number('temperature', 1e-6, 100);
  plan.cutoff = settings.numberOr('cutoff', 2.5, 1, 100);
  if (plan.edge < CELLS_MIN * plan.cutoff) {
    fail(
      `the box has an edge of ${plan.edge}, which must be at least ${CELLS_MIN} times the cutoff of ${plan.cutoff}: take more particles`,
    );
  }
  plan.steps = settings.integer('steps', 0, 100000000);
  plan.dt = settings.number('dt', 1e-9, 1);
  plan.sample = settings.integerOr('sample', 10, 1, 100000000);
  plan.samples = plan.steps / plan.sample + 1;
  if (plan.samples > SAMPLES_MAX) fail(`there would be ${plan.samples} samples, at most ${SAMPLES_MAX} are possible`);
  plan.equilibration = settings.integerOr('equilibration', 0, 0, plan.steps);
  readBonds(settings, plan);
  return plan;
}

/** Chains lie along rows of unit cells at the beginning. */
function readBonds(settings: Settings, plan: Plan): void {
  const row = 4 * plan.lattice;
  plan.chain = settings.integerOr('chain', 1, 1, row);
  if (row % plan.chain !== 0) fail(`setting "chain" must divide ${row}, the particles of a row of the lattice`);
  if (plan.chain === 1) return;
  const bond = settings.numbers('bond', 2);
  plan.bondLength = bond[0];
  plan.bondStiffness = bond[1];
  if (!(plan.bondLength >= 0.5 && plan.bondLength <= 2)) {
    fail(`setting "bond": a length of ${plan.bondLength} is not from 0.5 to 2`);
  }
  if (!(plan.bondStiffness > 0 && plan.bondStiffness <= 1e6)) {
    fail(`setting "bond": a stiffness of ${plan.bondStiffness} is not above 0 and up to 1000000`);
  }
}

/** A face-centred cubic lattice of n unit cells along each edge has 4 n^3 places. */
function latticeOf(particles: i32): i32 {
  let n = 1;
  while (4 * n * n * n < particles) n++;
  if (4 * n * n * n === particles) return n;
  fail(
    `setting "particles" must be 4 n^3, a whole lattice: not ${particles}, but ${4 * (n - 1) * (n - 1) * (n - 1)} or ${4 * n * n * n}`,
  );
  return 0;
}
