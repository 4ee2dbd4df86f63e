//! The alarm for deadlines: one thread that changes the epoch when the earliest has come.

use crate::code::{Code, Result};
use crate::engine;
use crate::job::lock;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

/// A deadline, and a number that tells it from others of the same moment.
type Key = (Instant, u64);

struct Alarms {
    set: BTreeSet<Key>,
    /// When the thread wakes by itself.
    wakes: Option<Instant>,
    /// Whether there is a thread; it is made with the first deadline.
    rings: bool,
}

static ALARMS: Mutex<Alarms> = Mutex::new(Alarms { set: BTreeSet::new(), wakes: None, rings: false });

/// That there is a deadline before the thread wakes.
static NEWS: Condvar = Condvar::new();

static NEXT: AtomicU64 = AtomicU64::new(0);

/// A deadline that is waited for; it is given up when dropped.
pub struct Alarm(Key);

impl Alarm {
    pub fn set(deadline: Instant) -> Result<Self> {
        let key = (deadline, NEXT.fetch_add(1, Ordering::Relaxed));
        let mut alarms = lock(&ALARMS);
        if !alarms.rings {
            let made = thread::Builder::new().name("lodger-alarm".into()).spawn(ring);
            made.map_err(|error| napi::Error::new(Code::HostFault, format!("no thread for deadlines: {error}")))?;
            alarms.rings = true;
        }
        alarms.set.insert(key);
        // A deadline that was given up leaves the thread asleep until then. Waking it for every task would cost as much as the task.
        if alarms.wakes.is_none_or(|wakes| deadline < wakes) {
            alarms.wakes = Some(deadline);
            NEWS.notify_one();
        }
        Ok(Self(key))
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        lock(&ALARMS).set.remove(&self.0);
    }
}

/// A thread that ticks all the time would wake an idle machine a thousand times a second.
fn ring() {
    let mut alarms = lock(&ALARMS);
    loop {
        let now = Instant::now();
        while alarms.set.first().is_some_and(|first| first.0 <= now) {
            alarms.set.pop_first();
            engine::tick();
        }
        alarms.wakes = alarms.set.first().map(|first| first.0);
        alarms = match alarms.wakes {
            Some(wakes) => {
                let left = wakes.saturating_duration_since(now);
                NEWS.wait_timeout(alarms, left).unwrap_or_else(PoisonError::into_inner).0
            }
            None => NEWS.wait(alarms).unwrap_or_else(PoisonError::into_inner),
        };
    }
}
