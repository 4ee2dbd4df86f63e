//! CPU time of the calling thread, which Node 20 does not tell.

use napi_derive::napi;

/// Milliseconds; `null` where the platform does not tell.
#[napi]
pub fn thread_cpu_ms() -> Option<f64> {
    #[cfg(unix)]
    {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the call writes to a timespec that is ours.
        if unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) } == 0 {
            return Some(time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6);
        }
    }
    None
}
