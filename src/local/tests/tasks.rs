//! Tasks from launch to end: updates, kills, reconciliation.

use super::*;
use crate::local::process::Command;
use crate::proto::mesos::v1::scheduler::call::{Reconcile, Shutdown, reconcile};
use crate::proto::mesos::v1::task_status::{Reason, Source};
use crate::proto::mesos::v1::{DurationInfo, ExecutorId};

const RESOURCES: &str = "cpus:4;mem:4096";
use TaskState::{TaskFailed, TaskFinished, TaskKilled, TaskKilling, TaskLost, TaskRunning, TaskStarting};

#[test]
fn starting_running_finished_with_the_fields_that_mesos_sets() {
    let mut sim = Sim::new(1, RESOURCES);
    let client = sim.subscribe(framework("f"));
    let run = sim.run(&client, "t");
    let launch = &sim.started[0].1;
    assert_eq!(launch.command, Command::Shell("true".into()));
    assert!(launch.told.contains(&("MESOS_ALLOCATION_ROLE", "*".into())));
    let starting = sim.status(&client);
    assert_eq!((starting.state(), starting.source()), (TaskStarting, Source::Executor));
    assert_eq!(starting.executor_id.as_ref().unwrap().value, "t");
    assert_eq!(starting.timestamp(), sim.now.as_secs_f64());
    let container = starting.container_status.as_ref().unwrap();
    assert_eq!((container.executor_pid(), container.network_infos.len()), (100, 1));
    assert_eq!((&starting.message, &starting.reason), (&None, &None));
    sim.acknowledge(&client, &starting);
    let running = sim.status(&client);
    assert_eq!(running.state(), TaskRunning);
    assert_ne!(running.uuid, starting.uuid);
    sim.acknowledge(&client, &running);
    sim.exit(run, Exit::Code(0));
    let finished = sim.statuses(&client).remove(0);
    assert_eq!((finished.state(), finished.message()), (TaskFinished, "Command exited with status 0"));
}

#[test]
fn every_end_has_its_state_and_words() {
    for (exit, state, words) in [
        (Exit::Code(3), TaskFailed, "Command exited with status 3"),
        (Exit::Signal { number: 9, dumped: false }, TaskFailed, "Command terminated with signal Killed"),
        (
            Exit::Signal { number: 11, dumped: true },
            TaskFailed,
            "Command terminated with signal Segmentation fault (core dumped)",
        ),
    ] {
        let mut sim = Sim::new(1, RESOURCES);
        let client = sim.subscribe(framework("f"));
        let run = sim.run(&client, "t");
        assert_eq!(sim.states(&client), [TaskStarting, TaskRunning]);
        sim.exit(run, exit);
        let status = sim.statuses(&client).remove(0);
        assert_eq!((status.state(), status.message()), (state, words));
    }
    let mut sim = Sim::new(1, RESOURCES);
    let client = sim.subscribe(framework("f"));
    sim.refusal = Some("Failed to execute 'x': No such file".into());
    sim.run(&client, "t");
    let starting = sim.statuses(&client).remove(0);
    sim.acknowledge(&client, &starting);
    let failed = sim.statuses(&client).remove(0);
    assert_eq!(failed.state(), TaskFailed);
    assert_eq!(failed.message(), "Command exited with status 1: Failed to execute 'x': No such file");
}

#[test]
fn updates_come_again_until_they_are_acknowledged() {
    let mut sim = Sim::new(1, RESOURCES);
    let client = sim.subscribe(framework("f"));
    let run = sim.run(&client, "t");
    let first = sim.status(&client);
    sim.exit(run, Exit::Code(0));
    for wait in [10.0, 20.0, 40.0] {
        sim.advance(seconds(wait - 0.001));
        assert!(sim.statuses(&client).is_empty());
        sim.advance(seconds(0.001));
        assert_eq!(sim.status(&client).uuid, first.uuid);
    }
    sim.acknowledge(&client, &first);
    assert_eq!(sim.states(&client), [TaskRunning, TaskFinished]);
    sim.advance(seconds(3600.0));
    assert!(sim.statuses(&client).is_empty());
}

#[test]
fn resources_are_free_as_soon_as_any_update_shows_the_end() {
    let mut sim = Sim::new(1, RESOURCES);
    let client = sim.subscribe(framework("f"));
    let run = sim.run(&client, "t");
    let starting = sim.status(&client);
    sim.advance(seconds(1.0));
    sim.exit(run, Exit::Code(0));
    assert!(sim.events(&client).is_empty(), "the end waits behind STARTING");
    sim.acknowledge(&client, &starting);
    assert_eq!(
        sim.types(&client),
        [event::Type::Update, event::Type::Offers],
        "RUNNING has brought the news"
    );
    assert_eq!(
        reconcile(&mut sim, &client, &[])[0].state(),
        TaskRunning,
        "the end was not sent yet: it is no answer"
    );
}

#[test]
fn an_acknowledgement_is_of_one_update_of_one_agent() {
    let mut sim = Sim::new(2, RESOURCES);
    let client = sim.subscribe(framework("f"));
    let (offer, other) = <(Offer, Offer)>::from(<[Offer; 2]>::try_from(sim.offers(&client)).unwrap());
    sim.accept(&client, &[&offer], vec![launch(vec![task("t", &offer, "cpus:1;mem:64")])], 3600.0);
    assert_eq!(sim.states(&client), [TaskStarting, TaskRunning]);
    sim.exit(sim.started[0].0, Exit::Code(0));
    let finished = sim.statuses(&client).remove(0);
    let elsewhere = TaskStatus { agent_id: Some(other.agent_id), ..finished.clone() };
    let another = TaskStatus { uuid: Some(vec![1; 16].into()), ..finished.clone() };
    for wrong in [elsewhere, another] {
        sim.acknowledge(&client, &wrong);
        assert_eq!(reconcile(&mut sim, &client, &[("t", None)])[0].state(), TaskFinished);
    }
    sim.acknowledge(&client, &finished);
    assert_eq!(reconcile(&mut sim, &client, &[("t", None)])[0].state(), TaskLost);
}

#[test]
fn a_kill_terminates_then_kills() {
    let mut sim = Sim::new(1, RESOURCES);
    let client = sim.subscribe(with(framework("f"), &[CapabilityType::TaskKillingState]));
    let run = sim.run(&client, "t");
    assert_eq!(sim.states(&client), [TaskStarting, TaskRunning]);
    let start = sim.now;
    sim.kill(&client, "t", Some("another agent"), None);
    assert!(sim.signals.is_empty(), "it runs elsewhere");
    sim.kill(&client, "t", None, None);
    assert_eq!(sim.states(&client), [TaskKilling]);
    sim.advance(seconds(1.0));
    sim.kill(&client, "t", None, None);
    sim.advance(seconds(60.0));
    assert_eq!(
        sim.signals,
        [(start, run, Signal::Terminate), (start + seconds(3.0), run, Signal::Kill)],
        "a second kill changes nothing"
    );
    sim.exit(run, Exit::Signal { number: 9, dumped: false });
    let status = sim.statuses(&client).remove(0);
    assert_eq!((status.state(), status.message()), (TaskKilled, "Command terminated with signal Killed"));
}

#[test]
fn a_kill_policy_sets_the_grace_period_and_a_second_kill_may_shorten_it() {
    let mut sim = Sim::new(1, RESOURCES);
    let client = sim.subscribe(framework("f"));
    let run = sim.run(&client, "t");
    assert_eq!(sim.states(&client), [TaskStarting, TaskRunning]);
    let start = sim.now;
    sim.kill(&client, "t", None, Some(20_000_000_000));
    sim.advance(seconds(1.0));
    sim.kill(&client, "t", None, Some(30_000_000_000));
    sim.advance(seconds(1.0));
    sim.kill(&client, "t", None, Some(5_000_000_000));
    sim.advance(seconds(60.0));
    assert_eq!(sim.signals, [(start, run, Signal::Terminate), (start + seconds(5.0), run, Signal::Kill)]);
    assert!(sim.statuses(&client).is_empty(), "TASK_KILLING was not asked for");
}

#[test]
fn a_task_that_takes_too_long_fails() {
    let mut sim = Sim::new(1, RESOURCES);
    let client = sim.subscribe(framework("f"));
    let offer = sim.offer(&client);
    let mut slow = task("t", &offer, "cpus:1;mem:64");
    slow.max_completion_time = Some(DurationInfo { nanoseconds: 2_000_000_000 });
    sim.accept(&client, &[&offer], vec![launch(vec![slow])], 3600.0);
    assert_eq!(sim.states(&client), [TaskStarting, TaskRunning]);
    let start = sim.now;
    sim.advance(seconds(10.0));
    let run = sim.started[0].0;
    let late = start + seconds(2.0);
    assert_eq!(sim.signals, [(late, run, Signal::Terminate), (late, run, Signal::Kill)]);
    sim.exit(run, Exit::Signal { number: 15, dumped: false });
    let status = sim.statuses(&client).remove(0);
    assert_eq!((status.state(), status.reason()), (TaskFailed, Reason::MaxCompletionTimeReached));
}

#[test]
fn shutting_down_the_executor_of_a_command_kills_it() {
    let mut sim = Sim::new(1, RESOURCES);
    let client = sim.subscribe(framework("f"));
    let run = sim.run(&client, "t");
    let agent_id = sim.statuses(&client)[0].agent_id.clone().unwrap();
    let shutdown = Shutdown { executor_id: ExecutorId { value: "t".into() }, agent_id };
    sim.accepted(&client, Call { shutdown: Some(Box::new(shutdown)), ..call_of(call::Type::Shutdown) });
    assert_eq!(sim.signals.len(), 1);
    assert_eq!(sim.signals[0].1, run);
}

fn reconcile(sim: &mut Sim, client: &Client, tasks: &[(&str, Option<&str>)]) -> Vec<TaskStatus> {
    let task = |(task, agent): &(&str, Option<&str>)| reconcile::Task {
        task_id: TaskId { value: (*task).into() },
        agent_id: agent.map(|agent| AgentId { value: agent.into() }),
    };
    let reconcile = Reconcile { tasks: tasks.iter().map(task).collect() };
    sim.accepted(client, Call { reconcile: Some(reconcile), ..call_of(call::Type::Reconcile) });
    sim.statuses(client)
}

#[test]
fn reconciliation_follows_mesos_rules() {
    for (capabilities, gone, unknown) in [
        (&[][..], TaskLost, TaskLost),
        (&[CapabilityType::PartitionAware][..], TaskState::TaskGone, TaskState::TaskUnknown),
    ] {
        let mut sim = Sim::new(1, RESOURCES);
        let client = sim.subscribe(with(framework("f"), capabilities));
        assert!(reconcile(&mut sim, &client, &[]).is_empty(), "there are no tasks");
        sim.simple(&client, call::Type::Revive);
        sim.events(&client);
        sim.close(&client);
        let mut info = with(framework("f"), capabilities);
        info.id = None;
        let client = sim.subscribe(info);
        sim.run(&client, "t");
        let starting = sim.status(&client);
        let agent = starting.agent_id.as_ref().unwrap().value.clone();
        let known = reconcile(&mut sim, &client, &[]).remove(0);
        assert_eq!((known.state(), known.source()), (TaskStarting, Source::Master));
        assert_eq!((known.reason(), known.uuid.clone()), (Reason::Reconciliation, None));
        assert_eq!(known.message(), "Reconciliation: Latest task state");
        assert_eq!(known.container_status, starting.container_status);

        let asked = [("t", None), ("u", None), ("u", Some(agent.as_str())), ("u", Some("nowhere"))];
        let answers = reconcile(&mut sim, &client, &asked);
        let states: Vec<_> = answers.iter().map(TaskStatus::state).collect();
        assert_eq!(states, [TaskStarting, unknown, gone, unknown]);
        assert!(answers.iter().all(|status| status.uuid.is_none()));

        // a kill of what is not known is a reconciliation
        sim.kill(&client, "u", Some(&agent), None);
        let status = sim.status(&client);
        assert_eq!(
            (status.state(), status.message()),
            (gone, "Reconciliation: Task is unknown to the agent")
        );
        sim.acknowledge(&client, &starting);
        assert_eq!(reconcile(&mut sim, &client, &[("t", None)]).last().unwrap().state(), TaskRunning);
    }
}

#[test]
fn what_cannot_be_fetched_fails_its_task() {
    use super::worker::{by, executor};
    let mut sim = Sim::new(1, RESOURCES);
    let client = sim.subscribe(framework("f"));
    let offer = sim.offer(&client);
    let small = |id: &str| task(id, &offer, "cpus:0.5;mem:32");
    let tasks = vec![small("command"), by(small("entrusted"), executor("e"))];
    sim.absent = true;
    sim.accept(&client, &[&offer], vec![launch(tasks)], 3600.0);
    let events = sim.events(&client);
    let failure = events.iter().find_map(|event| event.failure.as_ref()).expect("FAILURE");
    assert_eq!(failure.status(), 1 << 8);
    let statuses: Vec<_> = events.iter().filter_map(|event| event.update.as_ref()).collect();
    assert_eq!(statuses.len(), 2, "there is no STARTING");
    for update in statuses {
        let status = &update.status;
        assert_eq!((status.state(), status.reason()), (TaskFailed, Reason::ContainerLaunchFailed));
        assert!(status.message().starts_with("Failed to launch container: Failed to fetch all URIs"));
    }
}
