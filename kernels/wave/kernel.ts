// Seismic shot: the acoustic wave equation in two dimensions, from a source through a velocity model to a line of receivers.
// A stepper: between two steps, memory holds the field at two times and what the receivers have recorded so far.
import { Settings, Writer } from 'lodger/kernel';
import { Grid } from './grid';
import { readShot, Shot } from './shot';
import { readVelocities } from './velocities';

/** Points moved on in time by one call of `step`: a few milliseconds of work. */
const POINTS_PER_STEP = 2097152;

const HEADER_BYTES = 64;
const VERSION: u32 = 1;

let shot: Shot | null = null;
let grid: Grid | null = null;
/** Trace after trace, `samples` values each. */
let traces: StaticArray<f32> = [];
let done: i32 = 0;

/** Input: settings as README.md names them, and behind a line `data` the velocities, if not given as layers. Fails by name. */
export function begin(input: Uint8Array): void {
  const settings = new Settings(input);
  const read = readShot(settings);
  const velocities = readVelocities(settings, read);
  settings.finish();
  read.check(velocities);
  shot = read;
  grid = new Grid(read, velocities);
  traces = new StaticArray<f32>(read.receivers * read.samples);
}

/** As many time steps as make up POINTS_PER_STEP, one at least. */
export function step(): f64 {
  const plan = shot!;
  const field = grid!;
  const until = min(plan.steps, done + max(1, POINTS_PER_STEP / field.points));
  while (done < until) {
    field.advance();
    field.add(plan.sourceColumn, plan.sourceRow, plan.pulse(done));
    done++;
    if (done % plan.record === 0) record(plan, field, done / plan.record - 1);
  }
  return <f64>done / <f64>plan.steps;
}

/** Header, velocities, field and traces: see README.md. */
export function finish(): Uint8Array {
  const plan = shot!;
  const field = grid!;
  const points = plan.width * plan.depth;
  const writer = new Writer(HEADER_BYTES + 4 * (2 * points + traces.length));
  writer.bytes(Uint8Array.wrap(String.UTF8.encode('lodgwave')));
  writer.u32(VERSION);
  writer.u32(plan.width);
  writer.u32(plan.depth);
  writer.u32(plan.receivers);
  writer.u32(plan.samples);
  writer.f32(<f32>plan.spacing);
  writer.f32(<f32>(plan.dt * plan.record));
  writer.f32(<f32>(plan.dt * plan.steps));
  writer.f32(<f32>(plan.sourceColumn * plan.spacing));
  writer.f32(<f32>(plan.sourceRow * plan.spacing));
  writer.f32(<f32>(plan.receiverColumn(0) * plan.spacing));
  writer.f32(<f32>(plan.receiverColumn(plan.receivers - 1) * plan.spacing));
  writer.f32(<f32>(plan.receiverRow * plan.spacing));
  writer.f32(<f32>plan.peak);
  for (let at = 0; at < points; at++) writer.f32(field.velocities[at]);
  for (let row = 0; row < plan.depth; row++) {
    for (let column = 0; column < plan.width; column++) writer.f32(field.at(column, row));
  }
  for (let at = 0; at < traces.length; at++) writer.f32(traces[at]);
  return writer.finish();
}

function record(plan: Shot, field: Grid, sample: i32): void {
  for (let i = 0; i < plan.receivers; i++) {
    traces[i * plan.samples + sample] = field.at(plan.receiverColumn(i), plan.receiverRow);
  }
}
