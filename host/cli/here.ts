// The commands that run kernels on this machine. `npm run build` puts a bundle of this module in its place, which shares nothing with others.
import { begin } from './begin.ts';
import { addMap } from './map.ts';
import { addRun } from './run.ts';

export function start(argv: readonly string[]): Promise<void> {
  return begin(argv, { run: async () => addRun, map: async () => addMap });
}
