//! Jobs that can be stopped from another thread, and the alarm for their deadlines.

use crate::code::{Code, Result};
use crate::engine;
use napi_derive::napi;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

/// What a running guest looks at when the epoch has changed.
pub struct Control {
    cancelled: AtomicBool,
    deadline: Option<Instant>,
}

impl Control {
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    pub fn is_late(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }
}

#[derive(Default)]
struct Jobs {
    /// The process is ending: nothing begins any more.
    closed: bool,
    running: HashMap<u64, Arc<Control>>,
    /// Cancelled before they began.
    early: HashSet<u64>,
}

static JOBS: LazyLock<Mutex<Jobs>> = LazyLock::new(Mutex::default);

/// What is locked here is whole at every step, so a thread that panicked with a lock in its hand has broken nothing.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A guest's place among those that can be stopped; it is given up when dropped.
pub struct Entered {
    pub control: Arc<Control>,
    job: Option<u64>,
    alarm: Option<Alarm>,
}

/// Enters a guest. `job` is a number that the caller may cancel; a cancel that came before holds.
pub fn enter(job: Option<u64>, deadline: Option<Instant>) -> Result<Entered> {
    let alarm = deadline.map(set_alarm).transpose()?;
    let control = Arc::new(Control { cancelled: AtomicBool::new(false), deadline });
    if let Some(job) = job {
        let mut jobs = lock(&JOBS);
        control.cancelled.store(jobs.early.remove(&job) || jobs.closed, Ordering::Relaxed);
        jobs.running.insert(job, control.clone());
    }
    Ok(Entered { control, job, alarm })
}

impl Drop for Entered {
    fn drop(&mut self) {
        if let Some(job) = self.job {
            lock(&JOBS).running.remove(&job);
        }
        if let Some(alarm) = self.alarm {
            lock(&ALARMS.0).remove(&alarm);
        }
    }
}

/// Stops a job, wherever it runs in this process; one that has not begun will not begin. Whether it was running.
#[napi]
pub fn cancel(job: f64) -> bool {
    let job = job as u64;
    let mut jobs = lock(&JOBS);
    let Some(control) = jobs.running.get(&job) else {
        jobs.early.insert(job);
        return false;
    };
    control.cancelled.store(true, Ordering::Relaxed);
    engine::tick();
    true
}

/// Stops every job, also those that come later. A process cannot end while one of its threads is in a guest.
#[napi]
pub fn shut_down() {
    let mut jobs = lock(&JOBS);
    jobs.closed = true;
    for control in jobs.running.values() {
        control.cancelled.store(true, Ordering::Relaxed);
    }
    engine::tick();
}

/// Forgets a cancel of a job that will not begin any more.
#[napi]
pub fn forget(job: f64) {
    lock(&JOBS).early.remove(&(job as u64));
}

/// Deadlines, the earliest first, and the news that there is an earlier one.
static ALARMS: LazyLock<(Mutex<BTreeSet<Alarm>>, Condvar)> = LazyLock::new(Default::default);

/// A deadline, and a number that tells it from others of the same moment.
type Alarm = (Instant, u64);

/// The thread that waits for deadlines, made with the first of them.
static RINGER: Mutex<Option<thread::JoinHandle<()>>> = Mutex::new(None);

static NEXT_ALARM: AtomicU64 = AtomicU64::new(0);

fn set_alarm(deadline: Instant) -> Result<Alarm> {
    let mut ringer = lock(&RINGER);
    if ringer.is_none() {
        let made = thread::Builder::new().name("lodger-alarm".into()).spawn(ring);
        *ringer = Some(made.map_err(|error| napi::Error::new(Code::HostFault, format!("no thread for deadlines: {error}")))?);
    }
    drop(ringer);
    let alarm = (deadline, NEXT_ALARM.fetch_add(1, Ordering::Relaxed));
    let (alarms, news) = &*ALARMS;
    let mut alarms = lock(alarms);
    let is_earliest = alarms.first().is_none_or(|first| alarm < *first);
    alarms.insert(alarm);
    if is_earliest {
        news.notify_one();
    }
    Ok(alarm)
}

/// Changes the epoch when a deadline has come. A thread that ticks all the time would wake an idle machine a thousand times a second.
fn ring() {
    let (alarms, news) = &*ALARMS;
    let mut alarms = lock(alarms);
    loop {
        let Some(&first) = alarms.first() else {
            alarms = news.wait(alarms).unwrap_or_else(PoisonError::into_inner);
            continue;
        };
        let left = first.0.saturating_duration_since(Instant::now());
        if left.is_zero() {
            alarms.remove(&first);
            engine::tick();
        } else {
            alarms = news.wait_timeout(alarms, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
