//! The embedded cluster: a Mesos master and agents inside this process, for `master="local"` and `LocalCluster`.
//!
//! It speaks the v1 APIs of Apache Mesos 1.11 over HTTP on loopback, those of schedulers and of executors, and runs tasks
//! and executors as real processes. The master has a port, and so has each agent.
//!
//!     server --Ask--> driver --Input--> core (master <-> agents) --Action--> driver --> server, children
//!
//! `core` and what it is made of (`master`, `agent`, `allocator`, `updates`, `resources`, `validate`, `status`, `seen`) are state
//! machines without clock, chance or threads; `clock` has those, `children`, `sweeper` and `watcher` the processes, `fetch`
//! and `prober` what agents do over the network, `server`, `cork`, `api`, `pages`, `endpoints` and `files` the protocol,
//! `driver` owns it all.
//!
//! # Invariants
//! * Knows nothing of Python.
//! * The cluster ends with its process, and its tasks end with it.

mod action;
mod agent;
mod allocator;
mod api;
mod attributes;
mod children;
mod clock;
mod core;
mod cork;
mod counters;
mod driver;
mod endpoints;
mod faults;
mod fetch;
mod files;
mod master;
mod operator;
mod owner;
mod pages;
mod probe;
mod prober;
mod process;
mod reply;
mod resources;
mod seen;
mod server;
mod status;
mod sweeper;
#[cfg(test)]
mod tests;
mod token;
mod updates;
mod validate;
mod watcher;
mod web;

use crate::error::{Error, Result};
use crate::runtime;
use crate::sys::unix::Short;
use agent::Access;
use api::Host;
pub(crate) use children::inherited_environment;
use children::{Children, Leaders, Sandboxes};
use clock::{Entropy, SystemClock, SystemEntropy, within};
use driver::{Driver, Exchange, Message, Shared};
pub(crate) use faults::Fault;
use prober::Prober;
use server::{Listener, Served};
use std::collections::VecDeque;
use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::{AsRawFd as _, RawFd};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use sweeper::Sweeper;
use token::Key;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// How long closing lets connections write what was sent to them.
const FLUSHING: Duration = Duration::from_secs(1);

/// What a cluster is made of.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) agents: usize,
    /// of each agent, in Mesos' text form
    pub(crate) resources: String,
    /// of one agent after the other, in Mesos' text form; those that are left have none
    pub(crate) attributes: Vec<String>,
    /// after which an offer is taken back, if it ever is
    pub(crate) offer_timeout: Option<Duration>,
    /// 0 takes a free one
    pub(crate) port: u16,
    /// where the sandboxes are; it must exist
    pub(crate) work_dir: PathBuf,
    /// executors need a token, which the agent gives them
    pub(crate) authenticate_executors: bool,
    /// agents have a Unix domain socket each, and executors are told of it
    pub(crate) domain_sockets: bool,
    /// what tasks inherit
    pub(crate) environment: Vec<(OsString, OsString)>,
}

/// A running cluster. Dropping it closes it.
#[derive(Debug)]
pub(crate) struct Cluster {
    address: SocketAddr,
    agents: Vec<(String, SocketAddr)>,
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
        let attributes = config.attributes.iter().map(|text| {
            attributes::parse(text).map_err(|why| Error::Configuration(format!("attributes={text:?}: {why}")))
        });
        let attributes = attributes.collect::<Result<_>>()?;
        let shape = core::Shape { resources, attributes, offer_timeout: config.offer_timeout };
        if config.agents == 0 {
            return Err(Error::Configuration("agents=0: a cluster has at least one agent".into()));
        }
        let runtime = runtime::handle()?;
        let (address, listener) = listen(config.port)?;
        let agents = (0..config.agents).map(|_| listen(0)).collect::<Result<Vec<_>>>()?;
        let key = config.authenticate_executors.then(|| Key::new(&mut SystemEntropy));
        let sockets = if config.domain_sockets { agents.as_slice() } else { &[] };
        let sockets = sockets.iter().map(|(address, _)| Door::open(&config.work_dir, *address));
        let sockets = sockets.collect::<Result<Vec<_>>>()?;
        let access =
            |at: usize| Access { socket: sockets.get(at).map(|door| door.path.clone()), key: key.clone() };
        let addresses: Vec<_> = agents.iter().enumerate().map(|(at, agent)| (agent.0, access(at))).collect();
        let (sandboxes, clock) = (Sandboxes::default(), SystemClock::new());
        let entropy = || -> Box<dyn Entropy> { Box::new(SystemEntropy) };
        let core = core::Core::new(clock.now(), address, &addresses, shape, entropy);
        let named = core.ids().iter().cloned().zip(addresses.iter().map(|(address, _)| *address)).collect();
        let watcher = Arc::new(watcher::Watcher::start(core.id())?);
        let listeners: Vec<_> = [(Host::Master, listener)]
            .into_iter()
            .chain(agents.into_iter().enumerate().map(|(at, (_, listener))| (Host::Agent(at), listener)))
            .collect();
        let descriptors = listeners.iter().map(|(_, listener)| listener.as_raw_fd());
        let descriptors = descriptors.chain(sockets.iter().map(|door| door.listener.as_raw_fd()));
        let descriptors = watcher.raw().into_iter().chain(descriptors).collect();
        let (messages, inbox) = mpsc::unbounded_channel();
        let report = messages.clone();
        // Where the sandboxes of each agent are; a master has none.
        let homes: Vec<Arc<Path>> =
            core.ids().iter().map(|id| config.work_dir.join("agents").join(id).into()).collect();
        let children = Children {
            root: config.work_dir,
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
            prober: Prober::default(),
            starts: VecDeque::new(),
            awaited: None,
            asks: messages.downgrade(),
            exchange: Exchange::default(),
        };
        let driver = Shared::new(driver);
        let (done, ended) = std::sync::mpsc::channel();
        let (stop, stopped) = watch::channel(());
        let mut servers = JoinSet::new();
        for (host, listener) in listeners {
            let _inside = runtime.enter();
            let listener = tokio::net::TcpListener::from_std(listener).map_err(|error| listening(&error))?;
            let home = match host {
                Host::Master => None,
                Host::Agent(at) => homes.get(at).cloned(),
            };
            let served = Served { host, key: key.clone(), driver: driver.clone(), home };
            servers.spawn(server::serve(Listener::Tcp(listener), served, stopped.clone()));
        }
        let mut doors = Vec::new();
        for (at, Door { path, listener }) in sockets.into_iter().enumerate() {
            let _inside = runtime.enter();
            let listener = tokio::net::UnixListener::from_std(listener).map_err(|error| listening(&error))?;
            let (host, home) = (Host::Agent(at), homes.get(at).cloned());
            let served = Served { host, key: key.clone(), driver: driver.clone(), home };
            servers.spawn(server::serve(Listener::Unix(listener), served, stopped.clone()));
            doors.push(path);
        }
        runtime.spawn(async move {
            driver.run(inbox).await;
            drop(stop);
            let all = async { while servers.join_next().await.is_some() {} };
            if within(FLUSHING, all).await.is_none() {
                tracing::debug!("some connections to the embedded cluster did not end in time");
                servers.shutdown().await; // their connections go with them
            }
            for path in doors {
                // The directory may be gone, and the socket with it.
                let _gone = std::fs::remove_file(path);
            }
            drop(done);
        });
        let open = Mutex::new(Some(Open { messages, ended }));
        Ok(Self { address, agents: named, sandboxes, pid: std::process::id(), descriptors, open })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What a forked child must close.
    pub(crate) fn descriptors(&self) -> &[RawFd] {
        &self.descriptors
    }

    /// Makes something go wrong; it has happened when this returns. A closed cluster does not mind.
    pub(crate) fn fault(&self, fault: Fault) -> Result<()> {
        if self.is_foreign() {
            return Err(Error::Forked("LocalCluster"));
        }
        let (done, happened) = std::sync::mpsc::channel();
        match &*self.open.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(open) => drop(open.messages.send(Message::Fault { fault, done })),
            None => drop(done),
        }
        let _dropped = happened.recv(); // an error: its other end is dropped, which is what we wait for
        Ok(())
    }

    /// Ids and addresses of the agents.
    pub(crate) fn agents(&self) -> &[(String, SocketAddr)] {
        &self.agents
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

/// A Unix domain socket, and where it is.
struct Door {
    path: PathBuf,
    listener: UnixListener,
}

impl Door {
    /// That of the agent at this address, of which there is one on this machine.
    fn open(directory: &Path, address: SocketAddr) -> Result<Self> {
        let path = directory.join(format!("agent-{}.sock", address.port()));
        let bind = || {
            // It may be left over from a process that was killed.
            let _none = std::fs::remove_file(&path);
            let listener = UnixListener::bind(Short::of(&path)?.path())?;
            listener.set_nonblocking(true)?;
            Ok(listener)
        };
        let failed = |error| Error::os("listening at a Unix domain socket for the embedded cluster", &error);
        let listener = bind().map_err(failed)?;
        Ok(Self { path, listener })
    }
}

/// A port on loopback; 0 takes a free one.
fn listen(port: u16) -> Result<(SocketAddr, TcpListener)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(|error| {
        if error.kind() == std::io::ErrorKind::AddrInUse {
            Error::Configuration(format!("port={port}: it is in use; 0 takes a free one"))
        } else {
            listening(&error)
        }
    })?;
    listener.set_nonblocking(true).map_err(|error| listening(&error))?;
    Ok((listener.local_addr().map_err(|error| listening(&error))?, listener))
}

fn listening(error: &std::io::Error) -> Error {
    Error::os("listening on 127.0.0.1 for the embedded cluster", error)
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
