// The velocity model: layers and discs from settings, or every point's value from the bytes behind `data`.
import { fail, Settings } from 'lodger/kernel';
import { Shot } from './shot';

const VELOCITY_MIN = 1.0;
const VELOCITY_MAX = 1e5;
/** Layers and discs together; each may touch every point. */
const SHAPES_MAX = 1000;

/** Velocities in m/s, row after row from the top. Fails where a point has none, or one that is none. */
export function readVelocities(settings: Settings, shot: Shot): StaticArray<f32> {
  const velocities = new StaticArray<f32>(shot.width * shot.depth);
  const layers = settings.countOf('layer');
  const discs = settings.countOf('disc');
  const data = settings.data;
  if (data !== null) {
    if (layers > 0 || discs > 0) fail('velocities are given twice: as layers or discs, and behind "data"');
    readData(data, velocities);
    return velocities;
  }

  if (layers === 0) fail('velocities are missing: give "layer = DEPTH VELOCITY", or "data" and the bytes behind it');
  if (layers + discs > SHAPES_MAX) fail(`${layers + discs} layers and discs, at most ${SHAPES_MAX} are possible`);
  for (let i = 0; i < layers; i++) {
    const values = settings.numbersOf('layer', i, 2);
    fillLayer(velocities, shot, values[0], velocityOf('layer', values[1]));
  }
  if (velocities[0] === 0) fail('velocities are missing at the top: the first layer must begin at depth 0');
  for (let i = 0; i < discs; i++) {
    const values = settings.numbersOf('disc', i, 4);
    fillDisc(velocities, shot, values, velocityOf('disc', values[3]));
  }
  return velocities;
}

function readData(data: Uint8Array, velocities: StaticArray<f32>): void {
  if (data.length !== 4 * velocities.length) {
    fail(`behind "data" there are ${data.length} bytes, 4 * width * depth = ${4 * velocities.length} are wanted`);
  }
  for (let at = 0; at < velocities.length; at++) {
    const velocity = load<f32>(data.dataStart + 4 * <usize>at);
    if (!(velocity >= <f32>VELOCITY_MIN && velocity <= <f32>VELOCITY_MAX)) {
      fail(`velocity ${at} behind "data" is ${velocity} m/s, not from ${VELOCITY_MIN} to ${VELOCITY_MAX}`);
    }
    velocities[at] = velocity;
  }
}

function velocityOf(name: string, value: f64): f32 {
  if (!(value >= VELOCITY_MIN && value <= VELOCITY_MAX)) {
    fail(`setting "${name}": a velocity of ${value} m/s is not from ${VELOCITY_MIN} to ${VELOCITY_MAX}`);
  }
  return <f32>value;
}

/** All points at this depth and below it. */
function fillLayer(velocities: StaticArray<f32>, shot: Shot, depth: f64, velocity: f32): void {
  const row = Math.ceil(max(0.0, depth) / shot.spacing);
  if (row >= <f64>shot.depth) return;
  for (let at = <i32>row * shot.width; at < velocities.length; at++) velocities[at] = velocity;
}

function fillDisc(velocities: StaticArray<f32>, shot: Shot, disc: f64[], velocity: f32): void {
  const reach = disc[2] * disc[2];
  for (let row = 0; row < shot.depth; row++) {
    const down = <f64>row * shot.spacing - disc[1];
    for (let column = 0; column < shot.width; column++) {
      const along = <f64>column * shot.spacing - disc[0];
      if (along * along + down * down <= reach) velocities[row * shot.width + column] = velocity;
    }
  }
}
