//! Puts the `Reconciler` between a driver and its backend: it sees what is handled and called, and calls in time.
//!
//! No third arrow: it makes Calls as a program does, and looks at Events as a handler does. It works over any backend.
//!
//! # Invariants
//! * The machine's lock is held for no longer than a step takes: the dispatching thread steps with the GIL held. What the
//!   machine wants sent is left to `flush`.
//! * Another lock is for sending: no call of its own follows the backend's end.
//! * The timer, a task of the runtime, ends with the backend.

use super::lifecycle::lock;
use super::reconciler::{Input, Reconciler};
use crate::backend::{Backend, End, Stats};
use crate::error::Result;
use crate::event::{Call, Event};
use crate::runtime;
use std::future::pending;
use std::mem;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep_until};
use tracing::warn;

/// One driver's automatic reconciliation; also the backend that the driver sees.
pub(crate) struct Reconciliation {
    state: Mutex<State>,
    /// held while calls are made
    sending: Mutex<()>,
    /// from the start on
    line: OnceLock<Line>,
    /// the machine wants to be woken at another time, or has ended
    changed: Notify,
}

#[derive(Default)]
struct State {
    machine: Reconciler,
    /// what it wants sent
    left: Vec<Call>,
    /// the timer's task is to make it
    handed_over: bool,
    ended: bool,
}

struct Line {
    backend: Arc<dyn Backend>,
    started: Instant,
}

impl Reconciliation {
    pub(crate) fn new() -> Arc<Self> {
        let (state, sending) = Default::default();
        Arc::new(Self { state, sending, line: OnceLock::new(), changed: Notify::new() })
    }

    /// The backend with reconciliation, for a driver that starts.
    pub(super) fn over(self: &Arc<Self>, backend: Arc<dyn Backend>) -> Result<Arc<dyn Backend>> {
        Ok(self.start(&runtime::handle()?, backend))
    }

    fn start(self: &Arc<Self>, runtime: &Handle, backend: Arc<dyn Backend>) -> Arc<dyn Backend> {
        self.line.get_or_init(|| Line { backend, started: Instant::now() });
        runtime.spawn(self.clone().keep_time());
        self.clone()
    }

    /// An event whose handler is about to be called; true if something is left to `flush`.
    pub(crate) fn heard(&self, event: &Event) -> bool {
        self.step(&Input::Event(event))
    }

    /// True if the machine wants something sent.
    fn step(&self, input: &Input<'_>) -> bool {
        let mut state = lock(&self.state);
        let Some(line) = self.line.get().filter(|_| !state.ended) else { return false };
        let before = state.machine.due();
        let calls = state.machine.step(line.started.elapsed(), input);
        state.left.extend(calls);
        if state.machine.due() != before {
            self.changed.notify_one();
        }
        !state.left.is_empty()
    }

    async fn keep_time(self: Arc<Self>) {
        loop {
            let due = {
                let state = lock(&self.state);
                if state.ended {
                    return;
                }
                state.machine.due()
            };
            let wants = tokio::select! {
                () = self.changed.notified() => mem::take(&mut lock(&self.state).handed_over),
                () = self.reach(due) => self.step(&Input::Tick),
            };
            if wants {
                self.flush_elsewhere().await;
            }
        }
    }

    /// On a thread that may block, as libmesos does.
    async fn flush_elsewhere(self: &Arc<Self>) {
        let this = self.clone();
        let flushed = spawn_blocking(move || this.flush().map_err(|error| error.to_string())).await;
        if let Err(error) = flushed.unwrap_or_else(|error| Err(error.to_string())) {
            warn!(target: "mesos.driver", "reconcile=\"auto\" could not ask: {error}");
        }
    }

    async fn reach(&self, due: Option<Duration>) {
        match (due, self.line.get()) {
            (Some(due), Some(line)) => sleep_until(line.started + due).await,
            _ => pending().await,
        }
    }
}

impl Backend for Reconciliation {
    fn send(&self, call: Call) -> Result<()> {
        let wants = self.step(&Input::Call(&call));
        let sending = lock(&self.sending);
        if let Some(line) = self.line.get() {
            line.backend.send(call)?;
        }
        drop(sending);
        if wants { self.flush() } else { Ok(()) }
    }

    fn acknowledge(&self, call: Call) -> Result<bool> {
        let wants = self.step(&Input::Call(&call));
        let left = self.line.get().map_or(Ok(false), |line| line.backend.acknowledge(call))?;
        Ok(wants || left)
    }

    /// What was acknowledged first.
    fn flush(&self) -> Result<()> {
        let _sending = lock(&self.sending);
        let Some(line) = self.line.get() else { return Ok(()) };
        line.backend.flush()?;
        let calls = mem::take(&mut lock(&self.state).left);
        for call in calls {
            if let Err(error) = line.backend.send(call) {
                warn!(target: "mesos.driver", "reconcile=\"auto\" could not ask: {error}");
            }
        }
        Ok(())
    }

    fn hand_over(&self) {
        let mut state = lock(&self.state);
        state.handed_over = !state.left.is_empty();
        drop(state);
        self.changed.notify_one();
        if let Some(line) = self.line.get() {
            line.backend.hand_over();
        }
    }

    fn end(&self, how: End) {
        let mut state = lock(&self.state);
        state.ended = true;
        state.left.clear();
        drop(state);
        self.changed.notify_one();
        let _sending = lock(&self.sending);
        if let Some(line) = self.line.get() {
            line.backend.end(how);
        }
    }

    fn stats(&self) -> Stats {
        self.line.get().map(|line| line.backend.stats()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

    /// A backend that tells of each call: how many tasks it asks for.
    struct Asked(UnboundedSender<usize>);

    impl Backend for Asked {
        fn send(&self, call: Call) -> Result<()> {
            if let Call::Reconcile { tasks } = call {
                self.0.send(tasks.len()).unwrap();
            }
            Ok(())
        }

        fn acknowledge(&self, _call: Call) -> Result<bool> {
            Ok(true)
        }

        fn end(&self, _how: End) {}

        fn stats(&self) -> Stats {
            Stats { calls_sent: 7, ..Stats::default() }
        }
    }

    fn start() -> (Arc<Reconciliation>, Arc<dyn Backend>, UnboundedReceiver<usize>) {
        let (asked, calls) = unbounded_channel();
        let reconciliation = Reconciliation::new();
        let backend = reconciliation.start(&Handle::current(), Arc::new(Asked(asked)));
        (reconciliation, backend, calls)
    }

    fn subscribed() -> Event {
        Event::Subscribed { framework_id: Bytes::new(), master_info: None }
    }

    /// A `scheduler.Call.Reconcile.Task`, whose id is "t".
    const TASK: Bytes = Bytes::from_static(b"\x0a\x03\x0a\x01t");

    #[tokio::test(start_paused = true)]
    async fn rounds_come_in_their_time() {
        let (reconciliation, backend, mut calls) = start();
        let started = Instant::now();
        let mut seconds = async || (calls.recv().await.unwrap(), started.elapsed().as_secs());
        assert!(reconciliation.heard(&subscribed()));
        backend.flush().unwrap();
        assert_eq!(seconds().await, (0, 0));
        assert_eq!(seconds().await, (0, 900));
        backend.send(Call::Reconcile { tasks: vec![TASK] }).unwrap();
        assert_eq!(seconds().await, (1, 900), "the program's own");
        assert_eq!(seconds().await, (1, 905));
        assert_eq!(seconds().await, (1, 915));
        assert_eq!(backend.stats().calls_sent, 7);
        let nothing = Bytes::new();
        let uuid = Bytes::from_static(b"u");
        let acknowledgement = Call::Acknowledge { agent_id: nothing.clone(), task_id: nothing, uuid };
        assert!(backend.acknowledge(acknowledgement).unwrap(), "the backend leaves it to `flush`");
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_is_the_end_of_it() {
        let (reconciliation, backend, mut calls) = start();
        reconciliation.heard(&subscribed());
        backend.hand_over();
        assert_eq!(calls.recv().await, Some(0));
        reconciliation.heard(&subscribed());
        backend.end(End::Failover);
        assert!(!reconciliation.heard(&subscribed()));
        backend.hand_over();
        backend.flush().unwrap();
        tokio::time::sleep(Duration::from_secs(10_000)).await; // of virtual time
        assert!(calls.try_recv().is_err());
        drop(backend);
        assert_eq!(Arc::strong_count(&reconciliation), 1, "the timer has ended");
    }
}
