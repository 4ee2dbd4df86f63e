// The picture of a tile of the Mandelbrot set: a pixel a point, coloured by how soon the point leaves.
import { type Canvas, type Colour, createCanvas } from './canvas.ts';

/** What kernels/fractal gives, by the form in its README. */
interface Tile {
  readonly width: number;
  readonly rows: number;
  /** Smooth counts, row after row; -1 for points that do not leave. */
  readonly counts: Float32Array;
}

const HEADER_BYTES = 32;
const VERSION = 1;
const SIDE_MAX = 16_384;

const INSIDE: Colour = [8, 10, 16];
/** Where a colour's parts begin in their waves: from deep blue through sand to rust. */
const PHASES = [0.62, 0.7, 0.82] as const;
/** Waves of colour over the root of the count: counts grow fast near the set, colours should not. */
const WAVES = 0.11;

/** Reads an output of kernels/fractal; undefined where its header does not fit its bytes. */
export function readTile(output: Uint8Array): Tile | undefined {
  if (output.byteLength < HEADER_BYTES) return undefined;
  const view = new DataView(output.buffer, output.byteOffset, output.byteLength);
  const [version = 0, width = 0, , , rows = 0] = [8, 12, 16, 20, 24].map((at) => view.getUint32(at, true));
  const sized = [width, rows].every((side) => side > 0 && side <= SIDE_MAX);
  if (version !== VERSION || !sized || output.byteLength !== HEADER_BYTES + 4 * width * rows) return undefined;
  return { width, rows, counts: new Float32Array(output.slice(HEADER_BYTES).buffer) };
}

/** Draws a tile. */
export function drawTile({ width, rows, counts }: Tile): Canvas {
  const canvas = createCanvas(width, rows);
  for (const [at, count] of counts.entries()) canvas.pixels.set(colourOf(count), 3 * at);
  return canvas;
}

function colourOf(count: number): Colour {
  if (!(count >= 0)) return INSIDE;
  const turn = WAVES * Math.sqrt(count);
  const part = (phase: number) => Math.round(255 * (0.5 - 0.5 * Math.cos(2 * Math.PI * (turn + phase))));
  return [part(PHASES[2]), part(PHASES[1]), part(PHASES[0])];
}
