// A survey: shots with the same receivers, and the model as a migration knows it, without its edges.
import { fail, Settings } from 'lodger/kernel';
import { readShot, Shot } from './shot';

const SHOTS_MAX = 1000;
/** Values of the source's field that are kept for a shot, and of the records of one. */
const KEPT_MAX = 33554432;
const RECORDED_MAX = 8388608;

/** Box averages, one after the other, that come near to a Gaussian. */
const AVERAGES = 3;

export class Survey {
  shots: i32 = 0;
  /** Columns from one source to the next. */
  private stride: i32 = 0;
  private first: i32 = 0;
  /** Points on each side over which slowness is averaged. */
  reach: i32 = 0;

  /** The grid, the time steps and the receivers; its source is that of the shot at hand. */
  constructor(readonly shot: Shot) {
    this.first = shot.sourceColumn;
  }

  /** Puts the source where a shot has it. */
  place(index: i32): void {
    this.shot.sourceColumn = this.first + index * this.stride;
  }

  read(settings: Settings): void {
    const shot = this.shot;
    const line = settings.numbers('shots', 2);
    this.shots = <i32>line[0];
    if (<f64>this.shots !== line[0] || line[0] < 1 || line[0] > SHOTS_MAX) {
      fail(`setting "shots": their count, the first value, must be a whole number from 1 to ${SHOTS_MAX}`);
    }
    this.stride = <i32>Math.floor(line[1] / shot.spacing + 0.5);
    const last = <f64>this.first + <f64>(this.shots - 1) * (line[1] / shot.spacing);
    if (!(line[1] >= 0 && last <= <f64>(shot.width - 1))) fail('setting "shots": the last source is outside the model');
    this.reach = <i32>Math.floor(settings.number('smooth', 0, 1e6) / shot.spacing + 0.5);
    if (this.reach >= min(shot.width, shot.depth)) fail('setting "smooth" is wider than the model');
    const kept = <i64>(shot.width * shot.depth) * <i64>shot.samples;
    if (kept > KEPT_MAX)
      fail(`${kept} values of the field would be kept, at most ${KEPT_MAX} are possible: raise "record"`);
    const recorded = <i64>shot.receivers * <i64>shot.steps;
    if (recorded > RECORDED_MAX) fail(`${recorded} values would be recorded, at most ${RECORDED_MAX} are possible`);
  }
}

export function readSurvey(settings: Settings): Survey {
  const survey = new Survey(readShot(settings));
  survey.read(settings);
  return survey;
}

/** Velocities whose slowness is averaged around each point: times of travel stay, edges that send waves back go. */
export function smoothed(velocities: StaticArray<f32>, survey: Survey): StaticArray<f32> {
  const width = survey.shot.width;
  const depth = survey.shot.depth;
  const slow = new StaticArray<f64>(velocities.length);
  // Once a task: not worth the bytes of a lifted loop.
  let next = 0;
  while (next < slow.length) {
    slow[next] = 1 / <f64>velocities[next];
    next++;
  }
  const along = new StaticArray<f64>(slow.length);
  for (let n = 0; n < AVERAGES; n++) {
    for (let row = 0; row < depth; row++) average(slow, along, row * width, 1, width, survey.reach);
    for (let column = 0; column < width; column++) average(along, slow, column, width, depth, survey.reach);
  }
  const smooth = new StaticArray<f32>(velocities.length);
  for (let at = 0; at < smooth.length; at++) smooth[at] = <f32>(1 / slow[at]);
  return smooth;
}

/** Of values in a line, the mean of those around each, fewer than it has; beyond its ends, they go on as they end. */
function average(values: StaticArray<f64>, to: StaticArray<f64>, from: i32, stride: i32, count: i32, reach: i32): void {
  let sum = 0.0;
  for (let j = -reach; j <= reach; j++) sum += values[from + max(0, j) * stride];
  for (let i = 0; i < count; i++) {
    to[from + i * stride] = sum / <f64>(2 * reach + 1);
    sum += values[from + min(count - 1, i + reach + 1) * stride] - values[from + max(0, i - reach) * stride];
  }
}
