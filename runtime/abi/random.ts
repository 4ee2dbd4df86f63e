// The random bytes of a task: ChaCha20 of its key, one stream from its first byte to its last.
import { chacha20 } from '@noble/ciphers/chacha.js';
import { violation } from './memory.ts';
import { guestOf, type TaskRoom } from './room.ts';

const KEYSTREAM = new Uint8Array(64 * 1024);
const NONCE = new Uint8Array(12);
/** The block counter has 32 bits, and the cipher refuses its last value. */
const RANDOM_BYTES = (2 ** 32 - 1) * 64;

/**
 * Writes the next `length` bytes to a checked place of the guest's memory. ChaCha20 of RFC 8439 with the task's key, a nonce of zeros and
 * the block counter from 0; the stream goes on from call to call.
 */
export function writeRandom(room: TaskRoom, pointer: number, length: number): void {
  const memory = guestOf(room).bytes();
  const end = room.randomBytes + length;
  if (end > RANDOM_BYTES) violation(`over ${RANDOM_BYTES} random bytes were asked for, where the stream ends`);
  for (let done = 0; done < length; ) {
    const from = (room.randomBytes + done) % 64;
    const count = Math.min(length - done, KEYSTREAM.byteLength - from);
    const blocks = KEYSTREAM.subarray(0, Math.ceil((from + count) / 64) * 64).fill(0);
    chacha20(room.key(), NONCE, blocks, blocks, Math.floor((room.randomBytes + done) / 64));
    memory.set(blocks.subarray(from, from + count), pointer + done);
    done += count;
    room.fuel?.look();
  }
  room.bytesMoved += length;
  room.randomBytes = end;
}
