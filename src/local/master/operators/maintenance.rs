//! When machines will be unavailable: the maintenance schedule and its status.
//!
//! # Invariants
//! * A machine is known by host name and address together. In this cluster all agents are on one.
//! * When a machine goes down, its agents end for good: on a real one somebody would start others later. It stays in the
//!   schedule until it is up again.

use super::super::{Master, Output, Reply};
use crate::local::clock::Time;
use crate::proto::mesos::v1::maintenance::cluster_status::DrainingMachine;
use crate::proto::mesos::v1::maintenance::{ClusterStatus, Schedule};
use crate::proto::mesos::v1::{MachineId, Unavailability};
use serde_json::{Map, Value};
use std::net::Ipv4Addr;

/// What is planned, and how far that is.
#[derive(Debug, Default)]
pub(in crate::local::master) struct Maintenance {
    pub(super) schedule: Schedule,
    /// of the machines of the schedule, those that are down
    down: Vec<MachineId>,
    /// where agents are, or were
    inhabited: Vec<MachineId>,
}

impl Maintenance {
    fn planned(&self) -> impl Iterator<Item = &MachineId> {
        self.schedule.windows.iter().flat_map(|window| &window.machine_ids)
    }

    pub(in crate::local::master) fn is_down(&self, machine: &MachineId) -> bool {
        self.down.iter().any(|down| is(down, machine))
    }

    /// There is an agent on a machine.
    pub(in crate::local::master) fn inhabit(&mut self, machine: MachineId) {
        if !self.inhabited.iter().any(|known| is(known, &machine)) {
            self.inhabited.push(machine);
        }
    }

    /// Whether machines can all be brought down, or up if they are down.
    fn check(&self, machines: &[MachineId], up: bool) -> Result<(), String> {
        if machines.is_empty() {
            return Err("List of machines is empty".into());
        }
        check_machines(machines, &mut Vec::new())?;
        for machine in machines {
            let mut known = self.planned().chain(&self.inhabited);
            if !known.any(|known| is(known, machine)) {
                return Err(format!("Machine '{}' is not part of a maintenance schedule", json(machine)));
            }
            let is_planned = self.planned().any(|planned| is(planned, machine));
            let words = match (up, self.is_down(machine)) {
                (true, false) => "is not in DOWN mode and cannot be brought up",
                (false, is_down) if is_down || !is_planned => {
                    "is not in DRAINING mode and cannot be brought down"
                }
                _ => continue,
            };
            return Err(format!("Machine '{}' {words}", json(machine)));
        }
        Ok(())
    }
}

impl Master {
    pub(super) fn start_maintenance(&mut self, machines: Vec<MachineId>) -> Reply {
        if let Err(why) = self.maintenance.check(&machines, false) {
            return Reply::Refused(400, why);
        }
        for machine in machines {
            let agents: Vec<String> = self.agents_on(&machine).cloned().collect();
            self.out.extend(agents.into_iter().map(|agent| Output::Down { agent }));
            self.maintenance.down.push(machine);
        }
        Reply::Ok
    }

    /// The machines leave the schedule.
    pub(super) fn stop_maintenance(&mut self, machines: &[MachineId]) -> Reply {
        if let Err(why) = self.maintenance.check(machines, true) {
            return Reply::Refused(400, why);
        }
        let stays = |machine: &MachineId| !machines.iter().any(|up| is(up, machine));
        self.maintenance.down.retain(stays);
        let windows = &mut self.maintenance.schedule.windows;
        windows.iter_mut().for_each(|window| window.machine_ids.retain(stays));
        windows.retain(|window| !window.machine_ids.is_empty());
        Reply::Ok
    }

    pub(super) fn maintenance_status(&self) -> ClusterStatus {
        let draining = |machine: &MachineId| DrainingMachine {
            id: machine.clone().into(),
            statuses: self
                .agents_on(machine)
                .flat_map(|agent| self.allocator.answers(agent))
                .cloned()
                .collect(),
        };
        let up = self.maintenance.planned().filter(|machine| !self.maintenance.is_down(machine));
        ClusterStatus {
            draining_machines: up.map(draining).collect(),
            down_machines: self.maintenance.down.clone(),
        }
    }

    /// Offers of the machines' agents are made again, with what is known now; frameworks are asked to leave them.
    pub(super) fn update_schedule(&mut self, now: Time, schedule: Schedule) -> Reply {
        if let Err(why) = self.check_schedule(&schedule) {
            return Reply::Refused(400, why);
        }
        let mut concerned: Vec<MachineId> = self.maintenance.planned().cloned().collect();
        let new = schedule.windows.iter().flat_map(|window| &window.machine_ids).cloned();
        let new: Vec<_> = new.filter(|new| !concerned.iter().any(|old| is(old, new))).collect();
        concerned.extend(new);
        self.maintenance.schedule = schedule;
        for machine in concerned {
            let agents: Vec<String> = self.agents_on(&machine).cloned().collect();
            for agent in agents {
                self.set_unavailability(now, &agent);
            }
        }
        Reply::Ok
    }

    fn check_schedule(&self, schedule: &Schedule) -> Result<(), String> {
        let known = check(schedule)?;
        match self.maintenance.down.iter().find(|down| !known.iter().any(|kept| is(kept, down))) {
            Some(missing) => Err(format!(
                "Machine '{}' is deactivated and cannot be removed from the schedule",
                json(missing)
            )),
            None => Ok(()),
        }
    }

    fn agents_on(&self, machine: &MachineId) -> impl Iterator<Item = &String> {
        let here = self.agents.iter().filter(|(_, agent)| is(&agent.machine(), machine));
        here.map(|(id, _)| id)
    }

    /// When an agent will be unavailable, if that is planned.
    pub(in crate::local::master) fn unavailability(&self, agent: &str) -> Option<Unavailability> {
        let machine = self.agents.get(agent)?.machine();
        let mut windows = self.maintenance.schedule.windows.iter();
        let window = windows.find(|window| window.machine_ids.iter().any(|id| is(id, &machine)))?;
        Some(*window.unavailability)
    }
}

fn is(one: &MachineId, other: &MachineId) -> bool {
    one.hostname().eq_ignore_ascii_case(other.hostname()) && one.ip() == other.ip()
}

/// The machines of a schedule, if it is one.
fn check(schedule: &Schedule) -> Result<Vec<&MachineId>, String> {
    let mut known: Vec<&MachineId> = Vec::new();
    for window in &schedule.windows {
        if window.machine_ids.is_empty() {
            return Err("List of machines in the maintenance window is empty".into());
        }
        if window.unavailability.duration.is_some_and(|duration| duration.nanoseconds < 0) {
            return Err("Unavailability 'duration' is negative".into());
        }
        check_machines(&window.machine_ids, &mut known)?;
    }
    Ok(known)
}

/// Adds machines to those that are known.
fn check_machines<'a>(machines: &'a [MachineId], known: &mut Vec<&'a MachineId>) -> Result<(), String> {
    for machine in machines {
        if machine.hostname().is_empty() && machine.ip().is_empty() {
            return Err("Both 'hostname' and 'ip' for a machine are empty".into());
        }
        if !machine.ip().is_empty() && machine.ip().parse::<Ipv4Addr>().is_err() {
            return Err(format!("Failed to parse the IP: {}", machine.ip()));
        }
        if known.iter().any(|other| is(other, machine)) {
            return Err(format!("Machine '{}' appears more than once in the schedule", json(machine)));
        }
        known.push(machine);
    }
    Ok(())
}

fn json(machine: &MachineId) -> String {
    let fields = [("hostname", &machine.hostname), ("ip", &machine.ip)];
    let set =
        fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Value::from(value.clone()?))));
    Value::Object(set.collect::<Map<_, _>>()).to_string()
}
