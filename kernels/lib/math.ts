// Functions of numbers with the same bits on every machine, and how far they may be off: in ulp, units in the last place of the result.
// Each has one algorithm, so that a number alone gets the bits that it would get in a vector.
// @ts-nocheck: editors take AssemblyScript for TypeScript, and do not know all of it.
import { expLanes, tanhLanes } from './exponential';
import { cosFour, expFour, highOf, joined, logFour, lowOf, sinFour, tanhFour } from './four';
import { logLanes, powLanes } from './logarithm';
import { normalCdfLanes, normalQuantileLanes, normalQuantileOf } from './normal';
import { cosLanes, sinLanes } from './sine';

/** Functions of one f64. Special values are those of IEEE 754 and annex F of C99. */
export abstract class math {
  /** Within 0.8 ulp; below the normal numbers, too. */
  static exp(x: f64): f64 {
    return f64x2.extract_lane(expLanes(f64x2.splat(x)), 0);
  }

  /** The natural logarithm, within 0.52 ulp. */
  static log(x: f64): f64 {
    return f64x2.extract_lane(logLanes(f64x2.splat(x)), 0);
  }

  /** x to the power of y, within 0.9 ulp. */
  static pow(x: f64, y: f64): f64 {
    return f64x2.extract_lane(powLanes(f64x2.splat(x), f64x2.splat(y)), 0);
  }

  /** Within 0.8 ulp for every x: pi is taken as exactly as it has to be. */
  static sin(x: f64): f64 {
    return f64x2.extract_lane(sinLanes(f64x2.splat(x)), 0);
  }

  /** Within 0.8 ulp for every x. */
  static cos(x: f64): f64 {
    return f64x2.extract_lane(cosLanes(f64x2.splat(x)), 0);
  }

  /** Within 2.5 ulp. */
  static tanh(x: f64): f64 {
    return f64x2.extract_lane(tanhLanes(f64x2.splat(x)), 0);
  }

  /** P(X <= x) for a normal X of mean 0 and variance 1: within 12 ulp, far in the lower tail, too. */
  static normalCdf(x: f64): f64 {
    return f64x2.extract_lane(normalCdfLanes(f64x2.splat(x)), 0);
  }

  /** The x for which normalCdf is p: within 8 ulp, infinite at 0 and 1. Of an even p it makes a normal number. */
  static normalQuantile(p: f64): f64 {
    return f64x2.extract_lane(normalQuantileLanes(f64x2.splat(p)), 0);
  }
}

/** The same functions of both lanes of an f64x2. */
export abstract class math2 {
  static exp(x: v128): v128 {
    return expLanes(x);
  }

  static log(x: v128): v128 {
    return logLanes(x);
  }

  static pow(x: v128, y: v128): v128 {
    return powLanes(x, y);
  }

  static sin(x: v128): v128 {
    return sinLanes(x);
  }

  static cos(x: v128): v128 {
    return cosLanes(x);
  }

  static tanh(x: v128): v128 {
    return tanhLanes(x);
  }

  static normalCdf(x: v128): v128 {
    return normalCdfLanes(x);
  }

  static normalQuantile(p: v128): v128 {
    return normalQuantileLanes(p);
  }

  /** Of all vectors from an address up to another, in place: in half the time of one after the other. */
  static normalQuantileOf(from: usize, to: usize): void {
    normalQuantileOf(from, to);
  }
}

/** The same functions of the four lanes of an f32x4, in ulp of f32. What has no way of its own goes through f64, and is rounded once more. */
export abstract class math4 {
  /** Within 1.2 ulp. */
  static exp(x: v128): v128 {
    return expFour(x);
  }

  /** Within 1.2 ulp. */
  static log(x: v128): v128 {
    return logFour(x);
  }

  /** Within 0.501 ulp. */
  static pow(x: v128, y: v128): v128 {
    return joined(powLanes(lowOf(x), lowOf(y)), powLanes(highOf(x), highOf(y)));
  }

  /** Within 1.5 ulp for every x. */
  static sin(x: v128): v128 {
    return sinFour(x);
  }

  /** Within 1.5 ulp for every x. */
  static cos(x: v128): v128 {
    return cosFour(x);
  }

  /** Within 3 ulp. */
  static tanh(x: v128): v128 {
    return tanhFour(x);
  }

  /** Within 0.501 ulp. */
  static normalCdf(x: v128): v128 {
    return joined(normalCdfLanes(lowOf(x)), normalCdfLanes(highOf(x)));
  }

  /** Within 0.501 ulp. */
  static normalQuantile(p: v128): v128 {
    return joined(normalQuantileLanes(lowOf(p)), normalQuantileLanes(highOf(p)));
  }
}
