//! What to put up and what to become, from the command line.

use crate::report::Layer;
use std::ffi::{CString, OsString};
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// `--frames N --report N [--read PATH]... [--memory BYTES] [--processes N] [--without LAYER]... -- PROGRAM ARGUMENTS...`
pub struct Order {
    /// The descriptor of the frames, the one that the program keeps beside the standard three.
    pub frames: RawFd,
    pub report: RawFd,
    /// Files and folders that can be read in the cell, where they are outside.
    pub read: Vec<PathBuf>,
    /// Bytes of data that the process may map.
    pub memory: Option<u64>,
    /// Threads that it may have.
    pub processes: Option<u64>,
    pub without: Vec<Layer>,
    /// The program's path and its arguments, the first of which is the path again.
    pub program: Vec<CString>,
}

impl Order {
    pub fn read(mut words: impl Iterator<Item = OsString>) -> Result<Order, String> {
        let (mut frames, mut report) = (None, None);
        let mut order =
            Order { frames: 0, report: 0, read: vec![], memory: None, processes: None, without: vec![], program: vec![] };
        while let Some(word) = words.next() {
            if word == "--" {
                order.program = words.by_ref().map(|word| text(&word)).collect::<Result<_, _>>()?;
                break;
            }
            let value = words.next().ok_or_else(|| format!("{} takes a value", word.display()))?;
            match word.to_str() {
                Some("--frames") => frames = Some(number(&value)?),
                Some("--report") => report = Some(number(&value)?),
                Some("--read") => order.read.push(absolute(value)?),
                Some("--memory") => order.memory = Some(number(&value)?),
                Some("--processes") => order.processes = Some(number(&value)?),
                Some("--without") => order.without.push(layer(&value)?),
                _ => return Err(format!("{} is no option", word.display())),
            }
        }
        order.frames = frames.ok_or("--frames is missing")?;
        order.report = report.ok_or("--report is missing")?;
        if !order.program_path().is_absolute() {
            return Err("a program is named by an absolute path after --".to_owned());
        }
        Ok(order)
    }

    pub fn has(&self, layer: Layer) -> bool {
        !self.without.contains(&layer)
    }

    pub fn program_path(&self) -> &Path {
        Path::new(std::ffi::OsStr::from_bytes(self.program.first().map_or(b"", |path| path.as_bytes())))
    }

    /// The descriptors that are not closed at once.
    pub fn kept(&self) -> [RawFd; 5] {
        [0, 1, 2, self.frames, self.report]
    }
}

fn number<T: std::str::FromStr>(word: &OsString) -> Result<T, String> {
    word.to_str().and_then(|digits| digits.parse().ok()).ok_or_else(|| format!("{} is no number", word.display()))
}

fn layer(word: &OsString) -> Result<Layer, String> {
    let known = Layer::ALL.iter().find(|(_, name)| word == name);
    known.map(|(layer, _)| *layer).ok_or_else(|| format!("{} is no layer", word.display()))
}

fn absolute(word: OsString) -> Result<PathBuf, String> {
    let path = PathBuf::from(word);
    if path.is_absolute() { Ok(path) } else { Err(format!("{} is no absolute path", path.display())) }
}

fn text(word: &OsString) -> Result<CString, String> {
    CString::new(word.as_bytes()).map_err(|_| "an argument has a zero byte".to_owned())
}
