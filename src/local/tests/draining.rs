//! Agents that are drained.

use super::worker::{Worker, by, executor};
use super::*;
use crate::local::faults::Fault;
use crate::proto::mesos::v1::maintenance::{Schedule, Window};
use crate::proto::mesos::v1::master::Call as Order;
use crate::proto::mesos::v1::master::call::{
    DeactivateAgent, DrainAgent, ReactivateAgent, Type as Ask, UpdateMaintenanceSchedule,
};
use crate::proto::mesos::v1::master::response::get_agents;
use crate::proto::mesos::v1::task_status::Reason;
use crate::proto::mesos::v1::{DrainState, DurationInfo, KillPolicy, MachineId, TimeInfo, Unavailability};
use TaskState::{TaskGoneByOperator, TaskKilled, TaskKilling, TaskLost, TaskRunning, TaskStarting};

const RESOURCES: &str = "cpus:4;mem:4096";

impl Sim {
    fn drain(&mut self, grace: Option<i64>, mark_gone: bool) -> Reply {
        let agent_id = AgentId { value: self.core.ids()[0].clone() };
        let period = |seconds| Box::new(prost_types::Duration { seconds, nanos: 0 });
        let max_grace_period = grace.map(period);
        let call = DrainAgent { agent_id, max_grace_period, mark_gone: Some(mark_gone) };
        self.order(Ask::DrainAgent, Order { drain_agent: Some(Box::new(call)), ..Order::default() })
    }

    fn reactivate(&mut self) -> Reply {
        let agent_id = AgentId { value: self.core.ids()[0].clone() };
        let call = ReactivateAgent { agent_id };
        self.order(Ask::ReactivateAgent, Order { reactivate_agent: Some(call), ..Order::default() })
    }

    fn known(&mut self) -> get_agents::Agent {
        self.ask(Ask::GetAgents).get_agents.unwrap().agents.remove(0)
    }

    /// How far the draining is, if there is any.
    fn drained(&mut self) -> Option<DrainState> {
        self.known().drain_info.map(|info| info.state())
    }

    /// Takes and acknowledges statuses until none follows; states with their reasons.
    fn reasons(&mut self, client: &Client) -> Vec<(TaskState, Reason)> {
        let mut reasons = Vec::new();
        loop {
            let statuses = self.statuses(client);
            if statuses.is_empty() {
                return reasons;
            }
            for status in statuses {
                reasons.push((status.state(), status.reason()));
                self.acknowledge(client, &status);
            }
        }
    }
}

fn killing(name: &str) -> FrameworkInfo {
    with(framework(name), &[CapabilityType::TaskKillingState])
}

#[test]
fn a_task_is_killed_and_the_agent_is_drained_when_that_is_acknowledged() {
    let mut sim = Sim::new(1, RESOURCES);
    let client = sim.subscribe(killing("f"));
    let run = sim.run(&client, "t");
    assert_eq!(sim.states(&client), [TaskStarting, TaskRunning]);
    assert!(sim.known().active && sim.known().deactivated == Some(false));
    assert_eq!(sim.drain(None, false), Reply::Ok);
    let known = sim.known();
    assert!(!known.active && known.deactivated == Some(true));
    assert_eq!(known.drain_info.unwrap().state(), DrainState::Draining);
    assert_eq!(known.estimated_drain_start_time, Some(TimeInfo { nanoseconds: 1_000_000_000_000_000 }));
    assert_eq!(sim.signals, [(sim.now, run, Signal::Terminate)]);
    assert_eq!(sim.reasons(&client), [(TaskKilling, Reason::AgentDraining)]);
    sim.exit(run, Exit::Signal { number: 15, dumped: false });
    let status = sim.status(&client);
    assert_eq!((status.state(), status.reason()), (TaskKilled, Reason::AgentDraining));
    assert_eq!(sim.drained(), Some(DrainState::Draining), "not acknowledged");
    assert_eq!(sim.reactivate(), Reply::Refused(400, "Agent is still in the DRAINING state".into()));
    sim.acknowledge(&client, &status);
    assert_eq!(sim.drained(), Some(DrainState::Drained));
    sim.simple(&client, call::Type::Revive);
    sim.advance(seconds(5.0));
    assert!(sim.types(&client).is_empty(), "it is not offered");

    assert_eq!(sim.reactivate(), Reply::Ok);
    let known = sim.known();
    assert!(known.active && known.drain_info.is_none() && known.estimated_drain_start_time.is_none());
    let run = sim.run(&client, "again");
    assert_eq!(sim.states(&client), [TaskStarting, TaskRunning], "it takes tasks");
    sim.kill(&client, "again", None, None);
    sim.exit(run, Exit::Signal { number: 15, dumped: false });
    assert_ne!(sim.reasons(&client).pop().unwrap().1, Reason::AgentDraining, "that is over");
}

#[test]
fn a_grace_period_is_shortened_and_never_lengthened() {
    for (own, most, escalated) in [
        (Some(10), Some(4), 4.0),
        (Some(2), Some(4), 2.0),
        (None, Some(4), 4.0),
        (Some(10), None, 10.0),
        (None, None, 3.0),
    ] {
        let mut sim = Sim::new(1, RESOURCES);
        let client = sim.subscribe(framework("f"));
        let offer = sim.offer(&client);
        let policy = |seconds: i64| KillPolicy {
            grace_period: Some(DurationInfo { nanoseconds: seconds * 1_000_000_000 }),
        };
        let task = TaskInfo { kill_policy: own.map(policy), ..task("t", &offer, "cpus:1;mem:64") };
        sim.accept(&client, &[&offer], vec![launch(vec![task])], 0.0);
        sim.states(&client);
        sim.drain(most, false);
        let start = sim.now;
        sim.advance(seconds(20.0));
        let times: Vec<_> = sim.signals.iter().map(|(at, _, signal)| (*at - start, *signal)).collect();
        assert_eq!(
            times,
            [(seconds(0.0), Signal::Terminate), (seconds(escalated), Signal::Kill)],
            "{own:?} {most:?}"
        );
    }
}

#[test]
fn tasks_of_executors_are_killed_whether_they_run_or_wait() {
    let mut sim = Sim::new(1, RESOURCES);
    let client = sim.subscribe(framework("f"));
    let offer = sim.offer(&client);
    let runs = by(task("runs", &offer, "cpus:0.5;mem:32"), executor("x"));
    let waits = by(task("waits", &offer, "cpus:0.5;mem:32"), executor("y"));
    sim.accept(&client, &[&offer], vec![launch(vec![runs, waits])], 3600.0);
    let mut worker = Worker::new(&client, "x");
    worker.subscribe(&mut sim, &[], Vec::new());
    worker.update(&mut sim, "runs", TaskRunning, 1);
    sim.states(&client);
    sim.drain(None, false);
    assert_eq!(sim.reasons(&client), [(TaskKilled, Reason::AgentDraining)], "the one that waits");
    worker.update(&mut sim, "runs", TaskKilled, 2);
    assert_eq!(sim.reasons(&client), [(TaskKilled, Reason::AgentDraining)]);
    assert_eq!(sim.drained(), Some(DrainState::Drained));
}

#[test]
fn while_an_executor_is_left_the_agent_takes_no_task() {
    let mut sim = Sim::new(1, RESOURCES);
    let client = sim.subscribe(framework("f"));
    let offer = sim.offer(&client);
    let first = by(task("first", &offer, "cpus:0.5;mem:32"), executor("x"));
    sim.accept(&client, &[&offer], vec![launch(vec![first])], 0.0);
    let mut worker = Worker::new(&client, "x");
    worker.subscribe(&mut sim, &[], Vec::new());
    sim.drain(None, false);
    worker.update(&mut sim, "first", TaskKilled, 1);
    sim.reasons(&client);
    assert_eq!(sim.reactivate(), Reply::Ok);
    let offer = sim.offer(&client);
    let next = by(task("next", &offer, "cpus:0.5;mem:32"), executor("y"));
    sim.accept(&client, &[&offer], vec![launch(vec![next])], 3600.0);
    let events = sim.events(&client);
    let status = events[0].update.as_ref().unwrap().status.clone();
    assert_eq!((status.state(), status.reason()), (TaskLost, Reason::AgentDraining));
    assert_eq!(status.message(), "Task was received while agent was already draining");
    assert_eq!(events[1].failure.as_ref().unwrap().status(), -1, "an executor that never was");
    sim.acknowledge(&client, &status);

    sim.exit(sim.started[0].0, Exit::Code(0));
    sim.simple(&client, call::Type::Revive);
    sim.advance(seconds(1.0));
    let offer = sim.offers(&client).pop().unwrap();
    sim.accept(&client, &[&offer], vec![launch(vec![task("last", &offer, "cpus:1;mem:64")])], 0.0);
    assert_eq!(sim.states(&client), [TaskStarting, TaskRunning]);
}

#[test]
fn an_agent_is_gone_when_it_is_drained_if_that_was_asked() {
    let mut sim = Sim::new(1, RESOURCES);
    let client = sim.subscribe(with(framework("f"), &[CapabilityType::PartitionAware]));
    let run = sim.run(&client, "t");
    sim.states(&client);
    sim.drain(None, true);
    assert!(sim.known().drain_info.unwrap().config.mark_gone());
    sim.exit(run, Exit::Signal { number: 15, dumped: false });
    let status = sim.status(&client);
    assert_eq!((status.state(), status.reason()), (TaskGoneByOperator, Reason::AgentDraining));
    sim.acknowledge(&client, &status);
    assert_eq!(sim.types(&client), [event::Type::Failure], "the agent is lost");
    assert!(sim.ask(Ask::GetAgents).get_agents.unwrap().agents.is_empty());
    assert_eq!(sim.drain(None, true), Reply::Refused(400, "Unknown agent".into()));
    let words = "Agent is still in the DRAINING state";
    assert_eq!(sim.reactivate(), Reply::Refused(400, words.into()), "so says Mesos");
}

#[test]
fn an_agent_without_tasks_is_drained_at_once_and_one_that_is_away_when_it_returns() {
    let mut sim = Sim::new(1, RESOURCES);
    assert_eq!(sim.drain(None, false), Reply::Ok);
    assert_eq!(sim.drained(), Some(DrainState::Drained));
    assert_eq!(sim.reactivate(), Reply::Ok);

    let client = sim.subscribe(with(framework("f"), &[CapabilityType::PartitionAware]));
    let run = sim.run(&client, "t");
    sim.states(&client);
    sim.input(Input::Fault(Fault::AgentLost(0)));
    assert_eq!(sim.drain(None, false), Reply::Ok);
    assert!(sim.signals.is_empty(), "nobody can tell it");
    sim.input(Input::Fault(Fault::AgentReturns(0)));
    assert_eq!(sim.drained(), Some(DrainState::Draining));
    assert_eq!(sim.known().estimated_drain_start_time, None);
    assert_eq!(sim.signals, [(sim.now, run, Signal::Terminate)]);
    sim.input(Input::Fault(Fault::MasterFailsOver));
    assert_eq!(sim.drained(), Some(DrainState::Draining), "the next master knows");
}

#[test]
fn an_agent_that_is_unknown_or_will_be_maintained_is_not_drained() {
    let mut sim = Sim::new(1, RESOURCES);
    let agent = sim.core.ids()[0].clone();
    let machine = MachineId { hostname: Some("127.0.0.1".into()), ip: Some("127.0.0.1".into()) };
    let unavailability = Box::new(Unavailability { start: TimeInfo { nanoseconds: 7 }, duration: None });
    let schedule = Schedule { windows: vec![Window { machine_ids: vec![machine], unavailability }] };
    let update_maintenance_schedule = Some(UpdateMaintenanceSchedule { schedule });
    sim.order(Ask::UpdateMaintenanceSchedule, Order { update_maintenance_schedule, ..Order::default() });
    let words =
        format!("Agent {agent} is part of a maintenance schedule under Machine 127.0.0.1 (127.0.0.1)");
    assert_eq!(sim.drain(None, false), Reply::Refused(400, words));
    let agent_id = AgentId { value: "nowhere".into() };
    let drain_agent = Some(Box::new(DrainAgent { agent_id: agent_id.clone(), ..DrainAgent::default() }));
    let deactivate_agent = Some(DeactivateAgent { agent_id });
    for kind in [Ask::DrainAgent, Ask::DeactivateAgent] {
        let order = Order {
            drain_agent: drain_agent.clone(),
            deactivate_agent: deactivate_agent.clone(),
            ..Order::default()
        };
        assert_eq!(sim.order(kind, order), Reply::Refused(400, "Unknown agent".into()));
    }
}
