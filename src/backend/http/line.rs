//! The two ends of a backend's task: what the driver wants goes through a channel, what was done is in counters.
//!
//! # Invariants
//! * Nothing here blocks or fails upward: a task that has ended takes no more calls, and they are counted as dropped.
//! * A defect ends the task as everything else does, with a word to the driver.
//! * Acknowledgements have a way of their own, on which they may wait for company; the others come at once.

use super::acks::Acks;
use super::attempt::Session;
use crate::backend::{Backend, End, Stats};
use crate::error::Result;
use crate::event::{Call, Failure, FailureKind};
use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Instant;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// What a driver can want.
pub(super) enum Command {
    Call(Call),
    End(End),
}

/// What a task has done, for `Stats`.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) sent: AtomicU64,
    pub(super) rejected: AtomicU64,
    pub(super) dropped: AtomicU64,
    pub(super) reconnects: AtomicU64,
    unacknowledged: AtomicU64,
    heard: Mutex<Option<Instant>>,
}

impl Counters {
    /// Notes when the server last said something.
    pub(super) fn hear<S>(&self, session: &Session<S>) {
        *self.heard() = Some(session.heard().into_std());
    }

    /// An update that was `kept` is kept no more.
    pub(super) fn settle(&self, kept: bool) {
        self.unacknowledged.fetch_sub(u64::from(kept), Ordering::Relaxed);
    }

    fn heard(&self) -> MutexGuard<'_, Option<Instant>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The driver's end.
pub(crate) struct Line {
    commands: UnboundedSender<Command>,
    acks: Arc<Acks>,
    counters: Arc<Counters>,
}

/// A line, and what its task needs of it.
pub(super) fn line() -> (Line, UnboundedReceiver<Command>, Arc<Acks>, Arc<Counters>) {
    let (commands, received) = unbounded_channel();
    let (acks, counters) = (Arc::<Acks>::default(), Arc::<Counters>::default());
    (Line { commands, acks: acks.clone(), counters: counters.clone() }, received, acks, counters)
}

impl Backend for Line {
    fn send(&self, call: Call) -> Result<()> {
        if matches!(call, Call::Update(_)) {
            add(&self.counters.unacknowledged, 1);
        }
        let taken = match call {
            Call::Acknowledge { .. } | Call::AcknowledgeOperation { .. } => self.acks.push(call),
            call => self.commands.send(Command::Call(call)).is_ok(),
        };
        if !taken {
            add(&self.counters.dropped, 1);
        }
        Ok(())
    }

    fn end(&self, how: End) {
        // an error says that it has ended already
        self.commands.send(Command::End(how)).ok();
    }

    fn stats(&self) -> Stats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            calls_sent: read(&self.counters.sent),
            calls_rejected: read(&self.counters.rejected),
            calls_dropped: read(&self.counters.dropped),
            reconnects: read(&self.counters.reconnects),
            unacknowledged: read(&self.counters.unacknowledged),
            heard: *self.counters.heard(),
        }
    }
}

pub(super) fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}

/// How the driver's life ends.
pub(super) enum Stop {
    Ended,
    Failed(Failure),
}

/// How a task's life ends, also one that panics: a driver that heard nothing would wait for ever, or end in silence.
pub(super) async fn guarded(life: impl Future<Output = Stop>) -> Stop {
    let mut life = pin!(life);
    poll_fn(|context| {
        // what it has borrowed is only closed and counted afterwards
        let polled = catch_unwind(AssertUnwindSafe(|| life.as_mut().poll(context)));
        polled.unwrap_or_else(|panic| Poll::Ready(Stop::Failed(defect(&*panic))))
    })
    .await
}

/// What a panic says.
fn defect(panic: &(dyn Any + Send)) -> Failure {
    let words = panic.downcast_ref::<String>().map(String::as_str);
    let words = words.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no words");
    let message = format!(
        "the driver's network task has failed, a defect of the mesos package: please report it ({words})"
    );
    Failure { kind: FailureKind::Mesos, message }
}

/// How a subscription ends.
pub(super) enum Served {
    Stopped(Stop),
    Lost(String),
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    #[test]
    fn acknowledgements_wake_nobody_as_calls_do() {
        let (line, mut commands, acks, counters) = line();
        let empty = Bytes::new;
        let of_task = Call::Acknowledge { agent_id: empty(), task_id: empty(), uuid: empty() };
        let of_operation = Call::AcknowledgeOperation {
            agent_id: None,
            resource_provider_id: None,
            uuid: empty(),
            operation_id: empty(),
        };
        line.send(of_task).unwrap();
        line.send(of_operation).unwrap();
        assert!(commands.try_recv().is_err());
        assert_eq!(acks.take().len(), 2);
        line.send(Call::Revive { roles: Vec::new() }).unwrap();
        assert!(matches!(commands.try_recv(), Ok(Command::Call(Call::Revive { .. }))));
        assert_eq!(counters.dropped.load(Ordering::Relaxed), 0);
    }
}
