//! The one task that owns the state machines, and through which real time, real requests and real processes reach them.
//!
//! # Invariants
//! * Inputs are taken one by one, in the order of the channel; nothing else touches the state.
//! * Processes are started one by one between inputs: neither makes the other wait for more than one.
//! * After `Close` no input reaches the machines. Streams end, then the processes, then the task.

use super::action::Action;
use super::api::{Encoding, Request};
use super::children::Children;
use super::clock::{SystemClock, within};
use super::core::{Core, Input};
use super::faults::Fault;
use super::process::{Exit, Launch, Processes as _, RunId};
use super::reply::Reply;
use super::server::Guard;
use bytes::Bytes;
use hyper::StatusCode;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// How long closing waits for killed processes to be gone.
const REAPING: Duration = Duration::from_secs(5);

/// What comes to the task.
#[derive(Debug)]
pub(crate) enum Message {
    Ask(Ask),
    Closed {
        stream: u64,
    },
    Exited {
        run: RunId,
        exit: Exit,
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
    Refused(StatusCode, String),
}

struct Stream {
    agent: Option<usize>,
    encoding: Encoding,
    records: mpsc::UnboundedSender<Bytes>,
}

/// The task's own state.
pub(crate) struct Driver {
    pub(crate) clock: SystemClock,
    pub(crate) core: Core,
    pub(crate) children: Children,
    /// what is still to be started
    pub(crate) starts: VecDeque<(RunId, Box<Launch>)>,
    pub(crate) messages: mpsc::UnboundedReceiver<Message>,
    /// to give to guards of streams; weak, so that it does not keep the channel open
    pub(crate) asks: mpsc::WeakUnboundedSender<Message>,
    pub(crate) exchange: Exchange,
}

/// A request that is not answered yet.
struct Pending {
    agent: Option<usize>,
    /// of the stream that it asks for
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

impl Driver {
    /// Runs until `Close`, or until nobody can send any more.
    pub(crate) async fn run(mut self) {
        loop {
            let due = self.core.due();
            let input = tokio::select! {
                biased; // what is due is not put off by a flood of messages
                () = self.clock.reach(due) => Some(Input::Tick),
                message = self.messages.recv() => match message {
                    Some(Message::Close) | None => break,
                    Some(message) => self.input(message),
                },
                () = tokio::task::yield_now(), if !self.starts.is_empty() => None,
            };
            if let Some(input) = input {
                self.step(input);
            }
            self.start_next();
        }
        self.exchange = Exchange::default();
        self.children.kill_all();
        let reaped = async {
            while self.children.count() > 0 {
                match self.messages.recv().await {
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

    fn input(&mut self, message: Message) -> Option<Input> {
        match message {
            Message::Ask(Ask { agent, request, answer }) => {
                let number = self.exchange.requests;
                self.exchange.requests += 1;
                let (encoding, input) = match request {
                    Request::Subscribe { subscribe, encoding } => {
                        (Some(encoding), Input::Subscribe { request: number, subscribe })
                    }
                    Request::Call { call, stream_id } => {
                        (None, Input::Call { request: number, call, stream_id })
                    }
                    Request::Executor { call, encoding } => {
                        let agent = agent.unwrap_or_default();
                        (encoding, Input::ExecutorCall { agent, request: number, call })
                    }
                };
                self.exchange.answers.insert(number, Pending { agent, encoding, answer });
                Some(input)
            }
            Message::Closed { stream } => {
                // What the cluster has closed itself is not there any more.
                let agent = self.exchange.streams.remove(&stream)?.agent;
                Some(Input::Closed { agent, stream })
            }
            Message::Exited { run, exit } => {
                self.children.forget(run);
                Some(Input::Exited { run, exit })
            }
            Message::Fetched { run, launch, fetched: true } => {
                self.starts.push_back((run, launch));
                None
            }
            Message::Fetched { run, .. } => Some(Input::NotFetched { run }),
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
        let input = match self.children.start(run, &launch) {
            Ok(pid) => Input::Started { run, pid },
            Err(why) => Input::NotStarted { run, why },
        };
        self.step(input);
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
                Action::Sandbox { task, directory, volumes } => {
                    self.children.place(task, &directory, &volumes);
                }
                Action::CreateVolume { directory } => self.children.create_volume(&directory),
                Action::DestroyVolume { directory } => self.children.destroy_volume(&directory),
            }
        }
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
