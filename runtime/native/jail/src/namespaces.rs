//! Network, processes, mounts, names and shared memory of its own: nothing of the machine's can be addressed from within.

use crate::report::{Failure, Layer, OrFailure, Report};
use rustix::process::{Signal, set_parent_process_death_signal};
use rustix::thread::UnshareFlags;
use std::process::ExitCode;

const LAYER: Layer = Layer::Namespaces;

/// Returns nothing in the first process of the new namespaces, and in the one that stays outside the status in which that one ended.
pub fn enter(report: &Report) -> Result<Option<ExitCode>, Failure> {
    let (user, group) = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
    let flags = UnshareFlags::NEWUSER
        | UnshareFlags::NEWNET
        | UnshareFlags::NEWIPC
        | UnshareFlags::NEWNS
        | UnshareFlags::NEWPID
        | UnshareFlags::NEWUTS;
    // SAFETY: no descriptor table is unshared, and there is no other thread that could be surprised.
    unsafe { rustix::thread::unshare_unsafe(flags) }.or_failure(LAYER, "unshare")?;
    // The same numbers inside as outside: the files that may be read belong to somebody.
    std::fs::write("/proc/self/setgroups", "deny").or_failure(LAYER, "setgroups")?;
    std::fs::write("/proc/self/uid_map", format!("{user} {user} 1\n")).or_failure(LAYER, "uid_map")?;
    std::fs::write("/proc/self/gid_map", format!("{group} {group} 1\n")).or_failure(LAYER, "gid_map")?;
    // SAFETY: this process has one thread, so the child has all of it.
    match unsafe { libc::fork() } {
        -1 => Err(Failure::last(LAYER, "fork")),
        0 => Ok(None),
        child => {
            report.process(child.unsigned_abs());
            Ok(Some(outlive(child)))
        }
    }
}

/// Holds nothing of the frames, so that their other end sees when the cell is gone, and waits for the child.
fn outlive(child: libc::pid_t) -> ExitCode {
    let _ = set_parent_process_death_signal(Some(Signal::KILL));
    // SAFETY: this half reads and writes nothing any more.
    unsafe { libc::syscall(libc::SYS_close_range, 0u32, u32::MAX, 0) };
    let mut status = 0;
    // SAFETY: `status` is a place for the answer.
    while unsafe { libc::waitpid(child, &mut status, 0) } < 0 {}
    let code = if libc::WIFEXITED(status) { libc::WEXITSTATUS(status) } else { 128 + libc::WTERMSIG(status) };
    // Not ExitCode's way out: that flushes streams which are closed.
    // SAFETY: nothing is left to be done at the end of this process.
    unsafe { libc::_exit(code) }
}
