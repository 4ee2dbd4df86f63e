//! SHA-256 of several pages at once, by the processor's instructions for it: each of them waits for the one before, so that one page at a
//! time leaves them idle for most of it. 16 MiB take 5 ms by four, and 12 one by one.

use crate::pages::{DIGEST, PAGE};
use std::arch::x86_64::*;
use std::array::from_fn;

const BLOCK: usize = 64;

#[repr(align(16))]
struct Constants([u32; 64]);

#[rustfmt::skip]
static ROUNDS: Constants = Constants([
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
]);

/// What the words begin as, in the order that the instructions want: A B E F and C D G H, the first one highest.
const BEGIN: [[u32; 4]; 2] = [[0x9b05688c, 0x510e527f, 0xbb67ae85, 0x6a09e667], [0x5be0cd19, 0x1f83d9ab, 0xa54ff53a, 0x3c6ef372]];

/// What stands behind a page: a bit, zeros, and its length in bits.
static PADDING: [u8; BLOCK] = {
    let mut block = [0; BLOCK];
    block[0] = 0x80;
    let bits = ((PAGE * 8) as u32).to_be_bytes();
    let mut at = 0;
    while at < bits.len() {
        block[BLOCK - bits.len() + at] = bits[at];
        at += 1;
    }
    block
};

/// Whether this processor has what `digest` needs.
pub fn is_there() -> bool {
    is_x86_feature_detected!("sha") && is_x86_feature_detected!("ssse3") && is_x86_feature_detected!("sse4.1")
}

/// Digests `N` pages.
///
/// # Safety
/// `is_there()`; `PAGE` bytes can be read from each of `from`, and `DIGEST` written to each of `to`.
#[target_feature(enable = "sha,ssse3,sse4.1")]
pub unsafe fn digest<const N: usize>(from: [*const u8; N], to: [*mut u8; N]) {
    let [abef, cdgh] = BEGIN.map(|[a, b, c, d]| _mm_set_epi32(d as i32, c as i32, b as i32, a as i32));
    let mut state = [[abef, cdgh]; N];
    // SAFETY: the caller vouches for the pages; the padding is one block.
    unsafe {
        blocks(&mut state, from, PAGE / BLOCK);
        blocks(&mut state, [PADDING.as_ptr(); N], 1);
    }
    for (lane, [abef, cdgh]) in state.into_iter().enumerate() {
        let halves = [_mm_unpackhi_epi64(cdgh, abef), _mm_unpacklo_epi64(cdgh, abef)];
        for (half, words) in halves.into_iter().enumerate() {
            let bytes = big_endian(_mm_shuffle_epi32::<0b00_01_10_11>(words));
            // SAFETY: each half of a digest is one store.
            unsafe { _mm_storeu_si128(to[lane].add(half * DIGEST / 2).cast(), bytes) };
        }
    }
}

/// Takes up so many blocks of each lane.
///
/// # Safety
/// As above, for as many bytes as the blocks have.
#[inline]
#[target_feature(enable = "sha,ssse3,sse4.1")]
unsafe fn blocks<const N: usize>(state: &mut [[__m128i; 2]; N], from: [*const u8; N], count: usize) {
    for block in 0..count {
        let before = *state;
        let mut words = [[_mm_setzero_si128(); 4]; N];
        for group in 0..16 {
            // SAFETY: there are 16 groups of constants, aligned.
            let constants = unsafe { _mm_load_si128(ROUNDS.0.as_ptr().add(4 * group).cast()) };
            // All lanes go through a group before the next one, which is what keeps the instructions busy.
            for lane in 0..N {
                let [first, second, third, last] = from_fn(|after| words[lane][(group + after) % 4]);
                words[lane][group % 4] = if group < 4 {
                    // SAFETY: the group lies in the block.
                    big_endian(unsafe { _mm_loadu_si128(from[lane].add(BLOCK * block + 16 * group).cast()) })
                } else {
                    let sum = _mm_add_epi32(_mm_sha256msg1_epu32(first, second), _mm_alignr_epi8::<4>(last, third));
                    _mm_sha256msg2_epu32(sum, last)
                };
                let sum = _mm_add_epi32(words[lane][group % 4], constants);
                let [abef, cdgh] = &mut state[lane];
                *cdgh = _mm_sha256rnds2_epu32(*cdgh, *abef, sum);
                *abef = _mm_sha256rnds2_epu32(*abef, *cdgh, _mm_shuffle_epi32::<0b11_10>(sum));
            }
        }
        for (lane, now) in state.iter_mut().enumerate() {
            *now = from_fn(|half| _mm_add_epi32(now[half], before[lane][half]));
        }
    }
}

/// Four words with the bytes of each turned round.
#[inline]
#[target_feature(enable = "ssse3")]
fn big_endian(words: __m128i) -> __m128i {
    _mm_shuffle_epi8(words, _mm_set_epi64x(0x0c0d0e0f_08090a0b, 0x04050607_00010203))
}
