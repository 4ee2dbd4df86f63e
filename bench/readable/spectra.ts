// Search for a signal that drifts: AssemblyScript and JavaScript, as an author writes it. Input, f64: samples, length of a transform, drifts,
// rate, first and last drift; then samples of one bit a part. Output, f64: strongest power of each drift, its bin, and the best spectrum.
export function run(input: Uint8Array): Uint8Array {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  const samples: i32 = i32(view.getFloat64(0, true));
  const length: i32 = i32(view.getFloat64(8, true));
  const chirps: i32 = i32(view.getFloat64(16, true));
  const rate = view.getFloat64(24, true);
  const from = view.getFloat64(32, true);
  const to = view.getFloat64(40, true);
  const blocks: i32 = i32(Math.floor(f64(samples) / f64(length)));
  const cosines = new Float64Array(length);
  const sines = new Float64Array(length);
  for (let i: i32 = 0; i < length; i++) {
    cosines[i] = Math.cos((2 * Math.PI * f64(i)) / f64(length));
    sines[i] = -Math.sin((2 * Math.PI * f64(i)) / f64(length));
  }
  const re = new Float64Array(length);
  const im = new Float64Array(length);
  const spectrum = new Float64Array(length);
  const best = new Float64Array(length);
  const output = new Uint8Array(8 * (2 * chirps + length));
  const out = new DataView(output.buffer);
  const scale = 1 / (f64(blocks) * f64(length));
  let most: f64 = -1;
  for (let c: i32 = 0; c < chirps; c++) {
    const chirp = chirps > 1 ? from + (f64(c) * (to - from)) / f64(chirps - 1) : from;
    const bend = (0.5 * chirp) / (rate * rate);
    for (let i: i32 = 0; i < length; i++) spectrum[i] = 0;
    for (let b: i32 = 0; b < blocks; b++) {
      for (let i: i32 = 0; i < length; i++) {
        const at: i32 = b * length + i;
        const x = sample(view, 2 * at);
        const y = sample(view, 2 * at + 1);
        const turns = -bend * f64(at) * f64(at);
        const angle = 2 * Math.PI * (turns - Math.floor(turns + 0.5));
        re[i] = x * Math.cos(angle) - y * Math.sin(angle);
        im[i] = x * Math.sin(angle) + y * Math.cos(angle);
      }
      transform(re, im, cosines, sines);
      for (let i: i32 = 0; i < length; i++) spectrum[i] += re[i] * re[i] + im[i] * im[i];
    }
    let bin: i32 = 0;
    for (let i: i32 = 1; i < length; i++) if (spectrum[i] > spectrum[bin]) bin = i;
    out.setFloat64(8 * c, spectrum[bin] * scale, true);
    out.setFloat64(8 * (chirps + c), f64(bin), true);
    if (spectrum[bin] <= most) continue;
    most = spectrum[bin];
    for (let i: i32 = 0; i < length; i++) best[i] = spectrum[i];
  }
  for (let i: i32 = 0; i < length; i++) out.setFloat64(8 * (2 * chirps + i), best[i] * scale, true);
  return output;
}

/** A part of a sample: a bit, which stands for 1 or -1. */
function sample(view: DataView, at: i32): f64 {
  return f64((i32(view.getUint8(48 + (at >> 3))) >> (at & 7)) & 1) * 2 - 1;
}

/** Cooley and Tukey's transform in place, two points at a time. */
function transform(re: Float64Array, im: Float64Array, cosines: Float64Array, sines: Float64Array): void {
  const length: i32 = re.length;
  let mirrored: i32 = 0;
  for (let i: i32 = 0; i < length; i++) {
    if (i < mirrored) {
      const x = re[i];
      re[i] = re[mirrored];
      re[mirrored] = x;
      const y = im[i];
      im[i] = im[mirrored];
      im[mirrored] = y;
    }
    let bit: i32 = length >> 1;
    while (bit > 0 && (mirrored & bit) !== 0) {
      mirrored ^= bit;
      bit >>= 1;
    }
    mirrored |= bit;
  }
  for (let half: i32 = 1; half < length; half *= 2) {
    const stride: i32 = i32(Math.floor(f64(length) / f64(2 * half)));
    for (let from: i32 = 0; from < length; from += 2 * half) {
      for (let k: i32 = 0; k < half; k++) {
        const low: i32 = from + k;
        const high: i32 = low + half;
        const x = re[high] * cosines[k * stride] - im[high] * sines[k * stride];
        const y = re[high] * sines[k * stride] + im[high] * cosines[k * stride];
        re[high] = re[low] - x;
        im[high] = im[low] - y;
        re[low] += x;
        im[low] += y;
      }
    }
  }
}
