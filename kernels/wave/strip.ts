// A strip of a field moved on in time, eight points a turn as two vectors: where the kernel spends its time.
// The order of the lines is that of the machine: V8 brings loads forward up to the next branch, until registers run out.
import { REACH, WEIGHT_0, WEIGHT_1, WEIGHT_2, WEIGHT_3, WEIGHT_4 } from './stencil';

/** Columns of a strip, a multiple of the eight of a turn: so many that the ends of strips, which are there twice, do not count. */
export const STRIP = 224;
/**
 * Bytes from one row of a strip to the next, with REACH points on both sides. Since they are always the same, a point's neighbours in all
 * rows lie at constants from one address: addresses took a tenth of the instructions of a turn where each grid had its own.
 */
export const PITCH: usize = 4 * (STRIP + 2 * REACH);
/** Bytes from the corner of a point's surroundings, the point REACH up and REACH to the left, to the point. */
const HERE: usize = REACH * PITCH + 4 * REACH;

/**
 * Added and taken away again, so that what is below 1e-27 is 0, and what is above 1e-13 stays as it is. Ahead of a wave and in the
 * sponge, the field would else be of denormal numbers, which take a processor ten times as long.
 */
const NOTHING = 1e-20;

/** Of the point itself along both axes, and of those 1 to 4 away. In memory, since V8 makes a constant anew at every use. */
const WEIGHTS = memory.data<f32>([
  <f32>NOTHING,
  <f32>(2 * WEIGHT_0),
  <f32>WEIGHT_1,
  <f32>WEIGHT_2,
  <f32>WEIGHT_3,
  <f32>WEIGHT_4,
]);
/** Never read. A comparison is stored there, since numbers are looked at for NaNs where these are to be the same everywhere. */
const SCRATCH = memory.data(16, 16);

/**
 * Address of the field at a corner of the strip, REACH up and to the left of its first point; how far behind it the strip's first point is
 * at the time before, and in both factors; rows; and bytes of a row's points, a multiple of 32, so that seven points may be too many:
 * their factors are 0, and they stay as they are.
 *
 * No field is at the addresses 1 to 4. What a branch that is never taken would need has to be computed before it, and loads behind it stay
 * there: of all that hold them back, it takes the least.
 */
export function advanceStrip(corner: usize, past: usize, a: usize, c: usize, rows: i32, across: usize): void {
  const w0 = v128.load32_splat(WEIGHTS, 4);
  const w1 = v128.load32_splat(WEIGHTS, 8);
  const w2 = v128.load32_splat(WEIGHTS, 12);
  const w3 = v128.load32_splat(WEIGHTS, 16);
  const w4 = v128.load32_splat(WEIGHTS, 20);
  let curve = w0;
  let curve2 = w0;
  const bottom = corner + <usize>rows * PITCH;
  let end = corner + across;
  const gap = PITCH - across;
  do {
    do {
      // From the smallest to the largest, for the sake of rounding.
      const here = v128.load(corner, HERE);
      const next = v128.load(corner, HERE + 16);
      const west4 = v128.load(corner, HERE - 16);
      const east4 = v128.load(corner, HERE + 32);
      const north4 = v128.load(corner, HERE - 4 * PITCH);
      const south4 = v128.load(corner, HERE + 4 * PITCH);
      curve = f32x4.mul(w4, around(west4, next, north4, south4));
      const north4b = v128.load(corner, HERE - 4 * PITCH + 16);
      const south4b = v128.load(corner, HERE + 4 * PITCH + 16);
      curve2 = f32x4.mul(w4, around(here, east4, north4b, south4b));
      if (corner === 1) break;

      const west3 = v128.load(corner, HERE - 12);
      const east3 = v128.load(corner, HERE + 12);
      const north3 = v128.load(corner, HERE - 3 * PITCH);
      const south3 = v128.load(corner, HERE + 3 * PITCH);
      curve = f32x4.add(curve, f32x4.mul(w3, around(west3, east3, north3, south3)));
      const east1 = v128.load(corner, HERE + 4);
      const east7 = v128.load(corner, HERE + 28);
      const north3b = v128.load(corner, HERE - 3 * PITCH + 16);
      const south3b = v128.load(corner, HERE + 3 * PITCH + 16);
      curve2 = f32x4.add(curve2, f32x4.mul(w3, around(east1, east7, north3b, south3b)));
      if (corner === 2) break;

      const west2 = v128.load(corner, HERE - 8);
      const east2 = v128.load(corner, HERE + 8);
      const north2 = v128.load(corner, HERE - 2 * PITCH);
      const south2 = v128.load(corner, HERE + 2 * PITCH);
      curve = f32x4.add(curve, f32x4.mul(w2, around(west2, east2, north2, south2)));
      const east6 = v128.load(corner, HERE + 24);
      const north2b = v128.load(corner, HERE - 2 * PITCH + 16);
      const south2b = v128.load(corner, HERE + 2 * PITCH + 16);
      curve2 = f32x4.add(curve2, f32x4.mul(w2, around(east2, east6, north2b, south2b)));
      if (corner === 3) break;

      const west1 = v128.load(corner, HERE - 4);
      const north1 = v128.load(corner, HERE - PITCH);
      const south1 = v128.load(corner, HERE + PITCH);
      const near = f32x4.mul(w1, around(west1, east1, north1, south1));
      curve = f32x4.add(curve, f32x4.add(near, f32x4.mul(w0, here)));
      const east5 = v128.load(corner, HERE + 20);
      const north1b = v128.load(corner, HERE - PITCH + 16);
      const south1b = v128.load(corner, HERE + PITCH + 16);
      const near2 = f32x4.mul(w1, around(east3, east5, north1b, south1b));
      curve2 = f32x4.add(curve2, f32x4.add(near2, f32x4.mul(w0, next)));
      if (corner === 4) break;

      const nothing = v128.load32_splat(WEIGHTS);
      const to = corner + past;
      const before = v128.load(to);
      const moved = moveOn(before, here, v128.load(corner + a), v128.load(corner + c), curve);
      const before2 = v128.load(to, 16);
      const moved2 = moveOn(before2, next, v128.load(corner + a, 16), v128.load(corner + c, 16), curve2);
      // Together, since both are looked at for NaNs in one go.
      v128.store(to, f32x4.sub(f32x4.add(moved, nothing), nothing));
      v128.store(to, f32x4.sub(f32x4.add(moved2, nothing), nothing), 16);
      corner += 32;
    } while (corner < end);
    corner += gap;
    end += PITCH;
  } while (corner < bottom);
  v128.store(SCRATCH, f32x4.lt(curve, curve2));
}

/** The sum of the points so far from a vector's. */
function around(west: v128, east: v128, north: v128, south: v128): v128 {
  return f32x4.add(f32x4.add(west, east), f32x4.add(north, south));
}

function moveOn(before: v128, here: v128, a: v128, c: v128, curve: v128): v128 {
  return f32x4.add(f32x4.add(before, f32x4.mul(a, f32x4.sub(here, before))), f32x4.mul(c, curve));
}
