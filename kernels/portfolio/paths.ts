// Losses of a book along random paths, two paths at a time: correlated prices at the horizon, and Black and Scholes' value of each option.
import { cholesky, math, math2, Philox } from 'lodger/kernel';
import { Book } from './book';
import { exponentials, ROW_BYTES, worthOf } from './worth';

/** An option that ends at the horizon: a tenth of a millionth of a second later, its value is what it pays. */
const LEFT_MIN: f64 = 1e-14;

/** Pairs of paths that are run at a time. All paths are a multiple of them: see check.ts. */
export const PAIRS: usize = 4;

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
    store<u64>(row, (<u64>position.asset) << 4);
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
  /** Of each pair and each asset, 16 bytes: normal numbers, ln S and S. */
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
    this.normals = heap.alloc(PAIRS * <usize>assets * 16);
    this.logarithms = heap.alloc(PAIRS * <usize>assets * 16);
    this.prices = heap.alloc(PAIRS * <usize>assets * 16);
    this.moves = heap.alloc(<usize>assets * 24);
    this.factor = book.correlation.slice();
    cholesky(this.factor, assets);
    for (let a = 0; a < assets; a++) this.setPrice(a, f64x2.splat(math.log(book.spots[a])));
    this.value = f64x2.extract_lane(this.bookValue(this.now, this.logarithms, this.prices), 0);
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
    const bytes = (<usize>assets) << 4;
    let normals = this.normals;
    for (let a = 0; a < assets; a++) this.philox.evenFour(pair, a, normals + ((<usize>a) << 4), bytes);
    math2.normalQuantileOf(normals, normals + PAIRS * bytes);
    let logarithm = this.logarithms;
    for (let p: usize = 0; p < PAIRS; p++) {
      this.shock(normals, logarithm, linear + (p << 4));
      normals += bytes;
      logarithm += bytes;
    }
    exponentials(this.logarithms, logarithm, this.prices);
    for (let p: usize = 0; p < PAIRS; p++) {
      const worth = this.bookValue(this.then, this.logarithms + p * bytes, this.prices + p * bytes);
      v128.store(losses + (p << 4), f64x2.sub(f64x2.splat(this.value), worth));
    }
  }

  /** From normal numbers to the logarithms of a pair's prices, and its losses to first order. */
  private shock(normals: usize, logarithm: usize, linear: usize): void {
    let first = f64x2.splat(0);
    let move = this.moves;
    let row = this.factor.dataStart;
    const assets = <usize>this.book.spots.length;
    const end = normals + (assets << 4);
    for (let last = normals; last < end; last += 16) {
      // A row of Cholesky's factor times independent normal numbers.
      let shock = f64x2.splat(0);
      let at = row;
      for (let from = normals; from <= last; from += 16) {
        shock = f64x2.add(shock, f64x2.mul(v128.load64_splat(at), v128.load(from)));
        at += 8;
      }
      row += assets << 3;
      v128.store(logarithm, f64x2.add(v128.load64_splat(move), f64x2.mul(v128.load64_splat(move, 8), shock)));
      first = f64x2.add(first, f64x2.mul(v128.load64_splat(move, 16), shock));
      move += 24;
      logarithm += 16;
    }
    v128.store(linear, first);
  }

  private setPrice(asset: usize, logarithm: v128): void {
    v128.store(this.logarithms + (asset << 4), logarithm);
    v128.store(this.prices + (asset << 4), math2.exp(logarithm));
  }

  private bookValue(terms: Terms, logarithms: usize, prices: usize): v128 {
    return worthOf(terms.rows, terms.rows + <usize>this.book.positions.length * ROW_BYTES, logarithms, prices);
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
