// The product of two matrices, in f64 or f32: given as bytes, or made of random numbers for those who want to measure.
// Room for matrices of 512 rows in f64, so that its memory is kept for the next one.
// @memory 7MiB
import { fail, multiply, Philox, Settings, Writer } from 'lodger/kernel';

const VERSION: u32 = 1;
const SIDE_MAX = 16384;
/** Of A, B and C together. */
const BYTES_MAX: u64 = 1073741824;
const HEADER_BYTES = 32;

/** Input and output: see README.md. Fails by name of the setting. */
export function run(input: Uint8Array): Uint8Array {
  const settings = new Settings(input);
  const m = settings.integer('rows', 1, SIDE_MAX);
  const n = settings.integer('columns', 1, SIDE_MAX);
  const k = settings.integer('inner', 1, SIDE_MAX);
  const bits = settings.integerOr('bits', 64, 32, 64);
  if (bits != 64 && bits != 32) fail('setting "bits" must be 32 or 64');
  const size = <u64>bits / 8;
  const given = (<u64>m * <u64>k + <u64>k * <u64>n) * size;
  const bytes = given + <u64>m * <u64>n * size;
  if (bytes > BYTES_MAX)
    fail('the matrices have ' + bytes.toString() + ' bytes, at most ' + BYTES_MAX.toString() + ' are possible');
  const data = settings.data;
  let a: usize;
  if (data !== null) {
    if (<u64>data.length != given)
      fail('behind "data" are ' + data.length.toString() + ' bytes, not ' + given.toString());
    a = data.dataStart;
  } else {
    a = heap.alloc(<usize>given + 32);
    fill(a, <u64>settings.integer('seed', 0, i32.MAX_VALUE), <usize>given, bits);
  }
  settings.finish();

  const writer = new Writer(HEADER_BYTES + <i32>(bytes - given));
  writer.bytes(Uint8Array.wrap(String.UTF8.encode('lodggemm')));
  writer.u32(VERSION);
  writer.u32(m);
  writer.u32(n);
  writer.u32(bits);
  writer.u64(0);
  const product = writer.reserve(<i32>(bytes - given));
  const b = a + <usize>(<u64>m * <u64>k * size);
  if (bits == 64) multiply<f64>(a, b, product, m, n, k);
  else multiply<f32>(a, b, product, m, n, k);
  return writer.finish();
}

/** Random numbers from -1 to 1, evenly; the last block may run over the end by up to 24 bytes. */
function fill(to: usize, seed: u64, bytes: usize, bits: i32): void {
  const philox = new Philox(seed);
  const end = to + bytes;
  for (let block: u64 = 0; to < end; block++) {
    const even = philox.even(block, 0);
    const first = 2 * f64x2.extract_lane(even, 0) - 1;
    const second = 2 * f64x2.extract_lane(even, 1) - 1;
    if (bits == 64) {
      store<f64>(to, first);
      store<f64>(to, second, 8);
      to += 16;
    } else {
      store<f32>(to, <f32>first);
      store<f32>(to, <f32>second, 4);
      to += 8;
    }
  }
}
