//! Task groups: one default executor, tasks that live and die together.

use super::*;
use crate::proto::mesos::v1::executor_info::Type as Kind;
use crate::proto::mesos::v1::task_status::Reason;
use crate::proto::mesos::v1::{ExecutorId, ExecutorInfo, TaskGroupInfo};
use TaskState::{TaskError, TaskFailed, TaskFinished, TaskKilled, TaskRunning, TaskStarting};

const RESOURCES: &str = "cpus:4;mem:4096;disk:1024";

pub(super) fn executor(client: &Client, resources: &str) -> ExecutorInfo {
    let mut resources = resources::to_proto(&resources::parse(resources).unwrap(), "*");
    resources.iter_mut().for_each(|resource| resource.allocation_info = None);
    let mut info = ExecutorInfo {
        executor_id: ExecutorId { value: "g".into() },
        framework_id: Some(FrameworkId { value: client.framework.clone() }),
        resources,
        ..ExecutorInfo::default()
    };
    info.set_type(Kind::Default);
    info
}

pub(super) fn group(executor: ExecutorInfo, tasks: Vec<TaskInfo>) -> Operation {
    let launch = operation::LaunchGroup { executor: Box::new(executor), task_group: TaskGroupInfo { tasks } };
    let mut operation = Operation { launch_group: Some(Box::new(launch)), ..Operation::default() };
    operation.set_type(operation::Type::LaunchGroup);
    operation
}

/// Two tasks that run.
fn running() -> (Sim, Client) {
    let mut sim = Sim::new(1, RESOURCES);
    let client = sim.subscribe(framework("f"));
    let offer = sim.offer(&client);
    let tasks = ["a", "b"].map(|id| task(id, &offer, "cpus:0.5;mem:32")).to_vec();
    let operation = group(executor(&client, "cpus:0.1;mem:32;disk:10"), tasks);
    sim.accept(&client, &[&offer], vec![operation], 3600.0);
    assert_eq!(sim.states(&client), [TaskStarting, TaskStarting, TaskRunning, TaskRunning]);
    (sim, client)
}

#[test]
fn tasks_share_an_executor_and_have_containers_inside_its() {
    let mut sim = Sim::new(1, RESOURCES);
    let client = sim.subscribe(framework("f"));
    let offer = sim.offer(&client);
    let tasks = ["a", "b"].map(|id| task(id, &offer, "cpus:0.5;mem:32")).to_vec();
    sim.accept(&client, &[&offer], vec![group(executor(&client, "cpus:0.1;mem:32;disk:10"), tasks)], 3600.0);
    let starting = sim.statuses(&client);
    assert_eq!(starting.iter().map(TaskStatus::state).collect::<Vec<_>>(), [TaskStarting; 2]);
    let inner: Vec<_> = starting
        .iter()
        .map(|this| this.container_status.as_ref().unwrap().container_id.clone().unwrap())
        .collect();
    assert_eq!(inner[0].parent, inner[1].parent);
    assert_ne!(inner[0].value, inner[1].value);
    assert!(starting.iter().all(|status| status.executor_id.as_ref().unwrap().value == "g"));
    assert!(sim.sandboxes["a"].ends_with("tasks/a"));
    starting.iter().for_each(|status| sim.acknowledge(&client, status));
    let running = sim.statuses(&client);
    assert_eq!(running.iter().map(TaskStatus::state).collect::<Vec<_>>(), [TaskRunning; 2]);
    assert!(running.iter().all(|this| !this.container_status.as_ref().unwrap().network_infos.is_empty()));
}

#[test]
fn the_executor_ends_with_its_last_task() {
    let (mut sim, client) = running();
    sim.exit(sim.started[0].0, Exit::Code(0));
    assert_eq!(sim.states(&client), [TaskFinished]);
    assert!(sim.signals.is_empty(), "one that finished leaves the others alone");
    sim.exit(sim.started[1].0, Exit::Code(0));
    let events = sim.events(&client);
    assert_eq!(events[0].update.as_ref().unwrap().status.state(), TaskFinished);
    let failure = events[1].failure.as_ref().expect("FAILURE");
    assert_eq!((failure.status(), failure.executor_id.as_ref().unwrap().value.as_str()), (0, "g"));
}

#[test]
fn one_that_fails_or_is_killed_takes_the_others_with_it() {
    for kill in [true, false] {
        let (mut sim, client) = running();
        let [(first, _), (second, _)] = &sim.started[..] else { panic!("two processes") };
        let (first, second) = (*first, *second);
        if kill {
            sim.kill(&client, "a", None, None);
            sim.exit(first, Exit::Signal { number: 15, dumped: false });
        } else {
            sim.exit(first, Exit::Code(3));
        }
        assert_eq!(sim.signals.last().unwrap().1, second);
        sim.exit(second, Exit::Signal { number: 15, dumped: false });
        assert_eq!(sim.states(&client), [if kill { TaskKilled } else { TaskFailed }, TaskKilled]);
    }
}

#[test]
fn a_group_is_refused_as_a_whole() {
    let mut sim = Sim::new(1, RESOURCES);
    let client = sim.subscribe(framework("f"));
    let offer = sim.offer(&client);
    let good = || executor(&client, "cpus:0.1;mem:32;disk:10");
    let member = |id: &str| task(id, &offer, "cpus:0.1;mem:32");
    let cases = [
        (ExecutorInfo { framework_id: None, ..good() }, "'ExecutorInfo.framework_id' must be set"),
        (ExecutorInfo { r#type: None, ..good() }, "'ExecutorInfo.type' must be set"),
        (
            executor(&client, "cpus:0.1;disk:1"),
            "Executor 'g' uses less memory (None) than the minimum required (32MB)",
        ),
        (executor(&client, "cpus:0.1;mem:32"), "Executor 'g' uses no disk"),
        (executor(&client, "cpus:100;mem:32;disk:1"), "Total resources "),
    ];
    let operations = cases.iter().map(|(info, _)| group(info.clone(), vec![member("x"), member("y")]));
    let empty = TaskInfo { resources: Vec::new(), ..member("z") };
    let last = group(good(), vec![member("x"), empty]);
    sim.accept(&client, &[&offer], operations.chain([last]).collect(), 3600.0);
    let statuses = sim.statuses(&client);
    assert_eq!(statuses.len(), 2 * (cases.len() + 1));
    let expected =
        cases.iter().map(|(_, words)| *words).chain(["Task 'z' is invalid: Task uses no resources"]);
    for (pair, words) in statuses.chunks(2).zip(expected) {
        for status in pair {
            assert_eq!((status.state(), status.reason()), (TaskError, Reason::TaskGroupInvalid));
            assert!(status.message().starts_with(words), "{}", status.message());
        }
    }
    assert!(sim.started.is_empty());
}
