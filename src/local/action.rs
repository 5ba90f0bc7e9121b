//! What is to be done outside the state machines: by whoever has the sockets, the processes and the files.
//!
//! # Invariants
//! * Master and agents share these; what they say to each other never gets out of `core`, and is of their own `Output`.

use super::probe::{Found, Probe};
use super::process::{Exit, Launch, RunId, Signal};
use super::reply::Reply;
use crate::proto::mesos::v1::{executor, master, scheduler};
use std::path::PathBuf;

/// What has come of an `Action::Start` or `Probe`.
#[derive(Debug, PartialEq)]
pub(crate) enum Happening {
    Started(u32),
    NotStarted(String),
    /// the files that it needs cannot be had
    NotFetched,
    Exited(Exit),
    /// what a look over the network has found
    Probed(Found),
}

/// One thing to do.
#[derive(Debug, PartialEq)]
pub(crate) enum Action {
    Reply {
        request: u64,
        reply: Reply,
    },
    Event {
        stream: u64,
        event: Event,
    },
    Close {
        stream: u64,
    },
    Start {
        run: RunId,
        launch: Box<Launch>,
    },
    Signal {
        run: RunId,
        signal: Signal,
    },
    /// To look at a task over the network.
    Probe {
        run: RunId,
        probe: Probe,
    },
    /// The answer is of no use any more.
    EndProbe {
        run: RunId,
    },
    /// Where a task's files are, below the cluster's directory, and what volumes are to be seen there.
    Sandbox {
        task: String,
        directory: PathBuf,
        volumes: Vec<(String, PathBuf)>,
    },
    CreateVolume {
        directory: PathBuf,
    },
    DestroyVolume {
        directory: PathBuf,
    },
}

/// What goes over a stream.
#[derive(Debug, PartialEq)]
pub(crate) enum Event {
    Scheduler(Box<scheduler::Event>),
    Executor(Box<executor::Event>),
    /// to an operator who watches
    Operator(Box<master::Event>),
}

impl From<scheduler::Event> for Event {
    fn from(event: scheduler::Event) -> Self {
        Self::Scheduler(Box::new(event))
    }
}

impl From<executor::Event> for Event {
    fn from(event: executor::Event) -> Self {
        Self::Executor(Box::new(event))
    }
}

impl From<master::Event> for Event {
    fn from(event: master::Event) -> Self {
        Self::Operator(Box::new(event))
    }
}
