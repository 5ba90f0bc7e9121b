//! Drivers over the stand-in for libmesos under load: calls and ends from many threads while it talks. Also run under
//! AddressSanitizer (`make test-cpp`), for which `MESOS_FAKE_CXXFLAGS` are flags of the stand-in.

use super::scheduler::connect;
use super::settings::Settings;
use crate::backend::{Backend, End, Subscription};
use crate::event::{Call, Event};
use crate::queue::{self, Received, Receiver};
use crate::sys::wait_readable;
use crate::wire::Writer;
use crate::wire::field::framework_info;
use bytes::Bytes;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const ID: &[u8] = b"\x0a\x01x";
/// A `MasterInfo` of a loopback where nothing listens: id, ip, port.
const MASTER: &str = "0a016d10818080f80718013a0d12093132372e302e302e311801";
/// A `TaskStatus`: task, TASK_RUNNING, agent, uuid.
const STATUS: &str = "0a030a017410012a030a01615a0131";

/// The stand-in, compiled once.
fn library() -> &'static Path {
    static BUILT: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, library) = BUILT.get_or_init(|| {
        let directory = TempDir::new().unwrap();
        let library = directory.path().join("libmesos.so");
        let flags = std::env::var("MESOS_FAKE_CXXFLAGS").unwrap_or_default();
        let sources = ["executor", "messages", "scheduler", "script"]
            .map(|name| format!("{}/cpp/fake/{name}.cc", env!("CARGO_MANIFEST_DIR")));
        let mut compiler = Command::new("g++");
        compiler.args(["-std=c++17", "-O1", "-g", "-shared", "-fPIC", "-o"]).arg(&library).args(sources);
        assert!(compiler.args(flags.split_whitespace()).status().unwrap().success());
        (directory, library)
    });
    library
}

struct Driver {
    backend: Arc<dyn Backend>,
    events: Receiver,
    bell: Arc<queue::Bell>,
    script: PathBuf,
    _directory: TempDir,
}

impl Driver {
    fn start(script: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("script");
        std::fs::write(&path, script).unwrap();
        let mut framework = Writer::new();
        framework.string(framework_info::USER, "u").string(framework_info::NAME, path.to_str().unwrap());
        let subscription = Subscription {
            framework: framework.finish().into(),
            suppressed_roles: Vec::new(),
            offer_constraints: None,
        };
        let library = library().to_str().unwrap().to_owned();
        let settings = Settings::new(library, "127.0.0.1:1", None, None, Duration::ZERO).unwrap();
        let (sender, events, bell) = queue::with_fd().unwrap();
        let backend = connect(settings, subscription, sender).unwrap();
        Self { backend, events, bell, script: path, _directory: directory }
    }

    /// The next event; `None` is the end.
    fn event(&self) -> Option<Event> {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            match self.events.receive() {
                Received::Event(_, event) => return Some(event),
                Received::Ended => return None,
                Received::Empty => assert!(Instant::now() < deadline, "nothing comes any more"),
            }
            wait_readable(&*self.bell, Some(deadline), None);
        }
    }

    /// The names of the calls that libmesos got; complete after the end.
    fn calls(&self) -> Vec<String> {
        let calls = std::fs::read_to_string(self.script.with_extension("calls")).unwrap_or_default();
        calls.lines().map(|line| line.split(' ').next().unwrap().to_owned()).collect()
    }
}

fn acknowledge() -> Call {
    let id = Bytes::from_static(ID);
    Call::Acknowledge { agent_id: id.clone(), task_id: id.clone(), uuid: id }
}

fn any_call(number: usize) -> Call {
    let id = Bytes::from_static(ID);
    match number % 6 {
        0 => Call::Accept { offer_ids: vec![id.clone(); 3], operations: vec![id.clone(); 5], filters: None },
        1 => Call::Decline { offer_ids: vec![id.clone(); 3], filters: None },
        2 => Call::Kill { task_id: id, agent_id: None, kill_policy: None },
        3 => Call::Revive { roles: vec!["r".into()] },
        4 => Call::Message { agent_id: id.clone(), executor_id: id, data: Bytes::from_static(b"\0") },
        _ => acknowledge(),
    }
}

#[test]
fn every_update_is_heard_and_acknowledged_while_others_call() {
    const UPDATES: usize = 5000;
    let mut script = format!("1 registered 0a0166 {MASTER}\n");
    writeln!(script, "{UPDATES} statusUpdate {STATUS}\n1 await acknowledgeStatusUpdate {UPDATES}").unwrap();
    let drivers: Vec<_> = (0..3).map(|_| Arc::new(Driver::start(&script))).collect();
    let readers: Vec<_> = drivers
        .iter()
        .map(|driver| {
            let driver = driver.clone();
            thread::spawn(move || {
                let mut updates = 0;
                while updates < UPDATES {
                    match driver.event().unwrap() {
                        Event::StatusUpdate(_) => {
                            driver.backend.send(acknowledge()).unwrap();
                            updates += 1;
                        }
                        Event::Subscribed { .. } => {}
                        other => panic!("{other:?}"),
                    }
                }
            })
        })
        .collect();
    let callers: Vec<_> = drivers
        .iter()
        .map(|driver| {
            let driver = driver.clone();
            thread::spawn(move || {
                (0..1000).filter(|number| number % 6 != 5).for_each(|number| {
                    driver.backend.send(any_call(number)).unwrap();
                });
            })
        })
        .collect();
    readers.into_iter().chain(callers).for_each(|thread| thread.join().unwrap());
    for driver in drivers {
        driver.backend.end(End::Failover);
        assert!(driver.event().is_none());
        let calls = driver.calls();
        assert_eq!(calls.iter().filter(|call| *call == "acknowledgeStatusUpdate").count(), UPDATES);
        assert_eq!(calls.last().unwrap(), "destroy");
    }
}

#[test]
fn an_end_may_come_at_any_moment_from_any_thread() {
    let script = format!("1 registered 0a0166 {MASTER}\n1000000 statusUpdate {STATUS}\n");
    for round in 0..60 {
        let driver = Arc::new(Driver::start(&script));
        for _ in 0..round / 3 {
            driver.event().unwrap();
        }
        let callers: Vec<_> = [End::Failover, End::Abort]
            .into_iter()
            .map(|how| {
                let driver = driver.clone();
                thread::spawn(move || {
                    (0..50).for_each(|number| driver.backend.send(any_call(number)).unwrap());
                    driver.backend.end(how);
                    (0..50).for_each(|number| driver.backend.send(any_call(number)).unwrap());
                })
            })
            .collect();
        callers.into_iter().for_each(|thread| thread.join().unwrap());
        while driver.event().is_some() {}
        let calls = driver.calls();
        assert!(calls.is_empty() || calls.last().unwrap() == "destroy", "{calls:?}");
    }
}
