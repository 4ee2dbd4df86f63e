// How far the counter may be ahead of a check: numbers that bound the overshoot and the size of slices. They never change what a
// run costs, only when it is asked.

const KiB = 2 ** 10;

/** Fuel and bytes between two looks at the counter. */
export const BOUNDS = {
  /** Of a hoisted loop: what is paid at a time. About 0.01 ms of optimised code. */
  chunkFuel: 32 * KiB,
  /** A loop of a constant number of trips that costs no more is paid like straight code. */
  foldFuel: 16 * KiB,
  /** What can run on one way without a look, chunks of hoisted loops and calls that do not look included. */
  spanFuel: 768 * KiB,
  /** A function that can run no longer without a look, with all that it calls, needs none when it is entered. */
  quietFuel: 256 * KiB,
  /** The same for those that can be called from anywhere. */
  openFuel: 1_000,
  /** What may follow a call without a look, where it is not known what the function has done since its last one. */
  afterFuel: 4_096,
  /** Stands for a host call, and for work on a range of memory. */
  outsideFuel: 1_000,
  /** What a caller may owe while it calls. */
  debtFuel: 1_000,
  /** A loop whose trip weighs more is not hoisted: a charge for each trip costs nothing there, and the code for chunks is long. */
  tripFuel: 24,
  /** Before a loop whose trips weigh so much, a call is as good as a look in line, and shorter. */
  callFuel: 64,
  /** `memory.fill` and `memory.copy` work in pieces of so many bytes; a multiple of BYTES_PER_FUEL. */
  pieceBytes: 512 * KiB,
} as const;

/**
 * Weight of all frames of recursive functions that may be alive at once, in units of about 8 bytes: 384 KiB in the worst tier of any
 * engine. V8 has 984 KiB by default, but about 500 KiB in a worker of Chromium, where the host's own frames have to fit in, too.
 */
export const STACK_WEIGHT_MAX = 49_152;

/** What a frame weighs beside its locals and operands: return address, saved registers, the engine's own. */
export const FRAME_WEIGHT = 12;
