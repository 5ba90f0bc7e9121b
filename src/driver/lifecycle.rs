//! The status machine of both drivers, over any backend: one implementation, in plain Rust.
//!
//! # Invariants
//! * NOT_STARTED → RUNNING → { ABORTED → STOPPED, STOPPED }; never back, and a driver starts once.
//! * Status and backend change under one lock: no call reaches a backend after it was told to end. Acknowledgements come from
//!   a thread that holds the GIL and must not wait for that lock: those that are late are the backend's to drop.
//! * What is received while the driver does not run is discarded unseen.
//! * Close order: stop or abort → the backend ends and drops its sender → the queue is discarded → the
//!   dispatcher returns → the descriptor is closed.
//! * In a forked child nothing works and nothing is torn down: the parent still owns it.

use crate::backend::{Backend, End, Stats};
use crate::error::{Error, Result};
use crate::event::{Call, Event};
use crate::queue::{self, Bell, Received, Receiver, Sender};
use crate::sys::forks::forks;
use std::mem;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

/// Where a driver is in its life; the numbers are those of `mesos.Status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Status {
    NotStarted = 1,
    Running = 2,
    Aborted = 3,
    Stopped = 4,
}

/// A lock that a panic elsewhere cannot poison: what it guards is always whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One driver's life, from its queue to the end of its backend.
pub(crate) struct Lifecycle {
    /// the Python class, for messages
    kind: &'static str,
    forks: u64,
    line: Mutex<Line>,
    /// the status of `line`, readable without the lock
    status: AtomicU8,
    /// from `start` on
    backend: OnceLock<Arc<dyn Backend>>,
    receiver: Receiver,
    /// `None` once the dispatcher has returned; whoever still waits holds the descriptor open
    bell: Mutex<Option<Arc<Bell>>>,
    ended: AtomicBool,
    /// calls made while the driver did not run
    refused: AtomicU64,
    said_refused: AtomicBool,
}

/// What changes together.
struct Line {
    status: Status,
    /// until `start`
    sender: Option<Sender>,
}

impl Lifecycle {
    /// A driver that is not started, of the Python class `kind`.
    pub(crate) fn new(kind: &'static str) -> Result<Self> {
        let (sender, receiver, bell) = queue::with_fd()?;
        let line = Line { status: Status::NotStarted, sender: Some(sender) };
        Ok(Self {
            kind,
            forks: forks(),
            line: Mutex::new(line),
            status: AtomicU8::new(Status::NotStarted as u8),
            backend: OnceLock::new(),
            receiver,
            bell: Mutex::new(Some(bell)),
            ended: AtomicBool::new(false),
            refused: AtomicU64::new(0),
            said_refused: AtomicBool::new(false),
        })
    }

    /// Fails in a forked child.
    pub(crate) fn check_process(&self) -> Result<()> {
        if self.forked() { Err(Error::Forked(self.kind)) } else { Ok(()) }
    }

    fn forked(&self) -> bool {
        forks() != self.forks
    }

    pub(crate) fn status(&self) -> Status {
        match self.status.load(Ordering::Acquire) {
            1 => Status::NotStarted,
            2 => Status::Running,
            3 => Status::Aborted,
            _ => Status::Stopped,
        }
    }

    pub(crate) fn running(&self) -> bool {
        self.status() == Status::Running
    }

    fn enter(&self, line: &mut Line, status: Status) {
        line.status = status;
        self.status.store(status as u8, Ordering::Release);
    }

    /// Starts once: `connect` makes the backend, which takes the sender. Otherwise the status as it is.
    /// A `connect` that fails aborts the driver.
    pub(crate) fn start(&self, connect: impl FnOnce(Sender) -> Result<Arc<dyn Backend>>) -> Result<Status> {
        let mut line = lock(&self.line);
        if line.status != Status::NotStarted {
            return Ok(line.status);
        }
        let Some(sender) = line.sender.take() else { return Ok(line.status) };
        match connect(sender) {
            Ok(backend) => {
                self.backend.get_or_init(|| backend);
                self.enter(&mut line, Status::Running);
                Ok(Status::Running)
            }
            Err(error) => {
                self.enter(&mut line, Status::Aborted);
                Err(error)
            }
        }
    }

    /// Ends behind the calls made so far. Returns ABORTED after an abort, although the status is STOPPED then.
    pub(crate) fn stop(&self, how: End) -> Status {
        if self.forked() {
            return self.status();
        }
        let mut line = lock(&self.line);
        match line.status {
            Status::Running => {
                self.enter(&mut line, Status::Stopped);
                if let Some(backend) = self.backend() {
                    backend.end(how);
                }
                Status::Stopped
            }
            Status::Aborted => {
                self.enter(&mut line, Status::Stopped);
                Status::Aborted
            }
            other => other,
        }
    }

    /// Ends now, without a word to the master. Only while running; otherwise the status as it is.
    pub(crate) fn abort(&self) -> Status {
        if self.forked() {
            return self.status();
        }
        let mut line = lock(&self.line);
        if line.status == Status::Running {
            self.enter(&mut line, Status::Aborted);
            if let Some(backend) = self.backend() {
                backend.end(End::Abort);
            }
        }
        line.status
    }

    /// Sends while running; otherwise counts the call as refused. The status either way; fails if the backend has
    /// no such call.
    pub(crate) fn send(&self, call: Call) -> Result<Status> {
        let line = lock(&self.line);
        match (line.status, self.backend.get()) {
            (Status::Running, Some(backend)) => backend.send(call)?,
            _ => {
                self.refused.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(line.status)
    }

    /// Sends an acknowledgement, without waiting for anything: not even for a call that is under way. True if it is left
    /// to `flush`.
    pub(crate) fn acknowledge(&self, call: Call) -> Result<bool> {
        let backend = self.backend().filter(|_| self.running());
        backend.map_or(Ok(false), |backend| backend.acknowledge(call))
    }

    /// Sends what `acknowledge` left. Not with the GIL held.
    pub(crate) fn flush(&self) -> Result<()> {
        self.backend().map_or(Ok(()), |backend| backend.flush())
    }

    /// Has another thread do that soon.
    pub(crate) fn hand_over(&self) {
        if let Some(backend) = self.backend() {
            backend.hand_over();
        }
    }

    /// None in a child that a handler has forked: it is the parent's, and may be locked for ever.
    fn backend(&self) -> Option<&Arc<dyn Backend>> {
        self.backend.get().filter(|_| !self.forked())
    }

    /// True the first time that a call was refused.
    pub(crate) fn first_refusal(&self) -> bool {
        !self.said_refused.swap(true, Ordering::Relaxed)
    }

    /// The next event, if the driver runs; what came while it does not is dropped. Never blocks.
    pub(crate) fn receive(&self) -> Option<(Instant, Event)> {
        loop {
            match self.receiver.receive() {
                Received::Event(queued, event) if self.running() => return Some((queued, event)),
                Received::Event(..) => {}
                Received::Empty => return None,
                Received::Ended => {
                    self.ended.store(true, Ordering::Release);
                    return None;
                }
            }
        }
    }

    /// The backend has ended and the queue is empty: nothing will come any more.
    pub(crate) fn ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// What becomes readable when there is something to receive, until `close`.
    pub(crate) fn bell(&self) -> Option<Arc<Bell>> {
        lock(&self.bell).clone()
    }

    /// The last step of the close order: the dispatcher has returned and watches the descriptor no more.
    pub(crate) fn close(&self) {
        lock(&self.bell).take();
    }

    pub(crate) fn receiver(&self) -> &Receiver {
        &self.receiver
    }

    /// The backend's counters, and the calls that did not even reach it.
    pub(crate) fn stats(&self) -> Stats {
        let mut stats = self.backend.get().map(|backend| backend.stats()).unwrap_or_default();
        stats.calls_dropped += self.refused.load(Ordering::Relaxed);
        stats
    }
}

impl Drop for Lifecycle {
    /// A driver dropped while it runs closes as failover: dropping must not kill tasks.
    fn drop(&mut self) {
        if !self.forked() {
            self.stop(End::Failover);
            return;
        }
        // the connections and threads are the parent's: leaked here, not closed; a fork may also have left the
        // lock taken for ever, so it is not asked for
        if let Ok(line) = self.line.get_mut() {
            mem::forget(line.sender.take());
        }
        mem::forget(self.backend.take());
        // dropping the last receiver would wait for an event that a thread of the parent was queueing at the fork
        mem::forget(self.receiver.clone());
    }
}

#[cfg(test)]
mod tests;
