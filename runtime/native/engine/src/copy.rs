//! Copies what this thread will not read again.

use std::ptr;

/// Copies to new memory past the caches: to fetch lines that are only overwritten takes as long as to write them, and would drive the
/// guest's memory out, which the next guest of the thread gets.
///
/// # Safety
/// `to` has room for all of `from`, and is apart from it.
#[cfg(target_arch = "x86_64")]
pub unsafe fn past_caches(from: &[u8], to: *mut u8) {
    use std::arch::x86_64::{__m128i, _mm_loadu_si128, _mm_sfence, _mm_stream_si128};
    const LANE: usize = size_of::<__m128i>();
    let head = to.align_offset(LANE).min(from.len());
    let lanes = (from.len() - head) / LANE;
    let tail = head + lanes * LANE;
    // SAFETY: head, lanes and tail are the parts of a range that the caller vouches for; the lanes are aligned in `to`. The fence orders
    // the stores before those of whoever hands the memory on.
    unsafe {
        ptr::copy_nonoverlapping(from.as_ptr(), to, head);
        let (source, target) = (from.as_ptr().add(head).cast::<__m128i>(), to.add(head).cast::<__m128i>());
        for lane in 0..lanes {
            _mm_stream_si128(target.add(lane), _mm_loadu_si128(source.add(lane)));
        }
        _mm_sfence();
        ptr::copy_nonoverlapping(from.as_ptr().add(tail), to.add(tail), from.len() - tail);
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
