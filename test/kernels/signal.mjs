// Makes kernels/spectra/data/signal.bin: noise, and in it one tone that drifts. node test/kernels/signal.mjs
import { writeFileSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const SAMPLES = 65_536;
const RATE = 9_765.625;
/** Of the tone: Hz at the first sample, Hz/s, and power against that of the noise. */
const TONE = { frequency: -1_234.5, drift: 7.3, power: 0.0036 };

const SETTINGS = `# Receiver noise, one bit a sample and part as in SETI@home, with one tone that drifts: -1234.5 Hz at the start, 7.3 Hz/s,
# of 0.0036 of the noise's power. Made by test/kernels/signal.mjs.
samples = ${SAMPLES}
rate = ${RATE}            # samples a second
length = 4096              # of one transform
chirps = -20 20 101        # drifts in Hz/s: from, to, how many
bits = 1
data
`;

/** The bytes of the input. */
export function signal() {
  const next = dice(20_261_125n);
  const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  const bits = new Uint8Array(SAMPLES / 4);
  for (let i = 0; i < SAMPLES; i++) {
    const t = i / RATE;
    const phase = 2 * Math.PI * ((TONE.frequency * t + 0.5 * TONE.drift * t * t) % 1);
    // Each part of the noise has half of its power of 2.
    const size = Math.sqrt(2 * TONE.power);
    const parts = [size * Math.cos(phase) + normal(), size * Math.sin(phase) + normal()];
    for (const [part, value] of parts.entries()) if (value > 0) bits[i >> 2] |= 1 << ((2 * i + part) & 7);
  }
  return Buffer.concat([Buffer.from(SETTINGS), bits]);
}

/** Even numbers from 0 to 1: Knuth's linear congruences in MMIX. */
function dice(seed) {
  let state = seed;
  return () => {
    state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
    return Number(state >> 11n) / 2 ** 53;
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL('../../kernels/spectra/data/signal.bin', import.meta.url), signal());
}
