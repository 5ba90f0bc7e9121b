//! Puts the `Reconciler` between a driver and its backend: it sees what is handled and called, and calls in time.
//!
//! No third arrow: it makes Calls as a program does, and looks at Events as a handler does. It works over any backend.
//!
//! # Invariants
//! * One lock for the machine and for sending what it wants sent: no call of its own follows the backend's end.
//! * The timer, a task of the runtime, ends with the backend.

use super::lifecycle::lock;
use super::reconciler::{Input, Reconciler};
use crate::backend::{Backend, End, Stats};
use crate::error::Result;
use crate::event::{Call, Event};
use crate::runtime;
use std::future::pending;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};
use tracing::warn;

/// One driver's automatic reconciliation; also the backend that the driver sees.
pub(crate) struct Reconciliation {
    state: Mutex<State>,
    /// from the start on
    line: OnceLock<Line>,
    /// the machine wants to be woken at another time, or has ended
    changed: Notify,
}

#[derive(Default)]
struct State {
    machine: Reconciler,
    ended: bool,
}

struct Line {
    backend: Arc<dyn Backend>,
    started: Instant,
}

impl Reconciliation {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { state: Mutex::default(), line: OnceLock::new(), changed: Notify::new() })
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

    /// An event whose handler is about to be called.
    pub(crate) fn heard(&self, event: &Event) {
        let mut state = lock(&self.state);
        let calls = self.plan(&mut state, &Input::Event(event));
        self.make(calls);
    }

    /// The machine's calls; nobody has made them yet.
    fn plan(&self, state: &mut State, input: &Input<'_>) -> Vec<Call> {
        let Some(line) = self.line.get().filter(|_| !state.ended) else { return Vec::new() };
        let before = state.machine.due();
        let calls = state.machine.step(line.started.elapsed(), input);
        if state.machine.due() != before {
            self.changed.notify_one();
        }
        calls
    }

    /// Only while the state is locked.
    fn make(&self, calls: Vec<Call>) {
        let Some(line) = self.line.get() else { return };
        for call in calls {
            if let Err(error) = line.backend.send(call) {
                warn!(target: "mesos.driver", "reconcile=\"auto\" could not ask: {error}");
            }
        }
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
            tokio::select! {
                () = self.changed.notified() => {}
                () = self.reach(due) => {
                    let mut state = lock(&self.state);
                    let calls = self.plan(&mut state, &Input::Tick);
                    self.make(calls);
                }
            }
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
        let mut state = lock(&self.state);
        let calls = self.plan(&mut state, &Input::Call(&call));
        if let Some(line) = self.line.get() {
            line.backend.send(call)?;
        }
        self.make(calls);
        Ok(())
    }

    fn end(&self, how: End) {
        let mut state = lock(&self.state);
        state.ended = true;
        self.changed.notify_one();
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
        reconciliation.heard(&subscribed());
        assert_eq!(seconds().await, (0, 0));
        assert_eq!(seconds().await, (0, 900));
        backend.send(Call::Reconcile { tasks: vec![TASK] }).unwrap();
        assert_eq!(seconds().await, (1, 900), "the program's own");
        assert_eq!(seconds().await, (1, 905));
        assert_eq!(seconds().await, (1, 915));
        assert_eq!(backend.stats().calls_sent, 7);
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_is_the_end_of_it() {
        let (reconciliation, backend, mut calls) = start();
        reconciliation.heard(&subscribed());
        assert_eq!(calls.recv().await, Some(0));
        backend.end(End::Failover);
        reconciliation.heard(&subscribed());
        tokio::time::sleep(Duration::from_secs(10_000)).await; // of virtual time
        assert!(calls.try_recv().is_err());
        drop(backend);
        assert_eq!(Arc::strong_count(&reconciliation), 1, "the timer has ended");
    }
}
