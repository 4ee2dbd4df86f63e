// Axes around a box: ticks at round numbers, their labels, and what they measure.
import { type Box, type Canvas, FAINT, fill, frame, INK, TEXT_HEIGHT, text } from './canvas.ts';

/** What lies along a side of a box: the values at its beginning and end, and what they are. */
export interface Axis {
  readonly from: number;
  readonly to: number;
  readonly title: string;
}

export interface Axes {
  /** From left to right. */
  readonly across: Axis;
  /** From top to bottom; a chart's `from` is then its highest value. */
  readonly down: Axis;
  readonly title: string;
  /** Whether lines run through the box at the ticks. */
  readonly grid?: boolean;
}

const TICK = 6;
/** Numbers that are very near to each other and very large may have no step between them. */
const TICKS_MAX = 50;
const TICKS_WANTED = { across: 110, down: 55 } as const;

/** Pixels that axes need around their box. */
export const MARGIN = { left: 92, right: 28, top: 44, bottom: 62 } as const;

/** Where a value lies along a side that is this long. */
export function placeOn({ from, to }: Axis, value: number, length: number): number {
  return ((value - from) / (to - from)) * length;
}

/** Draws axes; with a grid, before what the box shows. */
export function drawAxes(canvas: Canvas, box: Box, { across, down, title, grid = false }: Axes): void {
  for (const { value, label } of ticksOf(across, box.width / TICKS_WANTED.across)) {
    const x = box.x + Math.min(box.width - 1, Math.round(placeOn(across, value, box.width)));
    if (grid) fill(canvas, { x, y: box.y, width: 1, height: box.height }, FAINT);
    fill(canvas, { x, y: box.y + box.height, width: 1, height: TICK }, INK);
    text(canvas, { x, y: box.y + box.height + TICK + TEXT_HEIGHT }, label, { across: 'middle' });
  }
  for (const { value, label } of ticksOf(down, box.height / TICKS_WANTED.down)) {
    const y = box.y + Math.min(box.height - 1, Math.round(placeOn(down, value, box.height)));
    if (grid) fill(canvas, { x: box.x, y, width: box.width, height: 1 }, FAINT);
    fill(canvas, { x: box.x - TICK, y, width: TICK, height: 1 }, INK);
    text(canvas, { x: box.x - TICK - 5, y }, label, { across: 'right' });
  }
  frame(canvas, box, INK);
  const middle = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  text(canvas, { x: middle.x, y: box.y + box.height + MARGIN.bottom - TEXT_HEIGHT }, across.title, {
    across: 'middle',
  });
  text(canvas, { x: box.x - MARGIN.left + TEXT_HEIGHT, y: middle.y }, down.title, { across: 'middle', upwards: true });
  text(canvas, { x: box.x, y: box.y - TEXT_HEIGHT - 4 }, title, { across: 'left' });
}

/** Round numbers between the ends of an axis, about as many as wanted. */
export function ticksOf(
  { from, to }: Pick<Axis, 'from' | 'to'>,
  wanted: number,
): readonly { readonly value: number; readonly label: string }[] {
  const [low, high] = [Math.min(from, to), Math.max(from, to)];
  const rough = (high - low) / Math.max(1, wanted);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999) ?? 10);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const ticks = [];
  const first = Math.ceil(low / step - 1e-9);
  for (let n = 0; n < TICKS_MAX && (first + n) * step <= high + step * 1e-9; n++) {
    const value = (first + n) * step;
    const label = Math.abs(value) >= 1e6 || digits > 4 ? value.toExponential(1) : value.toFixed(digits);
    ticks.push({ value, label: label.replace(/^-(0\.?0*)$/, '$1') });
  }
  return ticks;
}

/** Bounds of values with a little room; also for values that are all the same. NaN and infinities count nothing. */
export function boundsOf(values: readonly number[]): { readonly low: number; readonly high: number } {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) return { low: -1, high: 1 };
  const room = 0.06 * (high - low) || 0.06 * Math.abs(high) || 1;
  return { low: low - room, high: high + room };
}
