// The same wave equation in plain f64, point by point, as an oracle: slow, and written as the textbook has it.

export interface Shot {
  readonly [setting: string]: number | readonly number[] | readonly (readonly number[])[];
  readonly width: number;
  readonly depth: number;
  readonly spacing: number;
  readonly sponge: number;
  readonly steps: number;
  readonly dt: number;
  readonly peak: number;
  readonly source: readonly [number, number];
  readonly receivers: readonly [number, number, number, number];
  readonly layer: readonly (readonly [number, number])[];
}

export interface WaveOutput {
  readonly header: readonly number[];
  readonly velocities: Float32Array;
  readonly field: Float32Array;
  /** One a receiver. */
  readonly traces: readonly Float32Array[];
}

type Velocity = (column: number, row: number) => number;

const WEIGHTS = [-205 / 72, 8 / 5, -1 / 5, 8 / 315, -1 / 560];

/** The output of the kernel, by the form that its README states. */
export function readWave(output: Uint8Array): WaveOutput {
  const bytes = output.slice();
  const view = new DataView(bytes.buffer);
  const ints = [0, 1, 2, 3, 4].map((i) => view.getUint32(8 + 4 * i, true));
  const floats = Array.from({ length: 9 }, (_, i) => view.getFloat32(28 + 4 * i, true));
  const [, width = 0, depth = 0, receivers = 0, samples = 0] = ints;
  const floatsAt = (at: number, count: number) => new Float32Array(bytes.buffer, at, count);
  const points = width * depth;
  return {
    header: [...ints, ...floats],
    velocities: floatsAt(64, points),
    field: floatsAt(64 + 4 * points, points),
    traces: Array.from({ length: receivers }, (_, i) => floatsAt(64 + 8 * points + 4 * samples * i, samples)),
  };
}

/** A field at rest over columns and rows of a model, whose velocities are asked for by column and row. */
export function createField(shot: Pick<Shot, 'width' | 'depth' | 'spacing' | 'sponge' | 'dt'>, velocityOf: Velocity) {
  const { sponge, width, depth } = shot;
  const [columns, rows] = [width + 2 * sponge, depth + 2 * sponge];
  let now = new Float64Array(columns * rows);
  let past = new Float64Array(columns * rows);
  const value = (x: number, z: number) =>
    x < 0 || z < 0 || x >= columns || z >= rows ? 0 : (now[z * columns + x] ?? 0);
  const inside = (at: number, count: number) => Math.min(count - 1, Math.max(0, at - sponge));
  const courantAt = (x: number, z: number) => (velocityOf(inside(x, width), inside(z, depth)) * shot.dt) / shot.spacing;
  const courants = Array.from(now, (_, at) => courantAt(at % columns, Math.floor(at / columns)));
  const index = (column: number, row: number) => (row + sponge) * columns + column + sponge;
  return {
    at: (column: number, row: number) => now[index(column, row)] ?? 0,
    /** Adds a source of this strength, undamped: it must not stand in the sponge. */
    add(column: number, row: number, strength: number): void {
      const at = index(column, row);
      now[at] = (now[at] ?? 0) + (courants[at] ?? 0) ** 2 * strength;
    },
    advance(): void {
      const next = new Float64Array(columns * rows);
      for (let z = 0; z < rows; z++) {
        for (let x = 0; x < columns; x++) {
          let laplacian = 0;
          for (let k = 4; k >= 0; k--) {
            const ends =
              k === 0 ? 2 * value(x, z) : value(x - k, z) + value(x + k, z) + value(x, z - k) + value(x, z + k);
            laplacian += (WEIGHTS[k] ?? 0) * ends;
          }
          const at = z * columns + x;
          const courant = courants[at] ?? 0;
          const damping = courant * (dampingAt(x, columns, sponge) + dampingAt(z, rows, sponge));
          next[at] =
            (2 * value(x, z) - (1 - damping) * (past[at] ?? 0) + courant * courant * laplacian) / (1 + damping);
        }
      }
      [past, now] = [now, next];
    },
  };
}

/** Field and traces of a shot whose receivers stand on grid points. */
export function propagate(shot: Shot): { readonly field: number[]; readonly traces: number[][] } {
  const { dt, spacing, width, depth } = shot;
  const field = createField(shot, (_, row) => velocityAt(shot, row * spacing));
  const receivers = receiversOf(shot);
  const traces: number[][] = receivers.map(() => []);
  for (let n = 0; n < shot.steps; n++) {
    field.advance();
    field.add(shot.source[0] / spacing, shot.source[1] / spacing, ricker(shot.peak, n * dt));
    for (const [i, [column, row]] of receivers.entries()) traces[i]?.push(field.at(column, row));
  }
  return {
    field: Array.from({ length: width * depth }, (_, at) => field.at(at % width, Math.floor(at / width))),
    traces,
  };
}

/** Columns and rows. */
export function receiversOf({ receivers, spacing }: Shot): [number, number][] {
  const [first, last, count, depth] = receivers;
  return Array.from({ length: count }, (_, i) => [
    (first + (i / (count - 1 || 1)) * (last - first)) / spacing,
    depth / spacing,
  ]);
}

/** The pulse at a time. */
export function ricker(peak: number, time: number): number {
  const phase = (Math.PI * (time - 1.5 / peak) * peak) ** 2;
  return (1 - 2 * phase) * Math.exp(-phase);
}

/**
 * What a receiver records in a medium of one velocity without ends: the pulse, convolved with Green's function of two dimensions,
 * 1 / (2 pi sqrt(t^2 - r^2 / v^2)) after the arrival. The singularity at the arrival goes away with t = sqrt(s^2 + r^2 / v^2).
 */
export function analytic(peak: number, distance: number, velocity: number, time: number): number {
  const arrival = distance / velocity;
  if (time <= arrival) return 0;
  // dt / sqrt(t^2 - a^2) = du with t = a cosh u.
  const end = Math.acosh(time / arrival);
  const count = 4000;
  let sum = 0;
  for (let i = 0; i < count; i++) sum += ricker(peak, time - arrival * Math.cosh(((i + 0.5) / count) * end));
  return (sum * end) / count / (2 * Math.PI);
}

function velocityAt(shot: Shot, depth: number): number {
  return shot.layer.filter(([from]) => from <= depth).at(-1)?.[1] ?? 0;
}

function dampingAt(at: number, count: number, sponge: number): number {
  const into = Math.max(sponge - at, at - (count - 1 - sponge), 0);
  return into === 0 ? 0 : (1.5 * Math.log(1e2) * (into / sponge) ** 2) / sponge;
}
