// A tile of the Mandelbrot set: how soon each point leaves, as smooth counts.
// Room for a tile of 240 x 160, so that its memory is kept for the next one.
// @memory 256KiB
import { Settings, Writer } from 'lodger/kernel';
import { escapes } from './escape';
import { readView } from './view';

const VERSION: u32 = 1;
const HEADER_BYTES = 32;

/** Input and output: see README.md. Fails by name of the setting. */
export function run(input: Uint8Array): Uint8Array {
  const settings = new Settings(input);
  const view = readView(settings);
  settings.finish();
  const bytes = 4 * view.rows * view.width;
  const writer = new Writer(HEADER_BYTES + bytes);
  writer.bytes(Uint8Array.wrap(String.UTF8.encode('lodgfrac')));
  writer.u32(VERSION);
  writer.u32(view.width);
  writer.u32(view.height);
  writer.u32(view.from);
  writer.u32(view.rows);
  writer.u32(view.iterations);
  escapes(view, writer.reserve(bytes));
  return writer.finish();
}
