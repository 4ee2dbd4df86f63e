// Reverse-time migration: Baysal, Kosloff and Sherwood, Geophysics 48 (1983), 1514. Where the source's field and that of the receivers,
// sent back in time, meet, something has sent waves back. Three runs a shot: the true model, which makes the record; the smooth one,
// whose field is kept and whose record is taken away, so that waves which nothing has sent back are not in it; and back in time.
import { Settings, Writer } from 'lodger/kernel';
import { Grid } from './grid';
import { readSurvey, smoothed, Survey } from './survey';
import { readVelocities } from './velocities';
import { Work } from './work';

const HEADER_BYTES = 64;
const VERSION: u32 = 1;

const RECORD = 0;
const FORWARD = 1;
const BACK = 2;

export class Migration extends Work {
  private readonly truth: Grid;
  private readonly smooth: Grid;
  /** Places in either field. */
  private readonly receivers: StaticArray<usize>;
  /** Time step after time step, `receivers` values each. */
  private readonly records: StaticArray<f32>;
  /** The source's field in the model, every `record` steps. */
  private readonly kept: usize;
  /** Of the shot at hand: products of both fields, and squares of the source's, summed over time. */
  private readonly met: StaticArray<f32>;
  private readonly lit: StaticArray<f32>;
  /** Over all shots. */
  private readonly image: StaticArray<f32>;
  private run: i32 = RECORD;
  private index: i32 = 0;
  /** Time steps of the run. */
  private done: i32 = 0;

  constructor(
    private readonly survey: Survey,
    private readonly velocities: StaticArray<f32>,
    private readonly model: StaticArray<f32>,
  ) {
    super();
    const shot = survey.shot;
    const truth = new Grid(shot, velocities);
    this.truth = truth;
    this.smooth = new Grid(shot, model);
    this.receivers = truth.receivers(shot);
    this.records = new StaticArray<f32>(shot.receivers * shot.steps);
    this.kept = heap.alloc(<usize>velocities.length * <usize>shot.samples * 4);
    this.met = new StaticArray<f32>(velocities.length);
    this.lit = new StaticArray<f32>(velocities.length);
    this.image = new StaticArray<f32>(velocities.length);
    survey.place(0);
  }

  points(): i32 {
    return this.truth.points;
  }

  share(): f64 {
    const runs = <f64>(3 * this.index + this.run) + <f64>this.done / <f64>this.survey.shot.steps;
    return runs / <f64>(3 * this.survey.shots);
  }

  /** One time step of one run. */
  advance(): void {
    const shot = this.survey.shot;
    if (this.run === RECORD) this.shoot(this.truth, 1);
    else if (this.run === FORWARD) this.shoot(this.smooth, -1);
    else this.sendBack();
    if (++this.done < shot.steps) return;

    this.done = 0;
    if (this.run === RECORD) this.truth.clear();
    else this.smooth.clear();
    if (++this.run <= BACK) return;

    this.run = RECORD;
    this.addShot();
    if (++this.index < this.survey.shots) this.survey.place(this.index);
  }

  /** From the source; what receivers record is added or taken away. */
  private shoot(field: Grid, sign: f32): void {
    const shot = this.survey.shot;
    field.advance();
    field.add(field.place(shot.sourceColumn, shot.sourceRow), shot.pulse(this.done));
    const from = this.done * shot.receivers;
    for (let i = 0; i < shot.receivers; i++) {
      const value = sign * field.at(this.receivers[i]);
      this.records[from + i] = sign > 0 ? value : this.records[from + i] + value;
    }
    if (sign < 0 && (this.done + 1) % shot.record === 0) this.keep(field, (this.done + 1) / shot.record - 1);
  }

  private keep(field: Grid, sample: i32): void {
    const shot = this.survey.shot;
    const bytes = <usize>shot.width * 4;
    let to = this.kept + <usize>sample * <usize>shot.depth * bytes;
    for (let row = 0; row < shot.depth; row++, to += bytes) field.copyRow(row, shot.width, to);
  }

  /** From the receivers, from the last step to the first. */
  private sendBack(): void {
    const shot = this.survey.shot;
    const step = shot.steps - 1 - this.done;
    if ((step + 1) % shot.record === 0) this.meet((step + 1) / shot.record - 1);
    this.smooth.advance();
    for (let i = 0; i < shot.receivers; i++) {
      this.smooth.add(this.receivers[i], this.records[step * shot.receivers + i]);
    }
  }

  private meet(sample: i32): void {
    const shot = this.survey.shot;
    let from = this.kept + ((<usize>sample * <usize>this.met.length) << 2);
    let met = changetype<usize>(this.met);
    let lit = changetype<usize>(this.lit);
    for (let row = 0; row < shot.depth; row++) {
      for (let column = 0; column < shot.width; ) {
        let here = this.smooth.address(this.smooth.place(column, row));
        let left = min(this.smooth.beside(column), shot.width - column);
        column += left;
        for (; left >= 4; left -= 4, from += 16, here += 16, met += 16, lit += 16) {
          const source = v128.load(from);
          v128.store(met, f32x4.add(v128.load(met), f32x4.mul(source, v128.load(here))));
          v128.store(lit, f32x4.add(v128.load(lit), f32x4.mul(source, source)));
        }
        for (; left > 0; left--, from += 4, here += 4, met += 4, lit += 4) {
          const source = load<f32>(from);
          store<f32>(met, load<f32>(met) + source * load<f32>(here));
          store<f32>(lit, load<f32>(lit) + source * source);
        }
      }
    }
  }

  /** By what has lit a point, so that it does not matter how far the source is; where it is dark, less than that. */
  private addShot(): void {
    let most: f32 = 0;
    let next = 0;
    while (next < this.lit.length) most = max(most, this.lit[next++]);
    const least = most * <f32>1e-4;
    for (let at = 0; at < this.image.length; at++) {
      if (most > 0) this.image[at] += this.met[at] / (this.lit[at] + least);
      this.met[at] = 0;
      this.lit[at] = 0;
    }
  }

  /** Header, velocities, those of the smooth model, and the image: see README.md. */
  finish(): Uint8Array {
    const shot = this.survey.shot;
    const writer = new Writer(HEADER_BYTES + 12 * this.image.length);
    writer.bytes(Uint8Array.wrap(String.UTF8.encode('lodgmigr')));
    writer.u32(VERSION);
    writer.u32(shot.width);
    writer.u32(shot.depth);
    writer.u32(this.survey.shots);
    writer.f32(<f32>shot.spacing);
    writer.f32(<f32>shot.peak);
    for (let i = 0; i < 8; i++) writer.u32(0);
    this.put(writer, this.velocities);
    this.put(writer, this.model);
    for (let row = 0; row < shot.depth; row++) {
      for (let column = 0; column < shot.width; column++) writer.f32(this.curve(column, row));
    }
    return writer.finish();
  }

  /** Minus the second difference of the summed image, which takes away what waves on the same way leave: slow changes along rays. */
  private curve(column: i32, row: i32): f32 {
    const shot = this.survey.shot;
    const image = this.image;
    const at = row * shot.width + column;
    const left = column > 0 ? at - 1 : at;
    const right = column < shot.width - 1 ? at + 1 : at;
    const above = row > 0 ? at - shot.width : at;
    const below = row < shot.depth - 1 ? at + shot.width : at;
    return 4 * image[at] - (image[left] + image[right] + (image[above] + image[below]));
  }
}

/** Fails by name of the setting. */
export function readMigration(settings: Settings): Migration {
  const survey = readSurvey(settings);
  const velocities = readVelocities(settings, survey.shot);
  settings.finish();
  survey.shot.check(velocities);
  return new Migration(survey, velocities, smoothed(velocities, survey));
}
