// One row of a field moved on in time, eight points a turn as two vectors: where the kernel spends its time.
// The order of the lines is that of the machine: V8 brings loads forward up to the next store, until registers run out.
import { WEIGHT_0, WEIGHT_1, WEIGHT_2, WEIGHT_3, WEIGHT_4 } from './stencil';

/**
 * Added and taken away again, so that what is below 1e-27 is 0, and what is above 1e-13 stays as it is. Ahead of a wave and in the
 * sponge, the field would else be of denormal numbers, which take a processor ten times as long.
 */
const NOTHING = 1e-20;

/** Of the point itself along both axes, and of those 1 to 4 away. In memory, since V8 makes a constant anew at every use. */
const WEIGHTS = memory.data<f32>([
  <f32>(2 * WEIGHT_0),
  <f32>WEIGHT_1,
  <f32>WEIGHT_2,
  <f32>WEIGHT_3,
  <f32>WEIGHT_4,
  <f32>NOTHING,
]);
/**
 * Never read. What is stored there has to be computed before the loads behind it. A comparison, since numbers that are stored are looked
 * at for NaNs where these are to be the same everywhere.
 */
const SCRATCH = memory.data(16, 16);

/**
 * Addresses of the field at a row's first point at both times and of its factors, bytes to the next row and to that before, points.
 * The last turn may run seven points over the end, into points whose factors are 0, which stay as they are.
 */
export function advanceRow(now: usize, past: usize, a: usize, c: usize, down: usize, up: usize, columns: i32): void {
  const w0 = v128.load32_splat(WEIGHTS);
  const w1 = v128.load32_splat(WEIGHTS, 4);
  const w2 = v128.load32_splat(WEIGHTS, 8);
  const w3 = v128.load32_splat(WEIGHTS, 12);
  const w4 = v128.load32_splat(WEIGHTS, 16);
  const end = now + <usize>columns * 4;
  // As distances from where a turn ends: one address to move on, and one less register each.
  past -= now + 32;
  a -= now + 32;
  c -= now + 32;
  const top = 4 * up - 32;
  const bottom = 4 * down - 32;
  do {
    now += 32;
    const west = now - 48;
    let north = now + top;
    let south = now + bottom;
    // From the smallest to the largest, for the sake of rounding.
    const here = v128.load(west, 16);
    const next = v128.load(west, 32);
    let curve = f32x4.mul(w4, around(v128.load(west), next, v128.load(north), v128.load(south)));
    let curve2 = f32x4.mul(w4, around(here, v128.load(west, 48), v128.load(north, 16), v128.load(south, 16)));
    v128.store(SCRATCH, f32x4.lt(curve, curve2));

    north += down;
    south += up;
    const east3 = v128.load(west, 28);
    const east1 = v128.load(west, 20);
    curve = f32x4.add(curve, f32x4.mul(w3, around(v128.load(west, 4), east3, v128.load(north), v128.load(south))));
    const far = v128.load(west, 44);
    curve2 = f32x4.add(curve2, f32x4.mul(w3, around(east1, far, v128.load(north, 16), v128.load(south, 16))));
    v128.store(SCRATCH, f32x4.lt(curve, curve2));

    north += down;
    south += up;
    const east2 = v128.load(west, 24);
    curve = f32x4.add(curve, f32x4.mul(w2, around(v128.load(west, 8), east2, v128.load(north), v128.load(south))));
    const middle = v128.load(west, 40);
    curve2 = f32x4.add(curve2, f32x4.mul(w2, around(east2, middle, v128.load(north, 16), v128.load(south, 16))));
    v128.store(SCRATCH, f32x4.lt(curve, curve2));

    north += down;
    south += up;
    const near = f32x4.mul(w1, around(v128.load(west, 12), east1, v128.load(north), v128.load(south)));
    curve = f32x4.add(curve, f32x4.add(near, f32x4.mul(w0, here)));
    const close = v128.load(west, 36);
    const near2 = f32x4.mul(w1, around(east3, close, v128.load(north, 16), v128.load(south, 16)));
    curve2 = f32x4.add(curve2, f32x4.add(near2, f32x4.mul(w0, next)));
    v128.store(SCRATCH, f32x4.lt(curve, curve2));

    const nothing = v128.load32_splat(WEIGHTS, 20);
    const to = now + past;
    const before = v128.load(to);
    const moved = moveOn(before, here, v128.load(now + a), v128.load(now + c), curve);
    v128.store(to, f32x4.sub(f32x4.add(moved, nothing), nothing));
    const before2 = v128.load(to, 16);
    const moved2 = moveOn(before2, next, v128.load(now + a, 16), v128.load(now + c, 16), curve2);
    v128.store(to, f32x4.sub(f32x4.add(moved2, nothing), nothing), 16);
  } while (now < end);
}

/** The sum of the points so far from a vector's. */
function around(west: v128, east: v128, north: v128, south: v128): v128 {
  return f32x4.add(f32x4.add(west, east), f32x4.add(north, south));
}

function moveOn(before: v128, here: v128, a: v128, c: v128, curve: v128): v128 {
  return f32x4.add(f32x4.add(before, f32x4.mul(a, f32x4.sub(here, before))), f32x4.mul(c, curve));
}
