//! Native log records on their way to Python's `logging`: kept in a ring until a dispatching thread takes them.
//!
//! # Invariants
//! * Recording never attaches to Python, never blocks on it, and keeps at most `CAPACITY` records; what is lost
//!   is counted and said.
//! * `forward` runs on dispatching threads only; it may run handlers of `logging`, which are the user's code, so
//!   no lock is held then.
//! * A record's logger is its module path under `mesos.`: `mesos.backend.http.calls`.

use crate::queue::Waker;
use pyo3::prelude::*;
use std::collections::VecDeque;
use std::fmt::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError, Weak};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record as Values};
use tracing::{Event, Level, Metadata, Subscriber};

const CAPACITY: usize = 1000;

/// Python's numbers of the levels.
const WARNING: i32 = 30;
const INFO: i32 = 20;

static RING: Mutex<Ring> = Mutex::new(Ring { records: VecDeque::new(), lost: 0, wakers: Vec::new() });
/// something is in the ring
static WAITING: AtomicBool = AtomicBool::new(false);
/// the lowest level that `logging` wants
static LOWEST: AtomicI32 = AtomicI32::new(INFO);

struct Ring {
    records: VecDeque<Record>,
    lost: u64,
    /// who forwards: the drivers that run
    wakers: Vec<Weak<dyn Waker>>,
}

struct Record {
    level: i32,
    logger: String,
    message: String,
}

fn ring() -> MutexGuard<'static, Ring> {
    RING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts recording, and wakes `waker` whenever there is something to forward. Called at each driver's start.
pub(crate) fn install(py: Python<'_>, waker: Weak<dyn Waker>) -> PyResult<()> {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // fails only where a test of this crate has set its own
        drop(tracing::subscriber::set_global_default(Recorder));
    });
    let mut ring = ring();
    ring.wakers.retain(|known| known.strong_count() > 0);
    ring.wakers.push(waker);
    drop(ring);
    ask_level(py)
}

/// Hands what was recorded to `logging`. Cheap when there is nothing.
pub(crate) fn forward(py: Python<'_>) -> PyResult<()> {
    if !WAITING.load(Ordering::Acquire) {
        return Ok(());
    }
    ask_level(py)?;
    let (records, lost) = {
        let mut ring = ring();
        WAITING.store(false, Ordering::Release);
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
    let logger = py.import("logging")?.call_method1("getLogger", ("mesos",))?;
    let level: i32 = logger.call_method0("getEffectiveLevel")?.extract()?;
    LOWEST.store(level.min(INFO), Ordering::Relaxed);
    Ok(())
}

fn number(level: &Level) -> i32 {
    match *level {
        Level::ERROR => 40,
        Level::WARN => WARNING,
        Level::INFO => INFO,
        Level::DEBUG => 10,
        Level::TRACE => 5,
    }
}

/// `mesos.backend.http` for the module `_mesos::backend::http`; nothing for other crates.
fn logger_name(target: &str) -> Option<String> {
    let path = target.strip_prefix('_').unwrap_or(target);
    let ours = path == "mesos" || path.starts_with("mesos::") || path.starts_with("mesos.");
    ours.then(|| path.replace("::", "."))
}

/// The `tracing` subscriber of this library.
struct Recorder;

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let wanted = number(metadata.level()) >= LOWEST.load(Ordering::Relaxed);
        wanted && logger_name(metadata.target()).is_some()
    }

    fn event(&self, event: &Event<'_>) {
        let Some(logger) = logger_name(event.metadata().target()) else { return };
        let mut words = Words::default();
        event.record(&mut words);
        let record = Record {
            level: number(event.metadata().level()),
            logger,
            message: words.message + &words.fields,
        };
        let wakers = {
            let mut ring = ring();
            if ring.records.len() == CAPACITY {
                ring.records.pop_front();
                ring.lost += 1;
            }
            ring.records.push_back(record);
            let first = !WAITING.swap(true, Ordering::AcqRel);
            if first { ring.wakers.clone() } else { Vec::new() }
        };
        wakers.iter().filter_map(Weak::upgrade).for_each(|waker| waker.wake());
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1) // spans are not used here
    }

    fn record(&self, _: &Id, _: &Values<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// The text of a record: its message, then its fields.
#[derive(Default)]
struct Words {
    message: String,
    fields: String,
}

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // writing to a String cannot fail
        let _infallible = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loggers_are_named_after_modules_and_others_are_not_heard() {
        assert_eq!(logger_name("_mesos::backend::http").as_deref(), Some("mesos.backend.http"));
        assert_eq!(logger_name("mesos.driver").as_deref(), Some("mesos.driver"));
        assert_eq!(logger_name("hyper::proto"), None);
        assert_eq!(logger_name("mesosphere"), None);
    }

    #[test]
    fn a_full_ring_counts_what_it_loses() {
        tracing::subscriber::with_default(Recorder, || {
            for number in 0..CAPACITY + 5 {
                tracing::warn!(target: "mesos.test", number, "record");
            }
        });
        let mut ring = ring();
        let ours: Vec<_> = ring.records.iter().filter(|record| record.logger == "mesos.test").collect();
        assert_eq!(ours.last().map(|record| &*record.message), Some("record number=1004"));
        assert!(ring.lost >= 5 && ring.records.len() == CAPACITY);
        ring.records.clear();
        ring.lost = 0;
    }
}
