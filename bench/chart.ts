// The suite against C as a drawing: a bar for each way, as long as its speed against the best build of 128 bits.
import { short } from '../runtime/base/units.ts';
import type { Timed } from './rounds.ts';

/** Ways that are drawn, with a colour each. */
const WAYS: Readonly<Record<string, string>> = {
  'tuned, V8': '#2166ac',
  'tuned, V8 metered': '#6ba3d6',
  'tuned, Wasmtime': '#b2182b',
  'tuned, Wasmtime metered': '#e08a7a',
  'readable, V8': '#35978f',
  JavaScript: '#dfa13a',
  'C to WebAssembly, V8': '#7a7f88',
  native: '#262a33',
};

const [LEFT, TOP, BAR, GAP, UNIT] = [110, 60, 11, 16, 420] as const;

/** Times by name (`kernel: way`) and kernels to an SVG. `best` gives the CPU time of a kernel's best build of each kind. */
export function chartOf(
  kernels: readonly string[],
  times: readonly Timed[],
  best: (kernel: string, kind: '128 bits' | 'native') => number,
): string {
  const parts: string[] = [];
  let y = TOP;
  for (const kernel of kernels) {
    const middle = y + (Object.keys(WAYS).length * BAR) / 2 + 4;
    parts.push(`<text x="${LEFT - 10}" y="${middle}" text-anchor="end">${kernel}</text>`);
    for (const [way, colour] of Object.entries(WAYS)) {
      const found = times.find(({ name }) => name === `${kernel}: ${way}`)?.cpuMinUs;
      const spent = way === 'native' ? best(kernel, 'native') : found;
      if (spent !== undefined) {
        const speed = best(kernel, '128 bits') / spent;
        const width = (UNIT * speed).toFixed(1);
        parts.push(`<rect x="${LEFT}" y="${y}" width="${width}" height="${BAR - 2}" fill="${colour}"/>`);
        parts.push(`<text x="${LEFT + UNIT * speed + 4}" y="${y + BAR - 3}" font-size="9">${short(speed)}</text>`);
      }
      y += BAR;
    }
    y += GAP;
  }
  const legend = Object.entries(WAYS).map(([way, colour], at) => {
    const [x, row] = [LEFT + (at % 3) * 190, 14 + 16 * Math.floor(at / 3)];
    const name = way === 'native' ? 'C, -march=native' : way;
    return `<rect x="${x}" y="${row}" width="10" height="10" fill="${colour}"/><text x="${x + 15}" y="${row + 9}">${name}</text>`;
  });
  const line = `<path d="M${LEFT + UNIT} ${TOP - 8}V${y}" stroke="#c8ccd2"/><text x="${LEFT + UNIT}" y="${TOP - 10}" text-anchor="middle">C, 128 bits</text>`;
  const head = `<svg xmlns="http://www.w3.org/2000/svg" width="${LEFT + 2 * UNIT}" height="${y}" font-family="sans-serif" font-size="12">`;
  return `${head}<rect width="100%" height="100%" fill="#fff"/>${line}${legend.join('')}${parts.join('')}</svg>\n`;
}
