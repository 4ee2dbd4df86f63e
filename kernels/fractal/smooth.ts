// Smooth counts of points that are done, eight at a time: in which iteration of its last group each has left, and how far it went.
import { math4 } from 'lodger/kernel';
import { FAR, GROUP } from './view';

/** What stands for points that do not leave. */
const INSIDE: f32 = -1;
/** More than the square of any |z| when it leaves the circle. */
const BEYOND: f64 = 1e30;

/** Points that wait: x and y before their last group, c, iterations before it, and where the result goes. */
const WAITING: usize = 64;
const X = memory.data(512, 16);
const Y = memory.data(512, 16);
const CX = memory.data(512, 16);
const CY = memory.data(512, 16);
const COUNT = memory.data(256, 16);
const PLACE = memory.data(256, 16);
let waiting: usize = 0;

/** Results of eight points. */
const SMOOTH = memory.data(32, 16);

/** Has a point's result made, soon. `iterations` is how many there may be. */
export function finish(x: f64, y: f64, cx: f64, cy: f64, count: i32, place: usize, iterations: i32): void {
  store<f64>(X + (waiting << 3), x);
  store<f64>(Y + (waiting << 3), y);
  store<f64>(CX + (waiting << 3), cx);
  store<f64>(CY + (waiting << 3), cy);
  store<i32>(COUNT + (waiting << 2), count);
  store<u32>(PLACE + (waiting << 2), <u32>place);
  if (++waiting == WAITING) finishWaiting(iterations);
}

/** Makes the results of all that wait. Behind them are points of before, whose results go nowhere. */
export function finishWaiting(iterations: i32): void {
  for (let i: usize = 0; i < waiting; i += 8) {
    finishEight(i, iterations);
    const count = min<usize>(8, waiting - i);
    for (let j: usize = 0; j < count; j++) {
      store<f32>(<usize>load<u32>(PLACE + ((i + j) << 2)), load<f32>(SMOOTH + (j << 2)));
    }
  }
  waiting = 0;
}

/** A point that has left goes farther with every iteration, to infinity and NaN: the least size beyond the circle is that when it left. */
function finishEight(i: usize, iterations: i32): void {
  const at = i << 3;
  const cx0 = v128.load(CX + at);
  const cx1 = v128.load(CX + at, 16);
  const cx2 = v128.load(CX + at, 32);
  const cx3 = v128.load(CX + at, 48);
  const cy0 = v128.load(CY + at);
  const cy1 = v128.load(CY + at, 16);
  const cy2 = v128.load(CY + at, 32);
  const cy3 = v128.load(CY + at, 48);
  let x0 = v128.load(X + at);
  let x1 = v128.load(X + at, 16);
  let x2 = v128.load(X + at, 32);
  let x3 = v128.load(X + at, 48);
  let y0 = v128.load(Y + at);
  let y1 = v128.load(Y + at, 16);
  let y2 = v128.load(Y + at, 32);
  let y3 = v128.load(Y + at, 48);
  let size0 = f64x2.splat(BEYOND);
  let size1 = size0;
  let size2 = size0;
  let size3 = size0;
  // Less by one for each iteration that has not left.
  let within0 = i64x2.splat(0);
  let within1 = within0;
  let within2 = within0;
  let within3 = within0;
  const far = f64x2.splat(FAR);
  for (let n = 0; n < GROUP; n++) {
    const s0 = f64x2.sub(f64x2.mul(x0, x0), f64x2.mul(y0, y0));
    const s1 = f64x2.sub(f64x2.mul(x1, x1), f64x2.mul(y1, y1));
    const s2 = f64x2.sub(f64x2.mul(x2, x2), f64x2.mul(y2, y2));
    const s3 = f64x2.sub(f64x2.mul(x3, x3), f64x2.mul(y3, y3));
    y0 = f64x2.add(f64x2.mul(f64x2.add(x0, x0), y0), cy0);
    y1 = f64x2.add(f64x2.mul(f64x2.add(x1, x1), y1), cy1);
    y2 = f64x2.add(f64x2.mul(f64x2.add(x2, x2), y2), cy2);
    y3 = f64x2.add(f64x2.mul(f64x2.add(x3, x3), y3), cy3);
    x0 = f64x2.add(s0, cx0);
    x1 = f64x2.add(s1, cx1);
    x2 = f64x2.add(s2, cx2);
    x3 = f64x2.add(s3, cx3);
    const z0 = f64x2.add(f64x2.mul(x0, x0), f64x2.mul(y0, y0));
    const z1 = f64x2.add(f64x2.mul(x1, x1), f64x2.mul(y1, y1));
    const z2 = f64x2.add(f64x2.mul(x2, x2), f64x2.mul(y2, y2));
    const z3 = f64x2.add(f64x2.mul(x3, x3), f64x2.mul(y3, y3));
    const is0 = f64x2.le(z0, far);
    const is1 = f64x2.le(z1, far);
    const is2 = f64x2.le(z2, far);
    const is3 = f64x2.le(z3, far);
    within0 = i64x2.add(within0, is0);
    within1 = i64x2.add(within1, is1);
    within2 = i64x2.add(within2, is2);
    within3 = i64x2.add(within3, is3);
    // Sizes within become NaN, which a minimum leaves out here.
    size0 = f64x2.pmin(size0, v128.or(z0, is0));
    size1 = f64x2.pmin(size1, v128.or(z1, is1));
    size2 = f64x2.pmin(size2, v128.or(z2, is2));
    size3 = f64x2.pmin(size3, v128.or(z3, is3));
  }
  const counts = COUNT + (i << 2);
  v128.store(SMOOTH, smooth(size0, size1, within0, within1, v128.load(counts), iterations));
  v128.store(SMOOTH, smooth(size2, size3, within2, within3, v128.load(counts, 16), iterations), 16);
}

/**
 * Iterations until |z| is beyond the radius R, less log2(log |z| / log R): the same along curves, without steps between them. In f32, four
 * at a time, since results are: beside a count, what its logarithms lack is less than its last bit.
 */
function smooth(low: v128, high: v128, withinLow: v128, withinHigh: v128, count: v128, iterations: i32): v128 {
  const within = v128.shuffle<u32>(withinLow, withinHigh, 0, 2, 4, 6);
  const n = i32x4.add(i32x4.sub(count, within), i32x4.splat(1));
  const size = v128.shuffle<u64>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 2);
  const ratio = f32x4.mul(math4.log(size), f32x4.splat(0.09016844));
  const beyond = f32x4.mul(math4.log(ratio), f32x4.splat(1.442695));
  const result = f32x4.sub(f32x4.convert_i32x4_s(n), beyond);
  const stays = v128.or(i32x4.lt_s(within, i32x4.splat(1 - GROUP)), i32x4.gt_s(n, i32x4.splat(iterations)));
  return v128.bitselect(f32x4.splat(INSIDE), result, stays);
}
