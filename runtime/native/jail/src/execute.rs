//! The one program that is executed, by a handle that nothing later can make again.

use crate::report::{Failure, Layer};
use std::ffi::{CStr, CString};
use std::os::fd::RawFd;

/// Above the ceiling of descriptors that is set later, so that nothing else can ever have this number.
pub const HANDLE: RawFd = 1000;
const EMPTY: &CStr = c"";

pub struct Program {
    arguments: Vec<CString>,
}

impl Program {
    /// Opens it as the handle, which is closed when it begins.
    pub fn open(arguments: &[CString]) -> Result<Program, Failure> {
        let path = arguments.first().map_or(EMPTY, |path| path.as_c_str());
        let enough = libc::rlimit { rlim_cur: HANDLE as u64 + 1, rlim_max: HANDLE as u64 + 1 };
        // SAFETY: the arguments live as long as each call, and the descriptor is this function's own.
        unsafe {
            let opened = libc::open(path.as_ptr(), libc::O_PATH | libc::O_CLOEXEC);
            if opened < 0 {
                return Err(Failure::last(Layer::Descriptors, &path.to_string_lossy()));
            }
            // Lowered if it is more; if it is less, and cannot be raised, the next call says so.
            libc::setrlimit(libc::RLIMIT_NOFILE, &enough);
            if libc::dup3(opened, HANDLE, libc::O_CLOEXEC) < 0 {
                return Err(Failure::last(Layer::Descriptors, "dup3"));
            }
            libc::close(opened);
        }
        Ok(Program { arguments: arguments.to_vec() })
    }

    /// Where the empty path of the one permitted call is.
    pub fn empty_path(&self) -> u64 {
        EMPTY.as_ptr() as u64
    }

    /// With an empty environment. Returns only what went wrong.
    pub fn become_it(&self) -> Failure {
        let mut arguments: Vec<_> = self.arguments.iter().map(|argument| argument.as_ptr()).collect();
        arguments.push(std::ptr::null());
        let environment = [std::ptr::null::<libc::c_char>()];
        // SAFETY: both lists end with a null pointer and live until the call ends.
        unsafe {
            libc::syscall(
                libc::SYS_execveat,
                HANDLE,
                EMPTY.as_ptr(),
                arguments.as_ptr(),
                environment.as_ptr(),
                libc::AT_EMPTY_PATH,
            );
        }
        Failure::last(Layer::Seccomp, "execveat")
    }
}
