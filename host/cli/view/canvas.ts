// A picture in the making: opaque pixels, and what is drawn over them with smooth edges. It ends as a PNG.
import { encode } from 'fast-png';
import { GLYPH, hasDot } from './font.ts';

/** Red, green and blue, 0 to 255. */
export type Colour = readonly [number, number, number];

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** In pixels, from the top left corner on. */
export interface Box extends Point {
  readonly width: number;
  readonly height: number;
}

export interface Canvas {
  readonly width: number;
  readonly height: number;
  /** Three bytes a pixel, row after row. */
  readonly pixels: Uint8Array;
}

export const INK: Colour = [38, 42, 51];
export const FAINT: Colour = [222, 225, 230];
export const PAPER: Colour = [255, 255, 255];

/** Text is drawn with dots of this many pixels. */
const DOT = 2;

/** Height of a line of text, and room for it. */
export const TEXT_HEIGHT = GLYPH.height * DOT;

/** Where a text lies about its point. */
export interface Anchor {
  readonly across: 'left' | 'middle' | 'right';
  /** Written upwards, with the point at the middle of its right side. */
  readonly upwards?: boolean;
}

/** A white picture. */
export function createCanvas(width: number, height: number): Canvas {
  return { width, height, pixels: new Uint8Array(3 * width * height).fill(255) };
}

export function encodePng({ width, height, pixels }: Canvas): Uint8Array {
  return encode({ width, height, data: pixels, channels: 3, depth: 8 });
}

/** Lays a colour over a pixel; 1 hides what was there. What is outside is left out. */
export function blend(canvas: Canvas, x: number, y: number, colour: Colour, opacity = 1): void {
  if (x < 0 || y < 0 || x >= canvas.width || y >= canvas.height) return;
  const at = 3 * (y * canvas.width + x);
  for (let part = 0; part < 3; part++) {
    const before = canvas.pixels[at + part] ?? 0;
    canvas.pixels[at + part] = Math.round(before + opacity * ((colour[part] ?? 0) - before));
  }
}

/** Colours every pixel of a box by a function of its place in it, from 0 to 1. */
export function paint(canvas: Canvas, box: Box, colourAt: (across: number, down: number) => Colour): void {
  for (let y = 0; y < box.height; y++) {
    for (let x = 0; x < box.width; x++) {
      blend(canvas, box.x + x, box.y + y, colourAt((x + 0.5) / box.width, (y + 0.5) / box.height));
    }
  }
}

/** Copies a picture into a box of its size. */
export function place(canvas: Canvas, picture: Canvas, { x, y }: Point): void {
  for (let row = 0; row < picture.height; row++) {
    const line = picture.pixels.subarray(3 * row * picture.width, 3 * (row + 1) * picture.width);
    canvas.pixels.set(line, 3 * ((y + row) * canvas.width + x));
  }
}

/** Fills a box with one colour. */
export function fill(canvas: Canvas, box: Box, colour: Colour, opacity = 1): void {
  for (let y = box.y; y < box.y + box.height; y++) {
    for (let x = box.x; x < box.x + box.width; x++) blend(canvas, x, y, colour, opacity);
  }
}

/** A line around a box, one pixel wide, just outside it. */
export function frame(canvas: Canvas, { x, y, width, height }: Box, colour: Colour): void {
  fill(canvas, { x: x - 1, y: y - 1, width: width + 2, height: 1 }, colour);
  fill(canvas, { x: x - 1, y: y + height, width: width + 2, height: 1 }, colour);
  fill(canvas, { x: x - 1, y, width: 1, height }, colour);
  fill(canvas, { x: x + width, y, width: 1, height }, colour);
}

/** A disc with a smooth edge. */
export function disc(canvas: Canvas, centre: Point, radius: number, colour: Colour): void {
  cover(canvas, centre, centre, radius, colour);
}

/** A line through points, with round ends and smooth edges. */
export function polyline(canvas: Canvas, points: readonly Point[], width: number, colour: Colour): void {
  for (const [index, to] of points.entries()) {
    const from = points[index - 1];
    if (from !== undefined) cover(canvas, from, to, width / 2, colour);
  }
}

/** Text of ASCII. Its point is at half its height. */
export function text(
  canvas: Canvas,
  at: Point,
  words: string,
  { across, upwards = false }: Anchor,
  colour = INK,
): void {
  const length = textWidth(words);
  const before = across === 'left' ? 0 : across === 'right' ? length : length / 2;
  for (const [index, character] of [...words].entries()) {
    for (let column = 0; column < GLYPH.width; column++) {
      for (let row = 0; row < GLYPH.height; row++) {
        if (!hasDot(character, column, row)) continue;
        const along = (index * GLYPH.advance + column) * DOT - before;
        const down = row * DOT - TEXT_HEIGHT / 2;
        const [x, y] = upwards ? [at.x + down, at.y - along - DOT] : [at.x + along, at.y + down];
        fill(canvas, { x: Math.round(x), y: Math.round(y), width: DOT, height: DOT }, colour);
      }
    }
  }
}

/** Width of a text in pixels. */
export function textWidth(words: string): number {
  return Math.max(0, words.length * GLYPH.advance - 1) * DOT;
}

/** All points that are no farther than `radius` from the way between two points. */
function cover(canvas: Canvas, from: Point, to: Point, radius: number, colour: Colour): void {
  const [alongX, alongY] = [to.x - from.x, to.y - from.y];
  const square = alongX * alongX + alongY * alongY;
  const reach = radius + 1;
  const first = (one: number, other: number) => Math.max(0, Math.floor(Math.min(one, other) - reach));
  const last = (one: number, other: number, count: number) => Math.min(count - 1, Math.max(one, other) + reach);
  for (let y = first(from.y, to.y); y <= last(from.y, to.y, canvas.height); y++) {
    for (let x = first(from.x, to.x); x <= last(from.x, to.x, canvas.width); x++) {
      const [dx, dy] = [x + 0.5 - from.x, y + 0.5 - from.y];
      const share = square === 0 ? 0 : Math.min(1, Math.max(0, (dx * alongX + dy * alongY) / square));
      const inside = radius + 0.5 - Math.hypot(dx - share * alongX, dy - share * alongY);
      if (inside > 0) blend(canvas, x, y, colour, Math.min(1, inside));
    }
  }
}
