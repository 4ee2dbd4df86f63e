//! Copies what this thread will not read again.

use std::ptr;

/// Copies to new memory past the caches: to fetch lines that are only overwritten takes as long as to write them, and would drive the
/// guest's memory out, which the next guest of the thread gets.
///
/// # Safety
/// `to` has room for all of `from`, and is apart from it. Nobody else reads it before `settle`.
#[cfg(target_arch = "x86_64")]
pub unsafe fn past_caches(from: &[u8], to: *mut u8) {
    let head = to.align_offset(x86::LINE).min(from.len());
    let lines = (from.len() - head) / x86::LINE;
    let tail = head + lines * x86::LINE;
    // SAFETY: head, lines and tail are the parts of a range that the caller vouches for; the lines are aligned in `to`.
    unsafe {
        ptr::copy_nonoverlapping(from.as_ptr(), to, head);
        x86::stream(from.as_ptr().add(head), to.add(head), lines);
        ptr::copy_nonoverlapping(from.as_ptr().add(tail), to.add(tail), from.len() - tail);
    }
}

/// Orders what was copied before all that this thread writes later. It waits for the copies, so there should be other work in between.
#[cfg(target_arch = "x86_64")]
pub fn settle() {
    // SAFETY: every processor of this kind has it.
    unsafe { std::arch::x86_64::_mm_sfence() };
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{__m128i, __m512i, _mm_loadu_si128, _mm_stream_si128, _mm512_loadu_si512, _mm512_stream_si512};

    /// What the caches hold and memory is written in. A whole one at a time takes two thirds of the time of four parts.
    pub const LINE: usize = size_of::<__m512i>();

    /// # Safety
    /// Both ranges have so many lines, and are apart; those of `to` are aligned.
    pub unsafe fn stream(from: *const u8, to: *mut u8, lines: usize) {
        // SAFETY: the caller vouches for the ranges, the processor has what is asked for.
        unsafe {
            if is_x86_feature_detected!("avx512f") {
                whole(from.cast(), to.cast(), lines)
            } else {
                parts(from.cast(), to.cast(), 4 * lines)
            }
        }
    }

    #[target_feature(enable = "avx512f")]
    unsafe fn whole(from: *const __m512i, to: *mut __m512i, lines: usize) {
        for line in 0..lines {
            // SAFETY: as `stream` has it.
            unsafe { _mm512_stream_si512(to.add(line), _mm512_loadu_si512(from.add(line))) };
        }
    }

    unsafe fn parts(from: *const __m128i, to: *mut __m128i, parts: usize) {
        for part in 0..parts {
            // SAFETY: as `stream` has it.
            unsafe { _mm_stream_si128(to.add(part), _mm_loadu_si128(from.add(part))) };
        }
    }
}

/// The same, as this processor's own copy does it.
///
/// # Safety
/// As above.
#[cfg(not(target_arch = "x86_64"))]
pub unsafe fn past_caches(from: &[u8], to: *mut u8) {
    // SAFETY: the caller vouches for it.
    unsafe { ptr::copy_nonoverlapping(from.as_ptr(), to, from.len()) };
}

/// Ordinary copies need no order of their own.
#[cfg(not(target_arch = "x86_64"))]
pub fn settle() {}
