//! Acknowledgements on their way from the dispatching thread to the driver's task.
//!
//! To wake the task for each would cost more than to send it. So while they come often they wait for company: for the next
//! word of the master, which wakes the task anyway, and for `PATIENCE` at most.
//!
//! An agent does not tell more of a task before its last update was acknowledged: where there is one task only, the master
//! has no next word until then. So whenever some have waited in vain, the next `AT_ONCE` do not wait.
//!
//! # Invariants
//! * One that comes alone is due at once, and none waits longer than `PATIENCE`, while the task waits for `due`.
//! * A call that is made after one is sent after it: whoever sends a call takes what waits first.
//! * After `close` none is taken any more.

use crate::driver::lifecycle::lock;
use crate::event::Call;
use std::mem;
use std::sync::Mutex;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

/// How long an acknowledgement waits at most, and how soon after one the next is not alone.
const PATIENCE: Duration = Duration::from_millis(5);
/// How many go at once after some that waited in vain: what those have lost is little then.
const AT_ONCE: u32 = 128;

/// Those of one driver that wait to be sent.
#[derive(Default)]
pub(super) struct Acks {
    state: Mutex<State>,
    alone: Notify,
}

#[derive(Default)]
struct State {
    waiting: Vec<Call>,
    last: Option<Instant>,
    /// they come often: the task looks again within `PATIENCE`, and needs no waking
    often: bool,
    /// how many go at once, however often they come
    at_once: u32,
    closed: bool,
}

impl Acks {
    /// Hands one over; false after the end.
    pub(super) fn push(&self, call: Call) -> bool {
        let now = Instant::now();
        let mut state = lock(&self.state);
        if state.closed {
            return false;
        }
        state.waiting.push(call);
        let soon = state.last.replace(now).is_some_and(|last| now - last < PATIENCE);
        let looked_for = state.often;
        state.often |= soon && state.at_once == 0;
        state.at_once = state.at_once.saturating_sub(1);
        if !looked_for {
            self.alone.notify_one();
        }
        true
    }

    /// All that wait, to be sent now.
    pub(super) fn take(&self) -> Vec<Call> {
        mem::take(&mut lock(&self.state).waiting)
    }

    /// Waits until some have waited long enough. May be dropped at any point; begins anew then, so that whoever is woken
    /// by something else has to `take` what waits.
    pub(super) async fn due(&self) {
        loop {
            let often = lock(&self.state).often;
            let in_vain = tokio::select! {
                biased;
                () = self.alone.notified() => false,
                () = sleep(PATIENCE), if often => true,
            };
            let mut state = lock(&self.state);
            if in_vain {
                state.often = false; // no company has come
                state.at_once = if state.waiting.is_empty() { 0 } else { AT_ONCE };
            }
            if !state.waiting.is_empty() {
                return;
            }
        }
    }

    /// The task has ended: those that it leaves.
    pub(super) fn close(&self) -> Vec<Call> {
        let mut state = lock(&self.state);
        state.closed = true;
        mem::take(&mut state.waiting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use std::pin::pin;
    use tokio::time::{advance, timeout};

    fn call() -> Call {
        Call::Acknowledge { agent_id: Bytes::new(), task_id: Bytes::new(), uuid: Bytes::new() }
    }

    async fn waits(acks: &Acks) -> bool {
        timeout(Duration::ZERO, acks.due()).await.is_err()
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_comes_alone_is_due_at_once() {
        let acks = Acks::default();
        assert!(waits(&acks).await);
        assert!(acks.push(call()));
        assert!(!waits(&acks).await);
        assert_eq!(acks.take().len(), 1);
        assert!(waits(&acks).await);
    }

    #[tokio::test(start_paused = true)]
    async fn while_they_come_often_they_wait_for_company() {
        let acks = Acks::default();
        acks.push(call());
        acks.push(call()); // the task has to hear that they come often
        acks.due().await;
        assert_eq!(acks.take().len(), 2);
        acks.push(call());
        assert!(waits(&acks).await);
        let before = Instant::now();
        acks.due().await;
        assert_eq!((before.elapsed(), acks.take().len()), (PATIENCE, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn after_waiting_in_vain_they_go_at_once_for_a_while() {
        let acks = Acks::default();
        let before = Instant::now();
        for _ in 0..3 * AT_ONCE {
            acks.push(call());
            acks.due().await; // the next comes when this one was taken: as if there was one task only
            acks.take();
        }
        assert_eq!(before.elapsed(), 3 * PATIENCE);
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_that_does_not_come_alone_wakes_the_task_once_more() {
        let acks = Acks::default();
        acks.push(call());
        acks.due().await;
        acks.take();
        let mut due = pin!(acks.due());
        assert!(timeout(Duration::ZERO, &mut due).await.is_err());
        acks.push(call());
        assert!(timeout(Duration::ZERO, &mut due).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn when_they_stop_coming_the_next_is_alone_again() {
        let acks = Acks::default();
        acks.push(call());
        acks.push(call());
        acks.due().await;
        acks.take();
        assert!(timeout(PATIENCE * 2, acks.due()).await.is_err());
        advance(PATIENCE).await;
        acks.push(call());
        assert!(!waits(&acks).await);
    }

    #[tokio::test]
    async fn after_the_end_none_is_taken() {
        let acks = Acks::default();
        acks.push(call());
        assert_eq!(acks.close().len(), 1);
        assert!(!acks.push(call()));
        assert!(acks.take().is_empty());
    }
}
