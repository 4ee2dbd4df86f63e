// Takes a drift out of samples: sample i is turned by -pi c t^2, t = i / rate. A signal that drifts by c Hz/s then stays at its frequency.
import { math2 } from 'lodger/kernel';

/** Turns of four samples and of what they are turned by from four to four: real parts of 0 and 1, of 2 and 3, then imaginary ones. */
const TURN = memory.data(64, 16);
const STEP = memory.data(64, 16);

/**
 * Of `length` samples from sample `first` on. Within a block turns are made from the ones before by products, two samples a
 * vector: turn(i + 4) = turn(i) step(i), step(i + 4) = step(i) bend, off by some 1e-12 at the end of 4,096.
 */
export function dechirp(from: usize, to: usize, first: i32, length: i32, chirp: f64, rate: f64): void {
  const half = (0.5 * chirp) / (rate * rate);
  const minus = f64x2.splat(-half);
  for (let i = 0; i < 4; i += 2) {
    const at = f64x2.replace_lane(f64x2.splat(<f64>(first + i)), 1, <f64>(first + i + 1));
    const step = f64x2.add(f64x2.mul(f64x2.splat(8), at), f64x2.splat(16));
    put(TURN + i * 8, angleOf(f64x2.mul(f64x2.mul(minus, at), at)));
    put(STEP + i * 8, angleOf(f64x2.mul(minus, step)));
  }
  const bend = angleOf(f64x2.mul(minus, f64x2.splat(32)));
  const bendRe = math2.cos(bend);
  const bendIm = math2.sin(bend);
  let turnRe0 = v128.load(TURN);
  let turnRe1 = v128.load(TURN, 16);
  let turnIm0 = v128.load(TURN, 32);
  let turnIm1 = v128.load(TURN, 48);
  let stepRe0 = v128.load(STEP);
  let stepRe1 = v128.load(STEP, 16);
  let stepIm0 = v128.load(STEP, 32);
  let stepIm1 = v128.load(STEP, 48);
  for (const end = from + ((<usize>length) << 4); from < end; from += 64) {
    const a0 = v128.load(from);
    const b0 = v128.load(from, 16);
    const re0 = v128.shuffle<f64>(a0, b0, 0, 2);
    const im0 = v128.shuffle<f64>(a0, b0, 1, 3);
    const outRe0 = f64x2.sub(f64x2.mul(re0, turnRe0), f64x2.mul(im0, turnIm0));
    const outIm0 = f64x2.add(f64x2.mul(re0, turnIm0), f64x2.mul(im0, turnRe0));
    const a1 = v128.load(from, 32);
    const b1 = v128.load(from, 48);
    const re1 = v128.shuffle<f64>(a1, b1, 0, 2);
    const im1 = v128.shuffle<f64>(a1, b1, 1, 3);
    const outRe1 = f64x2.sub(f64x2.mul(re1, turnRe1), f64x2.mul(im1, turnIm1));
    const outIm1 = f64x2.add(f64x2.mul(re1, turnIm1), f64x2.mul(im1, turnRe1));
    v128.store(to, v128.shuffle<f64>(outRe0, outIm0, 0, 2));
    v128.store(to, v128.shuffle<f64>(outRe0, outIm0, 1, 3), 16);
    v128.store(to, v128.shuffle<f64>(outRe1, outIm1, 0, 2), 32);
    v128.store(to, v128.shuffle<f64>(outRe1, outIm1, 1, 3), 48);
    to += 64;

    let re = f64x2.sub(f64x2.mul(turnRe0, stepRe0), f64x2.mul(turnIm0, stepIm0));
    turnIm0 = f64x2.add(f64x2.mul(turnRe0, stepIm0), f64x2.mul(turnIm0, stepRe0));
    turnRe0 = re;
    re = f64x2.sub(f64x2.mul(turnRe1, stepRe1), f64x2.mul(turnIm1, stepIm1));
    turnIm1 = f64x2.add(f64x2.mul(turnRe1, stepIm1), f64x2.mul(turnIm1, stepRe1));
    turnRe1 = re;
    re = f64x2.sub(f64x2.mul(stepRe0, bendRe), f64x2.mul(stepIm0, bendIm));
    stepIm0 = f64x2.add(f64x2.mul(stepRe0, bendIm), f64x2.mul(stepIm0, bendRe));
    stepRe0 = re;
    re = f64x2.sub(f64x2.mul(stepRe1, bendRe), f64x2.mul(stepIm1, bendIm));
    stepIm1 = f64x2.add(f64x2.mul(stepRe1, bendIm), f64x2.mul(stepIm1, bendRe));
    stepRe1 = re;
  }
}

/** Puts the turns by two angles into a table. */
function put(to: usize, angles: v128): void {
  v128.store(to, math2.cos(angles));
  v128.store(to, math2.sin(angles), 32);
}

/** The angles, within half a turn, of two numbers of turns. */
function angleOf(turns: v128): v128 {
  const whole = f64x2.floor(f64x2.add(turns, f64x2.splat(0.5)));
  return f64x2.mul(f64x2.splat(2 * Math.PI), f64x2.sub(turns, whole));
}
