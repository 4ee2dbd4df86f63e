// The picture of a fluid: energies and temperature over time, and a slice of the box at the end.
import { type Axis, boundsOf, drawAxes, MARGIN, placeOn } from './axes.ts';
import {
  type Box,
  type Canvas,
  type Colour,
  createCanvas,
  disc,
  FAINT,
  fill,
  PAPER,
  place,
  polyline,
  text,
} from './canvas.ts';

/** What kernels/dynamics gives, by the form in its README. */
interface Run {
  readonly particles: number;
  readonly edge: number;
  /** Time at which equilibration ends. */
  readonly settled: number;
  /** Columns of the samples. */
  readonly time: readonly number[];
  readonly kinetic: readonly number[];
  readonly potential: readonly number[];
  readonly total: readonly number[];
  readonly temperature: readonly number[];
  /** All x, then all y, then all z. */
  readonly positions: Float64Array;
}

const HEADER_BYTES = 64;
const VERSION = 1;
const COLUMNS = 5;

const CHART: Box = { x: MARGIN.left, y: MARGIN.top, width: 700, height: 330 };
const LOWER: Box = { ...CHART, y: CHART.y + CHART.height + MARGIN.bottom + MARGIN.top, height: 190 };
const SLICE_SIDE = LOWER.y + LOWER.height - CHART.y;
const BETWEEN = 20;
/** How far a line's name is from it; it stands below the line where there is no room above. */
const LABEL_AWAY = 17;
const ROOM_ABOVE = 30;
/** Points of a line: more than pixels are not seen. */
const POINTS_MAX = 4_000;
/** Depth of the slice, and the radius of a particle in it. */
const SLICE_DEPTH = 3;
const RADIUS = 0.5;
/** Bounds of the work for a slice, whatever an output says of its particles. */
const RADIUS_PIXELS_MAX = 40;
const SHOWN_MAX = 20_000;

const KINETIC: Colour = [214, 96, 32];
const POTENTIAL: Colour = [33, 102, 172];
const TOTAL: Colour = [38, 42, 51];
const HEAT: Colour = [178, 24, 43];
const FAR: Colour = [206, 218, 232];
const NEAR: Colour = [33, 90, 150];

/** Reads an output of kernels/dynamics; undefined where its header does not fit its bytes. */
export function readRun(output: Uint8Array): Run | undefined {
  if (output.byteLength < HEADER_BYTES) return undefined;
  const view = new DataView(output.buffer, output.byteOffset, output.byteLength);
  const [version = 0, particles = 0, samples = 0, columns = 0] = [8, 12, 16, 20].map((at) => view.getUint32(at, true));
  const [edge, settled] = [view.getFloat64(24, true), view.getFloat64(56, true)];
  const fits = output.byteLength === HEADER_BYTES + 8 * (samples * columns + 6 * particles);
  if (version !== VERSION || columns !== COLUMNS || !fits || samples === 0 || !(edge > 0 && edge < 1e9))
    return undefined;

  const bytes = output.slice(HEADER_BYTES).buffer;
  const table = new Float64Array(bytes, 0, samples * columns);
  const every = Math.max(1, Math.ceil(samples / POINTS_MAX));
  const column = (index: number) => [
    ...table.filter((_, at) => at % columns === index && ((at / columns) | 0) % every === 0),
  ];
  const [time = [], kinetic = [], potential = [], total = [], temperature = []] = [0, 1, 2, 3, 4].map(column);
  if (time.some((value, at) => !(value >= (time[at - 1] ?? 0)))) return undefined;
  if (![time, kinetic, potential, total, temperature].flat().every(Number.isFinite)) return undefined;
  const positions = new Float64Array(bytes, 8 * samples * columns, 3 * particles);
  return { particles, edge, settled, time, kinetic, potential, total, temperature, positions };
}

/** Draws a run. */
export function drawRun(run: Run): Canvas {
  const slice: Box = {
    ...CHART,
    x: CHART.x + CHART.width + BETWEEN + MARGIN.left,
    width: SLICE_SIDE,
    height: SLICE_SIDE,
  };
  const canvas = createCanvas(slice.x + slice.width + MARGIN.right, LOWER.y + LOWER.height + MARGIN.bottom);
  drawLines(canvas, CHART, run, {
    title: `energy per particle, ${run.particles} particles`,
    unit: 'energy',
    lines: [
      { name: 'kinetic', values: run.kinetic, colour: KINETIC },
      { name: `total, ${keptBy(run)}`, values: run.total, colour: TOTAL },
      { name: 'potential', values: run.potential, colour: POTENTIAL },
    ],
  });
  drawLines(canvas, LOWER, run, {
    title: 'temperature',
    unit: 'T',
    lines: [{ name: '', values: run.temperature, colour: HEAT }],
  });
  drawSlice(canvas, slice, run);
  return canvas;
}

/** How well energy is kept once nothing holds the temperature: a measure of the whole run. */
function keptBy({ time, total, settled }: Run): string {
  const free = total.filter((_, at) => (time[at] ?? 0) >= settled);
  const range =
    free.reduce((high, value) => Math.max(high, value), Number.NEGATIVE_INFINITY) -
    free.reduce((low, value) => Math.min(low, value), Number.POSITIVE_INFINITY);
  return free.length > 1 ? `within ${Number(range.toPrecision(2))}` : 'held';
}

interface Lines {
  readonly title: string;
  readonly unit: string;
  readonly lines: readonly { readonly name: string; readonly values: readonly number[]; readonly colour: Colour }[];
}

function drawLines(canvas: Canvas, box: Box, { time, settled }: Run, { title, unit, lines }: Lines): void {
  const { low, high } = boundsOf(lines.flatMap(({ values }) => values));
  const end = time.at(-1) ?? 0;
  const across: Axis = { from: 0, to: end > 0 ? end : 1, title: 'time' };
  const down: Axis = { from: high, to: low, title: unit };
  const held = Math.round(Math.min(box.width, Math.max(0, placeOn(across, settled, box.width) || 0)));
  fill(canvas, { ...box, width: held }, FAINT, 0.5);
  drawAxes(canvas, box, { across, down, title, grid: true });
  if (held > 150)
    text(canvas, { x: box.x + held - 8, y: box.y + box.height - 14 }, 'held', { across: 'right' }, [120, 125, 135]);

  for (const { name, values, colour } of lines) {
    const points = values.map((value, at) => ({
      x: box.x + placeOn(across, time[at] ?? 0, box.width),
      y: box.y + placeOn(down, value, box.height),
    }));
    polyline(canvas, points, 2, colour);
    const last = points.at(-1);
    if (last === undefined) continue;
    const y = last.y + (last.y < box.y + ROOM_ABOVE ? LABEL_AWAY : -LABEL_AWAY);
    text(canvas, { x: last.x - 10, y }, name, { across: 'right' }, colour);
  }
}

/** The particles of the front of the box, the nearest on top and darkest. */
function drawSlice(canvas: Canvas, box: Box, { positions, particles, edge }: Run): void {
  const depth = Math.min(SLICE_DEPTH, edge);
  const axis = (at: number) => positions.subarray(at * particles, (at + 1) * particles);
  const [xs, ys, zs] = [axis(0), axis(1), axis(2)];
  const inFront = [...zs.keys()].filter((i) => (zs[i] ?? depth) < depth).slice(0, SHOWN_MAX);
  const shown = inFront.sort((i, j) => (zs[j] ?? 0) - (zs[i] ?? 0));
  const scale = box.width / edge;
  const radius = Math.min(RADIUS_PIXELS_MAX, RADIUS * scale);
  // Drawn apart, since particles at the edge would stand out of the box.
  const inner = createCanvas(box.width, box.height);
  for (const i of shown) {
    const at = { x: (xs[i] ?? 0) * scale, y: box.height - (ys[i] ?? 0) * scale };
    if (!(at.x >= 0 && at.x <= box.width && at.y >= 0 && at.y <= box.height)) continue;
    disc(inner, at, radius, PAPER);
    disc(inner, at, Math.max(0.8, radius - 1), shade(1 - (zs[i] ?? 0) / depth));
  }
  place(canvas, inner, box);
  drawAxes(canvas, box, {
    across: { from: 0, to: edge, title: 'x' },
    down: { from: edge, to: 0, title: 'y' },
    title: `slice of the box at the end, z < ${depth}`,
  });
}

function shade(near: number): Colour {
  const part = (at: 0 | 1 | 2) => FAR[at] + near * (NEAR[at] - FAR[at]);
  return [part(0), part(1), part(2)];
}
