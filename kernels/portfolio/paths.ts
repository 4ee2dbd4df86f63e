// Losses of a book along random paths, two paths at a time: correlated prices at the horizon, and Black and Scholes' value of each option.
import { cholesky, math, math2, Philox } from 'lodger/kernel';
import { Book } from './book';
import { exponentials, PAIRS, ROW_BYTES, worthsOf } from './worth';

/** An option that ends at the horizon: a tenth of a millionth of a second later, its value is what it pays. */
const LEFT_MIN: f64 = 1e-14;

/** Of normal numbers, ln S and S: those of an asset stand together, 16 bytes of each pair. */
const STRIDE: usize = PAIRS * 16;

/** Prices now or at the horizon, and the positions as seen from there. */
class Terms {
  rows: usize = 0;

  constructor(
    private readonly book: Book,
    private readonly at: f64,
  ) {
    this.rows = heap.alloc(<usize>book.positions.length * ROW_BYTES + 16);
    for (let i = 0; i < book.positions.length; i++) this.fill(i);
  }

  private fill(index: i32): void {
    const book = this.book;
    const position = book.positions[index];
    const row = this.rows + <usize>index * ROW_BYTES;
    const left = max(position.years - this.at, LEFT_MIN);
    const sigma = book.volatilities[position.asset];
    const spread = sigma * Math.sqrt(left);
    const sign: f64 = position.kind == 'call' ? 1 : -1;
    store<u64>(row, <u64>position.asset * <u64>STRIDE);
    store<f64>(row, sign / spread, 8);
    store<f64>(row, (sign * ((book.rate + 0.5 * sigma * sigma) * left - math.log(position.strike))) / spread, 16);
    store<f64>(row, sign * spread, 24);
    store<f64>(row, position.strike * math.exp(-book.rate * left), 32);
    store<f64>(row, sign * position.quantity, 40);
  }
}

export class Paths {
  private readonly now: Terms;
  private readonly then: Terms;
  private readonly factor: Float64Array;
  private readonly philox: Philox;
  /** Of each asset and each pair: normal numbers, ln S and S. */
  private readonly normals: usize;
  private readonly logarithms: usize;
  private readonly prices: usize;
  /** Of each asset, 24 bytes: where ln S is drawn to until the horizon, how far a shock takes it, and the loss of a shock. */
  private readonly moves: usize;
  private readonly slopes: Float64Array;
  /** Standard deviation of the loss to first order, which is normal. */
  readonly spread: f64;
  /** Of the book today. */
  readonly value: f64;

  constructor(private readonly book: Book) {
    const assets = book.spots.length;
    this.slopes = new Float64Array(assets);
    this.now = new Terms(book, 0);
    this.then = new Terms(book, book.horizon);
    this.philox = new Philox(<u64>book.seed);
    this.normals = heap.alloc(<usize>assets * STRIDE);
    this.logarithms = heap.alloc(<usize>assets * STRIDE);
    this.prices = heap.alloc(<usize>assets * STRIDE);
    this.moves = heap.alloc(<usize>assets * 24);
    this.factor = book.correlation.slice();
    cholesky(this.factor, assets);
    for (let a = 0; a < assets; a++) this.setPrice(a, f64x2.splat(math.log(book.spots[a])));
    this.setWorths(this.now, this.normals);
    this.value = load<f64>(this.normals);
    this.fillSlopes();
    this.fillMoves();
    let variance: f64 = 0;
    for (let a = 0; a < assets; a++) {
      for (let b = 0; b < assets; b++) variance += this.slopes[a] * this.slopes[b] * book.correlation[a * assets + b];
    }
    this.spread = Math.sqrt(max(variance, 0));
  }

  /** Losses of some pairs of paths, and the same to first order in the shocks. */
  run(pair: u64, losses: usize, linear: usize): void {
    const assets = this.book.spots.length;
    const end = this.normals + <usize>assets * STRIDE;
    for (let a = 0; a < assets; a++) this.philox.evenFour(pair, a, this.normals + <usize>a * STRIDE, 16);
    math2.normalQuantileOf(this.normals, end);
    this.shock(end, linear);
    exponentials(this.logarithms, this.logarithms + (end - this.normals), this.prices);
    this.setWorths(this.then, losses);
    for (const end = losses + PAIRS * 16; losses < end; losses += 16) {
      v128.store(losses, f64x2.sub(f64x2.splat(this.value), v128.load(losses)));
    }
  }

  /** From normal numbers, up to an address, to the logarithms of prices, and losses to first order. All pairs at once read factors once. */
  private shock(end: usize, linear: usize): void {
    const normals = this.normals;
    const rowBytes = (<usize>this.book.spots.length) << 3;
    let row = this.factor.dataStart;
    let move = this.moves;
    let logarithm = this.logarithms;
    let firstA = f64x2.splat(0);
    let firstB = firstA;
    let firstC = firstA;
    let firstD = firstA;
    for (let last = normals; last < end; last += STRIDE) {
      // A row of Cholesky's factor times independent normal numbers.
      let a = f64x2.splat(0);
      let b = a;
      let c = a;
      let d = a;
      let at = row;
      for (let from = normals; from <= last; from += STRIDE) {
        const factor = v128.load64_splat(at);
        a = f64x2.add(a, f64x2.mul(factor, v128.load(from)));
        b = f64x2.add(b, f64x2.mul(factor, v128.load(from, 16)));
        c = f64x2.add(c, f64x2.mul(factor, v128.load(from, 32)));
        d = f64x2.add(d, f64x2.mul(factor, v128.load(from, 48)));
        at += 8;
      }
      row += rowBytes;
      const drift = v128.load64_splat(move);
      const scale = v128.load64_splat(move, 8);
      v128.store(logarithm, f64x2.add(drift, f64x2.mul(scale, a)));
      v128.store(logarithm, f64x2.add(drift, f64x2.mul(scale, b)), 16);
      v128.store(logarithm, f64x2.add(drift, f64x2.mul(scale, c)), 32);
      v128.store(logarithm, f64x2.add(drift, f64x2.mul(scale, d)), 48);
      const slope = v128.load64_splat(move, 16);
      firstA = f64x2.add(firstA, f64x2.mul(slope, a));
      firstB = f64x2.add(firstB, f64x2.mul(slope, b));
      firstC = f64x2.add(firstC, f64x2.mul(slope, c));
      firstD = f64x2.add(firstD, f64x2.mul(slope, d));
      move += 24;
      logarithm += STRIDE;
    }
    v128.store(linear, firstA);
    v128.store(linear, firstB, 16);
    v128.store(linear, firstC, 32);
    v128.store(linear, firstD, 48);
  }

  private setPrice(asset: usize, logarithm: v128): void {
    const price = math2.exp(logarithm);
    for (let at = asset * STRIDE; at < (asset + 1) * STRIDE; at += 16) {
      v128.store(this.logarithms + at, logarithm);
      v128.store(this.prices + at, price);
    }
  }

  /** What the book is worth in each pair, to an address. */
  private setWorths(terms: Terms, worths: usize): void {
    const end = terms.rows + <usize>this.book.positions.length * ROW_BYTES;
    worthsOf(terms.rows, end, this.logarithms, this.prices, worths);
  }

  /** -delta S sigma root of the horizon, for each asset: delta of an option is s P(s d1). */
  private fillSlopes(): void {
    const book = this.book;
    for (let i = 0; i < book.positions.length; i++) {
      const row = this.now.rows + <usize>i * ROW_BYTES;
      const logarithm = load<f64>(this.logarithms + <usize>load<u64>(row));
      const delta = math.normalCdf(logarithm * load<f64>(row, 8) + load<f64>(row, 16)) * load<f64>(row, 40);
      const asset = book.positions[i].asset;
      this.slopes[asset] -= delta * book.spots[asset] * book.volatilities[asset] * Math.sqrt(book.horizon);
    }
  }

  private fillMoves(): void {
    const book = this.book;
    const root = Math.sqrt(book.horizon);
    for (let a = 0; a < book.spots.length; a++) {
      const move = this.moves + <usize>a * 24;
      const sigma = book.volatilities[a];
      store<f64>(move, math.log(book.spots[a]) + (book.rate - 0.5 * sigma * sigma) * book.horizon);
      store<f64>(move, sigma * root, 8);
      store<f64>(move, this.slopes[a], 16);
    }
  }
}
