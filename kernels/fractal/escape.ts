// How soon points of the plane leave the Mandelbrot set's circle, twelve at a time. A lane whose point is done takes the next one at once.
import { math2 } from 'lodger/kernel';
import { GROUP, View } from './view';

/** Square of the radius at which a point counts as gone: so large that the smooth count has no steps. */
const FAR: f64 = 65536.0;
/** What stands for points that do not leave. */
const INSIDE: f32 = -1;

/** Six vectors: enough that a processor need not wait for what an iteration gives to the next one. What does not fit the registers is read anew. */
const LANES: usize = 12;
/** Of each lane: x, y before the last group and behind it, then c; iterations done; where its result goes, or 0. */
const X = memory.data(96, 16);
const Y = memory.data(96, 16);
const NEXT_X = memory.data(96, 16);
const NEXT_Y = memory.data(96, 16);
const CX = memory.data(96, 16);
const CY = memory.data(96, 16);
const COUNT = memory.data(48, 16);
const PLACE = memory.data(48, 16);

/** Points that have left and wait for their smooth counts, which are made two at a time: |z|^2, iterations, and where the result goes. */
const WAITING: usize = 64;
const LEFT_SIZE = memory.data(512, 16);
const LEFT_COUNT = memory.data(512, 16);
const LEFT_PLACE = memory.data(256, 16);
let waiting: usize = 0;

/** Smooth counts of the view's points, as f32 row after row. */
export function escapes(view: View, to: usize): void {
  const end = to + ((<usize>view.rows * <usize>view.width) << 2);
  let next = to;
  let running = 0;
  for (let lane: usize = 0; lane < LANES; lane++) {
    begin(view, lane, next, to, end);
    if (next < end) running++;
    next += 4;
  }
  while (running > 0) {
    for (let done = runGroups(view.iterations); done != 0; done &= done - 1) {
      const lane = <usize>ctz(done);
      const place = <usize>load<u32>(PLACE + lane * 4);
      if (place != 0) finish(lane, place);
      if (next >= end && place != 0) running--;
      begin(view, lane, next, to, end);
      next += 4;
    }
  }
  finishWaiting();
}

/** Gives a lane the point of a place; behind the end, one that is never done before the others. */
function begin(view: View, lane: usize, place: usize, start: usize, end: usize): void {
  const index = <i32>((place - start) >> 2);
  const is = place < end;
  store<f64>(NEXT_X + lane * 8, 0);
  store<f64>(NEXT_Y + lane * 8, 0);
  store<f64>(CX + lane * 8, is ? view.left + <f64>(index % view.width) * view.pitch : 0);
  store<f64>(CY + lane * 8, is ? view.top - <f64>(view.from + index / view.width) * view.pitch : 0);
  store<u32>(PLACE + lane * 4, is ? <u32>place : 0);
  store<i32>(COUNT + lane * 4, 0);
}

/** Iterates all lanes until some are done: those, as bits. A lane that has left may overflow, and is looked at again from its group's start. */
function runGroups(iterations: i32): i32 {
  const cx0 = v128.load(CX);
  const cx1 = v128.load(CX, 16);
  const cx2 = v128.load(CX, 32);
  const cx3 = v128.load(CX, 48);
  const cx4 = v128.load(CX, 64);
  const cx5 = v128.load(CX, 80);
  const cy0 = v128.load(CY);
  const cy1 = v128.load(CY, 16);
  const cy2 = v128.load(CY, 32);
  const cy3 = v128.load(CY, 48);
  const cy4 = v128.load(CY, 64);
  const cy5 = v128.load(CY, 80);
  let x0 = v128.load(NEXT_X);
  let x1 = v128.load(NEXT_X, 16);
  let x2 = v128.load(NEXT_X, 32);
  let x3 = v128.load(NEXT_X, 48);
  let x4 = v128.load(NEXT_X, 64);
  let x5 = v128.load(NEXT_X, 80);
  let y0 = v128.load(NEXT_Y);
  let y1 = v128.load(NEXT_Y, 16);
  let y2 = v128.load(NEXT_Y, 32);
  let y3 = v128.load(NEXT_Y, 48);
  let y4 = v128.load(NEXT_Y, 64);
  let y5 = v128.load(NEXT_Y, 80);
  const most = i32x4.max_s(i32x4.max_s(v128.load(COUNT), v128.load(COUNT, 16)), v128.load(COUNT, 32));
  const left =
    iterations -
    max(
      max(i32x4.extract_lane(most, 0), i32x4.extract_lane(most, 1)),
      max(i32x4.extract_lane(most, 2), i32x4.extract_lane(most, 3)),
    );
  let done = 0;
  let within: bool;
  do {
    v128.store(X, x0);
    v128.store(X, x1, 16);
    v128.store(X, x2, 32);
    v128.store(X, x3, 48);
    v128.store(X, x4, 64);
    v128.store(X, x5, 80);
    v128.store(Y, y0);
    v128.store(Y, y1, 16);
    v128.store(Y, y2, 32);
    v128.store(Y, y3, 48);
    v128.store(Y, y4, 64);
    v128.store(Y, y5, 80);
    // One iteration a turn: V8 puts all of a vector's operations of a turn before the next vector's, too far apart to be done at the same time.
    for (let i = 0; i < GROUP; i++) {
      const s0 = f64x2.sub(f64x2.mul(x0, x0), f64x2.mul(y0, y0));
      const s1 = f64x2.sub(f64x2.mul(x1, x1), f64x2.mul(y1, y1));
      const s2 = f64x2.sub(f64x2.mul(x2, x2), f64x2.mul(y2, y2));
      const s3 = f64x2.sub(f64x2.mul(x3, x3), f64x2.mul(y3, y3));
      const s4 = f64x2.sub(f64x2.mul(x4, x4), f64x2.mul(y4, y4));
      const s5 = f64x2.sub(f64x2.mul(x5, x5), f64x2.mul(y5, y5));
      y0 = f64x2.add(f64x2.mul(f64x2.add(x0, x0), y0), cy0);
      y1 = f64x2.add(f64x2.mul(f64x2.add(x1, x1), y1), cy1);
      y2 = f64x2.add(f64x2.mul(f64x2.add(x2, x2), y2), cy2);
      y3 = f64x2.add(f64x2.mul(f64x2.add(x3, x3), y3), cy3);
      y4 = f64x2.add(f64x2.mul(f64x2.add(x4, x4), y4), cy4);
      y5 = f64x2.add(f64x2.mul(f64x2.add(x5, x5), y5), cy5);
      x0 = f64x2.add(s0, cx0);
      x1 = f64x2.add(s1, cx1);
      x2 = f64x2.add(s2, cx2);
      x3 = f64x2.add(s3, cx3);
      x4 = f64x2.add(s4, cx4);
      x5 = f64x2.add(s5, cx5);
    }
    done += GROUP;
    const all01 = v128.and(withinOf(x0, y0), withinOf(x1, y1));
    const all23 = v128.and(withinOf(x2, y2), withinOf(x3, y3));
    const all45 = v128.and(withinOf(x4, y4), withinOf(x5, y5));
    within = i64x2.all_true(v128.and(v128.and(all01, all23), all45));
  } while (within && done < left);
  v128.store(NEXT_X, x0);
  v128.store(NEXT_X, x1, 16);
  v128.store(NEXT_X, x2, 32);
  v128.store(NEXT_X, x3, 48);
  v128.store(NEXT_X, x4, 64);
  v128.store(NEXT_X, x5, 80);
  v128.store(NEXT_Y, y0);
  v128.store(NEXT_Y, y1, 16);
  v128.store(NEXT_Y, y2, 32);
  v128.store(NEXT_Y, y3, 48);
  v128.store(NEXT_Y, y4, 64);
  v128.store(NEXT_Y, y5, 80);
  let stay = i64x2.bitmask(withinOf(x0, y0)) | (i64x2.bitmask(withinOf(x1, y1)) << 2);
  stay |= (i64x2.bitmask(withinOf(x2, y2)) << 4) | (i64x2.bitmask(withinOf(x3, y3)) << 6);
  stay |= (i64x2.bitmask(withinOf(x4, y4)) << 8) | (i64x2.bitmask(withinOf(x5, y5)) << 10);
  let gone = stay ^ 0xfff;
  for (let lane: usize = 0; lane < LANES; lane += 4) {
    const count = i32x4.add(v128.load(COUNT + lane * 4), i32x4.splat(done));
    v128.store(COUNT + lane * 4, count);
    gone |= i32x4.bitmask(i32x4.ge_s(count, i32x4.splat(iterations))) << (<i32>lane);
  }
  return gone;
}

/** Which of two lanes are within the circle. Overflow makes NaNs, which are not. */
function withinOf(x: v128, y: v128): v128 {
  return f64x2.le(f64x2.add(f64x2.mul(x, x), f64x2.mul(y, y)), f64x2.splat(FAR));
}

/** Finds in which iteration of its last group a lane has left, if in any, and has its smooth count made. */
function finish(lane: usize, place: usize): void {
  let x = load<f64>(X + lane * 8);
  let y = load<f64>(Y + lane * 8);
  const cx = load<f64>(CX + lane * 8);
  const cy = load<f64>(CY + lane * 8);
  const count = load<i32>(COUNT + lane * 4) - GROUP;
  for (let i = 1; i <= GROUP; i++) {
    const square = x * x - y * y;
    y = (x + x) * y + cy;
    x = square + cx;
    const size = x * x + y * y;
    if (size > FAR) {
      store<f64>(LEFT_SIZE + (waiting << 3), size);
      store<f64>(LEFT_COUNT + (waiting << 3), <f64>(count + i));
      store<u32>(LEFT_PLACE + (waiting << 2), <u32>place);
      if (++waiting == WAITING) finishWaiting();
      return;
    }
  }
  store<f32>(place, INSIDE);
}

/** Iterations until |z| is beyond the radius R, less log2(log |z| / log R): the same along curves, without steps between them. */
function finishWaiting(): void {
  for (let i: usize = 0; i < waiting; i += 2) {
    const size = math2.log(v128.load(LEFT_SIZE + (i << 3)));
    const twice = math2.log(f64x2.div(size, f64x2.splat(11.090354888959125)));
    const smooth = f64x2.sub(v128.load(LEFT_COUNT + (i << 3)), f64x2.mul(twice, f64x2.splat(1.4426950408889634)));
    store<f32>(<usize>load<u32>(LEFT_PLACE + (i << 2)), <f32>f64x2.extract_lane(smooth, 0));
    if (i + 1 < waiting) store<f32>(<usize>load<u32>(LEFT_PLACE + (i << 2), 4), <f32>f64x2.extract_lane(smooth, 1));
  }
  waiting = 0;
}
