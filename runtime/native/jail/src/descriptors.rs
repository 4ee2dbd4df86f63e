//! Open files that were handed down are the first way out: all are closed but those that were named.

use crate::report::{Failure, Layer};
use std::os::fd::RawFd;

pub fn close_others(kept: &[RawFd]) -> Result<(), Failure> {
    let mut kept: Vec<u32> = kept.iter().filter_map(|number| u32::try_from(*number).ok()).collect();
    kept.sort_unstable();
    kept.dedup();
    let mut from = 0;
    for number in kept {
        if number > from {
            close(from, number - 1)?;
        }
        from = number + 1;
    }
    close(from, u32::MAX)
}

fn close(first: u32, last: u32) -> Result<(), Failure> {
    // SAFETY: nothing of this process uses a descriptor that was not named.
    match unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) } {
        0 => Ok(()),
        _ => Err(Failure::last(Layer::Descriptors, "close_range")),
    }
}
