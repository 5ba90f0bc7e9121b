//! The queue between a backend and a dispatcher: an unbounded channel and a waker.
//!
//! # Invariants
//! * Sending never blocks and never fails upward: after close it drops. Depth is observable.
//! * Push, then wake, and only on empty → non-empty; the reader clears the waker, then looks once more: no
//!   wake-up is lost. As the waker is cleared only when nothing was found, a reader may stop anywhere in
//!   between: the descriptor stays readable as long as something is queued.
//! * The queue ends when the last `Sender` is dropped and everything before was received or discarded. From
//!   then on the waker stays set.
//! * Knows neither Python nor a transport.

use crate::error::Result;
use crate::event::Event;
use crate::sys::Signal;
use crossbeam_channel as channel;
use std::os::fd::{AsFd, BorrowedFd, RawFd};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Instant;

/// How a reader learns that there is something to read. Called from any thread; never blocks.
pub(crate) trait Waker: Send + Sync {
    /// There is something to read.
    fn wake(&self);
    /// The reader found nothing and will look once more.
    fn clear(&self);
}

/// The waker of a driver: a descriptor, and another waker if its dispatcher adds one.
pub(crate) struct Bell {
    signal: Signal,
    other: OnceLock<Box<dyn Waker>>,
}

impl Bell {
    /// Wakes `other`, too, from now on; the first one stays.
    pub(crate) fn add(&self, other: Box<dyn Waker>) {
        self.other.get_or_init(|| other);
    }

    /// The number to watch for reading.
    pub(crate) fn raw(&self) -> RawFd {
        self.signal.raw()
    }
}

impl Waker for Bell {
    fn wake(&self) {
        self.signal.set();
        if let Some(other) = self.other.get() {
            other.wake();
        }
    }

    fn clear(&self) {
        self.signal.clear();
        if let Some(other) = self.other.get() {
            other.clear();
        }
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.signal.as_fd()
    }
}

/// A queue whose waker is a descriptor, and that waker.
pub(crate) fn with_fd() -> Result<(Sender, Receiver, Arc<Bell>)> {
    let bell = Arc::new(Bell { signal: Signal::new()?, other: OnceLock::new() });
    let (sender, receiver) = with_waker(bell.clone());
    Ok((sender, receiver, bell))
}

/// A queue that wakes its reader through `waker`.
pub(crate) fn with_waker(waker: Arc<dyn Waker>) -> (Sender, Receiver) {
    let (events, received) = channel::unbounded();
    let gauge = Arc::new(Gauge::default());
    let shared = Shared { events: Some(events), gauge: gauge.clone(), waker: waker.clone() };
    (Sender(Arc::new(shared)), Receiver { events: received, gauge, waker })
}

/// The counters of both ends.
#[derive(Default)]
struct Gauge {
    /// queued events; below zero for a moment when an event is received before its sender has counted it
    depth: AtomicI64,
    highest: AtomicI64,
    sent: AtomicU64,
}

/// The backend's end; all clones are one end. Dropping the last one says that the backend has ended.
#[derive(Clone)]
pub(crate) struct Sender(Arc<Shared>);

struct Shared {
    /// `None` only while being dropped
    events: Option<channel::Sender<(Instant, Event)>>,
    gauge: Arc<Gauge>,
    waker: Arc<dyn Waker>,
}

impl Sender {
    /// Queues an event; drops it when nobody will read it any more.
    pub(crate) fn send(&self, event: Event) {
        let Some(events) = &self.0.events else { return };
        if events.send((Instant::now(), event)).is_err() {
            return;
        }
        let gauge = &self.0.gauge;
        gauge.sent.fetch_add(1, Ordering::Relaxed);
        // Depth only grows by one and was not above zero when the reader last found nothing, so between that
        // moment and a queue that holds something one sender sees zero here, and wakes.
        let before = gauge.depth.fetch_add(1, Ordering::AcqRel);
        gauge.highest.fetch_max(before + 1, Ordering::Relaxed);
        if before == 0 {
            self.0.waker.wake();
        }
    }

    /// An end that does not keep the queue open.
    pub(crate) fn downgrade(&self) -> WeakSender {
        WeakSender(Arc::downgrade(&self.0))
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        drop(self.events.take()); // before the waker: whoever wakes up must find the end
        self.waker.wake();
    }
}

/// Sends only while the backend lives: for what the driver itself has to say.
pub(crate) struct WeakSender(Weak<Shared>);

impl WeakSender {
    /// Queues an event behind the others, unless the backend has ended; whether it has not.
    pub(crate) fn send(&self, event: Event) -> bool {
        let Some(shared) = self.0.upgrade() else { return false };
        Sender(shared).send(event);
        true
    }
}

/// What a reader found.
#[derive(Debug)]
pub(crate) enum Received {
    /// an event, and when it was queued
    Event(Instant, Event),
    /// nothing now; the waker tells when to look again
    Empty,
    /// nothing, and nothing will come
    Ended,
}

/// The dispatcher's end; all clones are one end.
#[derive(Clone)]
pub(crate) struct Receiver {
    events: channel::Receiver<(Instant, Event)>,
    gauge: Arc<Gauge>,
    waker: Arc<dyn Waker>,
}

impl Receiver {
    /// The oldest event, if there is one. Never blocks.
    pub(crate) fn receive(&self) -> Received {
        if let Some(found) = self.take() {
            return found;
        }
        self.waker.clear();
        match self.take() {
            None => Received::Empty,
            // more may be behind it, announced by the very wake-up that was just cleared; an end stays announced
            Some(found) => {
                self.waker.wake();
                found
            }
        }
    }

    fn take(&self) -> Option<Received> {
        match self.events.try_recv() {
            Ok((queued, event)) => {
                self.gauge.depth.fetch_sub(1, Ordering::AcqRel);
                Some(Received::Event(queued, event))
            }
            Err(channel::TryRecvError::Empty) => None,
            Err(channel::TryRecvError::Disconnected) => Some(Received::Ended),
        }
    }

    /// How many events are queued.
    pub(crate) fn depth(&self) -> u64 {
        self.events.len() as u64
    }

    /// The greatest depth so far.
    pub(crate) fn highest(&self) -> u64 {
        self.gauge.highest.load(Ordering::Relaxed).max(0).unsigned_abs()
    }

    /// How many events were ever queued.
    pub(crate) fn sent(&self) -> u64 {
        self.gauge.sent.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests;
