// Functions of numbers to hundreds of bits, by their series in whole numbers: what the library's numerics are measured against.

/** n 2^e. */
export interface Exact {
  readonly n: bigint;
  readonly e: number;
}

/** Bits behind the point of most computations here. */
const BITS = 320;
/** Bits of pi: sin of the largest numbers takes it to their exponent and as much again. */
const PI_BITS = 1_600;

const abs = (n: bigint) => (n < 0n ? -n : n);
const lengthOf = (n: bigint) => abs(n).toString(2).length;
const rounded = (n: bigint, shift: number) => (n + (1n << BigInt(shift - 1))) >> BigInt(shift);

/** A number as it is. */
export function exactOf(value: number): Exact {
  const bits = new BigUint64Array(Float64Array.of(value).buffer)[0] ?? 0n;
  const exponent = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & 0xfffffffffffffn;
  const n = exponent === 0 ? fraction : fraction | (1n << 52n);
  return { n: value < 0 ? -n : n, e: Math.max(1, exponent) - 1075 };
}

/** Bits of a number's significand, and the exponent of the smallest number. */
const F64 = [53, -1074] as const;
export const F32 = [24, -149] as const;

/** How far a number is from an exact one, in units of the last place that the exact one has as an f64, or an f32. */
export function ulpsOff(value: number, exact: Exact, [digits, least]: readonly [number, number] = F64): number {
  if (!Number.isFinite(value)) return Number.POSITIVE_INFINITY;
  const unit = Math.max(lengthOf(exact.n) + exact.e - digits, least);
  const own = exactOf(value);
  const low = Math.min(own.e, exact.e, unit) - 40;
  const difference = abs((own.n << BigInt(own.e - low)) - (exact.n << BigInt(exact.e - low)));
  return Number((difference << 20n) >> BigInt(unit - low)) / 2 ** 20;
}

const fixed = ({ n, e }: Exact, bits: number) => (e + bits >= 0 ? n << BigInt(e + bits) : rounded(n, -e - bits));

/** 2 atanh(s), for a fixed-point s. */
function twiceAtanh(s: bigint, bits: number): bigint {
  // A negative number that is shifted to the right ends at -1, not at 0.
  if (s < 0n) return -twiceAtanh(-s, bits);
  const square = (s * s) >> BigInt(bits);
  let sum = 0n;
  let power = s;
  for (let i = 1n; power !== 0n; i += 2n) {
    sum += power / i;
    power = (power * square) >> BigInt(bits);
  }
  return 2n * sum;
}

const LN2 = new Map<number, bigint>();
function ln2(bits: number): bigint {
  const known = LN2.get(bits);
  if (known !== undefined) return known;
  const made = twiceAtanh((1n << BigInt(bits)) / 3n, bits);
  LN2.set(bits, made);
  return made;
}

/** exp of a fixed-point number. */
function expOf(x: bigint, bits: number): Exact {
  const k = x / ln2(bits);
  let term = 1n << BigInt(bits);
  let sum = term;
  const r = x - k * ln2(bits);
  for (let i = 1n; term !== 0n && i < 500n; i++) {
    term = (term * r) / (i << BigInt(bits));
    sum += term;
  }
  return { n: sum, e: Number(k) - bits };
}

/** log of a positive number, fixed-point. */
function logOf(x: number, bits: number): bigint {
  const { n, e } = exactOf(x);
  // m from 1/2 to 1, doubled below the root of 1/2, so that numbers near 1 keep all their digits.
  let k = lengthOf(n) + e;
  let m = fixed({ n, e: e - k }, bits);
  const one = 1n << BigInt(bits);
  if (2n * m * m < one * one) {
    m *= 2n;
    k--;
  }
  return BigInt(k) * ln2(bits) + twiceAtanh(((m - one) << BigInt(bits)) / (m + one), bits);
}

/** 1/n of a turn's arctangent, as Machin has it. */
function arctanOfInverse(n: bigint, bits: number): bigint {
  let power = (1n << BigInt(bits)) / n;
  let sum = power;
  for (let i = 3n, sign = -1n; power !== 0n; i += 2n, sign = -sign) {
    power /= n * n;
    sum += sign * (power / i);
  }
  return sum;
}

const PI = 4n * (4n * arctanOfInverse(5n, PI_BITS) - arctanOfInverse(239n, PI_BITS));

/** sin(x + quarters pi/2). */
function sinOf(x: number, quarters: bigint): Exact {
  const angle = fixed(exactOf(x), PI_BITS);
  const n = rounded((4n * angle) / PI, 1);
  const r = rounded(angle - (n * PI) / 2n, PI_BITS - BITS);
  const place = (((n + quarters) % 4n) + 4n) % 4n;
  const square = (r * r) >> BigInt(BITS);
  let term = place % 2n === 0n ? r : 1n << BigInt(BITS);
  let sum = term;
  for (let i = place % 2n === 0n ? 2n : 1n; term !== 0n && i < 300n; i += 2n) {
    term = -((term * square) / ((i * (i + 1n)) << BigInt(BITS)));
    sum += term;
  }
  return { n: place < 2n ? sum : -sum, e: -BITS };
}

function tanhOf(x: number): Exact {
  const twice = expOf(2n * fixed(exactOf(x), BITS), BITS);
  const one = 1n << BigInt(BITS);
  const power = fixed(twice, BITS);
  return { n: ((power - one) << BigInt(BITS)) / (power + one), e: -BITS };
}

function rootOf(n: bigint): bigint {
  let root = 1n << BigInt((lengthOf(n) + 1) >> 1);
  for (;;) {
    const next = (root + n / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/** The density of the normal distribution, to so many bits behind the point. */
function densityOf(x: number, bits: number): bigint {
  const square = exactOf(x);
  const power = expOf(-fixed({ n: square.n * square.n, e: 2 * square.e - 1 }, bits), bits);
  const rootOfTwoPi = rootOf((2n * PI) << BigInt(2 * bits - PI_BITS));
  return (fixed(power, 2 * bits) << 0n) / rootOfTwoPi;
}

/** P(X <= x): 1/2 + density(x) (x + x^3/3 + x^5/(3 5) + ...); far down, as many bits more as cancel. */
function cdfOf(x: number): Exact {
  const bits = BITS + Math.ceil(x * x * 1.5);
  const one = BigInt(bits);
  const value = fixed(exactOf(Math.abs(x)), bits);
  const square = (value * value) >> one;
  let sum = 0n;
  for (let term = value, i = 3n; term !== 0n; i += 2n) {
    sum += term;
    term = ((term * square) >> one) / i;
  }
  const aside = (densityOf(x, bits) * sum) >> one;
  return { n: (1n << (one - 1n)) + (x < 0 ? -aside : aside), e: -bits };
}

/** Functions of one number; pow takes two. */
export const EXACT = {
  exp: (x: number) => expOf(fixed(exactOf(x), BITS), BITS),
  log: (x: number): Exact => ({ n: logOf(x, BITS), e: -BITS }),
  pow: (x: number, y: number) => {
    const { n, e } = exactOf(y);
    return expOf(fixed({ n: n * logOf(x, BITS), e: e - BITS }, BITS), BITS);
  },
  sin: (x: number) => sinOf(x, 0n),
  cos: (x: number) => sinOf(x, 1n),
  tanh: tanhOf,
  normalCdf: cdfOf,
} as const;

/** How far x is from the number below which a normal one is with probability p, in ulp of x: by the slope there. */
export function quantileUlpsOff(x: number, p: number, [digits]: readonly [number, number] = F64): number {
  const { n, e } = cdfOf(x);
  const bits = -e;
  const off = abs(n - fixed(exactOf(p), bits)) << BigInt(bits);
  const unit = lengthOf(exactOf(x).n) + exactOf(x).e - digits;
  const distance = off / densityOf(x, bits);
  return Number((distance << 20n) >> BigInt(bits + unit)) / 2 ** 20;
}
