// What a task asks for: the grid, the source, the receivers and the time steps, each within bounds that are said by name.
import { fail, Settings } from 'lodger/kernel';
import { EIGENVALUE_MAX } from './stencil';

/** Points of the grid along one side, of the grid with its sponge, and values that receivers record. */
const SIDE_MAX = 8192;
const POINTS_MAX = 4194304;
const RECORDED_MAX = 8388608;

/** A Ricker pulse has little above this multiple of its peak frequency; waves so short need this many points each. */
const SPECTRUM = 2.5;
const POINTS_PER_WAVE = 3.0;

/** The pulse is this many of its periods late, so that it begins near 0 (4e-8 of its peak). */
const DELAY = 1.5;

/** Lengths in m, times in s, velocities in m/s; columns and rows count from 0. */
export class Shot {
  width: i32 = 0;
  depth: i32 = 0;
  spacing: f64 = 0;
  sponge: i32 = 0;
  steps: i32 = 0;
  dt: f64 = 0;
  record: i32 = 0;
  samples: i32 = 0;
  peak: f64 = 0;
  sourceColumn: i32 = 0;
  sourceRow: i32 = 0;
  receivers: i32 = 0;
  receiverRow: i32 = 0;
  receiverColumns: StaticArray<i32> = new StaticArray<i32>(0);

  /** Ricker, "The form and laws of propagation of seismic wavelets", Geophysics 18 (1953), 10; at the time of a step. */
  pulse(step: i32): f32 {
    const phase = Math.PI * (this.peak * <f64>step * this.dt - DELAY);
    return <f32>((1 - 2 * phase * phase) * Math.exp(-phase * phase));
  }

  /** Refuses what would not be stable, or would spread waves of different length at different speed. */
  check(velocities: StaticArray<f32>): void {
    let slowest = <f64>velocities[0];
    let fastest = slowest;
    for (let at = 1; at < velocities.length; at++) {
      slowest = min(slowest, <f64>velocities[at]);
      fastest = max(fastest, <f64>velocities[at]);
    }
    // Von Neumann: (v dt / h)^2 times the largest eigenvalue of the stencil must not exceed 4.
    const dtMax = (2.0 / Math.sqrt(EIGENVALUE_MAX)) * (this.spacing / fastest);
    if (this.dt > dtMax) {
      fail(
        `dt of ${this.dt} s is not stable: with velocities up to ${fastest} m/s and a spacing of ${this.spacing} m it may be at most ${dtMax} s`,
      );
    }
    const spacingMax = slowest / (SPECTRUM * this.peak * POINTS_PER_WAVE);
    if (this.spacing > spacingMax) {
      fail(
        `spacing of ${this.spacing} m is too coarse: with velocities down to ${slowest} m/s and a peak of ${this.peak} Hz it may be at most ${spacingMax} m`,
      );
    }
  }
}

/** Reads all but the velocities. Fails by name of the setting. */
export function readShot(settings: Settings): Shot {
  const shot = new Shot();
  shot.width = settings.integer('width', 8, SIDE_MAX);
  shot.depth = settings.integer('depth', 8, SIDE_MAX);
  shot.sponge = settings.integerOr('sponge', 60, 0, 512);
  const points = (shot.width + 2 * shot.sponge) * (shot.depth + 2 * shot.sponge);
  if (points > POINTS_MAX) fail(`the grid has ${points} points with its sponge, at most ${POINTS_MAX} are possible`);
  shot.spacing = settings.number('spacing', 1e-6, 1e6);
  shot.steps = settings.integer('steps', 1, 10000000);
  shot.dt = settings.number('dt', 1e-12, 1e3);
  shot.record = settings.integerOr('record', 1, 1, shot.steps);
  shot.samples = shot.steps / shot.record;
  shot.peak = settings.number('peak', 1e-6, 1e9);

  const source = settings.numbers('source', 2);
  shot.sourceColumn = place('source', source[0], shot.width, shot.spacing);
  shot.sourceRow = place('source', source[1], shot.depth, shot.spacing);
  const line = settings.numbers('receivers', 4);
  shot.receivers = <i32>line[2];
  if (<f64>shot.receivers !== line[2] || line[2] < 1 || line[2] > 65536) {
    fail('setting "receivers": their count, the third value, must be a whole number from 1 to 65536');
  }
  place('receivers', line[0], shot.width, shot.spacing);
  place('receivers', line[1], shot.width, shot.spacing);
  shot.receiverColumns = columnsBetween(line[0] / shot.spacing, line[1] / shot.spacing, shot.receivers);
  shot.receiverRow = place('receivers', line[3], shot.depth, shot.spacing);
  const recorded = <i64>shot.receivers * <i64>shot.samples;
  if (recorded > RECORDED_MAX) fail(`${recorded} values would be recorded, at most ${RECORDED_MAX} are possible`);
  return shot;
}

/** Receivers stand at even distances, each at the grid point nearest to its place. */
function columnsBetween(from: f64, to: f64, count: i32): StaticArray<i32> {
  const columns = new StaticArray<i32>(count);
  for (let i = 0; i < count; i++) {
    const share = count > 1 ? <f64>i / <f64>(count - 1) : 0;
    columns[i] = <i32>Math.floor(from + share * (to - from) + 0.5);
  }
  return columns;
}

/** The nearest column or row to a place in m. */
function place(name: string, at: f64, count: i32, spacing: f64): i32 {
  const end = <f64>(count - 1) * spacing;
  if (!(at >= 0 && at <= end)) fail(`setting "${name}": ${at} m is outside the model, which ends at ${end} m`);
  return <i32>Math.floor(at / spacing + 0.5);
}
