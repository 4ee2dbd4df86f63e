// Fields over a grid as colours: waves in red and blue, and rock by its velocity in grey.
import { type Colour, PAPER } from './canvas.ts';

/** Points along x and z. */
interface Size {
  readonly width: number;
  readonly depth: number;
}

/** Values that are looked at to find where colours are full. */
const LOOKED_AT = 100_000;

const UP: Colour = [178, 24, 43];
const DOWN: Colour = [33, 102, 172];
/** The fastest rock. The slowest is as white as the paper. */
const FAST: Colour = [176, 178, 184];

/** A value between the four points around a place. What is no number counts as 0. */
export function between(values: Float32Array, { width, depth }: Size, across: number, down: number): number {
  const [x, y] = [across * (width - 1), down * (depth - 1)];
  const [column, row] = [Math.min(width - 2, Math.floor(x)), Math.min(depth - 2, Math.floor(y))];
  const value = (at: number) => values[at] || 0;
  const at = Math.max(0, row) * width + Math.max(0, column);
  const [right, below] = [width > 1 ? 1 : 0, depth > 1 ? width : 0];
  const top = value(at) + (x - column) * (value(at + right) - value(at));
  const bottom = value(at + below) + (x - column) * (value(at + below + right) - value(at + below));
  return top + (y - row) * (bottom - top);
}

/** From full blue at -1 over the ground at 0 to full red at 1. */
export function waveColour(value: number, ground: Colour): Colour {
  return mix(ground, value > 0 ? UP : DOWN, Math.min(1, Math.abs(value)) ** 0.75);
}

/** Where colours are full, by the share of values that are smaller. */
export function fullColourAt(values: Float32Array, share: number): number {
  const every = Math.max(1, Math.floor(values.length / LOOKED_AT));
  const sizes = values
    .filter((value, at) => at % every === 0 && Number.isFinite(value))
    .map(Math.abs)
    .sort();
  return sizes[Math.floor(share * (sizes.length - 1))] || sizes.at(-1) || 1;
}

/** The velocity at a place from 0 to 1 as a shade: white where it is least. */
export function rockColours(
  velocities: Float32Array,
  { width, depth }: Size,
): (across: number, down: number) => Colour {
  const [slow, fast] = velocities.reduce(([low, high], v) => [Math.min(low, v), Math.max(high, v)], [1e9, 0]);
  return (across, down) => {
    const column = Math.min(width - 1, Math.round(across * (width - 1)));
    const velocity = velocities[Math.min(depth - 1, Math.round(down * (depth - 1))) * width + column] ?? slow;
    return mix(PAPER, FAST, (velocity - slow) / Math.max(1e-9, fast - slow));
  };
}

function mix(one: Colour, other: Colour, share: number): Colour {
  const part = (at: 0 | 1 | 2) => one[at] + share * (other[at] - one[at]);
  return [part(0), part(1), part(2)];
}
