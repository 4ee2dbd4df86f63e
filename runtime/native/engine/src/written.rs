//! Which pages of a memory were written since somebody looked, as the system knows it: to find a few of them, the rest need not be read. The
//! guest pays for it with one short fault for each page that it writes. Linux has it since 6.7; elsewhere, and where it is not
//! allowed, as in cells, nothing is ever known.

use crate::pages::PAGE;
use std::cell::Cell;
use std::ops::Range;

/// Shorter memories are read as fast.
const BYTES_MIN: usize = 1 << 20;

/// The memory that this thread watches, and the mark that was given for it.
#[derive(Clone, Copy, PartialEq)]
struct Watched {
    start: usize,
    bytes: usize,
    mark: u32,
}

thread_local! {
    static WATCHED: Cell<Watched> = const { Cell::new(Watched { start: 0, bytes: 0, mark: 0 }) };
}

/// Begins to watch a memory: a mark for `since`, 0 where it cannot be watched.
pub fn watch(memory: &[u8]) -> u32 {
    let (start, bytes) = (memory.as_ptr() as usize, memory.len());
    if bytes < BYTES_MIN || !start.is_multiple_of(PAGE) || !bytes.is_multiple_of(PAGE) || !system::watch(start..start + bytes) {
        return 0;
    }
    let mark = WATCHED.get().mark.wrapping_add(1).max(1);
    WATCHED.set(Watched { start, bytes, mark });
    mark
}

/// The pages that may have been written since `watch` gave the mark, or since this was asked for it last, by their indexes, ascending.
/// `None`: that is not known. What was mapped anew in the meantime is not known, what was dropped counts as written.
pub fn since(memory: &[u8], mark: u32) -> Option<Vec<Range<usize>>> {
    let (start, bytes) = (memory.as_ptr() as usize, memory.len());
    if mark == 0 || WATCHED.get() != (Watched { start, bytes, mark }) {
        return None;
    }
    let regions = system::written(start..start + bytes)?;
    Some(regions.into_iter().map(|region| (region.start - start) / PAGE..(region.end - start) / PAGE).collect())
}

/// `linux/userfaultfd.h` and `linux/fs.h`.
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod system {
    use super::PAGE;
    use std::fs::File;
    use std::ops::Range;
    use std::os::fd::{AsRawFd, FromRawFd};
    use std::ptr::{from_mut, null_mut};
    use std::sync::OnceLock;

    const USER_MODE_ONLY: i32 = 1;
    const API: u64 = 0xaa;
    const WP_UNPOPULATED: u64 = 1 << 13;
    const WP_ASYNC: u64 = 1 << 15;
    const REGISTER_WP: u64 = 2;
    const ASK_API: u64 = 0xc018_aa3f;
    const REGISTER: u64 = 0xc020_aa00;
    const SCAN: u64 = 0xc060_6610;
    const WP_MATCHING: u64 = 1;
    const CHECK_WP_ASYNC: u64 = 2;
    const IS_WP_ALLOWED: u64 = 1;
    const IS_WRITTEN: u64 = 1 << 1;
    const IS_PRESENT: u64 = 1 << 3;

    /// `struct pm_scan_arg`
    #[repr(C)]
    #[derive(Default)]
    struct Scan {
        size: u64,
        flags: u64,
        start: u64,
        end: u64,
        walk_end: u64,
        regions: u64,
        regions_max: u64,
        pages_max: u64,
        inverted: u64,
        all_of: u64,
        any_of: u64,
        told: u64,
    }

    /// `struct page_region`
    #[repr(C)]
    #[derive(Clone, Default)]
    struct Region {
        start: u64,
        end: u64,
        told: u64,
    }

    struct System {
        faults: File,
        pages: File,
    }

    fn system() -> Option<&'static System> {
        static SYSTEM: OnceLock<Option<System>> = OnceLock::new();
        SYSTEM.get_or_init(open).as_ref()
    }

    fn open() -> Option<System> {
        // SAFETY: the call takes flags alone.
        let descriptor = unsafe { libc::syscall(libc::SYS_userfaultfd, libc::O_CLOEXEC | USER_MODE_ONLY) };
        if descriptor < 0 {
            return None;
        }
        // SAFETY: it is new, and nobody else's.
        let faults = unsafe { File::from_raw_fd(descriptor as i32) };
        let mut asked = [API, WP_ASYNC | WP_UNPOPULATED, 0];
        ask(&faults, ASK_API, &mut asked)?;
        Some(System { faults, pages: File::open("/proc/self/pagemap").ok()? })
    }

    fn ask<T>(file: &File, request: u64, argument: &mut T) -> Option<usize> {
        // SAFETY: each request above takes a structure of exactly that size, which is the caller's.
        let answer = unsafe { libc::ioctl(file.as_raw_fd(), request as _, from_mut(argument)) };
        usize::try_from(answer).ok()
    }

    pub fn watch(range: Range<usize>) -> bool {
        let Some(system) = system() else { return false };
        let mut register = [range.start as u64, range.len() as u64, REGISTER_WP, 0];
        ask(&system.faults, REGISTER, &mut register).is_some() && scan(system, &range, &mut []).is_some()
    }

    pub fn written(range: Range<usize>) -> Option<Vec<Range<usize>>> {
        // No two of them touch.
        let mut regions = vec![Region::default(); range.len() / PAGE / 2 + 1];
        let count = scan(system()?, &range, &mut regions)?;
        Some(regions[..count].iter().map(|region| region.start as usize..region.end as usize).collect())
    }

    /// Gives pages that were written or are not there, and watches them anew. It refuses where part of the range is not watched.
    fn scan(system: &System, range: &Range<usize>, regions: &mut [Region]) -> Option<usize> {
        let mut scan = Scan {
            size: size_of::<Scan>() as u64,
            flags: WP_MATCHING | CHECK_WP_ASYNC,
            start: range.start as u64,
            end: range.end as u64,
            regions: if regions.is_empty() { null_mut() } else { regions.as_mut_ptr() } as u64,
            regions_max: regions.len() as u64,
            inverted: IS_PRESENT,
            any_of: IS_WRITTEN | IS_PRESENT,
            told: if regions.is_empty() { 0 } else { IS_WP_ALLOWED },
            ..Scan::default()
        };
        let count = ask(&system.pages, SCAN, &mut scan)?;
        (scan.walk_end == scan.end).then_some(count)
    }
}

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
mod system {
    use std::ops::Range;

    pub fn watch(_: Range<usize>) -> bool {
        false
    }

    pub fn written(_: Range<usize>) -> Option<Vec<Range<usize>>> {
        None
    }
}
