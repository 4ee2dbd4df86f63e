// The same migration in plain f64, with the fields of all time steps, as an oracle.
import { createField, receiversOf, ricker, type Shot } from './wave-oracle.ts';

export interface Survey extends Shot {
  readonly record: number;
  readonly shots: readonly [count: number, apart: number];
  readonly smooth: number;
}

export interface MigrationOutput {
  readonly header: readonly number[];
  readonly velocities: Float32Array;
  readonly smooth: Float32Array;
  readonly image: Float32Array;
}

/** The output of the kernel, by the form that its README states. */
export function readMigration(output: Uint8Array): MigrationOutput {
  const { buffer } = output.slice();
  const view = new DataView(buffer);
  const ints = [8, 12, 16, 20].map((at) => view.getUint32(at, true));
  const [, width = 0, depth = 0] = ints;
  const [velocities, smooth, image] = [0, 1, 2].map(
    (at) => new Float32Array(buffer, 64 + 4 * at * width * depth, width * depth),
  ) as [Float32Array, Float32Array, Float32Array];
  return { header: [...ints, view.getFloat32(24, true), view.getFloat32(28, true)], velocities, smooth, image };
}

/** The image from the velocities that made the records and those it is migrated with. */
export function migrate(survey: Survey, truth: ArrayLike<number>, smooth: ArrayLike<number>): number[] {
  const { width, depth, spacing, shots } = survey;
  const points = width * depth;
  const sum = new Float64Array(points);
  for (let shot = 0; shot < shots[0]; shot++) {
    const column = Math.round((survey.source[0] + shot * shots[1]) / spacing);
    const all = shoot(survey, truth, column);
    const known = shoot(survey, smooth, column);
    const { met, lit } = sendBack(survey, smooth, {
      sources: known.fields,
      records: all.records,
      taken: known.records,
    });
    const least = 1e-4 * lit.reduce((most, value) => Math.max(most, value), 0);
    for (let at = 0; at < points; at++) sum[at] = (sum[at] ?? 0) + (met[at] ?? 0) / ((lit[at] ?? 0) + least);
  }
  return curves(sum, width, depth);
}

const fieldOf = (survey: Survey, velocities: ArrayLike<number>) =>
  createField(survey, (column, row) => velocities[row * survey.width + column] ?? 0);

function shoot(survey: Survey, velocities: ArrayLike<number>, column: number) {
  const field = fieldOf(survey, velocities);
  const records: number[][] = [];
  const fields: number[][] = [];
  for (let n = 0; n < survey.steps; n++) {
    field.advance();
    field.add(column, survey.source[1] / survey.spacing, ricker(survey.peak, n * survey.dt));
    records.push(receiversOf(survey).map(([x, z]) => field.at(x, z)));
    fields.push(modelOf(survey, field));
  }
  return { records, fields };
}

function sendBack(
  survey: Survey,
  velocities: ArrayLike<number>,
  given: { readonly sources: number[][]; readonly records: number[][]; readonly taken: number[][] },
) {
  const field = fieldOf(survey, velocities);
  const met = new Float64Array(survey.width * survey.depth);
  const lit = new Float64Array(met.length);
  for (let n = survey.steps - 1; n >= 0; n--) {
    if ((n + 1) % survey.record === 0) {
      const back = modelOf(survey, field);
      for (const [at, source] of (given.sources[n] ?? []).entries()) {
        met[at] = (met[at] ?? 0) + source * (back[at] ?? 0);
        lit[at] = (lit[at] ?? 0) + source * source;
      }
    }
    field.advance();
    for (const [i, [x, z]] of receiversOf(survey).entries()) {
      field.add(x, z, (given.records[n]?.[i] ?? 0) - (given.taken[n]?.[i] ?? 0));
    }
  }
  return { met, lit };
}

function modelOf({ width, depth }: Survey, field: ReturnType<typeof fieldOf>): number[] {
  return Array.from({ length: width * depth }, (_, at) => field.at(at % width, Math.floor(at / width)));
}

function curves(sum: Float64Array, width: number, depth: number): number[] {
  const value = (x: number, z: number) =>
    sum[Math.min(depth - 1, Math.max(0, z)) * width + Math.min(width - 1, Math.max(0, x))] ?? 0;
  return Array.from(sum, (here, at) => {
    const [x, z] = [at % width, Math.floor(at / width)];
    return 4 * here - (value(x - 1, z) + value(x + 1, z) + value(x, z - 1) + value(x, z + 1));
  });
}
