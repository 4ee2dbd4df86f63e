// Contract: random bytes are ChaCha20 under the task's own key, whatever pieces they are asked for in.
import { createCipheriv, createHash } from 'node:crypto';
import type { Grant } from '../../runtime/policy/grant.ts';
import { answer, type KernelParts } from '../wasm/kernel.ts';
import { WORLD_IMPORTS } from './case.ts';

export const RANDOM: readonly Grant[] = [{ kind: 'random' }];

/** Asks for as many bytes as each u32 of its input says. Blocks of alignment 1 lie one behind the other: the output is all of them. */
export const drawing: KernelParts = {
  imports: [WORLD_IMPORTS.fill],
  run: {
    locals: 'iii',
    code: `block loop
             local.get 2 local.get 1 i32.ge_u br_if 1
             local.get 0 local.get 2 i32.add i32.load 0 0 i32.const 32 call $fill
             local.get 2 i32.eqz if i32.const 32 i32.load 2 0 local.set 4 end
             i32.const 36 i32.load 2 0 local.get 3 i32.add local.set 3
             local.get 2 i32.const 4 i32.add local.set 2
             br 0
           end end
           ${answer(0, 'local.get 4', 'local.get 3')}`,
  },
};

/** An input that asks for pieces of these sizes. */
export const pieces = (...sizes: readonly number[]) => new Uint8Array(Uint32Array.from(sizes).buffer);

/** The stream as OpenSSL makes it: key SHA-256(seed, index), both 64-bit little-endian; nonce and counter zero. */
export function streamOf(seed: number, index: number, length: number): Uint8Array {
  const words = Buffer.alloc(16);
  words.writeBigUInt64LE(BigInt(seed), 0);
  words.writeBigUInt64LE(BigInt(index), 8);
  const key = createHash('sha256').update(words).digest();
  return new Uint8Array(createCipheriv('chacha20', key, Buffer.alloc(16)).update(new Uint8Array(length)));
}

/** Seeds and indexes up to the highest there are. */
export const KEYS: readonly (readonly [seed: number, index: number])[] = [
  [0, 0],
  [0, 1],
  [1, 0],
  [2 ** 32, 7],
  [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
];

/** Sizes of pieces that meet and miss the cipher's blocks of 64 bytes and the host's buffer of 64 KiB. */
export const CUTS: readonly (readonly number[])[] = [
  [1_000],
  [1, 1, 1, 997],
  [63, 1, 64, 65, 807],
  [0, 500, 0, 500],
  [65_536, 1],
  [65_535, 65_537],
  [1, 65_536, 63, 131_072],
  [200_000],
];
