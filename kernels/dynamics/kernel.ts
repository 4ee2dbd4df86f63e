// Molecular dynamics of a Lennard-Jones fluid in a periodic box, of atoms or chains, at constant energy: velocity Verlet, cell lists.
// A stepper: between two steps, memory holds positions, velocities and forces of one time, and the samples so far.
// Room for a thousand atoms, so that its memory is kept for the next one.
// @memory 512KiB
import { fail, Settings, Writer } from 'lodger/kernel';
import { Fluid } from './fluid';
import { readPlan, Plan } from './plan';
import { start } from './start';

/** Particles moved on in time by one call of `step`: a few milliseconds of work for liquids. */
const MOVES_PER_STEP = 8192;

/** While the fluid is brought to its temperature, velocities are scaled this often, in time steps. */
const SCALED_EVERY = 10;

const VERSION: u32 = 1;
/** Time, kinetic, potential and total energy, temperature. */
const COLUMNS = 5;

let plan: Plan | null = null;
let fluid: Fluid | null = null;
/** Row after row of COLUMNS values. */
let samples: Float64Array = new Float64Array(0);
let done: i32 = 0;

/** Input: settings as README.md names them. The task's seed gives the velocities. Fails by name of the setting. */
export function begin(input: Uint8Array): void {
  const settings = new Settings(input);
  const read = readPlan(settings);
  settings.finish();
  const made = new Fluid(read);
  start(made, read.temperature);
  made.computeForces();
  plan = read;
  fluid = made;
  samples = new Float64Array(COLUMNS * read.samples);
  sample(0);
}

/** As many time steps as make up MOVES_PER_STEP, one at least. */
export function step(): f64 {
  const asked = plan!;
  const state = fluid!;
  const until = min(asked.steps, done + max(1, MOVES_PER_STEP / asked.particles));
  while (done < until) {
    if (!state.advance(asked.dt)) {
      fail(`dt of ${asked.dt} is too long: in step ${done + 1} a particle moved by more than half the cutoff`);
    }
    done++;
    if (done <= asked.equilibration && done % SCALED_EVERY === 0) state.scaleTo(asked.temperature);
    if (done % asked.sample === 0) sample(done / asked.sample);
  }
  return asked.steps === 0 ? 1.0 : <f64>done / <f64>asked.steps;
}

/** Header, samples, positions and velocities: see README.md. */
export function finish(): Uint8Array {
  const asked = plan!;
  const state = fluid!;
  const writer = new Writer(64 + 8 * (samples.length + 6 * asked.particles));
  writer.bytes(Uint8Array.wrap(String.UTF8.encode('lodgdyna')));
  writer.u32(VERSION);
  writer.u32(asked.particles);
  writer.u32(asked.samples);
  writer.u32(COLUMNS);
  writer.f64(state.edge);
  writer.f64(asked.density);
  writer.f64(asked.cutoff);
  writer.f64(asked.dt);
  writer.f64(asked.dt * <f64>asked.equilibration);
  writer.array(samples);
  for (let axis = 0; axis < 3; axis++) writer.bytes(state.bytesOf(state.positions, axis));
  for (let axis = 0; axis < 3; axis++) writer.bytes(state.bytesOf(state.velocities, axis));
  return writer.finish();
}

/** Energies per particle. */
function sample(row: i32): void {
  const asked = plan!;
  const state = fluid!;
  const count = <f64>asked.particles;
  const kinetic = state.kinetic();
  const at = row * COLUMNS;
  samples[at] = asked.dt * <f64>done;
  samples[at + 1] = kinetic / count;
  samples[at + 2] = state.potential / count;
  samples[at + 3] = (kinetic + state.potential) / count;
  samples[at + 4] = state.temperatureOf(kinetic);
}
