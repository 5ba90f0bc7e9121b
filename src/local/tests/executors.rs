//! Executors with a process of their own: from the first task to their end.

use super::worker::{Worker, by, executor};
use super::*;
use crate::local::token::{Claims, Key};
use crate::proto::mesos::v1::executor::{Call as ExecutorCall, call as executor_call, event::Type as Told};
use crate::proto::mesos::v1::scheduler::call::{Message, Shutdown};
use crate::proto::mesos::v1::task_status::{Reason, Source};
use crate::proto::mesos::v1::{ExecutorId, ExecutorInfo};
use TaskState::{
    TaskDropped, TaskError, TaskFailed, TaskFinished, TaskKilled, TaskLost, TaskRunning, TaskStaging,
    TaskStarting,
};

const RESOURCES: &str = "cpus:4;mem:4096";

/// A framework with these tasks on the executor "e", which has started and not subscribed.
fn launched(capabilities: &[CapabilityType], tasks: &[&str]) -> (Sim, Client, Worker) {
    let mut sim = Sim::new(1, RESOURCES);
    let client = sim.subscribe(with(framework("f"), capabilities));
    let offer = sim.offer(&client);
    let tasks = tasks.iter().map(|id| by(task(id, &offer, "cpus:0.5;mem:32"), executor("e")));
    sim.accept(&client, &[&offer], vec![launch(tasks.collect())], 3600.0);
    let worker = Worker::new(&client, "e");
    (sim, client, worker)
}

/// The same, and it has subscribed and taken its tasks.
fn running(tasks: &[&str]) -> (Sim, Client, Worker) {
    let (mut sim, client, mut worker) = launched(&[], tasks);
    assert_eq!(worker.subscribe(&mut sim, &[], Vec::new()), Reply::Stream(None));
    assert_eq!(worker.told(&mut sim).len(), 1 + tasks.len());
    (sim, client, worker)
}

#[test]
fn an_executor_is_told_of_the_socket_and_has_to_be_who_its_token_says() {
    let key = Key::new(&mut Counter(7));
    let access = Access { socket: Some("/run/agent.sock".into()), key: Some(key.clone()) };
    let mut sim = Sim::with_access(1, RESOURCES, &access);
    let client = sim.subscribe(framework("f"));
    let offer = sim.offer(&client);
    let info = by(task("a", &offer, "cpus:0.5;mem:32"), executor("e"));
    sim.accept(&client, &[&offer], vec![launch(vec![info])], 3600.0);
    let told: BTreeMap<_, _> = sim.started[0].1.told.iter().cloned().collect();
    assert_eq!(told["MESOS_DOMAIN_SOCKET"], "/run/agent.sock");
    let token = format!("Bearer {}", told["MESOS_EXECUTOR_AUTHENTICATION_TOKEN"]);
    let claims = key.authenticate(Some(token.as_bytes())).unwrap();
    let mut worker = Worker::new(&client, "e");
    worker.claims = Some(Claims { cid: "another".into(), ..claims.clone() });
    let Reply::Refused(403, words) = worker.subscribe(&mut sim, &[], Vec::new()) else { panic!("taken") };
    assert!(words.ends_with("does not contain a 'cid' claim with the correct active ContainerID"), "{words}");
    worker.claims = Some(claims);
    assert_eq!(worker.subscribe(&mut sim, &[], Vec::new()), Reply::Stream(None));
}

fn launch_more(sim: &mut Sim, client: &Client, id: &str) {
    sim.simple(client, call::Type::Revive);
    sim.advance(seconds(1.0));
    let offer = sim.offers(client).pop().expect("an offer");
    let task = by(task(id, &offer, "cpus:0.5;mem:32"), executor("e"));
    sim.accept(client, &[&offer], vec![launch(vec![task])], 3600.0);
}

#[test]
fn one_executor_is_started_for_all_its_tasks_and_told_where_its_agent_is() {
    let (mut sim, client, mut worker) = launched(&[], &["a", "b"]);
    assert_eq!(sim.started.len(), 1);
    let launch = sim.started[0].1.clone();
    let told: BTreeMap<_, _> = launch.told.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(told["MESOS_SLAVE_PID"], "slave(1)@127.0.0.1:5051");
    assert_eq!(told["MESOS_AGENT_ENDPOINT"], "127.0.0.1:5051");
    assert_eq!((told["MESOS_EXECUTOR_ID"], told["MESOS_FRAMEWORK_ID"]), ("e", client.framework.as_str()));
    assert_eq!((told["MESOS_CHECKPOINT"], told["MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD"]), ("0", "5secs"));
    assert!(!told.contains_key("MESOS_RECOVERY_TIMEOUT") && !told.contains_key("MESOS_TASK_ID"));
    assert_eq!(sim.sandboxes["a"], launch.sandbox);
    assert!(sim.statuses(&client).is_empty(), "it says itself how its tasks are");

    worker.subscribe(&mut sim, &[], Vec::new());
    let events = worker.told(&mut sim);
    let types: Vec<_> = events.iter().map(executor::Event::r#type).collect();
    assert_eq!(types, [Told::Subscribed, Told::Launch, Told::Launch]);
    let subscribed = events[0].subscribed.as_ref().unwrap();
    assert_eq!(subscribed.executor_info.executor_id.value, "e");
    assert_eq!(subscribed.framework_info.name, "f");
    assert_eq!(subscribed.agent_info.port(), 5051);
    assert_eq!(events[1].launch.as_ref().unwrap().task.task_id.value, "a");

    launch_more(&mut sim, &client, "c");
    assert_eq!((worker.types(&mut sim), sim.started.len()), (vec![Told::Launch], 1));
}

#[test]
fn an_executor_of_a_checkpointing_framework_is_told_how_to_come_back() {
    let mut sim = Sim::new(1, RESOURCES);
    let client = sim.subscribe(FrameworkInfo { checkpoint: Some(true), ..framework("f") });
    let offer = sim.offer(&client);
    let mut info = executor("e");
    info.shutdown_grace_period = Some(crate::proto::mesos::v1::DurationInfo { nanoseconds: 1_500_000_000 });
    let task = by(task("t", &offer, "cpus:1;mem:32"), info);
    sim.accept(&client, &[&offer], vec![launch(vec![task])], 3600.0);
    let told: BTreeMap<_, _> = sim.started[0].1.told.iter().cloned().collect();
    assert_eq!(told["MESOS_CHECKPOINT"], "1");
    assert_eq!(
        (told["MESOS_RECOVERY_TIMEOUT"].as_str(), told["MESOS_SUBSCRIPTION_BACKOFF_MAX"].as_str()),
        ("15mins", "2secs")
    );
    assert_eq!(told["MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD"], "1500ms");
}

#[test]
fn updates_reach_the_scheduler_and_are_acknowledged_to_the_executor_at_once() {
    let (mut sim, client, worker) = running(&["t"]);
    worker.update(&mut sim, "t", TaskRunning, 1);
    worker.update(&mut sim, "t", TaskRunning, 1);
    worker.update(&mut sim, "t", TaskFinished, 2);
    assert_eq!(worker.types(&mut sim), [Told::Acknowledged; 3]);
    let status = sim.status(&client);
    assert_eq!((status.state(), status.executor_id.as_ref().unwrap().value.as_str()), (TaskRunning, "e"));
    let container = status.container_status.as_ref().unwrap();
    assert_eq!((container.executor_pid(), container.network_infos.len()), (100, 1));
    sim.acknowledge(&client, &status);
    assert_eq!(sim.states(&client), [TaskFinished], "what came twice counts once");
    launch_more(&mut sim, &client, "u");
    assert_eq!(sim.started.len(), 1, "an executor without tasks stays");
}

#[test]
fn calls_before_subscribing_and_of_nobody_are_refused() {
    let (mut sim, client, mut worker) = launched(&[], &["t"]);
    let update = executor_call::Update { status: Box::new(Worker::status("t", TaskRunning, 1)) };
    let call = ExecutorCall { update: Some(update), ..ExecutorCall::default() };
    let reply = worker.call(&mut sim, executor_call::Type::Update, call.clone());
    assert_eq!(reply, Reply::Refused(403, "Executor is not subscribed".into()));
    let nobody = Worker::new(&client, "another");
    let reply = nobody.call(&mut sim, executor_call::Type::Update, call.clone());
    assert_eq!(reply, Reply::Refused(400, "Executor cannot be found".into()));
    worker.framework = "another".into();
    let reply = worker.call(&mut sim, executor_call::Type::Update, call);
    assert_eq!(reply, Reply::Refused(400, "Framework cannot be found".into()));
    let heartbeat = worker.call(&mut sim, executor_call::Type::Heartbeat, ExecutorCall::default());
    assert_eq!(heartbeat, Reply::Accepted);
}

#[test]
fn an_end_fails_what_has_not_ended_and_is_told_first() {
    let (mut sim, client, worker) = running(&["b", "a", "done"]);
    worker.update(&mut sim, "done", TaskFinished, 1);
    assert_eq!(sim.states(&client), [TaskFinished]);
    sim.exit(sim.started[0].0, Exit::Code(3));
    let events = sim.events(&client);
    let failure = events[0].failure.as_ref().expect("FAILURE first");
    assert_eq!((failure.status(), failure.executor_id.as_ref().unwrap().value.as_str()), (3 << 8, "e"));
    let statuses: Vec<_> = events[1..].iter().map(|event| &event.update.as_ref().unwrap().status).collect();
    let tasks: Vec<_> = statuses.iter().map(|status| status.task_id.value.as_str()).collect();
    assert_eq!(tasks, ["b", "a"], "in the order in which they were launched");
    for status in statuses {
        assert_eq!((status.state(), status.source()), (TaskFailed, Source::Agent));
        assert_eq!((status.reason(), status.message()), (Reason::ExecutorTerminated, "Executor terminated"));
        assert_eq!(status.container_status, None);
    }
    assert!(sim.closed.contains(&worker.stream));
    launch_more(&mut sim, &client, "c");
    assert_eq!(sim.started.len(), 2, "the id can be used again");
}

#[test]
fn one_that_does_not_register_within_a_minute_is_killed() {
    let (mut sim, client, _) = launched(&[], &["t"]);
    let run = sim.started[0].0;
    sim.advance(seconds(59.9));
    assert!(sim.signals.is_empty());
    sim.advance(seconds(0.2));
    assert_eq!(
        sim.signals.iter().map(|(_, run, signal)| (*run, *signal)).collect::<Vec<_>>(),
        [(run, Signal::Kill)]
    );
    sim.exit(run, Exit::Signal { number: 9, dumped: false });
    let status = sim.status(&client);
    assert_eq!((status.state(), status.reason()), (TaskFailed, Reason::ExecutorRegistrationTimeout));
    assert_eq!(status.message(), "Executor did not register within 1mins");
}

#[test]
fn a_kill_goes_to_the_executor_and_before_that_to_what_waits_for_it() {
    let (mut sim, client, mut worker) = launched(&[], &["a", "b"]);
    sim.kill(&client, "a", None, None);
    let status = sim.status(&client);
    assert_eq!((status.state(), status.reason()), (TaskKilled, Reason::TaskKilledDuringLaunch));
    assert_eq!(status.message(), "Killed before delivery to the executor");
    worker.subscribe(&mut sim, &[], Vec::new());
    assert_eq!(worker.types(&mut sim), [Told::Subscribed, Told::Launch]);
    sim.kill(&client, "b", None, Some(7));
    let kill = worker.told(&mut sim).remove(0).kill.expect("KILL");
    assert_eq!(kill.task_id.value, "b");
    assert_eq!(kill.kill_policy.unwrap().grace_period.unwrap().nanoseconds, 7);
}

#[test]
fn one_whose_tasks_were_all_killed_while_it_started_is_shut_down() {
    let (mut sim, client, mut worker) = launched(&[], &["t"]);
    sim.kill(&client, "t", None, None);
    worker.subscribe(&mut sim, &[], Vec::new());
    assert_eq!(worker.types(&mut sim), [Told::Shutdown]);
    sim.advance(seconds(5.1));
    assert_eq!(sim.signals.len(), 1, "it was given its time");
}

#[test]
fn messages_go_both_ways_and_only_to_who_listens() {
    let (mut sim, client, mut worker) = launched(&[], &["t"]);
    let agent_id = AgentId {
        value: sim.started[0].1.told.iter().find(|(name, _)| *name == "MESOS_SLAVE_ID").unwrap().1.clone(),
    };
    let send = |sim: &mut Sim, data: &'static [u8]| {
        let executor_id = ExecutorId { value: "e".into() };
        let message = Message { agent_id: agent_id.clone(), executor_id, data: data.into() };
        sim.accepted(&client, Call { message: Some(Box::new(message)), ..call_of(call::Type::Message) });
    };
    send(&mut sim, b"early");
    worker.subscribe(&mut sim, &[], Vec::new());
    worker.told(&mut sim);
    send(&mut sim, b"a\0b");
    assert_eq!(&worker.told(&mut sim)[0].message.as_ref().unwrap().data[..], b"a\0b");
    let message = executor_call::Message { data: b"back"[..].into() };
    let call = ExecutorCall { message: Some(message), ..ExecutorCall::default() };
    assert_eq!(worker.call(&mut sim, executor_call::Type::Message, call), Reply::Accepted);
    let event = sim.events(&client).remove(0).message.expect("MESSAGE");
    assert_eq!((&event.data[..], event.executor_id.value.as_str()), (&b"back"[..], "e"));
}

#[test]
fn a_shutdown_is_told_and_enforced() {
    let (mut sim, client, worker) = running(&["t"]);
    worker.update(&mut sim, "t", TaskRunning, 1);
    let agent_id = sim.status(&client).agent_id.unwrap();
    let shutdown = Shutdown { executor_id: ExecutorId { value: "e".into() }, agent_id };
    worker.told(&mut sim);
    sim.accepted(&client, Call { shutdown: Some(Box::new(shutdown)), ..call_of(call::Type::Shutdown) });
    assert_eq!(worker.types(&mut sim), [Told::Shutdown]);
    sim.advance(seconds(4.9));
    assert!(sim.signals.is_empty());
    launch_more(&mut sim, &client, "late");
    assert_eq!(sim.statuses(&client)[0].message(), "Executor terminating");
    sim.advance(seconds(1.0));
    assert_eq!(sim.signals.len(), 1);
    assert_eq!(sim.signals[0].2, Signal::Kill);
}

#[test]
fn the_end_of_a_framework_is_the_end_of_its_executors() {
    let (mut sim, client, worker) = running(&["t"]);
    sim.simple(&client, call::Type::Teardown);
    assert_eq!(worker.types(&mut sim), [Told::Shutdown]);
    sim.exit(sim.started[0].0, Exit::Code(0));
    assert!(sim.closed.contains(&worker.stream));
    sim.advance(seconds(1.0));
    assert!(sim.core.due().is_none_or(|due| due > sim.now + seconds(600.0)), "nothing is waited for");
}

#[test]
fn who_subscribes_again_brings_what_was_not_acknowledged_and_loses_what_it_never_got() {
    for (capabilities, gone) in [(&[][..], TaskLost), (&[CapabilityType::PartitionAware][..], TaskDropped)] {
        let (mut sim, client, mut worker) = launched(capabilities, &["known", "reported", "lost"]);
        worker.subscribe(&mut sim, &[], Vec::new());
        let first = worker.stream;
        let updates = vec![Worker::status("reported", TaskRunning, 9)];
        worker.subscribe(&mut sim, &["known"], updates);
        assert!(sim.closed.contains(&first), "one stream for each executor");
        assert_eq!(worker.types(&mut sim), [Told::Subscribed, Told::Acknowledged]);
        let statuses = sim.statuses(&client);
        let told: Vec<_> = statuses.iter().map(|this| (this.task_id.value.as_str(), this.state())).collect();
        assert_eq!(told, [("reported", TaskRunning), ("lost", gone)]);
        assert_eq!(statuses[1].reason(), Reason::AgentRestarted);
    }
}

#[test]
fn bad_executors_are_refused_in_mesos_words() {
    let mut sim = Sim::new(1, RESOURCES);
    let client = sim.subscribe(framework("f"));
    let offer = sim.offer(&client);
    let without_command = ExecutorInfo { command: None, ..executor("e") };
    let of_another =
        ExecutorInfo { framework_id: Some(FrameworkId { value: "other".into() }), ..executor("e") };
    let of_kind = |kind: i32, info: ExecutorInfo| ExecutorInfo { r#type: Some(kind), ..info };
    let named = ExecutorInfo { name: Some("other".into()), ..executor("same") };
    let infos = [
        (executor(""), "ID must not be empty"),
        (without_command.clone(), "'ExecutorInfo.command' must be set"),
        (of_another, "ExecutorInfo has an invalid FrameworkID (Actual: other vs Expected: "),
        (of_kind(1, executor("e")), "'ExecutorInfo.command' must not be set for 'DEFAULT' executor"),
        (of_kind(1, without_command), "'ExecutorInfo.type' must be 'CUSTOM'"),
        (executor("same"), ""),
        (named, "ExecutorInfo is not compatible with existing ExecutorInfo with same ExecutorID"),
    ];
    let tasks = infos
        .iter()
        .enumerate()
        .map(|(at, (info, _))| by(task(&at.to_string(), &offer, "cpus:0.1;mem:32"), info.clone()));
    sim.accept(&client, &[&offer], vec![launch(tasks.collect())], 3600.0);
    let words: BTreeMap<usize, String> = sim
        .statuses(&client)
        .iter()
        .map(|status| {
            assert_eq!((status.state(), status.reason()), (TaskError, Reason::TaskInvalid));
            (status.task_id.value.parse().unwrap(), status.message().to_owned())
        })
        .collect();
    for (at, (_, expected)) in infos.iter().enumerate() {
        let got = words.get(&at).map_or("", String::as_str);
        assert!(got.starts_with(expected) && got.is_empty() == expected.is_empty(), "{at}: {got}");
    }
}

#[test]
fn an_executor_holds_its_resources_until_it_ends() {
    let (mut sim, client, worker) = running(&["t"]);
    worker.update(&mut sim, "t", TaskStarting, 1);
    worker.update(&mut sim, "t", TaskFinished, 2);
    assert_eq!(sim.states(&client), [TaskStarting, TaskFinished]);
    let free = |sim: &mut Sim| {
        sim.simple(&client, call::Type::Revive);
        sim.advance(seconds(1.0));
        let offers = sim.offers(&client);
        let all = offers.iter().map(cpus).sum::<f64>();
        offers.iter().for_each(|offer| sim.decline(&client, offer, filters(0.0)));
        all
    };
    assert_eq!(free(&mut sim), 3.5);
    sim.exit(sim.started[0].0, Exit::Code(0));
    assert_eq!(free(&mut sim), 4.0);
    assert!(!sim.events(&client).iter().any(|event| event.update.is_some()), "no task had not ended");
    assert_ne!(TaskStaging, TaskFinished);
}
