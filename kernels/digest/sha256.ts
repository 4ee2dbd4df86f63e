// SHA-256 (FIPS 180-4) of one message, and of four of one length at the same time, one a lane.
import { STATE } from './constants';
import { compressFour } from './four';
import { SUMS, schedule } from './schedule';
import { compress } from './single';

const BLOCK_BYTES: usize = 64;

/** Roots of the first eight primes, square: where every digest begins. */
const START = memory.data<u32>([
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
]);

/** The last blocks: two of each of four messages, or up to five of one. */
const LAST = memory.data(512, 16);

/** The digest of `length` bytes at an address, as 32 bytes at `to`. */
export function digest(from: usize, length: usize, to: usize): void {
  memory.copy(STATE, START, 32);
  const whole = from + (length & ~(4 * BLOCK_BYTES - 1));
  for (; from < whole; from += 4 * BLOCK_BYTES) {
    schedule(from, BLOCK_BYTES);
    for (let lane: usize = 0; lane < 4; lane++) compress(SUMS + lane * 4);
  }
  const blocks = padded(whole, length & (4 * BLOCK_BYTES - 1), length, LAST);
  for (let i: usize = 0; i < blocks; i++) {
    if (i % 4 == 0) schedule(LAST + i * BLOCK_BYTES, BLOCK_BYTES);
    compress(SUMS + (i % 4) * 4);
  }
  for (let i: usize = 0; i < 8; i++) store<u32>(to + i * 4, bswap(load<u32>(STATE + i * 4)));
}

/** The digests of four messages of `length` bytes, one behind the other, as 4 x 32 bytes at `to`. */
export function digestFour(from: usize, length: usize, to: usize): void {
  for (let i: usize = 0; i < 8; i++) v128.store(STATE + i * 16, i32x4.splat(load<u32>(START + i * 4)));
  const whole = length & ~(BLOCK_BYTES - 1);
  for (let at: usize = 0; at < whole; at += BLOCK_BYTES) {
    schedule(from + at, length);
    compressFour();
  }
  let blocks: usize = 0;
  for (let lane: usize = 0; lane < 4; lane++)
    blocks = padded(from + lane * length + whole, length - whole, length, LAST + lane * 2 * BLOCK_BYTES);
  for (let i: usize = 0; i < blocks; i++) {
    schedule(LAST + i * BLOCK_BYTES, 2 * BLOCK_BYTES);
    compressFour();
  }
  for (let i: usize = 0; i < 8; i++) {
    for (let lane: usize = 0; lane < 4; lane++) {
      store<u32>(to + lane * 32 + i * 4, bswap(load<u32>(STATE + i * 16 + lane * 4)));
    }
  }
}

/** The `rest` bytes at the end of a message of `length`, with its padding; how many blocks that are. */
function padded(from: usize, rest: usize, length: usize, to: usize): usize {
  const blocks = (rest + 8) / BLOCK_BYTES + 1;
  memory.fill(to, 0, blocks * BLOCK_BYTES);
  memory.copy(to, from, rest);
  store<u8>(to + rest, 0x80);
  store<u64>(to + blocks * BLOCK_BYTES - 8, bswap((<u64>length) << 3));
  return blocks;
}
