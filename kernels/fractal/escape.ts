// How soon points of the plane leave the Mandelbrot set's circle, twelve at a time. A lane whose point is done takes the next one at once.
import { finish, finishWaiting } from './smooth';
import { FAR, GROUP, View } from './view';

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

/** The next point. */
let column = 0;
let row = 0;

/** Smooth counts of the view's points, as f32 row after row. */
export function escapes(view: View, to: usize): void {
  const end = to + ((<usize>view.rows * <usize>view.width) << 2);
  let next = to;
  let running = 0;
  column = 0;
  row = view.from;
  for (let lane: usize = 0; lane < LANES; lane++) {
    begin(view, lane, next < end ? next : 0);
    if (next < end) running++;
    next += 4;
  }
  while (running > 0) {
    for (let done = runGroups(view.iterations); done != 0; done &= done - 1) {
      const lane = <usize>ctz(done);
      const place = <usize>load<u32>(PLACE + lane * 4);
      if (place != 0) {
        finish(
          load<f64>(X + lane * 8),
          load<f64>(Y + lane * 8),
          load<f64>(CX + lane * 8),
          load<f64>(CY + lane * 8),
          load<i32>(COUNT + lane * 4) - GROUP,
          place,
          view.iterations,
        );
        if (next >= end) running--;
      }
      begin(view, lane, next < end ? next : 0);
      next += 4;
    }
  }
  finishWaiting(view.iterations);
}

/** Gives a lane the next point, whose place is given; where there is none, one that is never done before the others. */
function begin(view: View, lane: usize, place: usize): void {
  store<f64>(NEXT_X + lane * 8, 0);
  store<f64>(NEXT_Y + lane * 8, 0);
  store<f64>(CX + lane * 8, place != 0 ? view.left + <f64>column * view.pitch : 0);
  store<f64>(CY + lane * 8, place != 0 ? view.top - <f64>row * view.pitch : 0);
  store<u32>(PLACE + lane * 4, <u32>place);
  store<i32>(COUNT + lane * 4, 0);
  if (++column == view.width) {
    column = 0;
    row++;
  }
}

/**
 * What is at an address, with -0 added, which changes no number: where NaNs are to be the same everywhere, what arithmetic makes and what
 * memory has would else have to be told from each other in every iteration.
 */
function begun(at: usize): v128 {
  return f64x2.add(v128.load(at), f64x2.splat(-0.0));
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
  let x0 = begun(NEXT_X);
  let x1 = begun(NEXT_X + 16);
  let x2 = begun(NEXT_X + 32);
  let x3 = begun(NEXT_X + 48);
  let x4 = begun(NEXT_X + 64);
  let x5 = begun(NEXT_X + 80);
  let y0 = begun(NEXT_Y);
  let y1 = begun(NEXT_Y + 16);
  let y2 = begun(NEXT_Y + 32);
  let y3 = begun(NEXT_Y + 48);
  let y4 = begun(NEXT_Y + 64);
  let y5 = begun(NEXT_Y + 80);
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
    // V8 has a mask in one instruction, all_true in five.
    within = i64x2.bitmask(v128.and(v128.and(all01, all23), all45)) == 3;
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
