// Sound in two dimensions: a seismic shot from a source to a line of receivers, or the image of the ground that a survey of shots gives.
// A stepper: between two steps, memory holds fields at two times, and what was recorded or imaged so far.
// Room for a shot of some hundred points a side, so that its memory is kept for the next one.
// @memory 5MiB
import { Settings } from 'lodger/kernel';
import { readMigration } from './migration';
import { readRecording } from './recording';
import { Work } from './work';

/** Points moved on in time by one call of `step`: a few milliseconds of work. */
const POINTS_PER_STEP = 2097152;

let work: Work | null = null;

/** Input: settings as README.md names them, and behind a line `data` the velocities, if not given as layers. Fails by name. */
export function begin(input: Uint8Array): void {
  const settings = new Settings(input);
  work = settings.has('shots') ? readMigration(settings) : readRecording(settings);
}

/** As many time steps as make up POINTS_PER_STEP, one at least. */
export function step(): f64 {
  const task = work!;
  for (let left = max(1, POINTS_PER_STEP / task.points()); left > 0 && task.share() < 1; left--) task.advance();
  return task.share();
}

export function finish(): Uint8Array {
  return work!.finish();
}
