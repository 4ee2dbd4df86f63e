// What a task asks for, and the samples as numbers.
import { fail, Settings } from 'lodger/kernel';

const SAMPLES_MAX = 8388608;
const CHIRPS_MAX = 16384;

/** The bits of a byte, two a vector. */
const BITS = memory.data<u64>([1, 2, 4, 8, 16, 32, 64, 128], 16);

/** Frequencies in Hz, drifts in Hz/s. */
export class Search {
  samples: i32 = 0;
  rate: f64 = 0;
  /** Samples of one transform, and how many transforms there are. */
  length: i32 = 0;
  blocks: i32 = 0;
  chirpFrom: f64 = 0;
  chirpTo: f64 = 0;
  chirps: i32 = 0;

  chirp(index: i32): f64 {
    return this.chirps > 1
      ? this.chirpFrom + (<f64>index * (this.chirpTo - this.chirpFrom)) / <f64>(this.chirps - 1)
      : this.chirpFrom;
  }
}

/** Fails by name of the setting. */
export function readSearch(settings: Settings): Search {
  const search = new Search();
  search.samples = settings.integer('samples', 4, SAMPLES_MAX);
  search.rate = settings.number('rate', 1e-3, 1e12);
  search.length = settings.integer('length', 4, 1048576);
  if (popcnt(search.length) != 1) fail('setting "length" must be a power of two');
  if (search.samples % search.length != 0) fail('setting "samples" must be a multiple of "length"');
  search.blocks = search.samples / search.length;
  const chirps = settings.numbers('chirps', 3);
  search.chirpFrom = chirps[0];
  search.chirpTo = chirps[1];
  search.chirps = <i32>chirps[2];
  if (<f64>search.chirps != chirps[2] || chirps[2] < 1 || chirps[2] > CHIRPS_MAX) {
    fail('setting "chirps": their count, the third value, must be a whole number from 1 to ' + CHIRPS_MAX.toString());
  }
  const fastest = max(Math.abs(search.chirpFrom), Math.abs(search.chirpTo));
  // Faster ones would run round the whole band within a block.
  if (!(fastest * <f64>search.length <= search.rate * search.rate))
    fail('setting "chirps": a drift may cross the band once in a transform, no faster');
  return search;
}

/** Complex samples as f64, real parts in front of imaginary ones: of one bit each, the lowest first, or of f32. */
export function readSamples(settings: Settings, search: Search): usize {
  const bits = settings.integer('bits', 1, 32);
  if (bits != 1 && bits != 32) fail('setting "bits" must be 1 or 32');
  const data = settings.data;
  if (data === null) fail('behind the settings a line "data" and the samples are missing');
  const wanted = bits == 1 ? (search.samples + 3) / 4 : search.samples * 8;
  if (data!.length != wanted) fail('behind "data" are ' + data!.length.toString() + ' bytes, not ' + wanted.toString());
  const from = data!.dataStart;
  const to = heap.alloc(<usize>search.samples * 16);
  const count = (<usize>search.samples) << 1;
  if (bits == 1) {
    putBits(from, to, <usize>wanted);
    return to;
  }
  for (let i: usize = 0; i < count; i++) {
    const value = <f64>load<f32>(from + i * 4);
    if (!isFinite(value)) fail('sample ' + (i >> 1).toString() + ' is not a finite number');
    store<f64>(to + i * 8, value);
  }
  return to;
}

/** Stores 1 for each bit of some bytes that is set and -1 for the others, the lowest first. */
function putBits(from: usize, to: usize, bytes: usize): void {
  const none = i64x2.splat(0);
  const one = f64x2.splat(1);
  const bits0 = v128.load(BITS);
  const bits1 = v128.load(BITS, 16);
  const bits2 = v128.load(BITS, 32);
  const bits3 = v128.load(BITS, 48);
  for (const end = from + bytes; from < end; from++) {
    const byte = i64x2.splat(load<u8>(from));
    v128.store(to, v128.or(one, i64x2.shl(i64x2.eq(v128.and(byte, bits0), none), 63)));
    v128.store(to, v128.or(one, i64x2.shl(i64x2.eq(v128.and(byte, bits1), none), 63)), 16);
    v128.store(to, v128.or(one, i64x2.shl(i64x2.eq(v128.and(byte, bits2), none), 63)), 32);
    v128.store(to, v128.or(one, i64x2.shl(i64x2.eq(v128.and(byte, bits3), none), 63)), 48);
    to += 64;
  }
}
