// How soon points of the plane leave the Mandelbrot set's circle, six at a time. A lane whose point is done takes the next one at once.
import { math } from 'lodger/kernel';
import { GROUP, View } from './view';

/** Square of the radius at which a point counts as gone: so large that the smooth count has no steps. */
const FAR: f64 = 65536.0;
/** What stands for points that do not leave. */
const INSIDE: f32 = -1;

/** Three vectors: as many as fit the registers, and enough that a processor need not wait for what an iteration gives to the next one. */
const LANES: usize = 6;
/** Of each lane: x, y before the group at hand, then c; where its result goes, or 0; iterations done before the group. */
const X = memory.data(48, 16);
const Y = memory.data(48, 16);
const CX = memory.data(48, 16);
const CY = memory.data(48, 16);
const PLACE = memory.data(24, 16);
const COUNT = memory.data(24, 16);
/** x and y behind the group. */
const NEXT_X = memory.data(48, 16);
const NEXT_Y = memory.data(48, 16);

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
    runGroups(view.iterations);
    for (let lane: usize = 0; lane < LANES; lane++) {
      if (!isDone(lane, view.iterations)) continue;
      const place = <usize>load<u32>(PLACE + lane * 4);
      if (place != 0) store<f32>(place, smoothCount(lane));
      if (next >= end && place != 0) running--;
      begin(view, lane, next, to, end);
      next += 4;
    }
  }
}

/** Gives a lane the point of a place; behind the end, one that is never done before the others. */
function begin(view: View, lane: usize, place: usize, start: usize, end: usize): void {
  const index = <i32>((place - start) >> 2);
  const is = place < end;
  store<f64>(X + lane * 8, 0);
  store<f64>(Y + lane * 8, 0);
  store<f64>(CX + lane * 8, is ? view.left + <f64>(index % view.width) * view.pitch : 0);
  store<f64>(CY + lane * 8, is ? view.top - <f64>(view.from + index / view.width) * view.pitch : 0);
  store<u32>(PLACE + lane * 4, is ? <u32>place : 0);
  store<i32>(COUNT + lane * 4, 0);
}

/** Iterates all lanes until one is done. A lane that has left goes on to overflow, and is looked at again from its group's start. */
function runGroups(iterations: i32): void {
  const cx0 = v128.load(CX);
  const cx1 = v128.load(CX, 16);
  const cx2 = v128.load(CX, 32);
  const cy0 = v128.load(CY);
  const cy1 = v128.load(CY, 16);
  const cy2 = v128.load(CY, 32);
  let x0 = v128.load(X);
  let x1 = v128.load(X, 16);
  let x2 = v128.load(X, 32);
  let y0 = v128.load(Y);
  let y1 = v128.load(Y, 16);
  let y2 = v128.load(Y, 32);
  let most = 0;
  for (let lane: usize = 0; lane < LANES; lane++) most = max(most, load<i32>(COUNT + lane * 4));
  const left = iterations - most;
  let done = 0;
  let within: bool;
  do {
    v128.store(X, x0);
    v128.store(X, x1, 16);
    v128.store(X, x2, 32);
    v128.store(Y, y0);
    v128.store(Y, y1, 16);
    v128.store(Y, y2, 32);
    for (let i = 0; i < GROUP; i += 4) {
      let s0 = f64x2.sub(f64x2.mul(x0, x0), f64x2.mul(y0, y0));
      let s1 = f64x2.sub(f64x2.mul(x1, x1), f64x2.mul(y1, y1));
      let s2 = f64x2.sub(f64x2.mul(x2, x2), f64x2.mul(y2, y2));
      y0 = f64x2.add(f64x2.mul(f64x2.add(x0, x0), y0), cy0);
      y1 = f64x2.add(f64x2.mul(f64x2.add(x1, x1), y1), cy1);
      y2 = f64x2.add(f64x2.mul(f64x2.add(x2, x2), y2), cy2);
      x0 = f64x2.add(s0, cx0);
      x1 = f64x2.add(s1, cx1);
      x2 = f64x2.add(s2, cx2);

      s0 = f64x2.sub(f64x2.mul(x0, x0), f64x2.mul(y0, y0));
      s1 = f64x2.sub(f64x2.mul(x1, x1), f64x2.mul(y1, y1));
      s2 = f64x2.sub(f64x2.mul(x2, x2), f64x2.mul(y2, y2));
      y0 = f64x2.add(f64x2.mul(f64x2.add(x0, x0), y0), cy0);
      y1 = f64x2.add(f64x2.mul(f64x2.add(x1, x1), y1), cy1);
      y2 = f64x2.add(f64x2.mul(f64x2.add(x2, x2), y2), cy2);
      x0 = f64x2.add(s0, cx0);
      x1 = f64x2.add(s1, cx1);
      x2 = f64x2.add(s2, cx2);

      s0 = f64x2.sub(f64x2.mul(x0, x0), f64x2.mul(y0, y0));
      s1 = f64x2.sub(f64x2.mul(x1, x1), f64x2.mul(y1, y1));
      s2 = f64x2.sub(f64x2.mul(x2, x2), f64x2.mul(y2, y2));
      y0 = f64x2.add(f64x2.mul(f64x2.add(x0, x0), y0), cy0);
      y1 = f64x2.add(f64x2.mul(f64x2.add(x1, x1), y1), cy1);
      y2 = f64x2.add(f64x2.mul(f64x2.add(x2, x2), y2), cy2);
      x0 = f64x2.add(s0, cx0);
      x1 = f64x2.add(s1, cx1);
      x2 = f64x2.add(s2, cx2);

      s0 = f64x2.sub(f64x2.mul(x0, x0), f64x2.mul(y0, y0));
      s1 = f64x2.sub(f64x2.mul(x1, x1), f64x2.mul(y1, y1));
      s2 = f64x2.sub(f64x2.mul(x2, x2), f64x2.mul(y2, y2));
      y0 = f64x2.add(f64x2.mul(f64x2.add(x0, x0), y0), cy0);
      y1 = f64x2.add(f64x2.mul(f64x2.add(x1, x1), y1), cy1);
      y2 = f64x2.add(f64x2.mul(f64x2.add(x2, x2), y2), cy2);
      x0 = f64x2.add(s0, cx0);
      x1 = f64x2.add(s1, cx1);
      x2 = f64x2.add(s2, cx2);
    }
    done += GROUP;
    // Overflow makes NaNs, which are not within either.
    const far = f64x2.splat(FAR);
    const in0 = f64x2.le(f64x2.add(f64x2.mul(x0, x0), f64x2.mul(y0, y0)), far);
    const in1 = f64x2.le(f64x2.add(f64x2.mul(x1, x1), f64x2.mul(y1, y1)), far);
    const in2 = f64x2.le(f64x2.add(f64x2.mul(x2, x2), f64x2.mul(y2, y2)), far);
    within = i64x2.all_true(v128.and(v128.and(in0, in1), in2));
  } while (within && done < left);
  v128.store(NEXT_X, x0);
  v128.store(NEXT_X, x1, 16);
  v128.store(NEXT_X, x2, 32);
  v128.store(NEXT_Y, y0);
  v128.store(NEXT_Y, y1, 16);
  v128.store(NEXT_Y, y2, 32);
  for (let lane: usize = 0; lane < LANES; lane++) {
    store<i32>(COUNT + lane * 4, load<i32>(COUNT + lane * 4) + done - GROUP);
  }
}

/** Whether a lane leaves in the group at hand or has no iterations left behind it; else it moves on to the group's end. */
function isDone(lane: usize, iterations: i32): bool {
  const x = load<f64>(NEXT_X + lane * 8);
  const y = load<f64>(NEXT_Y + lane * 8);
  const count = load<i32>(COUNT + lane * 4) + GROUP;
  if (count >= iterations || !(x * x + y * y <= FAR)) return true;
  store<f64>(X + lane * 8, x);
  store<f64>(Y + lane * 8, y);
  store<i32>(COUNT + lane * 4, count);
  return false;
}

/** Iterations until |z| is beyond the radius R, less log2(log |z| / log R): the same along curves, without steps between them. */
function smoothCount(lane: usize): f32 {
  let x = load<f64>(X + lane * 8);
  let y = load<f64>(Y + lane * 8);
  const cx = load<f64>(CX + lane * 8);
  const cy = load<f64>(CY + lane * 8);
  const count = load<i32>(COUNT + lane * 4);
  for (let i = 1; i <= GROUP; i++) {
    const square = x * x - y * y;
    y = (x + x) * y + cy;
    x = square + cx;
    const size = x * x + y * y;
    if (size > FAR) return <f32>(<f64>(count + i) - math.log(math.log(size) / 11.090354888959125) * 1.4426950408889634);
  }
  return INSIDE;
}
