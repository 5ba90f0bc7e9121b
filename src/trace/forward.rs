//! Records for Python's `logging`: kept in a ring until a dispatching thread takes them.
//!
//! # Invariants
//! * The ring keeps at most `CAPACITY` records; what is lost is counted and said.
//! * A dispatching thread forwards once more after it has cleared its waker: a record that came before that woke nobody else.
//! * `forward` runs on dispatching threads only; it may run handlers of `logging`, which are the user's code, so
//!   no lock is held then.
//! * A forked child begins with an empty ring of its own: the parent's may be locked, and its records are the
//!   parent's to tell.

use super::{INFO, Record, WARNING};
use crate::queue::Waker;
use crate::sys::process_static::ProcessStatic;
use pyo3::prelude::*;
use std::collections::VecDeque;
use std::process;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, Weak};

const CAPACITY: usize = 1000;
/// The loggers whose levels are asked for; below them are only such as nobody sets.
const LOGGERS: [&str; 2] = ["mesos", "mesos.http"];

static CURRENT: ProcessStatic<Shared> = ProcessStatic::empty();
/// the lowest level that `logging` wants
static LOWEST: AtomicI32 = AtomicI32::new(INFO);

/// The ring of one process.
struct Shared {
    pid: u32,
    /// something is in the ring
    waiting: AtomicBool,
    ring: Mutex<Ring>,
}

#[derive(Default)]
struct Ring {
    records: VecDeque<Record>,
    lost: u64,
    /// who forwards: the drivers that run
    wakers: Vec<Weak<dyn Waker>>,
}

impl Shared {
    fn of_this_process() -> &'static Self {
        let pid = process::id();
        loop {
            let seen = CURRENT.get();
            if let Some(shared) = seen.filter(|shared| shared.pid == pid) {
                return shared;
            }
            let made = Self { pid, waiting: AtomicBool::new(false), ring: Mutex::default() };
            CURRENT.replace(seen, Box::leak(Box::new(made)));
        }
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The lowest level that is of use here.
pub(super) fn lowest() -> i32 {
    LOWEST.load(Ordering::Relaxed)
}

/// Starts recording, and wakes `waker` whenever there is something to forward. Called at each driver's start.
pub(crate) fn install(py: Python<'_>, waker: Weak<dyn Waker>) -> PyResult<()> {
    super::record();
    let shared = Shared::of_this_process();
    let mut ring = shared.ring();
    ring.wakers.retain(|known| known.strong_count() > 0);
    ring.wakers.push(waker.clone());
    drop(ring);
    if shared.waiting.load(Ordering::Acquire)
        && let Some(waker) = waker.upgrade()
    {
        waker.wake(); // what waits has woken others, who may be gone
    }
    ask_level(py)
}

/// Keeps a record, and wakes the dispatchers if it is the first one.
pub(super) fn push(record: Record) {
    let shared = Shared::of_this_process();
    let wakers = {
        let mut ring = shared.ring();
        if ring.records.len() == CAPACITY {
            ring.records.pop_front();
            ring.lost += 1;
        }
        ring.records.push_back(record);
        let first = !shared.waiting.swap(true, Ordering::AcqRel);
        if first { ring.wakers.clone() } else { Vec::new() }
    };
    wakers.iter().filter_map(Weak::upgrade).for_each(|waker| waker.wake());
}

/// Hands what was recorded to `logging`. Cheap when there is nothing.
pub(crate) fn forward(py: Python<'_>) -> PyResult<()> {
    let shared = Shared::of_this_process();
    if !shared.waiting.load(Ordering::Acquire) {
        return Ok(());
    }
    ask_level(py)?;
    let (records, lost) = {
        let mut ring = shared.ring();
        shared.waiting.store(false, Ordering::Release);
        (std::mem::take(&mut ring.records), std::mem::take(&mut ring.lost))
    };
    let logger = |name: &str| py.import("logging")?.call_method1("getLogger", (name,));
    if lost > 0 {
        let words = format!("{lost} older records were lost: no driver dispatched in time");
        logger("mesos")?.call_method1("log", (WARNING, words))?;
    }
    for record in records {
        logger(&record.logger)?.call_method1("log", (record.level, "%s", record.message))?;
    }
    Ok(())
}

/// Asks `logging` what it wants to hear, so that the rest is not even written down.
fn ask_level(py: Python<'_>) -> PyResult<()> {
    let logging = py.import("logging")?;
    let mut lowest = INFO;
    for name in LOGGERS {
        let logger = logging.call_method1("getLogger", (name,))?;
        lowest = lowest.min(logger.call_method0("getEffectiveLevel")?.extract()?);
    }
    if LOWEST.swap(lowest, Ordering::Relaxed) != lowest {
        super::record();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::Recorder;
    use super::*;

    #[test]
    fn a_full_ring_counts_what_it_loses() {
        tracing::subscriber::with_default(Recorder, || {
            for number in 0..CAPACITY + 5 {
                tracing::warn!(target: "mesos.test", number, "record");
            }
        });
        let mut ring = Shared::of_this_process().ring();
        let ours: Vec<_> = ring.records.iter().filter(|record| record.logger == "mesos.test").collect();
        assert_eq!(ours.last().map(|record| &*record.message), Some("record number=1004"));
        assert!(ring.lost >= 5 && ring.records.len() == CAPACITY);
        ring.records.clear();
        ring.lost = 0;
    }
}
