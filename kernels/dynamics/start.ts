// How a fluid begins: on a face-centred cubic lattice, with velocities of Maxwell and Boltzmann drawn from the task's seed.
import { random } from 'lodger/kernel';
import { Fluid } from './fluid';

/** Places particles and draws velocities, without momentum as a whole and of exactly this temperature. */
export function start(fluid: Fluid, temperature: f64): void {
  placeOnLattice(fluid);
  // All axes together are an even number of values.
  for (let i = 0; i < 3 * fluid.count; i += 2) drawTwo(fluid.velocities + <usize>i * 8);
  for (let axis = 0; axis < 3; axis++) takeMomentum(fluid, axis);
  fluid.scaleTo(temperature);
}

/** Unit cell by unit cell along x: each particle is a nearest neighbour of the one before it in its row, as chains want it. */
function placeOnLattice(fluid: Fluid): void {
  const n = fluid.lattice;
  let i = 0;
  for (let z = 0; z < n; z++) {
    for (let y = 0; y < n; y++) {
      for (let x = 0; x < n; x++) {
        placeAt(fluid, i++, 2 * x, 2 * y, 2 * z);
        placeAt(fluid, i++, 2 * x, 2 * y + 1, 2 * z + 1);
        placeAt(fluid, i++, 2 * x + 1, 2 * y, 2 * z + 1);
        placeAt(fluid, i++, 2 * x + 1, 2 * y + 1, 2 * z);
      }
    }
  }
}

/** On a grid twice as fine as the lattice, half a step off the wall. */
function placeAt(fluid: Fluid, i: i32, x: i32, y: i32, z: i32): void {
  const half = fluid.edge / <f64>(2 * fluid.lattice);
  fluid.set(fluid.positions, i, 0, (<f64>x + 0.5) * half);
  fluid.set(fluid.positions, i, 1, (<f64>y + 0.5) * half);
  fluid.set(fluid.positions, i, 2, (<f64>z + 0.5) * half);
}

/** Two normally distributed numbers of variance 1: Box and Muller, Annals of Mathematical Statistics 29 (1958), 610. */
function drawTwo(to: usize): void {
  const radius = Math.sqrt(-2 * Math.log(1 - random.f64()));
  const angle = 2 * Math.PI * random.f64();
  Math.sincos(angle);
  store<f64>(to, radius * Math.sincos_cos);
  store<f64>(to, radius * Math.sincos_sin, 8);
}

function takeMomentum(fluid: Fluid, axis: i32): void {
  let sum = 0.0;
  for (let i = 0; i < fluid.count; i++) sum += fluid.get(fluid.velocities, i, axis);
  const mean = sum / <f64>fluid.count;
  for (let i = 0; i < fluid.count; i++) {
    fluid.set(fluid.velocities, i, axis, fluid.get(fluid.velocities, i, axis) - mean);
  }
}
