// The discrete Fourier transform of complex numbers, f64, for powers of two: Stockham's algorithm, four-point steps, no reordering.
// @ts-nocheck: editors take AssemblyScript for TypeScript, and do not know all of it.
import { math } from './math';

/**
 * A load waits for an earlier store whose address is the same but for whole pages: steps that store as far as they load would wait at each
 * point, were their arrays a few bytes apart in that.
 */
@inline const PAGE: usize = 4096;

/** The transform of one size. Arrays hold complex numbers one after the other, real part first: `size` of them. */
export class Fft {
  /** exp(-2 pi i k / size) for k from 0 to size - 1, 16 bytes each. */
  private readonly roots: usize;
  private readonly scratch: usize;

  /** `size` is a power of two from 1 to 2^24; anything else fails the task. */
  constructor(readonly size: i32) {
    assert(size >= 1 && size <= 16777216 && popcnt(size) == 1, 'an Fft has a size that is a power of two, up to 2^24');
    this.roots = heap.alloc(<usize>size * 16);
    this.scratch = heap.alloc(<usize>size * 16 + PAGE);
    // Sizes below 4 need none.
    for (let k = 0; k <= size >> 3 && size >= 4; k++) this.mirror(k);
  }

  /** The eight roots that mirror that of an angle up to an eighth of a turn, so that those on the axes are exact. 0 - 0 is 0, -0 is not. */
  private mirror(k: i32): void {
    const angle = <f64>k * ((2 * Math.PI) / <f64>this.size);
    const cos = math.cos(angle);
    const sin = 8 * k == this.size ? cos : math.sin(angle);
    const quarter = this.size >> 2;
    this.root(k, cos, 0 - sin);
    this.root(quarter - k, sin, 0 - cos);
    this.root(quarter + k, 0 - sin, 0 - cos);
    this.root(2 * quarter - k, 0 - cos, 0 - sin);
    this.root(2 * quarter + k, 0 - cos, sin);
    this.root(3 * quarter - k, 0 - sin, cos);
    this.root(3 * quarter + k, sin, cos);
    if (k > 0) this.root(4 * quarter - k, cos, sin);
  }

  private root(k: i32, re: f64, im: f64): void {
    const at = this.roots + (<usize>k << 4);
    store<f64>(at, re);
    store<f64>(at, im, 8);
  }

  /** X_j = sum of x_k exp(-2 pi i j k / size), in place of x. */
  forward(values: Float64Array): void {
    assert(values.length == 2 * this.size, 'an Fft transforms arrays of twice its size');
    this.forwardAt(values.dataStart);
  }

  /** x_k = sum of X_j exp(2 pi i j k / size) / size, in place of X. */
  inverse(values: Float64Array): void {
    const at = values.dataStart;
    conjugate(at, this.size, 1);
    this.forward(values);
    conjugate(at, this.size, 1 / <f64>this.size);
  }

  /** The same for the numbers at an address. */
  forwardAt(values: usize): void {
    let from = values;
    // Half a page apart from the values.
    let to = this.scratch + ((values + PAGE / 2 - this.scratch) & (PAGE - 16));
    let n = <usize>this.size;
    let stride: usize = 1;
    for (; n >= 4; n >>= 2) {
      if (stride == 1) firstStep(from, to, n, this.roots);
      else step(from, to, n, stride, this.roots);
      const other = from;
      from = to;
      to = other;
      stride <<= 2;
    }
    if (n == 2) {
      pairs(from, to, stride);
      from = to;
    }
    if (from != values) memory.copy(values, from, <usize>this.size * 16);
  }
}

/** z w, with w as its real part in both lanes and its imaginary part as (-im, im). */
@inline
function times(z: v128, re: v128, im: v128): v128 {
  return f64x2.add(f64x2.mul(z, re), f64x2.mul(v128.shuffle<f64>(z, z, 1, 0), im));
}

/** The imaginary part of the root at an address, as `times` takes it. */
@inline
function imaginary(root: usize): v128 {
  return v128.xor(v128.load64_splat(root, 8), i64x2.replace_lane(i64x2.splat(0), 0, 0x8000000000000000));
}

/**
 * Makes (im, re), which is a shuffle away, a number turned by a right angle: (im, -re). Adding in one lane and taking away in the other
 * needs two shuffles more, for which processors have as few units as for sums; a change of sign by its bit, a look for NaNs.
 */
@lazy const DOWN = memory.data<f64>([1, -1], 16);

/** Four-point steps for a stride of 1, where each has roots of its own. */
function firstStep(from: usize, to: usize, n: usize, roots: usize): void {
  const quarter = n << 2;
  const down = v128.load(DOWN);
  let p: usize = 0;
  do {
    const a = v128.load(from + p);
    const b = v128.load(from + p + quarter);
    const c = v128.load(from + p + 2 * quarter);
    const d = v128.load(from + p + 3 * quarter);
    const ac = f64x2.add(a, c);
    const bd = f64x2.add(b, d);
    const acOff = f64x2.sub(a, c);
    const bdOff = f64x2.sub(b, d);
    const turned = f64x2.mul(v128.shuffle<f64>(bdOff, bdOff, 1, 0), down);
    const root1 = roots + p;
    const root2 = roots + 2 * p;
    const root3 = roots + 3 * p;
    const first = times(f64x2.add(acOff, turned), v128.load64_splat(root1), imaginary(root1));
    const second = times(f64x2.sub(ac, bd), v128.load64_splat(root2), imaginary(root2));
    const third = times(f64x2.sub(acOff, turned), v128.load64_splat(root3), imaginary(root3));
    // Stored together, and so looked at together for NaNs where these are to be the same everywhere.
    v128.store(to, f64x2.add(ac, bd));
    v128.store(to, first, 16);
    v128.store(to, second, 32);
    v128.store(to, third, 48);
    to += 64;
    p += 16;
  } while (p < quarter);
}

/** Four-point steps: `stride` of them in a row share their roots. */
function step(from: usize, to: usize, n: usize, stride: usize, roots: usize): void {
  const quarter = (stride * n) << 2;
  const row = stride << 4;
  const down = v128.load(DOWN);
  for (let p: usize = 0; p < n >> 2; p++) {
    const root = p * row;
    const re1 = v128.load64_splat(roots + root);
    const im1 = imaginary(roots + root);
    const re2 = v128.load64_splat(roots + 2 * root);
    const im2 = imaginary(roots + 2 * root);
    const re3 = v128.load64_splat(roots + 3 * root);
    const im3 = imaginary(roots + 3 * root);
    const end = from + row;
    // Not looked at before the first turn: V8 would then compute in each turn what stays the same in all.
    do {
      const a = v128.load(from);
      const b = v128.load(from + quarter);
      const c = v128.load(from + 2 * quarter);
      const d = v128.load(from + 3 * quarter);
      const ac = f64x2.add(a, c);
      const bd = f64x2.add(b, d);
      const acOff = f64x2.sub(a, c);
      const bdOff = f64x2.sub(b, d);
      const turned = f64x2.mul(v128.shuffle<f64>(bdOff, bdOff, 1, 0), down);
      v128.store(to, f64x2.add(ac, bd));
      v128.store(to + row, times(f64x2.add(acOff, turned), re1, im1));
      v128.store(to + 2 * row, times(f64x2.sub(ac, bd), re2, im2));
      v128.store(to + 3 * row, times(f64x2.sub(acOff, turned), re3, im3));
      from += 16;
      to += 16;
    } while (from < end);
    to += 3 * row;
  }
}

/** Two-point steps, at the end of transforms of twice a power of four. */
function pairs(from: usize, to: usize, stride: usize): void {
  const row = stride << 4;
  for (const end = from + row; from < end; from += 16) {
    const a = v128.load(from);
    const b = v128.load(from + row);
    v128.store(to, f64x2.add(a, b));
    v128.store(to + row, f64x2.sub(a, b));
    to += 16;
  }
}

/** The conjugate of each number, times a scale. */
function conjugate(at: usize, count: i32, scale: f64): void {
  const factors = f64x2.replace_lane(f64x2.splat(scale), 1, -scale);
  for (const end = at + (<usize>count << 4); at < end; at += 16) v128.store(at, f64x2.mul(v128.load(at), factors));
}
