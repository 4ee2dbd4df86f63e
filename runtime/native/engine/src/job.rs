//! Jobs that can be stopped from another thread, or by their deadlines.

use crate::alarm::Alarm;
use crate::code::{Result, Stop};
use crate::engine;
use napi_derive::napi;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What a running guest looks at when the epoch has changed.
pub struct Control {
    cancelled: AtomicBool,
    deadline: Option<Instant>,
}

impl Control {
    /// The epoch has to be changed afterwards.
    fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    /// `look`, by a guest that has just taken note of the epoch: a cancel that came before is seen here, a later one changes the epoch.
    pub fn look_first(&self) -> std::result::Result<(), Stop> {
        fence(Ordering::SeqCst);
        self.look()
    }

    /// Whether the guest has to stop.
    pub fn look(&self) -> std::result::Result<(), Stop> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(Stop::Aborted);
        }
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) { Err(Stop::WallSpent) } else { Ok(()) }
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
    _alarm: Option<Alarm>,
}

/// Enters a guest, if it can be stopped at all. `job` is a number that the caller may cancel; a cancel that came before holds.
pub fn enter(job: Option<f64>, wall_ms: Option<f64>) -> Result<Option<Entered>> {
    if job.is_none() && wall_ms.is_none() {
        return Ok(None);
    }
    let (job, deadline) = (job.map(|job| job as u64), wall_ms.and_then(deadline_in));
    let alarm = deadline.map(Alarm::set).transpose()?;
    let control = Arc::new(Control { cancelled: AtomicBool::new(false), deadline });
    if let Some(job) = job {
        let mut jobs = lock(&JOBS);
        control.cancelled.store(jobs.early.remove(&job) || jobs.closed, Ordering::Relaxed);
        jobs.running.insert(job, control.clone());
    }
    Ok(Some(Entered { control, job, _alarm: alarm }))
}

impl Drop for Entered {
    fn drop(&mut self) {
        if let Some(job) = self.job {
            lock(&JOBS).running.remove(&job);
        }
    }
}

/// `None` for one that never comes.
fn deadline_in(ms: f64) -> Option<Instant> {
    Instant::now().checked_add(Duration::try_from_secs_f64(ms.max(0.0) / 1e3).ok()?)
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
    control.cancel();
    engine::tick();
    true
}

/// Stops every job, also those that come later. A process cannot end while one of its threads is in a guest.
#[napi]
pub fn shut_down() {
    let mut jobs = lock(&JOBS);
    jobs.closed = true;
    for control in jobs.running.values() {
        control.cancel();
    }
    engine::tick();
}

/// Forgets a cancel of a job that will not begin any more.
#[napi]
pub fn forget(job: f64) {
    lock(&JOBS).early.remove(&(job as u64));
}
