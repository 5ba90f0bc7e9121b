//! Native log records, and who gets them: Python's `logging` (`forward`), and standard error or a file (`output`).
//!
//! # Invariants
//! * Recording never attaches to Python and never runs user code; what nobody wants is not even written down.
//! * A record's logger is its target, or its module path, under `mesos.`: `mesos.http`, `mesos.local.server`.
//! * No record holds a secret, nor the body of anything: calls and events are named, with their size.
//! * Nothing here can be left locked by a fork: what is locked belongs to one process.

mod forward;
mod output;

pub(crate) use forward::{forward, install};
pub(crate) use output::{py_trace, wanted};

use std::fmt::{self, Write};
use std::sync::Once;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record as Values};
use tracing::{Event, Level, Metadata, Subscriber, callsite};

/// A record on its way.
struct Record {
    /// Python's number
    level: i32,
    logger: String,
    message: String,
}

/// Python's numbers of the levels.
const WARNING: i32 = 30;
const INFO: i32 = 20;
/// Calls, events and handlers, one by one. Python has no name for it.
const TRACE: i32 = 5;
/// Above all of them.
const NOTHING: i32 = 100;

fn number(level: &Level) -> i32 {
    match *level {
        Level::ERROR => 40,
        Level::WARN => WARNING,
        Level::INFO => INFO,
        Level::DEBUG => 10,
        Level::TRACE => TRACE,
    }
}

/// The lowest level that anybody wants.
fn lowest() -> i32 {
    forward::lowest().min(output::lowest())
}

/// Records from now on; again, after somebody wants another level than before.
fn record() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // fails only where a test of this crate has set its own
        drop(tracing::subscriber::set_global_default(Recorder));
    });
    callsite::rebuild_interest_cache(); // each place in the code keeps whether it is wanted
}

/// `mesos.backend.http` for the module `_mesos::backend::http`; nothing for other crates.
fn logger_name(target: &str) -> Option<String> {
    is_ours(target).then(|| target.strip_prefix('_').unwrap_or(target).replace("::", "."))
}

fn is_ours(target: &str) -> bool {
    let path = target.strip_prefix('_').unwrap_or(target);
    path == "mesos" || path.starts_with("mesos::") || path.starts_with("mesos.")
}

/// The `tracing` subscriber of this library.
struct Recorder;

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        number(metadata.level()) >= lowest() && is_ours(metadata.target())
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        let levels = [Level::TRACE, Level::DEBUG, Level::INFO, Level::WARN, Level::ERROR];
        let wanted = levels.into_iter().find(|level| number(level) >= lowest());
        Some(wanted.map_or(LevelFilter::OFF, LevelFilter::from_level))
    }

    fn event(&self, event: &Event<'_>) {
        let Some(logger) = logger_name(event.metadata().target()) else { return };
        let mut words = Words::default();
        event.record(&mut words);
        let level = number(event.metadata().level());
        let record = Record { level, logger, message: words.message + &words.fields };
        if level >= output::lowest() {
            output::write(&record);
        }
        if level >= forward::lowest() {
            forward::push(record);
        }
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
}
