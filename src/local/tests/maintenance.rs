//! Machines that are taken down, and are up again.

use super::*;
use crate::local::faults::Fault;
use crate::proto::mesos::v1::maintenance::{ClusterStatus, Schedule, Window};
use crate::proto::mesos::v1::master::Call as Order;
use crate::proto::mesos::v1::master::call::{
    StartMaintenance, StopMaintenance, Type as Ask, UpdateMaintenanceSchedule,
};
use crate::proto::mesos::v1::task_status::Reason;
use crate::proto::mesos::v1::{MachineId, TimeInfo, Unavailability};

const RESOURCES: &str = "cpus:4;mem:4096";

fn machine(hostname: &str) -> MachineId {
    MachineId { hostname: Some(hostname.into()), ip: Some("127.0.0.1".into()) }
}

impl Sim {
    fn plan(&mut self, machine_ids: Vec<MachineId>) -> Reply {
        let unavailability = Box::new(Unavailability { start: TimeInfo { nanoseconds: 7 }, duration: None });
        let windows = match machine_ids.is_empty() {
            true => Vec::new(),
            false => vec![Window { machine_ids, unavailability }],
        };
        let update_maintenance_schedule = Some(UpdateMaintenanceSchedule { schedule: Schedule { windows } });
        self.order(Ask::UpdateMaintenanceSchedule, Order { update_maintenance_schedule, ..Order::default() })
    }

    fn take_down(&mut self, machines: &[MachineId]) -> Reply {
        let start_maintenance = Some(StartMaintenance { machines: machines.to_vec() });
        self.order(Ask::StartMaintenance, Order { start_maintenance, ..Order::default() })
    }

    fn bring_up(&mut self, machines: &[MachineId]) -> Reply {
        let stop_maintenance = Some(StopMaintenance { machines: machines.to_vec() });
        self.order(Ask::StopMaintenance, Order { stop_maintenance, ..Order::default() })
    }

    fn maintenance(&mut self) -> ClusterStatus {
        *self.ask(Ask::GetMaintenanceStatus).get_maintenance_status.unwrap().status
    }

    fn agents(&mut self) -> usize {
        self.ask(Ask::GetAgents).get_agents.unwrap().agents.len()
    }
}

fn refused(machine: &str, words: &str) -> Reply {
    let name = format!(r#"{{"hostname":"{machine}","ip":"127.0.0.1"}}"#);
    Reply::Refused(400, format!("Machine '{name}' {words}"))
}

#[test]
fn a_machine_goes_down_with_its_agents_and_their_tasks() {
    let mut sim = Sim::new(2, RESOURCES);
    let client = sim.subscribe(framework("f"));
    let offer = sim.offers(&client).remove(0);
    sim.accept(&client, &[&offer], vec![launch(vec![task("t", &offer, "cpus:1;mem:64")])], 3600.0);
    sim.states(&client);
    let here = [machine("127.0.0.1")];
    assert_eq!(sim.plan(here.to_vec()), Reply::Ok);
    sim.events(&client);
    assert_eq!(sim.take_down(&here), Reply::Ok);
    let events = sim.events(&client);
    let status = events.iter().find_map(|event| event.update.as_ref()).unwrap().status.clone();
    assert_eq!((status.state(), status.reason()), (TaskState::TaskLost, Reason::AgentRemoved));
    assert_eq!(status.message(), "Agent 127.0.0.1 removed: Operator initiated 'Machine DOWN'");
    let lost = events.iter().filter(|event| event.failure.is_some()).count();
    assert_eq!((lost, sim.agents()), (2, 0));
    assert!(sim.signals.contains(&(sim.now, sim.started[0].0, Signal::Kill)));
    let status = sim.maintenance();
    assert!(status.draining_machines.is_empty());
    assert_eq!(status.down_machines, here);
    let words = "is not in DRAINING mode and cannot be brought down";
    assert_eq!(sim.take_down(&here), refused("127.0.0.1", words));
    let words = "is deactivated and cannot be removed from the schedule";
    assert_eq!(sim.plan(vec![]), refused("127.0.0.1", words));

    assert_eq!(sim.bring_up(&here), Reply::Ok);
    assert_eq!(sim.maintenance(), ClusterStatus::default());
    let words = "is not in DOWN mode and cannot be brought up";
    assert_eq!(sim.bring_up(&here), refused("127.0.0.1", words));
    assert_eq!(sim.plan(vec![]), Reply::Ok);
}

#[test]
fn only_machines_of_the_schedule_go_down() {
    let mut sim = Sim::new(1, RESOURCES);
    let (here, there) = (machine("127.0.0.1"), machine("there"));
    let words = "is not in DRAINING mode and cannot be brought down";
    assert_eq!(sim.take_down(std::slice::from_ref(&here)), refused("127.0.0.1", words));
    let words = "is not part of a maintenance schedule";
    assert_eq!(sim.take_down(std::slice::from_ref(&there)), refused("there", words));
    assert_eq!(sim.bring_up(std::slice::from_ref(&there)), refused("there", words));
    assert_eq!(sim.take_down(&[]), Reply::Refused(400, "List of machines is empty".into()));
    let words = "appears more than once in the schedule";
    assert_eq!(sim.take_down(&[there.clone(), there.clone()]), refused("there", words));
    sim.plan(vec![here.clone(), there.clone()]);
    assert_eq!(sim.take_down(std::slice::from_ref(&there)), Reply::Ok);
    assert_eq!((sim.agents(), sim.maintenance().draining_machines.len()), (1, 1), "another machine");
    assert_eq!(sim.bring_up(&[there]), Reply::Ok);
    let schedule = sim.ask(Ask::GetMaintenanceSchedule).get_maintenance_schedule.unwrap().schedule;
    assert_eq!(schedule.windows[0].machine_ids, [here]);
}

#[test]
fn an_agent_that_was_lost_may_not_come_back_to_a_machine_that_is_down() {
    let mut sim = Sim::new(1, RESOURCES);
    let here = [machine("127.0.0.1")];
    sim.input(Input::Fault(Fault::AgentLost(0)));
    sim.plan(here.to_vec());
    assert_eq!(sim.take_down(&here), Reply::Ok);
    sim.input(Input::Fault(Fault::AgentReturns(0)));
    assert_eq!(sim.agents(), 0);
    sim.bring_up(&here);
    sim.input(Input::Fault(Fault::AgentReturns(0)));
    assert_eq!(sim.agents(), 0, "it has ended");
}
