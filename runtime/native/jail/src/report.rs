//! What whoever started this process is told, a line each: `pid N`, then `held LAYER,LAYER`, or `failed LAYER REASON`.

use crate::order::Order;
use std::fs::File;
use std::io::{Error, Write};
use std::os::fd::{FromRawFd, RawFd};

/// The walls, by the names that receipts have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    Descriptors,
    Namespaces,
    Root,
    Limits,
    Capabilities,
    Landlock,
    Seccomp,
}

impl Layer {
    pub const ALL: [(Layer, &'static str); 7] = [
        (Layer::Descriptors, "descriptors"),
        (Layer::Namespaces, "namespaces"),
        (Layer::Root, "root"),
        (Layer::Limits, "limits"),
        (Layer::Capabilities, "capabilities"),
        (Layer::Landlock, "landlock"),
        (Layer::Seccomp, "seccomp"),
    ];

    pub fn name(self) -> &'static str {
        Layer::ALL.iter().find(|(layer, _)| *layer == self).map_or("", |(_, name)| name)
    }
}

/// A wall that could not be put up, and why.
pub struct Failure {
    layer: Layer,
    reason: String,
}

impl Failure {
    pub fn of(layer: Layer, what: &str, error: impl std::fmt::Display) -> Failure {
        Failure { layer, reason: format!("{what}: {error}") }
    }

    /// With the error that the last system call left.
    pub fn last(layer: Layer, what: &str) -> Failure {
        Failure::of(layer, what, Error::last_os_error())
    }
}

/// Turns what a call gives into a failure of a layer.
pub trait OrFailure<T> {
    fn or_failure(self, layer: Layer, what: &str) -> Result<T, Failure>;
}

impl<T, E: std::fmt::Display> OrFailure<T> for Result<T, E> {
    fn or_failure(self, layer: Layer, what: &str) -> Result<T, Failure> {
        self.map_err(|error| Failure::of(layer, what, error))
    }
}

/// The descriptor that is told. It is closed when the program begins.
pub struct Report(File);

impl Report {
    pub fn to(descriptor: RawFd) -> Report {
        // SAFETY: the descriptor was named for this purpose and nothing else of this process uses it.
        let file = unsafe { File::from_raw_fd(descriptor) };
        // If it is no descriptor, nobody listens.
        let _ = rustix::io::fcntl_setfd(&file, rustix::io::FdFlags::CLOEXEC);
        Report(file)
    }

    /// The process to watch, by its number outside.
    pub fn process(&self, number: u32) {
        self.say(format!("pid {number}\n"));
    }

    pub fn held(&self, order: &Order) {
        let names: Vec<_> = Layer::ALL.iter().filter(|(layer, _)| order.has(*layer)).map(|(_, name)| *name).collect();
        self.say(format!("held {}\n", names.join(",")));
    }

    pub fn failed(&self, Failure { layer, reason }: &Failure) {
        self.say(format!("failed {} {}\n", layer.name(), reason.replace('\n', " ")));
    }

    /// Whoever does not listen is not told.
    fn say(&self, line: String) {
        let _ = (&self.0).write_all(line.as_bytes());
    }
}
