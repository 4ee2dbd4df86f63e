//! seccomp: the system calls that Node, V8, libuv and Wasmtime need, and no others.

use crate::execute::HANDLE;
use crate::report::{Failure, Layer, OrFailure};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, apply_filter,
};
use std::collections::BTreeMap;

type Error = Box<dyn std::error::Error>;
type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Seen by strace in pools of both engines, and what libraries of other versions call in their place.
const ALLOWED: &[i64] = &[
    // Descriptors that are there.
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_pread64,
    libc::SYS_close,
    libc::SYS_lseek,
    libc::SYS_dup,
    libc::SYS_shutdown,
    libc::SYS_getsockname,
    libc::SYS_getsockopt,
    // Files, as far as Landlock lets them be opened.
    libc::SYS_openat,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_readlinkat,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_getcwd,
    libc::SYS_getdents64,
    libc::SYS_fadvise64,
    // Memory.
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mprotect,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_brk,
    libc::SYS_pkey_alloc,
    libc::SYS_pkey_free,
    libc::SYS_pkey_mprotect,
    libc::SYS_membarrier,
    // Signals of its own.
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    // Threads of its own.
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_set_tid_address,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_exit,
    libc::SYS_exit_group,
    // Who and where it is.
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    libc::SYS_getrusage,
    libc::SYS_uname,
    libc::SYS_sysinfo,
    libc::SYS_capget,
    // Time and chance.
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_getrandom,
    // Waiting.
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_eventfd2,
    libc::SYS_pipe2,
    libc::SYS_ppoll,
];

/// What only this processor's older interface has.
#[cfg(target_arch = "x86_64")]
const ALLOWED_HERE: &[i64] = &[
    libc::SYS_open,
    libc::SYS_stat,
    libc::SYS_lstat,
    libc::SYS_access,
    libc::SYS_readlink,
    libc::SYS_arch_prctl,
    libc::SYS_epoll_wait,
    libc::SYS_poll,
];
#[cfg(not(target_arch = "x86_64"))]
const ALLOWED_HERE: &[i64] = &[];

/// Whoever calls these has broken out of everything else: the process is ended instead of refused.
const DEADLY: &[i64] = &[
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_kcmp,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
];

/// What this system is said not to know, so that another way is taken: libraries then use `clone`, whose flags do not lie in memory where
/// no filter sees them, and Wasmtime does without files that are memory.
const UNKNOWN: &[i64] = &[libc::SYS_clone3, libc::SYS_memfd_create];

/// `PR_SET_VMA`, by which allocators name their memory.
const PR_SET_VMA: u64 = 0x5356_4d41;
/// Of `seccomp(2)`: a further filter for all threads, by which the cell locks itself from inside.
const SET_MODE_FILTER: u64 = 1;
const TSYNC: u64 = 1;

/// `empty` is the address of the empty path in the one `execveat` that passes.
pub fn restrict(empty: u64) -> Result<(), Failure> {
    load(all(UNKNOWN), [SeccompAction::Allow, SeccompAction::Errno(libc::ENOSYS as u32)])
        .and_then(|()| load(all(DEADLY), [SeccompAction::Allow, SeccompAction::KillProcess]))
        .and_then(|()| load(allowed(empty)?, [SeccompAction::Errno(libc::EPERM as u32), SeccompAction::Allow]))
        .or_failure(Layer::Seccomp, "filter")
}

/// The kernel takes the most severe answer of all filters that are loaded.
fn load(rules: Rules, [otherwise, matched]: [SeccompAction; 2]) -> Result<(), Error> {
    let filter = SeccompFilter::new(rules, otherwise, matched, std::env::consts::ARCH.try_into()?)?;
    let program: BpfProgram = filter.try_into()?;
    Ok(apply_filter(&program)?)
}

fn allowed(empty: u64) -> Result<Rules, Error> {
    use SeccompCmpOp::{Eq, MaskedEq};
    let thread = libc::CLONE_THREAD as u64;
    let own = u64::from(std::process::id());
    let command = |value: u64| rule(vec![word(1, Eq, value)?]);
    let mut rules = all(ALLOWED);
    rules.extend(all(ALLOWED_HERE));
    // The first filter answers for them.
    rules.extend(all(UNKNOWN));
    rules.insert(libc::SYS_clone, vec![rule(vec![double(0, MaskedEq(thread), thread)?])?]);
    for signal in [libc::SYS_kill, libc::SYS_tgkill] {
        rules.insert(signal, vec![rule(vec![word(0, Eq, own)?])?]);
    }
    rules.insert(libc::SYS_prlimit64, vec![rule(vec![word(0, Eq, 0)?, double(2, Eq, 0)?])?]);
    let fcntl = [libc::F_GETFL, libc::F_SETFL, libc::F_GETFD, libc::F_SETFD, libc::F_DUPFD_CLOEXEC];
    rules.insert(libc::SYS_fcntl, fcntl.iter().map(|each| command(*each as u64)).collect::<Result<_, _>>()?);
    let ioctl = [libc::FIONBIO as u64, libc::FIOCLEX as u64, libc::TCGETS as u64, libc::FIONREAD as u64];
    rules.insert(libc::SYS_ioctl, ioctl.iter().map(|each| command(*each)).collect::<Result<_, _>>()?);
    let prctl = [libc::PR_SET_NAME as u64, PR_SET_VMA];
    rules.insert(libc::SYS_prctl, prctl.iter().map(|each| rule(vec![word(0, Eq, *each)?])).collect::<Result<_, _>>()?);
    rules.insert(libc::SYS_seccomp, vec![rule(vec![word(0, Eq, SET_MODE_FILTER)?, word(1, Eq, TSYNC)?])?]);
    let exec = vec![word(0, Eq, HANDLE as u64)?, double(1, Eq, empty)?, word(4, Eq, libc::AT_EMPTY_PATH as u64)?];
    rules.insert(libc::SYS_execveat, vec![rule(exec)?]);
    Ok(rules)
}

fn all(numbers: &[i64]) -> Rules {
    numbers.iter().map(|number| (*number, vec![])).collect()
}

fn rule(conditions: Vec<SeccompCondition>) -> Result<SeccompRule, Error> {
    Ok(SeccompRule::new(conditions)?)
}

fn word(argument: u8, operator: SeccompCmpOp, value: u64) -> Result<SeccompCondition, Error> {
    Ok(SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value)?)
}

fn double(argument: u8, operator: SeccompCmpOp, value: u64) -> Result<SeccompCondition, Error> {
    Ok(SeccompCondition::new(argument, SeccompCmpArgLen::Qword, operator, value)?)
}
