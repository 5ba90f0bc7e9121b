//! When machines will be unavailable: the maintenance schedule and its status.
//!
//! # Invariants
//! * A machine is known by host name and address together. In this cluster all agents are on one.
//! * START_MAINTENANCE and STOP_MAINTENANCE are not there: the one machine is the one that this runs on.

use super::super::{Master, Reply};
use crate::local::clock::Time;
use crate::proto::mesos::v1::maintenance::cluster_status::DrainingMachine;
use crate::proto::mesos::v1::maintenance::{ClusterStatus, Schedule};
use crate::proto::mesos::v1::{MachineId, Unavailability};
use serde_json::{Map, Value};
use std::net::Ipv4Addr;

impl Master {
    pub(super) fn maintenance_status(&self) -> ClusterStatus {
        let draining = |machine: &MachineId| DrainingMachine {
            id: machine.clone().into(),
            statuses: self
                .agents_on(machine)
                .flat_map(|agent| self.allocator.answers(agent))
                .cloned()
                .collect(),
        };
        let machines = self.schedule.windows.iter().flat_map(|window| &window.machine_ids);
        ClusterStatus { draining_machines: machines.map(draining).collect(), ..ClusterStatus::default() }
    }

    /// Offers of the machines' agents are made again, with what is known now; frameworks are asked to leave them.
    pub(super) fn update_schedule(&mut self, now: Time, schedule: Schedule) -> Reply {
        if let Err(why) = check(&schedule) {
            return Reply::Refused(400, why);
        }
        let machines = |schedule: &Schedule| -> Vec<MachineId> {
            schedule.windows.iter().flat_map(|window| window.machine_ids.iter().cloned()).collect()
        };
        let mut concerned = machines(&self.schedule);
        let new = machines(&schedule).into_iter();
        let new: Vec<_> = new.filter(|new| !concerned.iter().any(|old| is(old, new))).collect();
        concerned.extend(new);
        self.schedule = schedule;
        for machine in concerned {
            let agents: Vec<String> = self.agents_on(&machine).cloned().collect();
            for agent in agents {
                self.set_unavailability(now, &agent);
            }
        }
        Reply::Ok
    }

    fn agents_on(&self, machine: &MachineId) -> impl Iterator<Item = &String> {
        let here = self.agents.iter().filter(|(_, agent)| is(&agent.machine(), machine));
        here.map(|(id, _)| id)
    }

    /// When an agent will be unavailable, if that is planned.
    pub(in crate::local::master) fn unavailability(&self, agent: &str) -> Option<Unavailability> {
        let machine = self.agents.get(agent)?.machine();
        let mut windows = self.schedule.windows.iter();
        let window = windows.find(|window| window.machine_ids.iter().any(|id| is(id, &machine)))?;
        Some(*window.unavailability)
    }
}

fn is(one: &MachineId, other: &MachineId) -> bool {
    one.hostname().eq_ignore_ascii_case(other.hostname()) && one.ip() == other.ip()
}

fn check(schedule: &Schedule) -> Result<(), String> {
    let mut known: Vec<&MachineId> = Vec::new();
    for window in &schedule.windows {
        if window.machine_ids.is_empty() {
            return Err("List of machines in the maintenance window is empty".into());
        }
        if window.unavailability.duration.is_some_and(|duration| duration.nanoseconds < 0) {
            return Err("Unavailability 'duration' is negative".into());
        }
        for machine in &window.machine_ids {
            if machine.hostname().is_empty() && machine.ip().is_empty() {
                return Err("Both 'hostname' and 'ip' for a machine are empty".into());
            }
            if !machine.ip().is_empty() && machine.ip().parse::<Ipv4Addr>().is_err() {
                return Err(format!("Failed to parse the IP: {}", machine.ip()));
            }
            if known.iter().any(|other| is(other, machine)) {
                let name = json(machine);
                return Err(format!("Machine '{name}' appears more than once in the schedule"));
            }
            known.push(machine);
        }
    }
    Ok(())
}

fn json(machine: &MachineId) -> String {
    let fields = [("hostname", &machine.hostname), ("ip", &machine.ip)];
    let set =
        fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Value::from(value.clone()?))));
    Value::Object(set.collect::<Map<_, _>>()).to_string()
}
