// Risk of a book of options: AssemblyScript and JavaScript, as an author writes it. Input, f64: assets, positions, paths, first, seed, rate,
// horizon, confidence; spots, volatilities, correlation; of each position asset, sign, strike, years, quantity. Output, f64: value, then value
// and error of mean, value at risk and shortfall, with control variate and without.
const BATCHES: i32 = 20;

export function run(input: Uint8Array): Uint8Array {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  const assets: i32 = i32(view.getFloat64(0, true));
  const positions: i32 = i32(view.getFloat64(8, true));
  const paths: i32 = i32(view.getFloat64(16, true));
  const first: i32 = i32(view.getFloat64(24, true));
  const seed: i32 = i32(view.getFloat64(32, true));
  const rate = view.getFloat64(40, true);
  const horizon = view.getFloat64(48, true);
  const confidence = view.getFloat64(56, true);
  const spots = read(view, 64, assets);
  const volatilities = read(view, 64 + 8 * assets, assets);
  const correlation = read(view, 64 + 16 * assets, assets * assets);
  const book = read(view, 64 + 16 * assets + 8 * assets * assets, 5 * positions);
  const factor = factorOf(correlation, assets);
  const now = worth(book, spots, volatilities, rate, 0);
  const slopes = new Float64Array(assets);
  for (let i: i32 = 0; i < positions; i++) {
    const asset: i32 = i32(book[5 * i]);
    const sign = book[5 * i + 1];
    const sigma = volatilities[asset];
    const d1 = moneyness(spots[asset], book[5 * i + 2], rate, sigma, book[5 * i + 3]);
    const delta = sign * normal(sign * d1) * book[5 * i + 4];
    slopes[asset] -= delta * spots[asset] * sigma * Math.sqrt(horizon);
  }
  let variance: f64 = 0;
  for (let i: i32 = 0; i < assets; i++) {
    for (let j: i32 = 0; j < assets; j++) variance += slopes[i] * slopes[j] * correlation[i * assets + j];
  }
  const losses = new Float64Array(paths);
  const linear = new Float64Array(paths);
  const normals = new Float64Array(2 * assets);
  const prices = new Float64Array(assets);
  for (let path: i32 = 0; path < paths; path++) {
    // A block of random bits is good for two paths.
    const lane: i32 = path & 1;
    if (lane === 0) for (let a: i32 = 0; a < assets; a++) draw(seed, first + (path >> 1), a, normals);
    let moved: f64 = 0;
    for (let a: i32 = 0; a < assets; a++) {
      let shock: f64 = 0;
      for (let i: i32 = 0; i <= a; i++) shock += factor[a * assets + i] * normals[2 * i + lane];
      const sigma = volatilities[a];
      prices[a] = spots[a] * Math.exp((rate - 0.5 * sigma * sigma) * horizon + sigma * Math.sqrt(horizon) * shock);
      moved += slopes[a] * shock;
    }
    losses[path] = now - worth(book, prices, volatilities, rate, horizon);
    linear[path] = moved;
  }
  const output = new Uint8Array(8 * 13);
  const out = new DataView(output.buffer);
  out.setFloat64(0, now, true);
  estimate(losses, linear, Math.sqrt(variance), confidence, out);
  return output;
}

/** By Black and Scholes, at a time from today. */
function worth(book: Float64Array, prices: Float64Array, volatilities: Float64Array, rate: f64, time: f64): f64 {
  let value: f64 = 0;
  for (let at: i32 = 0; at < book.length; at += 5) {
    const asset: i32 = i32(book[at]);
    const sign = book[at + 1];
    const strike = book[at + 2];
    const left = Math.max(book[at + 3] - time, 1e-14);
    const sigma = volatilities[asset];
    const d1 = moneyness(prices[asset], strike, rate, sigma, left);
    const d2 = d1 - sigma * Math.sqrt(left);
    const cash = strike * Math.exp(-rate * left) * normal(sign * d2);
    value += book[at + 4] * sign * (prices[asset] * normal(sign * d1) - cash);
  }
  return value;
}

function moneyness(price: f64, strike: f64, rate: f64, sigma: f64, left: f64): f64 {
  return (Math.log(price / strike) + (rate + 0.5 * sigma * sigma) * left) / (sigma * Math.sqrt(left));
}

/** P(X <= x): West, "Better approximations to cumulative normal functions", Wilmott (2005), after Hart. */
function normal(x: f64): f64 {
  const size = Math.abs(x);
  if (size > 37) return x > 0 ? 1 : 0;
  const density = Math.exp(-0.5 * size * size);
  let tail: f64 = 0;
  if (size < 7.07106781186547) {
    let above = 0.0352624965998911 * size + 0.700383064443688;
    above = above * size + 6.37396220353165;
    above = above * size + 33.912866078383;
    above = above * size + 112.079291497871;
    above = above * size + 221.213596169931;
    above = above * size + 220.206867912376;
    let below = 0.0883883476483184 * size + 1.75566716318264;
    below = below * size + 16.064177579207;
    below = below * size + 86.7807322029461;
    below = below * size + 296.564248779674;
    below = below * size + 637.333633378831;
    below = below * size + 793.826512519948;
    below = below * size + 440.413735824752;
    tail = (density * above) / below;
  } else {
    tail = density / (size + 1 / (size + 2 / (size + 3 / (size + 4 / (size + 0.65))))) / 2.506628274631;
  }
  return x > 0 ? 1 - tail : tail;
}

/** The x of a probability: Wichura, "Algorithm AS 241", Applied Statistics 37 (1988), 477. */
function quantile(p: f64): f64 {
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) return q * middle(0.180625 - q * q);
  const root = Math.sqrt(-Math.log(q < 0 ? p : 1 - p));
  const x = root <= 5 ? side(root - 1.6) : far(root - 5);
  return q < 0 ? -x : x;
}

function middle(r: f64): f64 {
  let above = 2509.0809287301227 * r + 33430.57558358813;
  above = (above * r + 67265.7709270087) * r + 45921.95393154987;
  above = (above * r + 13731.69376550946) * r + 1971.5909503065513;
  above = (above * r + 133.14166789178438) * r + 3.3871328727963665;
  let below = 5226.495278852854 * r + 28729.085735721943;
  below = (below * r + 39307.89580009271) * r + 21213.794301586597;
  below = (below * r + 5394.196021424751) * r + 687.1870074920579;
  return above / ((below * r + 42.31333070160091) * r + 1);
}

function side(r: f64): f64 {
  let above = 0.0007745450142783414 * r + 0.022723844989269184;
  above = (above * r + 0.2417807251774506) * r + 1.2704582524523684;
  above = (above * r + 3.6478483247632045) * r + 5.769497221460691;
  above = (above * r + 4.630337846156546) * r + 1.4234371107496835;
  let below = 1.0507500716444169e-9 * r + 0.0005475938084995345;
  below = (below * r + 0.015198666563616457) * r + 0.14810397642748008;
  below = (below * r + 0.6897673349851) * r + 1.6763848301838038;
  return above / ((below * r + 2.053191626637759) * r + 1);
}

function far(r: f64): f64 {
  let above = 2.0103343992922881e-7 * r + 2.7115555687434876e-5;
  above = (above * r + 0.0012426609473880784) * r + 0.026532189526576124;
  above = (above * r + 0.29656057182850487) * r + 1.7848265399172913;
  above = (above * r + 5.463784911164114) * r + 6.657904643501103;
  let below = 2.0442631033899397e-15 * r + 1.421511758316446e-7;
  below = (below * r + 1.8463183175100548e-5) * r + 0.0007868691311456133;
  below = (below * r + 0.014875361290850615) * r + 0.1369298809227358;
  return above / ((below * r + 0.599832206555888) * r + 1);
}

/** Two normal numbers of a counter: Philox4x32-10. */
function draw(seed: i32, pair: i32, asset: i32, to: Float64Array): void {
  let c0: i32 = pair;
  let c1: i32 = 0;
  let c2: i32 = asset;
  let c3: i32 = 0;
  let key0: i32 = seed;
  let key1: i32 = 0;
  for (let round: i32 = 0; round < 10; round++) {
    const high0: i32 = high(c0, -766435501);
    const low0: i32 = low(c0, -766435501);
    const high1: i32 = high(c2, -845247145);
    const low1: i32 = low(c2, -845247145);
    c0 = high1 ^ c1 ^ key0;
    c2 = high0 ^ c3 ^ key1;
    c1 = low1;
    c3 = low0;
    key0 = i32(key0 - 1640531527);
    key1 = i32(key1 - 1150833019);
  }
  to[2 * asset] = quantile(even(c0, c1));
  to[2 * asset + 1] = quantile(even(c2, c3));
}

/** A number between 0 and 1, of the upper 52 of 64 bits. */
function even(lower: i32, upper: i32): f64 {
  const rest = f64(upper & 0xfff) * 2.3283064365386963e-10 + f64(lower >>> 12) * 2.220446049250313e-16;
  return f64(upper >>> 12) * 9.5367431640625e-7 + rest + 1.1102230246251565e-16;
}

/** The lower and the upper 32 bits of a product of two numbers without a sign. */
function low(a: i32, b: i32): i32 {
  const middle: i32 = i32((a >>> 16) * (b & 0xffff) + (a & 0xffff) * (b >>> 16));
  return i32((a & 0xffff) * (b & 0xffff) + (middle << 16));
}

function high(a: i32, b: i32): i32 {
  const first: i32 = (a >>> 16) * (b & 0xffff) + (((a & 0xffff) * (b & 0xffff)) >>> 16);
  const second: i32 = (a & 0xffff) * (b >>> 16) + (first & 0xffff);
  return i32((a >>> 16) * (b >>> 16) + (first >>> 16) + (second >>> 16));
}

/** Cholesky's factor of a symmetric matrix. */
function factorOf(matrix: Float64Array, side: i32): Float64Array {
  const factor = new Float64Array(side * side);
  for (let i: i32 = 0; i < side; i++) {
    for (let j: i32 = 0; j <= i; j++) {
      let rest = matrix[i * side + j];
      for (let k: i32 = 0; k < j; k++) rest -= factor[i * side + k] * factor[j * side + k];
      factor[i * side + j] = i === j ? Math.sqrt(rest) : rest / factor[j * side + j];
    }
  }
  return factor;
}

/** Estimates of all paths, and errors by how those of batches differ. */
function estimate(losses: Float64Array, linear: Float64Array, spread: f64, confidence: f64, out: DataView): void {
  const paths: i32 = losses.length;
  const size: i32 = i32(Math.floor(f64(paths) / f64(BATCHES)));
  let both: f64 = 0;
  for (let i: i32 = 0; i < paths; i++) both += losses[i] * linear[i];
  const slope = spread > 0 ? both / (f64(paths) * spread * spread) : 0;
  const border = spread * quantile(confidence);
  const whole = new Float64Array(3);
  const parts = new Float64Array(3 * BATCHES);
  for (let plain: i32 = 0; plain < 2; plain++) {
    const factor = plain === 1 ? 0 : slope;
    const limit = plain === 1 ? Infinity : border;
    sample(losses, linear, 0, paths, factor, limit, confidence, whole, 0);
    for (let i: i32 = 0; i < BATCHES; i++) {
      sample(losses, linear, i * size, (i + 1) * size, factor, limit, confidence, parts, 3 * i);
    }
    for (let which: i32 = 0; which < 3; which++) {
      let mean: f64 = 0;
      let square: f64 = 0;
      for (let i: i32 = 0; i < BATCHES; i++) mean += parts[3 * i + which] / f64(BATCHES);
      for (let i: i32 = 0; i < BATCHES; i++) square += (parts[3 * i + which] - mean) * (parts[3 * i + which] - mean);
      const at: i32 = 8 + 48 * plain + 16 * which;
      out.setFloat64(at, whole[which], true);
      out.setFloat64(at + 8, Math.sqrt(square / f64(BATCHES * (BATCHES - 1))), true);
    }
  }
}

/** Mean, value at risk and shortfall of some paths; those whose control is beyond the border have another weight than the rest. */
function sample(
  losses: Float64Array,
  linear: Float64Array,
  from: i32,
  to: i32,
  slope: f64,
  border: f64,
  confidence: f64,
  estimates: Float64Array,
  place: i32,
): void {
  const count: i32 = to - from;
  let mean: f64 = 0;
  let beyond: i32 = 0;
  for (let i: i32 = from; i < to; i++) {
    mean += losses[i] - slope * linear[i];
    if (linear[i] > border) beyond++;
  }
  const outer = new Float64Array(beyond);
  const inner = new Float64Array(count - beyond);
  let o: i32 = 0;
  let n: i32 = 0;
  for (let i: i32 = from; i < to; i++) {
    if (linear[i] > border) outer[o++] = losses[i];
    else inner[n++] = losses[i];
  }
  outer.sort();
  inner.sort();
  const tail = 1 - confidence;
  const isControlled = o > 0 && n > 0;
  const outerWeight = isControlled ? tail / f64(o) : 1 / f64(count);
  const innerWeight = isControlled ? confidence / f64(n) : outerWeight;
  let weight: f64 = 0;
  let sum: f64 = 0;
  let atRisk: f64 = 0;
  while (weight < tail && (o > 0 || n > 0)) {
    const isOuter = o > 0 && (n === 0 || outer[o - 1] >= inner[n - 1]);
    const each = Math.min(isOuter ? outerWeight : innerWeight, tail - weight);
    if (isOuter) atRisk = outer[--o];
    else atRisk = inner[--n];
    weight += each;
    sum += each * atRisk;
  }
  estimates[place] = mean / f64(count);
  estimates[place + 1] = atRisk;
  estimates[place + 2] = sum / weight;
}

function read(view: DataView, at: i32, count: i32): Float64Array {
  const values = new Float64Array(count);
  for (let i: i32 = 0; i < count; i++) values[i] = view.getFloat64(at + 8 * i, true);
  return values;
}
