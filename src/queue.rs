//! The queue between a backend and a dispatcher: an unbounded channel and a waker.
//!
//! # Invariants
//! * Sending never blocks and never fails upward: after close it drops. Depth is observable.
//! * Push, then wake, and only on empty → non-empty; the reader clears the waker, then drains: no wake-up is lost.
//! * The queue ends when the `Sender` is dropped and everything before was received or discarded.

use crate::event::Event;
use crossbeam_channel as channel;

/// The backend's end. Dropping it says that the backend has ended.
pub(crate) struct Sender {
    events: channel::Sender<Event>,
}

impl Sender {
    /// Queues an event; drops it when nobody will read it any more.
    pub(crate) fn send(&self, event: Event) {
        drop(self.events.send(event));
    }
}
