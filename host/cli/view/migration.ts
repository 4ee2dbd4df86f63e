// The picture of a migration: its image, and above it the model that the records were made in.
import { drawAxes, MARGIN } from './axes.ts';
import { type Box, type Canvas, createCanvas, PAPER, paint } from './canvas.ts';
import { between, fullColourAt, rockColours, waveColour } from './field.ts';

/** What kernels/wave gives for a survey, by the form in its README. */
interface Migration {
  readonly width: number;
  readonly depth: number;
  readonly shots: number;
  readonly spacing: number;
  readonly velocities: Float32Array;
  readonly image: Float32Array;
}

const HEADER_BYTES = 64;
const VERSION = 1;
const SIDE_MAX = 900;
const SIDE_MIN = 200;
/** Colours are full at this share of the values: what lies around sources and receivers outshines the rest. */
const CLIPPED_FROM = 0.985;

/** Reads an output of kernels/wave for a survey; undefined where its header does not fit its bytes. */
export function readMigration(output: Uint8Array): Migration | undefined {
  if (output.byteLength < HEADER_BYTES) return undefined;
  const view = new DataView(output.buffer, output.byteOffset, output.byteLength);
  const [version = 0, width = 0, depth = 0, shots = 0] = [8, 12, 16, 20].map((at) => view.getUint32(at, true));
  const spacing = view.getFloat32(24, true);
  const points = width * depth;
  const fits = version === VERSION && output.byteLength === HEADER_BYTES + 12 * points;
  if (!fits || width < 2 || depth < 2 || !(spacing > 0 && spacing < 1e9)) return undefined;
  const bytes = output.slice(HEADER_BYTES).buffer;
  const velocities = new Float32Array(bytes, 0, points);
  return { width, depth, shots, spacing, velocities, image: new Float32Array(bytes, 8 * points, points) };
}

/** Draws a migration. */
export function drawMigration(migration: Migration): Canvas {
  const { width, depth, spacing, shots, image, velocities } = migration;
  const [lengthX, lengthZ] = [(width - 1) * spacing, (depth - 1) * spacing];
  const scale = SIDE_MAX / Math.max(lengthX, lengthZ);
  const side = (length: number) => Math.max(SIDE_MIN, Math.round(length * scale));
  const model: Box = { x: MARGIN.left, y: MARGIN.top, width: side(lengthX), height: side(lengthZ) };
  const under: Box = { ...model, y: model.y + model.height + MARGIN.bottom + MARGIN.top };
  const canvas = createCanvas(model.x + model.width + MARGIN.right, under.y + under.height + MARGIN.bottom);
  const across = { from: 0, to: lengthX, title: 'x / m' };
  const down = { from: 0, to: lengthZ, title: 'depth / m' };
  paint(canvas, model, rockColours(velocities, migration));
  drawAxes(canvas, model, { across, down, title: 'velocities that made the records' });
  const full = fullColourAt(image, CLIPPED_FROM);
  paint(canvas, under, (x, z) => waveColour(between(image, migration, x, z) / full, PAPER));
  drawAxes(canvas, under, { across, down, title: `migration image of ${shots} shots` });
  return canvas;
}
