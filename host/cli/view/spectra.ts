// The picture of a search for a drifting signal: the spectrum in which the strongest bin lies, and the strongest bin of every drift.
import { type Axis, boundsOf, drawAxes, MARGIN, placeOn } from './axes.ts';
import { type Box, type Canvas, type Colour, createCanvas, disc, polyline } from './canvas.ts';

/** What kernels/spectra gives, by the form in its README. */
interface Findings {
  readonly rate: number;
  readonly chirpFrom: number;
  readonly chirpTo: number;
  readonly chirp: number;
  readonly bin: number;
  /** Of noise, in standard deviations: 0 is the mean. */
  readonly strength: number;
  readonly peaks: readonly number[];
  readonly spectrum: readonly number[];
}

const HEADER_BYTES = 80;
const VERSION = 1;
const VALUES_MAX = 1 << 21;
/** Points of a line: of more, the largest of each few is drawn. */
const POINTS_MAX = 2_000;

const UPPER: Box = { x: MARGIN.left, y: MARGIN.top, width: 1_000, height: 300 };
const LOWER: Box = { ...UPPER, y: UPPER.y + UPPER.height + MARGIN.bottom + MARGIN.top, height: 200 };
const LINE: Colour = [33, 102, 172];
const MARK: Colour = [214, 96, 32];

/** Reads an output of kernels/spectra; undefined where its header does not fit its bytes. */
export function readFindings(output: Uint8Array): Findings | undefined {
  if (output.byteLength < HEADER_BYTES) return undefined;
  const view = new DataView(output.buffer, output.byteOffset, output.byteLength);
  const words = [8, 12, 16, 20, 24, 28].map((at) => view.getUint32(at, true));
  const [version = 0, length = 0, blocks = 0, chirps = 0, chirp = 0, bin = 0] = words;
  const [rate = 0, chirpFrom = 0, chirpTo = 0, mean = 0, strength = 0] = [32, 40, 48, 56, 64].map((at) =>
    view.getFloat64(at, true),
  );
  const fits = output.byteLength === HEADER_BYTES + 8 * (2 * chirps + length);
  if (version !== VERSION || !fits || length + chirps > VALUES_MAX || chirp >= chirps || bin >= length)
    return undefined;
  const numbers = [rate, chirpFrom, chirpTo, mean, strength];
  if (!numbers.every((value) => Number.isFinite(value) && Math.abs(value) < 1e15) || !(rate > 0)) return undefined;

  // In standard deviations of what noise of this mean has in a bin.
  const scaled = (value: number) => (value / (mean || 1) - 1) * Math.sqrt(blocks);
  const values = new Float64Array(output.slice(HEADER_BYTES).buffer);
  if (!values.every((value) => value >= 0 && value < 1e300)) return undefined;
  const peaks = [...values.subarray(0, chirps)].map(scaled);
  const spectrum = [...values.subarray(2 * chirps)].map(scaled);
  return { rate, chirpFrom, chirpTo, chirp, bin, strength, peaks, spectrum };
}

/** Draws findings. */
export function drawFindings(findings: Findings): Canvas {
  const { rate, chirpFrom, chirpTo, chirp, bin, strength, peaks, spectrum } = findings;
  const canvas = createCanvas(UPPER.x + UPPER.width + MARGIN.right, LOWER.y + LOWER.height + MARGIN.bottom);
  // Bins of the upper half are negative frequencies.
  const half = spectrum.length >> 1;
  const ordered = [...spectrum.slice(half), ...spectrum.slice(0, half)];
  const drift = chirpFrom + (chirp * (chirpTo - chirpFrom)) / Math.max(1, peaks.length - 1);
  const frequency = ((bin >= half ? bin - spectrum.length : bin) * rate) / spectrum.length;
  drawLine(canvas, UPPER, ordered, {
    across: { from: -rate / 2, to: rate / 2, title: 'Hz' },
    title: `power at a drift of ${drift.toPrecision(3)} Hz/s: ${strength.toPrecision(3)} deviations at ${frequency.toPrecision(6)} Hz`,
    mark: (bin + half) % spectrum.length,
  });
  const [from, to] = chirpTo > chirpFrom ? [chirpFrom, chirpTo] : [chirpFrom - 1, chirpFrom + 1];
  drawLine(canvas, LOWER, peaks, {
    across: { from, to, title: 'drift, Hz/s' },
    title: 'the strongest bin of each drift',
    mark: chirp,
  });
  return canvas;
}

interface Line {
  readonly across: Axis;
  readonly title: string;
  /** Place of the value that is marked. */
  readonly mark: number;
}

function drawLine(canvas: Canvas, box: Box, values: readonly number[], { across, title, mark }: Line): void {
  const { low, high } = boundsOf(values);
  const down: Axis = { from: high, to: low, title: 'deviations' };
  drawAxes(canvas, box, { across, down, title, grid: true });
  const place = (at: number) => ({
    x: box.x + (at / Math.max(1, values.length - 1)) * box.width,
    y: box.y + placeOn(down, values[at] ?? 0, box.height),
  });
  const every = Math.max(1, Math.ceil(values.length / POINTS_MAX));
  const points = [];
  for (let from = 0; from < values.length; from += every) {
    let largest = from;
    for (let at = from; at < Math.min(values.length, from + every); at++)
      if ((values[at] ?? 0) > (values[largest] ?? 0)) largest = at;
    points.push(place(largest));
  }
  polyline(canvas, points, 1.5, LINE);
  disc(canvas, place(mark), 4, MARK);
}
