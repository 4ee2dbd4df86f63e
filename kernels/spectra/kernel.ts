// Search for a signal that drifts in frequency: for each drift, it is taken out of the samples, and power spectra of all blocks are summed.
// Room for 65,536 samples in transforms of 4,096, so that its memory is kept for the next one.
// @memory 1408KiB
import { Fft, Settings, Writer } from 'lodger/kernel';
import { dechirp } from './chirp';
import { readSamples, readSearch, Search } from './search';

const VERSION: u32 = 1;
const HEADER_BYTES = 80;

/** What was found so far: the strongest bin of all, and the spectrum it is in. */
class Found {
  chirp: i32 = 0;
  bin: i32 = 0;
  power: f64 = 0;
}

/** Input and output: see README.md. Fails by name of the setting. */
export function run(input: Uint8Array): Uint8Array {
  const settings = new Settings(input);
  const search = readSearch(settings);
  const samples = readSamples(settings, search);
  settings.finish();
  const length = search.length;
  const fft = new Fft(length);
  const block = heap.alloc((<usize>length) << 4);
  let spectrum = new Float64Array(length);
  let best = new Float64Array(length);
  const peaks = new Float64Array(search.chirps);
  const bins = new Float64Array(search.chirps);
  const found = new Found();
  for (let c = 0; c < search.chirps; c++) {
    memory.fill(spectrum.dataStart, 0, spectrum.byteLength);
    for (let b = 0; b < search.blocks; b++) {
      const first = b * length;
      dechirp(samples + ((<usize>first) << 4), block, first, length, search.chirp(c), search.rate);
      fft.forwardAt(block);
      addPowers(block, spectrum.dataStart, length);
    }
    const bin = strongest(spectrum);
    peaks[c] = spectrum[bin];
    bins[c] = <f64>bin;
    if (c != 0 && !(spectrum[bin] > found.power)) continue;
    found.chirp = c;
    found.bin = bin;
    found.power = spectrum[bin];
    const other = best;
    best = spectrum;
    spectrum = other;
  }
  return report(search, found, peaks, bins, best);
}

/** Adds |z|^2 of each number, four a turn. */
function addPowers(from: usize, to: usize, length: i32): void {
  for (const end = from + ((<usize>length) << 4); from < end; from += 64) {
    const low = f64x2.add(v128.load(to), powers(v128.load(from), v128.load(from, 16)));
    const high = f64x2.add(v128.load(to, 16), powers(v128.load(from, 32), v128.load(from, 48)));
    v128.store(to, low);
    v128.store(to, high, 16);
    to += 32;
  }
}

/** |z|^2 of two numbers. */
function powers(a: v128, b: v128): v128 {
  const re = v128.shuffle<f64>(a, b, 0, 2);
  const im = v128.shuffle<f64>(a, b, 1, 3);
  return f64x2.add(f64x2.mul(re, re), f64x2.mul(im, im));
}

function strongest(spectrum: Float64Array): i32 {
  let at = 0;
  let most = spectrum[0];
  for (let i = 1; i < spectrum.length; i++) {
    if (spectrum[i] > most) {
      most = spectrum[i];
      at = i;
    }
  }
  return at;
}

/** Powers per block and sample; the mean is that of the samples (Parseval). */
function report(search: Search, found: Found, peaks: Float64Array, bins: Float64Array, best: Float64Array): Uint8Array {
  const scale = 1 / (<f64>search.blocks * <f64>search.length);
  let mean: f64 = 0;
  for (let i = 0; i < best.length; i++) mean += best[i];
  mean *= scale / <f64>search.length;
  const writer = new Writer(HEADER_BYTES + 8 * (2 * search.chirps + search.length));
  writer.bytes(Uint8Array.wrap(String.UTF8.encode('lodgspec')));
  writer.u32(VERSION);
  writer.u32(search.length);
  writer.u32(search.blocks);
  writer.u32(search.chirps);
  writer.u32(found.chirp);
  writer.u32(found.bin);
  writer.f64(search.rate);
  writer.f64(search.chirpFrom);
  writer.f64(search.chirpTo);
  writer.f64(mean);
  // How many standard deviations of noise the strongest bin is above the mean: powers of noise are exponentially distributed.
  writer.f64(((found.power * scale) / mean - 1) * Math.sqrt(<f64>search.blocks));
  writer.u64(0);
  for (let i = 0; i < peaks.length; i++) writer.f64(peaks[i] * scale);
  writer.array(bins);
  for (let i = 0; i < best.length; i++) writer.f64(best[i] * scale);
  return writer.finish();
}
