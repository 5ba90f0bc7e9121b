//! What owns the state machines, and through which real time, real requests and real processes reach them.
//!
//! Connections bring requests here themselves, one after the other: a task in between would cost each of them two more
//! turns, and every answer a packet of its own (see `cork`). All else comes through a channel, to the one task that also
//! waits for what is due.
//!
//! # Invariants
//! * Inputs are taken one by one, under one lock; nothing else touches the state. All of this runs on the one thread of
//!   the runtime, so nobody ever waits for the lock.
//! * Processes are started one by one between inputs: neither makes the other wait for more than one.
//! * After `Close` no input reaches the machines. Streams end, then the processes, then the task.

use super::action::{Action, Happening};
use super::api::{Encoding, Request};
use super::children::Children;
use super::clock::{SystemClock, Time, within};
use super::core::{Core, Input};
use super::endpoints::{Page, Query, View};
use super::faults::Fault;
use super::probe::{Found, Probe};
use super::prober::Prober;
use super::process::{Exit, Launch, Processes as _, RunId};
use super::reply::Reply;
use super::server::Guard;
use bytes::Bytes;
use hyper::StatusCode;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, mpsc, oneshot};

/// How long closing waits for killed processes to be gone.
const REAPING: Duration = Duration::from_secs(5);

/// What comes to the task.
#[derive(Debug)]
pub(crate) enum Message {
    /// the time has come that the machines wait for
    Due,
    Closed {
        stream: u64,
    },
    Exited {
        run: RunId,
        exit: Exit,
    },
    /// what a look over the network has found
    Probed {
        run: RunId,
        found: Found,
    },
    /// the files that a process needs are there, or not
    Fetched {
        run: RunId,
        launch: Box<Launch>,
        fetched: bool,
    },
    /// `done` is dropped when it has happened
    Fault {
        fault: Fault,
        done: std::sync::mpsc::Sender<()>,
    },
    Close,
}

/// A request that waits for its answer.
#[derive(Debug)]
pub(crate) struct Ask {
    /// the agent that it is for, by position; None: the master
    pub(crate) agent: Option<usize>,
    pub(crate) request: Request,
    pub(crate) answer: oneshot::Sender<Answer>,
}

/// The answer to a request.
#[derive(Debug)]
pub(crate) enum Answer {
    Stream { id: Option<String>, events: mpsc::UnboundedReceiver<Bytes>, guard: Guard },
    Status(StatusCode),
    Message(Encoding, Bytes),
    Refused(StatusCode, String),
}

struct Stream {
    agent: Option<usize>,
    encoding: Encoding,
    records: mpsc::UnboundedSender<Bytes>,
}

/// The state machines and what they move.
pub(crate) struct Driver {
    pub(crate) clock: SystemClock,
    pub(crate) core: Core,
    pub(crate) children: Children,
    pub(crate) prober: Prober,
    /// what is still to be started
    pub(crate) starts: VecDeque<(RunId, Box<Launch>)>,
    /// what the task waits for
    pub(crate) awaited: Option<Time>,
    /// to give to guards of streams; weak, so that it does not keep the channel open
    pub(crate) asks: mpsc::WeakUnboundedSender<Message>,
    pub(crate) exchange: Exchange,
}

/// A request that is not answered yet.
struct Pending {
    agent: Option<usize>,
    /// of the stream or the answer that it asks for
    encoding: Option<Encoding>,
    answer: oneshot::Sender<Answer>,
}

/// Requests that are not answered, streams that are open.
#[derive(Default)]
pub(crate) struct Exchange {
    requests: u64,
    answers: HashMap<u64, Pending>,
    streams: HashMap<u64, Stream>,
}

/// The driver, where connections and its task find it; gone after `Close`.
#[derive(Clone)]
pub(crate) struct Shared {
    driver: Arc<Mutex<Option<Driver>>>,
    /// a request has given the task something to do
    changed: Arc<Notify>,
}

impl Shared {
    pub(crate) fn new(driver: Driver) -> Self {
        Self { driver: Arc::new(Mutex::new(Some(driver))), changed: Arc::default() }
    }

    /// Takes a request; after `Close` it is dropped, and its `answer` with it.
    pub(crate) fn ask(&self, ask: Ask) {
        let wanted = self.with(|driver| {
            driver.ask(ask);
            driver.is_wanted()
        });
        if wanted == Some(true) {
            self.changed.notify_one();
        }
    }

    /// What a tool reads of the master, or of the agent at a position; nothing after `Close`.
    pub(crate) fn look(&self, agent: Option<usize>, view: View, query: &Query) -> Option<Page> {
        self.with(|driver| driver.core.look(driver.clock.now(), agent, view, query, &driver.children.root))
    }

    /// Runs until `Close`, or until nobody can send any more.
    pub(crate) async fn run(self, mut messages: mpsc::UnboundedReceiver<Message>) {
        while let Some((clock, due, is_starting)) = self.with(Driver::wait) {
            let message = tokio::select! {
                biased; // what is due is not put off by a flood of messages
                () = clock.reach(due) => Some(Message::Due),
                message = messages.recv() => match message {
                    Some(Message::Close) | None => break,
                    message => message,
                },
                () = self.changed.notified() => None,
                () = tokio::task::yield_now(), if is_starting => None,
            };
            self.with(|driver| driver.take(message));
        }
        let driver = self.lock().take();
        if let Some(driver) = driver {
            driver.end(messages).await;
        }
    }

    fn with<T>(&self, work: impl FnOnce(&mut Driver) -> T) -> Option<T> {
        self.lock().as_mut().map(work)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Driver>> {
        self.driver.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Driver {
    /// The clock, what to wait for, and whether there are processes to start at once.
    fn wait(&mut self) -> (SystemClock, Option<Time>, bool) {
        self.awaited = self.core.due();
        (self.clock, self.awaited, !self.starts.is_empty())
    }

    /// Whether the task has something to do before what it waits for.
    fn is_wanted(&self) -> bool {
        let sooner = |due| self.awaited.is_none_or(|awaited| due < awaited);
        !self.starts.is_empty() || self.core.due().is_some_and(sooner)
    }

    fn take(&mut self, message: Option<Message>) {
        if let Some(input) = message.and_then(|message| self.input(message)) {
            self.step(input);
        }
        self.start_next();
    }

    async fn end(mut self, mut messages: mpsc::UnboundedReceiver<Message>) {
        self.exchange = Exchange::default();
        self.prober = Prober::default();
        self.children.kill_all();
        let reaped = async {
            while self.children.count() > 0 {
                match messages.recv().await {
                    Some(Message::Exited { run, .. }) => self.children.forget(run),
                    Some(_) => {}
                    None => break,
                }
            }
        };
        if within(REAPING, reaped).await.is_none() {
            tracing::warn!("some tasks of the embedded cluster have not ended although they were killed");
        }
        self.children.sweep();
    }

    fn ask(&mut self, Ask { agent, request, answer }: Ask) {
        let number = self.exchange.requests;
        self.exchange.requests += 1;
        let (encoding, input) = match request {
            Request::Subscribe { subscribe, encoding } => {
                (Some(encoding), Input::Subscribe { request: number, subscribe })
            }
            Request::Call { call, stream_id } => (None, Input::Call { request: number, call, stream_id }),
            Request::Operator { call, encoding } => {
                (Some(encoding), Input::Operator { agent, request: number, call })
            }
            Request::Executor { call, encoding, claims } => {
                let agent = agent.unwrap_or_default();
                (encoding, Input::ExecutorCall { agent, request: number, call, claims })
            }
        };
        self.exchange.answers.insert(number, Pending { agent, encoding, answer });
        self.step(input);
    }

    fn input(&mut self, message: Message) -> Option<Input> {
        match message {
            Message::Due => Some(Input::Tick),
            Message::Closed { stream } => {
                // What the cluster has closed itself is not there any more.
                let agent = self.exchange.streams.remove(&stream)?.agent;
                Some(Input::Closed { agent, stream })
            }
            Message::Exited { run, exit } => {
                self.children.forget(run);
                Some(Input::Happened { run, what: Happening::Exited(exit) })
            }
            Message::Probed { run, found } => {
                self.prober.end(run);
                Some(Input::Happened { run, what: Happening::Probed(found) })
            }
            Message::Fetched { run, launch, fetched: true } => {
                self.starts.push_back((run, launch));
                None
            }
            Message::Fetched { run, .. } => Some(Input::Happened { run, what: Happening::NotFetched }),
            Message::Fault { fault, done } => {
                self.step(Input::Fault(fault));
                drop(done);
                None
            }
            Message::Close => None,
        }
    }

    /// One process: to start a hundred takes long enough for others to notice.
    fn start_next(&mut self) {
        let Some((run, launch)) = self.starts.pop_front() else { return };
        if !launch.uris.is_empty() {
            let asks = self.asks.clone();
            return self.children.fetch(launch, move |launch, fetched| {
                // A cluster that has ended does not mind.
                if let Some(asks) = asks.upgrade() {
                    let _ended = asks.send(Message::Fetched { run, launch, fetched });
                }
            });
        }
        let started = self.children.start(run, &launch);
        let what = started.map_or_else(Happening::NotStarted, Happening::Started);
        self.step(Input::Happened { run, what });
    }

    /// One input, and what it leads to.
    fn step(&mut self, input: Input) {
        let mut out = Vec::new();
        self.core.step(self.clock.now(), input, &mut out);
        for action in out {
            match action {
                Action::Reply { request, reply } => self.answer(request, reply),
                Action::Event { stream, event } => {
                    if let Some(stream) = self.exchange.streams.get(&stream) {
                        // A subscriber that went away is reported by its guard.
                        let _gone = stream.records.send(stream.encoding.record(&event));
                    }
                }
                Action::Close { stream } => drop(self.exchange.streams.remove(&stream)),
                Action::Start { run, launch } => self.starts.push_back((run, launch)),
                Action::Signal { run, signal } => self.children.signal(run, signal),
                Action::Probe { run, probe } => self.probe(run, probe),
                Action::EndProbe { run } => self.prober.end(run),
                Action::Sandbox { task, directory, volumes } => {
                    self.children.place(task, &directory, &volumes);
                }
                Action::CreateVolume { directory } => self.children.create_volume(&directory),
                Action::DestroyVolume { directory } => self.children.destroy_volume(&directory),
            }
        }
    }

    fn probe(&mut self, run: RunId, probe: Probe) {
        let asks = self.asks.clone();
        self.prober.start(&self.children.runtime, run, probe, move |found| {
            // A cluster that has ended does not mind.
            if let Some(asks) = asks.upgrade() {
                let _ended = asks.send(Message::Probed { run, found });
            }
        });
    }

    fn answer(&mut self, request: u64, reply: Reply) {
        let Some(Pending { agent, encoding, answer }) = self.exchange.answers.remove(&request) else {
            return;
        };
        let answered = match (reply, encoding, self.asks.upgrade()) {
            (Reply::Stream(id), Some(encoding), Some(asks)) => {
                let (records, events) = mpsc::unbounded_channel();
                self.exchange.streams.insert(request, Stream { agent, encoding, records });
                Answer::Stream { id, events, guard: Guard { stream: request, asks } }
            }
            (Reply::Message(response), encoding, _) => {
                let encoding = encoding.unwrap_or(Encoding::Json);
                Answer::Message(encoding, encoding.response(&response))
            }
            (Reply::Refused(code, text), ..) => {
                Answer::Refused(StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), text)
            }
            (Reply::Accepted, ..) => Answer::Status(StatusCode::ACCEPTED),
            (Reply::Ok | Reply::Stream(_), ..) => Answer::Status(StatusCode::OK),
        };
        // The connection may be gone; a stream's guard tells of it when the answer is dropped.
        let _gone = answer.send(answered);
    }
}
