// How a fluid begins: on a face-centred cubic lattice, with velocities of Maxwell and Boltzmann drawn from the task's seed.
import { random } from 'lodger/kernel';
import { Fluid } from './fluid';

/** Places particles and draws velocities, without momentum as a whole and of exactly this temperature. */
export function start(fluid: Fluid, temperature: f64): void {
  placeOnLattice(fluid);
  for (let i = 0; i < fluid.count; i++) {
    for (let axis = 0; axis < 3; axis++) fluid.set(fluid.velocities, i, axis, normal());
  }
  for (let axis = 0; axis < 3; axis++) takeMomentum(fluid, axis);
  fluid.scaleTo(temperature);
}

function placeOnLattice(fluid: Fluid): void {
  const n = fluid.lattice;
  const half = fluid.edge / <f64>(2 * n);
  let i = 0;
  // Places of a grid twice as fine whose numbers have an even sum; half a step off the wall.
  for (let x = 0; x < 2 * n; x++) {
    for (let y = 0; y < 2 * n; y++) {
      for (let z = (x + y) & 1; z < 2 * n; z += 2) {
        fluid.set(fluid.positions, i, 0, (<f64>x + 0.5) * half);
        fluid.set(fluid.positions, i, 1, (<f64>y + 0.5) * half);
        fluid.set(fluid.positions, i, 2, (<f64>z + 0.5) * half);
        i++;
      }
    }
  }
}

/** One normally distributed number of variance 1: Box and Muller, Annals of Mathematical Statistics 29 (1958), 610. */
function normal(): f64 {
  const radius = Math.sqrt(-2 * Math.log(1 - random.f64()));
  return radius * Math.cos(2 * Math.PI * random.f64());
}

function takeMomentum(fluid: Fluid, axis: i32): void {
  let sum = 0.0;
  for (let i = 0; i < fluid.count; i++) sum += fluid.get(fluid.velocities, i, axis);
  const mean = sum / <f64>fluid.count;
  for (let i = 0; i < fluid.count; i++) {
    fluid.set(fluid.velocities, i, axis, fluid.get(fluid.velocities, i, axis) - mean);
  }
}
