//! Executors under load, in a process of their own: there is one environment for all that a process runs.

use super::{Events, ID, calls, library};
use crate::backend::http::master::Endpoint;
use crate::backend::libmesos::executor::{Settings, connect};
use crate::backend::{Backend, End};
use crate::event::{Call, Event};
use bytes::Bytes;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

const TASKS: usize = 5000;
/// `ExecutorInfo`, `FrameworkInfo`, `AgentInfo`: what they must have.
const REGISTERED: &str = "1 registered 0a030a0165 0a017512016e 0a0168";
/// A `TaskInfo`: name, task, agent.
const TASK: &str = "0a016e12030a01741a030a0161";

/// Runs another test of this file as an executor that hears a script.
fn run(test: &str, script: &str) {
    let directory = TempDir::new().unwrap();
    std::fs::write(directory.path().join("script"), script).unwrap();
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored", "--quiet", &format!("backend::libmesos::tests::executor::{test}")])
        .env("MESOS_DIRECTORY", directory.path())
        .envs([("MESOS_FRAMEWORK_ID", "f"), ("MESOS_EXECUTOR_ID", "e"), ("MESOS_SLAVE_ID", "a")])
        .envs([("MESOS_SLAVE_PID", "slave(1)@127.0.0.1:1"), ("LIBPROCESS_IP", "127.0.0.1")])
        .status();
    assert!(status.unwrap().success());
}

fn start() -> (Arc<dyn Backend>, Arc<Events>) {
    let settings = Settings {
        library: library().to_str().unwrap().to_owned(),
        agent: Endpoint::agent("127.0.0.1:1", "/slave(1)", false).unwrap(),
        framework_id: Bytes::from_static(ID),
        executor_id: Bytes::from_static(ID),
        grace_period: Some(Duration::from_secs(5)),
    };
    let (sender, events) = Events::new();
    (connect(settings, sender).unwrap(), Arc::new(events))
}

/// The script of this process.
fn script() -> PathBuf {
    Path::new(&std::env::var_os("MESOS_DIRECTORY").unwrap()).join("script")
}

fn update() -> Call {
    Call::Update(Bytes::from_static(ID))
}

#[test]
fn every_task_is_heard_of_and_reported_while_others_call() {
    run("report_every_task", &format!("{REGISTERED}\n{TASKS} launchTask {TASK}\n1 await stop 1\n"));
}

#[test]
#[ignore = "the test above runs it, in an executor's environment"]
fn report_every_task() {
    let (backend, events) = start();
    let caller = backend.clone();
    let caller = thread::spawn(move || {
        let message = || Call::SchedulerMessage(Bytes::from_static(b"\0"));
        (0..TASKS).for_each(|_| caller.send(message()).unwrap());
    });
    let mut reported = 0;
    while reported < TASKS {
        match events.next().unwrap() {
            Event::Launch(_) => {
                backend.send(update()).unwrap();
                reported += 1;
            }
            Event::ExecutorSubscribed(_) => {}
            other => panic!("{other:?}"),
        }
    }
    caller.join().unwrap();
    backend.end(End::Failover);
    assert!(events.next().is_none());
    let calls = calls(&script());
    let count = |name| calls.iter().filter(|call| *call == name).count();
    assert_eq!((count("sendStatusUpdate"), count("sendFrameworkMessage")), (TASKS, TASKS));
    assert_eq!(calls.last().unwrap(), "destroy");
}

#[test]
fn an_end_may_come_at_any_moment_from_any_thread() {
    run("end_at_any_moment", &format!("{REGISTERED}\n1000000 launchTask {TASK}\n"));
}

#[test]
#[ignore = "the test above runs it, in an executor's environment"]
fn end_at_any_moment() {
    for round in 0..60 {
        let (backend, events) = start();
        for _ in 0..round / 3 {
            events.next().unwrap();
        }
        let callers: Vec<_> = [End::Failover, End::Abort]
            .into_iter()
            .map(|how| {
                let backend = backend.clone();
                thread::spawn(move || {
                    (0..50).for_each(|_| backend.send(update()).unwrap());
                    backend.end(how);
                    (0..50).for_each(|_| backend.send(update()).unwrap());
                })
            })
            .collect();
        callers.into_iter().for_each(|thread| thread.join().unwrap());
        while events.next().is_some() {}
        let stats = backend.stats();
        assert_eq!(stats.calls_sent + stats.calls_dropped, 200);
    }
}
