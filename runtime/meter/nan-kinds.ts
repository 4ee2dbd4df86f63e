// What may be known of the NaNs in a value: whose they are, and how they look once they are canonical.
//
// The definition that all of this serves: an arithmetic instruction gives the canonical NaN wherever it gives a NaN; `neg`, `abs` and
// `copysign` change only the sign; everything else moves bits. A value that holds an arithmetic NaN as the engine made it is raw. It
// is made canonical where its bits could be seen, and only there. A scalar is a number unless a bit says more.

/** Bits of a kind: what a value may be. Of f64 and f64x2: 64; of f32 and f32x4: 32. */
export const KIND = {
  /** Bits that came from elsewhere and are kept. */
  keep: 1,
  /** Raw, and canonical with the sign of a plus, or of a minus. */
  plus64: 2,
  minus64: 4,
  plus32: 8,
  minus32: 16,
  /** Numbers, or NaNs that are canonical. */
  clean64: 32,
  clean32: 64,
  /** A v128. */
  vector: 128,
  /** Lanes of this width, or of twice as much, that have all bits set or none, as comparisons give them. */
  mask32: 256,
  mask64: 512,
  /** A constant that is no NaN in either width, and no mask. */
  constant: 1024,
} as const;

export const RAW64: number = KIND.plus64 | KIND.minus64;
export const RAW32: number = KIND.plus32 | KIND.minus32;
export const RAW: number = RAW64 | RAW32;

const KINDS = [...Array(2048).keys()];
/** What has bits that arithmetic did not give. */
const OWN_BITS = KIND.keep | KIND.mask32 | KIND.mask64;

/**
 * Whether a value cannot be made canonical by its kind alone: where it comes from two sides, what is right for one would spoil the
 * bits that the other keeps.
 */
export const MIXED: Uint8Array = Uint8Array.from(KINDS, (kind) => {
  const raw = kind & RAW;
  if (raw === 0) return 0;
  const spoils =
    (kind & KIND.clean64 && raw !== KIND.plus64) || (kind & KIND.clean32 && raw !== KIND.plus32) || kind & OWN_BITS;
  return spoils || (raw & (raw - 1)) !== 0 ? 1 : 0;
});

/** The kind of a value after it has been made canonical. */
export const SETTLED: Uint16Array = Uint16Array.from(KINDS, (kind) => {
  const minus = kind & (KIND.minus64 | KIND.minus32) ? KIND.keep : 0;
  const clean = (kind & KIND.plus64 ? KIND.clean64 : 0) | (kind & KIND.plus32 ? KIND.clean32 : 0);
  return (kind & ~RAW) | minus | clean;
});

/** The kind of a value whose signs are turned; it is not mixed. A canonical NaN becomes one to keep, or is as good as raw. */
export const NEGATED: Uint16Array = Uint16Array.from(KINDS, (kind) => {
  const { plus64, minus64, plus32, minus32, clean64, clean32, keep } = KIND;
  const raw = ((kind & (plus64 | plus32)) << 1) | ((kind & (minus64 | minus32)) >> 1);
  return (kind & (keep | KIND.vector | KIND.constant)) | raw | (raw === 0 && kind & (clean64 | clean32) ? keep : 0);
});

/** The kind of a value without its signs; it is not mixed. */
export const MAGNITUDE: Uint16Array = Uint16Array.from(KINDS, (kind) => {
  const { plus64, minus64, plus32, minus32 } = KIND;
  return (kind & ~(minus64 | minus32)) | ((kind & minus64) >> 1) | ((kind & minus32) >> 1) | (kind & (plus64 | plus32));
});

/**
 * The kind of a value whose lanes of one width were moved one by one; it is not mixed, nor raw of the other width. What was known of
 * the other width holds no longer. `clean` is the bit of the width.
 */
export function ofWidth(kind: number, clean: number): number {
  const other = clean === KIND.clean64 ? KIND.clean32 : KIND.clean64;
  return (kind & ~other) | clean | (kind & other ? KIND.keep : 0);
}

/** The kind of a value whose lanes are not moved as a whole any more, or changed: a mask's bits are bits like others. */
export function ofBits(kind: number): number {
  return kind & OWN_BITS ? (kind & ~OWN_BITS) | KIND.keep : kind;
}

const OF_32 = RAW32 | KIND.clean32 | KIND.mask32;
const OF_64 = RAW64 | KIND.clean64 | KIND.mask64;

/** Whether a value of some kind is a mask for sure, and one that takes or leaves the lanes of a value of another kind as a whole. */
export function fits(mask: number, kind: number): boolean {
  const { mask32, mask64, vector } = KIND;
  if (mask === (mask64 | vector)) return true;
  return (mask & ~mask64) === (mask32 | vector) && (kind & OF_32) !== 0 && (kind & OF_64) === 0;
}
