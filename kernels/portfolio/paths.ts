// Losses of a book along random paths, two paths at a time: correlated prices at the horizon, and Black and Scholes' value of each option.
import { cholesky, math, math2, Philox } from 'lodger/kernel';
import { Book } from './book';

/** Of each position, as f64: where its asset's price lies, ln-price factor and constant of d1, sigma root tau, discounted strike, sign, quantity. */
const ROW_BYTES: usize = 56;
/** An option that ends at the horizon: a tenth of a millionth of a second later, its value is what it pays. */
const LEFT_MIN: f64 = 1e-14;

/** P(s d1) and P(s d2) of the position at hand. */
const PROBABILITIES = memory.data(32, 16);

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
    store<u64>(row, (<u64>position.asset) << 5);
    store<f64>(row, 1 / spread, 8);
    store<f64>(row, ((book.rate + 0.5 * sigma * sigma) * left - math.log(position.strike)) / spread, 16);
    store<f64>(row, spread, 24);
    store<f64>(row, position.strike * math.exp(-book.rate * left), 32);
    store<f64>(row, position.kind == 'call' ? 1 : -1, 40);
    store<f64>(row, position.quantity, 48);
  }
}

export class Paths {
  private readonly now: Terms;
  private readonly then: Terms;
  private readonly factor: Float64Array;
  private readonly philox: Philox;
  /** ln S and S of each asset, 32 bytes: two paths each. Then what an asset's shock takes from the book to first order. */
  private readonly prices: usize;
  private readonly normals: usize;
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
    this.prices = heap.alloc(<usize>assets * 32);
    this.normals = heap.alloc(<usize>assets * 16);
    this.moves = heap.alloc(<usize>assets * 24);
    this.factor = book.correlation.slice();
    cholesky(this.factor, assets);
    for (let a = 0; a < assets; a++) this.setPrice(a, f64x2.splat(math.log(book.spots[a])));
    this.value = f64x2.extract_lane(this.bookValue(this.now), 0);
    this.fillSlopes();
    this.fillMoves();
    let variance: f64 = 0;
    for (let a = 0; a < assets; a++) {
      for (let b = 0; b < assets; b++) variance += this.slopes[a] * this.slopes[b] * book.correlation[a * assets + b];
    }
    this.spread = Math.sqrt(max(variance, 0));
  }

  /** Losses of a pair of paths, and the same to first order in the shocks. */
  run(pair: u64, losses: usize, linear: usize): void {
    const assets = this.book.spots.length;
    const normals = this.normals;
    for (let a = 0; a < assets; a++) {
      v128.store(normals + ((<usize>a) << 4), math2.normalQuantile(this.philox.even(pair, a)));
    }
    let first = f64x2.splat(0);
    let move = this.moves;
    let price = this.prices;
    let row = this.factor.dataStart;
    const end = normals + ((<usize>assets) << 4);
    for (let last = normals; last < end; last += 16) {
      // A row of Cholesky's factor times independent normal numbers.
      let shock = f64x2.splat(0);
      let at = row;
      for (let from = normals; from <= last; from += 16) {
        shock = f64x2.add(shock, f64x2.mul(v128.load64_splat(at), v128.load(from)));
        at += 8;
      }
      row += (<usize>assets) << 3;
      v128.store(price, f64x2.add(v128.load64_splat(move), f64x2.mul(v128.load64_splat(move, 8), shock)));
      first = f64x2.add(first, f64x2.mul(v128.load64_splat(move, 16), shock));
      move += 24;
      price += 32;
    }
    // On their own, several exponentials are under way at a time.
    for (let a = this.prices; a < price; a += 32) v128.store(a, math2.exp(v128.load(a)), 16);
    v128.store(losses, f64x2.sub(f64x2.splat(this.value), this.bookValue(this.then)));
    v128.store(linear, first);
  }

  private setPrice(asset: usize, logarithm: v128): void {
    v128.store(this.prices + (asset << 5), logarithm);
    v128.store(this.prices + (asset << 5), math2.exp(logarithm), 16);
  }

  /** Sum of quantity s (S P(s d1) - K P(s d2)), with s of 1 for calls and -1 for puts. */
  private bookValue(terms: Terms): v128 {
    let value = f64x2.splat(0);
    const prices = this.prices;
    const end = terms.rows + <usize>this.book.positions.length * ROW_BYTES;
    for (let row = terms.rows; row < end; row += ROW_BYTES) {
      const price = prices + <usize>load<u64>(row);
      const sign = v128.load64_splat(row, 40);
      const d1 = f64x2.add(f64x2.mul(v128.load(price), v128.load64_splat(row, 8)), v128.load64_splat(row, 16));
      const d2 = f64x2.sub(d1, v128.load64_splat(row, 24));
      math2.normalCdfOfTwo(f64x2.mul(sign, d1), f64x2.mul(sign, d2), PROBABILITIES);
      const asset = f64x2.mul(v128.load(price, 16), v128.load(PROBABILITIES));
      const cash = f64x2.mul(v128.load64_splat(row, 32), v128.load(PROBABILITIES, 16));
      const each = f64x2.mul(sign, f64x2.sub(asset, cash));
      value = f64x2.add(value, f64x2.mul(v128.load64_splat(row, 48), each));
    }
    return value;
  }

  /** -delta S sigma root of the horizon, for each asset: delta of an option is s P(s d1). */
  private fillSlopes(): void {
    const book = this.book;
    for (let i = 0; i < book.positions.length; i++) {
      const row = this.now.rows + <usize>i * ROW_BYTES;
      const price = this.prices + <usize>load<u64>(row);
      const sign = load<f64>(row, 40);
      const d1 = load<f64>(price) * load<f64>(row, 8) + load<f64>(row, 16);
      const delta = sign * math.normalCdf(sign * d1) * load<f64>(row, 48);
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
