// The picture of a seismic shot: the wave field over the velocities, and beside it what the receivers recorded.
import { drawAxes, MARGIN, placeOn } from './axes.ts';
import { type Box, type Canvas, type Colour, createCanvas, disc, INK, PAPER, paint } from './canvas.ts';
import { between, fullColourAt, rockColours, waveColour } from './field.ts';

/** What kernels/wave gives, by the form in its README. */
interface Shot {
  readonly width: number;
  readonly depth: number;
  readonly receivers: number;
  readonly samples: number;
  readonly spacing: number;
  readonly interval: number;
  readonly time: number;
  readonly source: readonly [number, number];
  readonly line: readonly [from: number, to: number, depth: number];
  readonly velocities: Float32Array;
  readonly field: Float32Array;
  readonly traces: Float32Array;
}

const HEADER_BYTES = 64;
const VERSION = 1;
const SIDE_MAX = 720;
const SIDE_MIN = 240;
const RECORD_WIDTH = 460;

/** Colours are full at this share of the values, from the weakest on: weak waves would not be seen beside the strongest. */
const CLIPPED_FROM = { field: 0.995, record: 0.97 } as const;
const SOURCE: Colour = [240, 160, 0];

/** Reads an output of kernels/wave; undefined where its header does not fit its bytes. */
export function readShot(output: Uint8Array): Shot | undefined {
  if (output.byteLength < HEADER_BYTES) return undefined;
  const view = new DataView(output.buffer, output.byteOffset, output.byteLength);
  const ints = [8, 12, 16, 20, 24].map((at) => view.getUint32(at, true));
  const floats = [28, 32, 36, 40, 44, 48, 52, 56].map((at) => view.getFloat32(at, true));
  const [version = 0, width = 0, depth = 0, receivers = 0, samples = 0] = ints;
  const [spacing = 0, interval = 0, time = 0, x = 0, z = 0, from = 0, to = 0, line = 0] = floats;
  const values = 2 * width * depth + receivers * samples;
  const fits = version === VERSION && output.byteLength === HEADER_BYTES + 4 * values;
  const makesSense = floats.every((value) => value >= 0 && value < 1e12) && spacing > 0 && interval > 0;
  if (!fits || !makesSense || width < 2 || depth < 2 || receivers * samples === 0) return undefined;

  const bytes = output.slice(HEADER_BYTES).buffer;
  const points = width * depth;
  return {
    ...{ width, depth, receivers, samples, spacing, interval, time },
    source: [x, z],
    line: [from, to, line],
    velocities: new Float32Array(bytes, 0, points),
    field: new Float32Array(bytes, 4 * points, points),
    traces: new Float32Array(bytes, 8 * points),
  };
}

/** Draws a shot. */
export function drawShot(shot: Shot): Canvas {
  const [lengthX, lengthZ] = [(shot.width - 1) * shot.spacing, (shot.depth - 1) * shot.spacing];
  const scale = SIDE_MAX / Math.max(lengthX, lengthZ);
  const side = (length: number) => Math.max(SIDE_MIN, Math.round(length * scale));
  const model: Box = { x: MARGIN.left, y: MARGIN.top, width: side(lengthX), height: side(lengthZ) };
  const record: Box = { ...model, x: model.x + model.width + MARGIN.right + MARGIN.left, width: RECORD_WIDTH };
  const canvas = createCanvas(record.x + record.width + MARGIN.right, model.y + model.height + MARGIN.bottom);
  drawModel(canvas, model, shot, { lengthX, lengthZ });
  drawRecord(canvas, record, shot);
  return canvas;
}

function drawModel(
  canvas: Canvas,
  box: Box,
  shot: Shot,
  { lengthX, lengthZ }: { readonly lengthX: number; readonly lengthZ: number },
): void {
  const { width, depth, velocities, field, source, line } = shot;
  const full = fullColourAt(field, CLIPPED_FROM.field);
  const shade = rockColours(velocities, { width, depth });
  paint(canvas, box, (across, down) =>
    waveColour(between(field, { width, depth }, across, down) / full, shade(across, down)),
  );

  const across = { from: 0, to: lengthX, title: 'x / m' };
  const down = { from: 0, to: lengthZ, title: 'depth / m' };
  const place = (x: number, z: number) => ({
    x: box.x + placeOn(across, x, box.width),
    y: box.y + placeOn(down, z, box.height),
  });
  const [from, to, receiverDepth] = line;
  const shown = Math.min(shot.receivers, Math.max(2, Math.floor(box.width / 12)));
  for (let i = 0; i < shown; i++) {
    disc(canvas, place(from + (i / (shown - 1 || 1)) * (to - from), receiverDepth), 1.6, INK);
  }
  disc(canvas, place(...source), 7, INK);
  disc(canvas, place(...source), 5, SOURCE);
  drawAxes(canvas, box, { across, down, title: `wave field after ${round(shot.time)} s` });
}

function drawRecord(canvas: Canvas, box: Box, shot: Shot): void {
  const { traces, receivers, samples, line } = shot;
  // What comes later has come a longer way and is weaker; with the time squared, all of it is seen.
  const louder = traces.map((value, at) => value * ((at % samples) / samples) ** 2);
  const full = fullColourAt(louder, CLIPPED_FROM.record);
  // Traces lie across in memory, and stand in the picture.
  paint(canvas, box, (across, down) =>
    waveColour(between(louder, { width: samples, depth: receivers }, down, across) / full, PAPER),
  );
  const [from, to] = line[0] === line[1] ? [line[0] - 0.5, line[1] + 0.5] : line;
  drawAxes(canvas, box, {
    across: { from, to, title: 'receiver x / m' },
    down: { from: 0, to: samples * shot.interval, title: 'time / s' },
    title: 'shot record, times t^2',
  });
}

/** Three digits, and none that say nothing. */
function round(value: number): string {
  return String(Number(value.toPrecision(3)));
}
