//! The last lock of a cell, from inside: no thread of this process, those that run already among them, executes a program ever again.

use crate::code::{Code, Result};
use napi_derive::napi;

/// Throws `ERR_HOST_FAULT` where the system does not do it; on systems without seccomp it always throws.
#[napi]
pub fn lock_exec() -> Result<()> {
    lock().map_err(|reason| napi::Error::new(Code::HostFault, format!("exec is not locked: {reason}")))
}

#[cfg(target_os = "linux")]
fn lock() -> std::result::Result<(), String> {
    const NUMBER: u32 = 0;
    let load = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    let equal = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    let answer = (libc::BPF_RET | libc::BPF_K) as u16;
    let instruction = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    // A jump counts the instructions that it leaves out.
    let mut program = [
        instruction(load, 0, 0, NUMBER),
        instruction(equal, 2, 0, libc::SYS_execve as u32),
        instruction(equal, 1, 0, libc::SYS_execveat as u32),
        instruction(answer, 0, 0, libc::SECCOMP_RET_ALLOW),
        instruction(answer, 0, 0, libc::SECCOMP_RET_ERRNO | libc::EPERM as u32),
    ];
    let filter = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: `filter` and the program it names live until the call ends, which copies them.
    let status =
        unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, libc::SECCOMP_FILTER_FLAG_TSYNC, &filter) };
    match status {
        0 => Ok(()),
        thread if thread > 0 => Err(format!("thread {thread} does not take it")),
        _ => Err(std::io::Error::last_os_error().to_string()),
    }
}

#[cfg(not(target_os = "linux"))]
fn lock() -> std::result::Result<(), String> {
    Err("this system has no seccomp".to_owned())
}
