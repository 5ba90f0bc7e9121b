//! Schedulers under load.

use super::{Events, ID, calls, library};
use crate::backend::libmesos::scheduler::connect;
use crate::backend::libmesos::settings::Settings;
use crate::backend::{Backend, End, Subscription};
use crate::event::{Call, Event};
use crate::wire::Writer;
use crate::wire::field::framework_info;
use bytes::Bytes;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// A `MasterInfo` of a loopback where nothing listens: id, ip, port.
const MASTER: &str = "0a016d10818080f80718013a0d12093132372e302e302e311801";
/// A `TaskStatus`: task, TASK_RUNNING, agent, uuid.
const STATUS: &str = "0a030a017410012a030a01615a0131";

struct Driver {
    backend: Arc<dyn Backend>,
    events: Events,
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
        let (sender, events) = Events::new();
        let backend = connect(settings, subscription, sender).unwrap();
        Self { backend, events, script: path, _directory: directory }
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
                    match driver.events.next().unwrap() {
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
        assert!(driver.events.next().is_none());
        let calls = calls(&driver.script);
        assert_eq!(calls.iter().filter(|call| *call == "acknowledgeStatusUpdate").count(), UPDATES);
        assert_eq!(calls.last().unwrap(), "destroy");
    }
}

#[test]
fn an_end_comes_behind_the_acknowledgements_that_are_left() {
    for how in [End::Teardown, End::Failover, End::Abort] {
        let driver = Driver::start(&format!("1 registered 0a0166 {MASTER}\n1 statusUpdate {STATUS}\n"));
        while !matches!(driver.events.next().unwrap(), Event::StatusUpdate(_)) {}
        assert!(driver.backend.acknowledge(acknowledge()).unwrap(), "it is left");
        driver.backend.end(how);
        while driver.events.next().is_some() {}
        assert_eq!(calls(&driver.script)[1], "acknowledgeStatusUpdate", "{how:?}");
    }
}

#[test]
fn an_end_may_come_at_any_moment_from_any_thread() {
    let script = format!("1 registered 0a0166 {MASTER}\n1000000 statusUpdate {STATUS}\n");
    for round in 0..60 {
        let driver = Arc::new(Driver::start(&script));
        for _ in 0..round / 3 {
            driver.events.next().unwrap();
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
        while driver.events.next().is_some() {}
        let calls = calls(&driver.script);
        assert!(calls.is_empty() || calls.last().unwrap() == "destroy", "{calls:?}");
    }
}
