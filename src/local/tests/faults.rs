//! Agents that end, start again, get lost and come back; a master that fails over.

use super::worker::{Worker, by, executor};
use super::*;
use crate::local::faults::Fault;
use crate::proto::mesos::v1::scheduler::call::{Reconcile, reconcile};
use crate::proto::mesos::v1::task_status::Reason;
use TaskState::{
    TaskFailed, TaskFinished, TaskGoneByOperator, TaskLost, TaskRunning, TaskStarting, TaskUnreachable,
};

const RESOURCES: &str = "cpus:4;mem:4096";

/// A framework with the command "c" and the task "e" on an executor, both running.
fn running(checkpoint: bool, capabilities: &[CapabilityType]) -> (Sim, Client, Worker) {
    let mut sim = Sim::new(1, RESOURCES);
    let info = FrameworkInfo { checkpoint: Some(checkpoint), failover_timeout: Some(60.0), ..framework("f") };
    let client = sim.subscribe(with(info, capabilities));
    let offer = sim.offer(&client);
    let command = task("c", &offer, "cpus:0.5;mem:32");
    let entrusted = by(task("e", &offer, "cpus:0.5;mem:32"), executor("e"));
    sim.accept(&client, &[&offer], vec![launch(vec![command, entrusted])], 3600.0);
    let mut worker = Worker::new(&client, "e");
    worker.subscribe(&mut sim, &[], Vec::new());
    worker.update(&mut sim, "e", TaskRunning, 1);
    let mut states = sim.states(&client);
    states.sort_by_key(|state| *state as i32);
    assert_eq!(states, [TaskStarting, TaskRunning, TaskRunning]);
    (sim, client, worker)
}

fn asked(sim: &mut Sim, client: &Client, task: &str, agent: &str) -> TaskStatus {
    let asked = reconcile::Task {
        task_id: TaskId { value: task.into() },
        agent_id: Some(AgentId { value: agent.into() }),
    };
    let reconcile = Reconcile { tasks: vec![asked] };
    sim.accepted(client, Call { reconcile: Some(reconcile), ..call_of(call::Type::Reconcile) });
    sim.status(client)
}

#[test]
fn with_checkpoints_tasks_survive_their_agent_and_what_they_do_meanwhile_is_told_later() {
    let (mut sim, client, mut worker) = running(true, &[]);
    let stream = worker.stream;
    sim.input(Input::Fault(Fault::AgentStops(0)));
    assert!(sim.closed.contains(&stream));
    assert!(sim.signals.is_empty());
    assert!(matches!(worker.subscribe(&mut sim, &["e"], Vec::new()), Reply::Refused(503, _)));
    sim.exit(sim.started[0].0, Exit::Code(0));
    assert!(sim.statuses(&client).is_empty());

    sim.input(Input::Fault(Fault::AgentStarts(0)));
    let unacknowledged = vec![Worker::status("e", TaskFinished, 2)];
    worker.subscribe(&mut sim, &["e"], unacknowledged);
    let mut states = sim.states(&client);
    states.sort_by_key(|state| *state as i32);
    assert_eq!(states, [TaskFinished, TaskFinished]);
    sim.advance(seconds(10.0));
    assert!(sim.signals.is_empty(), "it came back in time");
}

#[test]
fn a_kill_waits_for_an_executor_that_is_on_its_way_back() {
    let (mut sim, client, mut worker) = running(true, &[]);
    sim.input(Input::Fault(Fault::AgentStops(0)));
    sim.input(Input::Fault(Fault::AgentStarts(0)));
    sim.kill(&client, "e", None, Some(7));
    worker.subscribe(&mut sim, &["e"], Vec::new());
    let told = sim.told.remove(&worker.stream).unwrap();
    let kill = told[1].kill.as_ref().expect("KILL");
    let grace = kill.kill_policy.as_ref().unwrap().grace_period.as_ref().unwrap();
    assert_eq!((told.len(), kill.task_id.value.as_str(), grace.nanoseconds), (2, "e", 7));
}

#[test]
fn an_executor_that_does_not_come_back_in_time_is_killed() {
    let (mut sim, client, _) = running(true, &[]);
    sim.input(Input::Fault(Fault::AgentStops(0)));
    sim.advance(seconds(100.0));
    sim.input(Input::Fault(Fault::AgentStarts(0)));
    sim.advance(seconds(1.9));
    assert!(sim.signals.is_empty());
    sim.advance(seconds(0.2));
    let run = sim.started[1].0;
    assert_eq!(sim.signals.last().map(|(_, run, signal)| (*run, *signal)), Some((run, Signal::Kill)));
    sim.exit(run, Exit::Signal { number: 9, dumped: false });
    let status = sim.statuses(&client).pop().unwrap();
    assert_eq!((status.state(), status.reason()), (TaskFailed, Reason::ExecutorReregistrationTimeout));
}

#[test]
fn without_checkpoints_they_are_lost_with_it() {
    let (mut sim, client, worker) = running(false, &[]);
    sim.input(Input::Fault(Fault::AgentStops(0)));
    let statuses = sim.statuses(&client);
    assert_eq!(statuses.len(), 2);
    for status in &statuses {
        assert_eq!((status.state(), status.reason()), (TaskLost, Reason::AgentDisconnected));
        assert_eq!(status.message(), "Agent 127.0.0.1 disconnected");
    }
    assert_eq!(sim.signals.len(), 2);
    let runs: Vec<_> = sim.started.iter().map(|(run, _)| *run).collect();
    runs.into_iter().for_each(|run| sim.exit(run, Exit::Signal { number: 9, dumped: false }));
    sim.simple(&client, call::Type::Suppress);
    sim.input(Input::Fault(Fault::AgentStarts(0)));
    assert!(sim.statuses(&client).is_empty(), "nobody tells of them a second time");
    sim.simple(&client, call::Type::Revive);
    sim.advance(seconds(1.0));
    assert_eq!(sim.offers(&client).iter().map(cpus).sum::<f64>(), 4.0);
    assert!(sim.closed.contains(&worker.stream));
}

#[test]
fn a_lost_agent_is_unreachable_until_it_comes_back() {
    for (capabilities, unreachable) in
        [(&[][..], TaskLost), (&[CapabilityType::PartitionAware][..], TaskUnreachable)]
    {
        let (mut sim, client, worker) = running(true, capabilities);
        sim.simple(&client, call::Type::Revive);
        sim.advance(seconds(1.0));
        assert_eq!(sim.types(&client), [event::Type::Offers]);
        let agent = sim.core.ids()[0].clone();
        sim.input(Input::Fault(Fault::AgentLost(0)));
        let events = sim.events(&client);
        let types: Vec<_> = events.iter().map(Event::r#type).collect();
        use event::Type::{Failure, Rescind, Update};
        assert_eq!(types, [Rescind, Update, Update, Failure]);
        let status = &events[1].update.as_ref().unwrap().status;
        assert_eq!((status.state(), status.message()), (unreachable, "health check timed out"));
        assert!(status.unreachable_time.is_some());
        let status = asked(&mut sim, &client, "c", &agent);
        assert_eq!((status.state(), status.message()), (unreachable, "Reconciliation: Task is unreachable"));
        assert!(status.unreachable_time.is_some());

        worker.update(&mut sim, "e", TaskFinished, 9);
        sim.advance(seconds(100.0));
        assert!(sim.events(&client).iter().all(|event| event.r#type() == event::Type::Heartbeat));
        sim.simple(&client, call::Type::Suppress);
        sim.input(Input::Fault(Fault::AgentReturns(0)));
        let statuses = sim.statuses(&client);
        let told: Vec<_> = statuses.iter().map(|this| (this.task_id.value.as_str(), this.state())).collect();
        assert_eq!(told, [("c", TaskRunning), ("e", TaskRunning), ("e", TaskFinished)]);
        assert_eq!(statuses[0].message(), "Unreachable agent re-reregistered");
        sim.simple(&client, call::Type::Revive);
        sim.advance(seconds(1.0));
        let offers = sim.offers(&client);
        assert_eq!(offers.iter().map(cpus).sum::<f64>(), 3.0, "a command and an executor hold theirs");
    }
}

#[test]
fn what_was_refused_of_an_agent_is_offered_when_it_has_come_back() {
    let mut sim = Sim::new(1, "cpus:4;mem:4096");
    let client = sim.subscribe(framework("f"));
    let offer = sim.offer(&client);
    sim.decline(&client, &offer, filters(3600.0));
    sim.input(Input::Fault(Fault::AgentLost(0)));
    sim.advance(seconds(1.0));
    assert!(sim.offers(&client).is_empty());
    sim.input(Input::Fault(Fault::AgentReturns(0)));
    sim.advance(seconds(1.0));
    assert_eq!(cpus(&sim.offer(&client)), 4.0);
}

#[test]
fn one_that_is_gone_ends_with_its_tasks() {
    let (mut sim, client, _) = running(true, &[CapabilityType::PartitionAware]);
    let agent = sim.core.ids()[0].clone();
    sim.input(Input::Fault(Fault::AgentGone(0)));
    let statuses = sim.statuses(&client);
    assert_eq!(statuses.iter().map(TaskStatus::state).collect::<Vec<_>>(), [TaskGoneByOperator; 2]);
    assert_eq!(sim.signals.len(), 2);
    let status = asked(&mut sim, &client, "c", &agent);
    assert_eq!((status.state(), status.message()), (TaskGoneByOperator, "Reconciliation: Task is gone"));
    sim.input(Input::Fault(Fault::AgentStarts(0)));
    sim.input(Input::Fault(Fault::AgentReturns(0)));
    sim.advance(seconds(10.0));
    assert!(sim.offers(&client).is_empty());
}

#[test]
fn after_a_fail_over_of_the_master_frameworks_come_back_to_their_tasks() {
    let (mut sim, client, worker) = running(true, &[]);
    sim.input(Input::Fault(Fault::MasterFailsOver));
    assert!(sim.closed.contains(&client.stream));
    worker.update(&mut sim, "e", TaskFinished, 9);
    let info = FrameworkInfo {
        id: Some(FrameworkId { value: client.framework.clone() }),
        checkpoint: Some(true),
        failover_timeout: Some(60.0),
        ..framework("f")
    };
    let again = sim.subscribe(info);
    assert_eq!(again.framework, client.framework);
    assert_eq!(sim.states(&again), [TaskFinished]);
    let agent = sim.core.ids()[0].clone();
    assert_eq!(asked(&mut sim, &again, "c", &agent).state(), TaskRunning);
}
