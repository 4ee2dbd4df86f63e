//! What images of a guest need of its memory, many pages in one call: which of them changed, and their digests.

use crate::code::{Code, Result};
use crate::written;
use napi::Error;
use napi::bindgen_prelude::{Uint8ArraySlice, Uint32ArraySlice};
use napi_derive::napi;
use std::slice;

/// Bytes of a page; `runtime/snapshot/memory-copy.ts` has both, too.
pub const PAGE: usize = 4096;
/// Bytes of a digest.
pub const DIGEST: usize = 32;
/// A memory is watched while no more than one page of so many changes.
const WATCHED_PART: usize = 4;

/// What `take_changed` found.
#[napi(object)]
pub struct Changed {
    pub count: u32,
    /// For the next call with the same memory and copy, neither of which anybody else may make equal to something else until then.
    pub mark: u32,
}

/// Copies the pages of a memory that differ to those of `copy`, which has as many, and writes their indexes to `changed`. `mark`: what the
/// last call with these two gave, or 0. Most pages need not be read then.
#[napi]
pub fn take_changed(
    memory: Uint8ArraySlice,
    mut copy: Uint8ArraySlice,
    mut changed: Uint32ArraySlice,
    mark: u32,
) -> Result<Changed> {
    // SAFETY: the caller's own: no other thread reads or writes them meanwhile, and they are three ranges.
    let (memory, copy, changed): (&[u8], &mut [u8], &mut [u32]) = unsafe { (memory.as_ref(), copy.as_mut(), changed.as_mut()) };
    let pages = memory.len() / PAGE;
    if copy.len() != memory.len() || changed.len() < pages {
        return Err(refused("there is no room for all pages"));
    }
    let known = written::since(memory, mark);
    let mut count = 0;
    for index in known.as_deref().unwrap_or(slice::from_ref(&(0..pages))).iter().cloned().flatten() {
        let range = index * PAGE..(index + 1) * PAGE;
        if memory[range.clone()] != copy[range.clone()] {
            copy[range.clone()].copy_from_slice(&memory[range]);
            changed[count] = index as u32;
            count += 1;
        }
    }
    // A fault for each of many pages takes longer than to read them all.
    let mark = match known {
        _ if count * WATCHED_PART > pages => 0,
        Some(_) => mark,
        None => written::watch(memory),
    };
    Ok(Changed { count: count as u32, mark })
}

/// The SHA-256 of each page that is named, to its place among `digests`. Whether this processor has instructions for it: else nothing is done.
#[napi]
pub fn digest_pages(memory: Uint8ArraySlice, pages: Uint32ArraySlice, mut digests: Uint8ArraySlice) -> Result<bool> {
    // SAFETY: as above.
    let (memory, pages, digests): (&[u8], &[u32], &mut [u8]) = unsafe { (memory.as_ref(), pages.as_ref(), digests.as_mut()) };
    let count = (memory.len() / PAGE).min(digests.len() / DIGEST);
    if pages.iter().any(|&index| index as usize >= count) {
        return Err(refused("a page is beyond the memory or the digests"));
    }
    // SAFETY: each page and its place are within.
    Ok(unsafe { digest(memory.as_ptr(), pages, digests.as_mut_ptr()) })
}

fn refused(reason: &str) -> Error<Code> {
    Error::new(Code::HostFault, reason)
}

/// # Safety
/// Every page that is named can be read, and its digest written.
#[cfg(target_arch = "x86_64")]
unsafe fn digest(memory: *const u8, pages: &[u32], digests: *mut u8) -> bool {
    use crate::lanes;
    const LANES: usize = 4;
    if !lanes::is_there() {
        return false;
    }
    // SAFETY: the caller vouches for it.
    let from = |index: u32| unsafe { memory.add(index as usize * PAGE) };
    let to = |index: u32| unsafe { digests.add(index as usize * DIGEST) };
    let (groups, rest) = pages.as_chunks::<LANES>();
    // SAFETY: as above, and this processor has the instructions.
    unsafe {
        for group in groups {
            lanes::digest(group.map(from), group.map(to));
        }
        for &index in rest {
            lanes::digest([from(index)], [to(index)]);
        }
    }
    true
}

/// Elsewhere Node's own are as good.
///
/// # Safety
/// As above.
#[cfg(not(target_arch = "x86_64"))]
unsafe fn digest(_: *const u8, _: &[u32], _: *mut u8) -> bool {
    false
}
