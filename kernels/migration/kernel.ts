// Migration image of a small survey: sends what receivers recorded back into a smooth model, where it meets what has sent it back.
// A stepper: between two steps, memory holds the runs of the shot at hand, and the image so far.
import { Settings, Writer } from 'lodger/kernel';
import { readVelocities } from '../wave/velocities';
import { Migration } from './migration';
import { readSurvey, smoothed, Survey } from './survey';

/** Points moved on in time by one call of `step`: a few milliseconds of work. */
const POINTS_PER_STEP = 2097152;

const HEADER_BYTES = 64;
const VERSION: u32 = 1;

let survey: Survey | null = null;
let migration: Migration | null = null;
let truth: StaticArray<f32> = [];
let model: StaticArray<f32> = [];

/** Input: settings as README.md names them, and behind a line `data` the velocities, if not given as layers. Fails by name. */
export function begin(input: Uint8Array): void {
  const settings = new Settings(input);
  const read = readSurvey(settings);
  truth = readVelocities(settings, read.shot);
  settings.finish();
  read.shot.check(truth);
  model = smoothed(truth, read);
  survey = read;
  migration = new Migration(read, truth, model);
}

/** As many time steps as make up POINTS_PER_STEP, one at least. */
export function step(): f64 {
  const work = migration!;
  for (let left = max(1, POINTS_PER_STEP / work.points); left > 0 && !work.isDone; left--) work.advance();
  return work.isDone ? 1 : work.share;
}

/** Header, velocities, those of the smooth model, and the image: see README.md. */
export function finish(): Uint8Array {
  const shot = survey!.shot;
  const writer = new Writer(HEADER_BYTES + 12 * truth.length);
  writer.bytes(Uint8Array.wrap(String.UTF8.encode('lodgmigr')));
  writer.u32(VERSION);
  writer.u32(shot.width);
  writer.u32(shot.depth);
  writer.u32(survey!.shots);
  writer.f32(<f32>shot.spacing);
  writer.f32(<f32>shot.peak);
  for (let i = 0; i < 8; i++) writer.u32(0);
  for (let at = 0; at < truth.length; at++) writer.f32(truth[at]);
  for (let at = 0; at < model.length; at++) writer.f32(model[at]);
  for (let row = 0; row < shot.depth; row++) {
    for (let column = 0; column < shot.width; column++) writer.f32(curve(column, row));
  }
  return writer.finish();
}

/** Minus the second difference of the summed image, which takes away what waves on the same way leave: slow changes along rays. */
function curve(column: i32, row: i32): f32 {
  const shot = survey!.shot;
  const image = migration!.image;
  const at = row * shot.width + column;
  const left = column > 0 ? at - 1 : at;
  const right = column < shot.width - 1 ? at + 1 : at;
  const above = row > 0 ? at - shot.width : at;
  const below = row < shot.depth - 1 ? at + shot.width : at;
  return 4 * image[at] - (image[left] + image[right] + (image[above] + image[below]));
}
