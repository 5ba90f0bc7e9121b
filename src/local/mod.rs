//! The embedded cluster: a Mesos master and agents inside this process, for `master="local"` and `LocalCluster`.
//!
//! It speaks the v1 scheduler API of Apache Mesos 1.11 over HTTP on loopback and runs command tasks as real processes.
//!
//!     server --Ask--> driver --Input--> core (master <-> agents) --Output--> driver --> server, children
//!
//! `core` and what it is made of (`master`, `agent`, `allocator`, `updates`, `resources`, `validate`, `status`) are state
//! machines without clock, chance or threads; `clock` has those, `children`, `sweeper` and `watcher` the processes, `server`,
//! `api` and `files` the protocol, `driver` the one task that owns it all.
//!
//! # Invariants
//! * Knows nothing of Python.
//! * The cluster ends with its process, and its tasks end with it.

mod agent;
mod allocator;
mod api;
mod children;
mod clock;
mod core;
mod driver;
mod files;
mod master;
mod process;
mod resources;
mod server;
mod status;
mod sweeper;
#[cfg(test)]
mod tests;
mod updates;
mod validate;
mod watcher;

use crate::error::{Error, Result};
use crate::runtime;
pub(crate) use children::inherited_environment;
use children::{Children, Leaders, Sandboxes};
use clock::{Entropy, SystemClock, SystemEntropy, within};
use driver::{Driver, Exchange, Message};
use std::collections::VecDeque;
use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::{AsRawFd as _, RawFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use sweeper::Sweeper;
use tokio::sync::{mpsc, watch};

/// How long closing lets connections write what was sent to them.
const FLUSHING: Duration = Duration::from_secs(1);

/// What a cluster is made of.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) agents: usize,
    /// of each agent, in Mesos' text form
    pub(crate) resources: String,
    /// 0 takes a free one
    pub(crate) port: u16,
    /// where the sandboxes are; it must exist
    pub(crate) work_dir: PathBuf,
    /// what tasks inherit
    pub(crate) environment: Vec<(OsString, OsString)>,
}

/// A running cluster. Dropping it closes it.
#[derive(Debug)]
pub(crate) struct Cluster {
    address: SocketAddr,
    sandboxes: Sandboxes,
    pid: u32,
    /// descriptors that a forked child must not keep
    descriptors: Vec<RawFd>,
    open: Mutex<Option<Open>>,
}

#[derive(Debug)]
struct Open {
    messages: mpsc::UnboundedSender<Message>,
    ended: std::sync::mpsc::Receiver<()>,
}

impl Cluster {
    /// Starts a cluster; it answers as soon as this returns.
    pub(crate) fn start(config: Config) -> Result<Self> {
        let resources = resources::parse(&config.resources)
            .map_err(|why| Error::Configuration(format!("resources={:?}: {why}", config.resources)))?;
        if config.agents == 0 {
            return Err(Error::Configuration("agents=0: a cluster has at least one agent".into()));
        }
        let runtime = runtime::handle()?;
        let listening = |error| Error::os("listening on 127.0.0.1 for the embedded cluster", &error);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, config.port)).map_err(|error| {
            if error.kind() == std::io::ErrorKind::AddrInUse {
                Error::Configuration(format!("port={}: it is in use; 0 takes a free one", config.port))
            } else {
                listening(error)
            }
        })?;
        listener.set_nonblocking(true).map_err(listening)?;
        let address = listener.local_addr().map_err(listening)?;
        let (sandboxes, clock) = (Sandboxes::default(), SystemClock::new());
        let entropy = || -> Box<dyn Entropy> { Box::new(SystemEntropy) };
        let core = core::Core::new(clock.now(), address, config.agents, &resources, entropy);
        let watcher = Arc::new(watcher::Watcher::start(core.id())?);
        let descriptors = watcher.raw().into_iter().chain([listener.as_raw_fd()]).collect();
        let (messages, inbox) = mpsc::unbounded_channel();
        let report = messages.clone();
        let root: Arc<Path> = config.work_dir.as_path().into();
        let children = Children {
            root: config.work_dir,
            endpoint: address.to_string(),
            environment: config.environment,
            sandboxes: sandboxes.clone(),
            watcher,
            runtime: runtime.clone(),
            // Nobody listens any more once the cluster has ended.
            report: Arc::new(move |run, exit| drop(report.send(Message::Exited { run, exit }))),
            leaders: Leaders::default(),
            sweeper: Sweeper::default(),
        };
        let driver = Driver {
            clock,
            core,
            children,
            starts: VecDeque::new(),
            messages: inbox,
            asks: messages.downgrade(),
            exchange: Exchange::default(),
        };
        let (done, ended) = std::sync::mpsc::channel();
        let (stop, stopped) = watch::channel(());
        let asks = messages.clone();
        let listener = {
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(listener).map_err(listening)?
        };
        runtime.spawn(async move {
            let mut server = tokio::spawn(server::serve(listener, asks, root, stopped));
            driver.run().await;
            drop(stop);
            if within(FLUSHING, &mut server).await.is_none() {
                tracing::debug!("some connections to the embedded cluster did not end in time");
                server.abort();
                let _cancelled = server.await; // its connections went with it
            }
            drop(done);
        });
        let open = Mutex::new(Some(Open { messages, ended }));
        Ok(Self { address, sandboxes, pid: std::process::id(), descriptors, open })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What a forked child must close.
    pub(crate) fn descriptors(&self) -> &[RawFd] {
        &self.descriptors
    }

    /// The sandbox of the latest run of a task.
    pub(crate) fn sandbox(&self, task: &str) -> Result<Option<PathBuf>> {
        // A thread that is not in this child may have held the lock.
        if self.is_foreign() { Err(Error::Forked("LocalCluster")) } else { Ok(self.sandboxes.get(task)) }
    }

    /// Ends streams and tasks, and waits for that. Further calls, and calls in a forked child, do nothing.
    pub(crate) fn close(&self) {
        if self.is_foreign() {
            return;
        }
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Open { messages, ended }) = open {
            let _ended_already = messages.send(Message::Close);
            drop(messages);
            let _ended = ended.recv(); // an error: its other end is dropped, which is what we wait for
        }
    }
}

impl Cluster {
    /// Whether this is a forked child, in which nothing of the cluster runs.
    fn is_foreign(&self) -> bool {
        self.pid != std::process::id()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.close();
    }
}
