//! Agents that get no tasks: DEACTIVATE_AGENT, DRAIN_AGENT, which also ends what runs there, and REACTIVATE_AGENT.
//!
//! # Invariants
//! * An agent that drains is deactivated, and stays so when it is drained, until it is reactivated: even if it is gone.
//! * It is drained as soon as the master knows of no task on it and of no operation: when all is acknowledged.

use crate::local::clock::Time;
use crate::local::master::{AgentInfo, Master, Output, agent};
use crate::local::reply::Reply;
use crate::proto::mesos::v1::master::call::DrainAgent;
use crate::proto::mesos::v1::{DrainConfig, DrainInfo, DrainState, DurationInfo, TimeInfo};

/// How an agent is drained, and how far that is.
#[derive(Debug)]
pub(in crate::local::master) struct Drain {
    pub(super) info: DrainInfo,
    /// another master does not know it
    since: Option<Time>,
}

impl Drain {
    /// In whole seconds.
    pub(super) fn start_time(&self) -> Option<TimeInfo> {
        let seconds = self.since.and_then(|since| i64::try_from(since.as_secs()).ok())?;
        Some(TimeInfo { nanoseconds: seconds.saturating_mul(SECOND) })
    }
}

const SECOND: i64 = 1_000_000_000;

impl Master {
    pub(super) fn deactivate_agent(&mut self, now: Time, agent: &str) -> Reply {
        if !self.may_return(agent) {
            return Reply::Refused(400, "Unknown agent".into());
        }
        self.deactivated.insert(agent.into());
        self.stop_offering(now, agent);
        Reply::Ok
    }

    pub(super) fn drain_agent(&mut self, now: Time, call: DrainAgent) -> Reply {
        let agent = call.agent_id.value;
        if let (Some(known), Some(_)) = (self.agents.get(&agent), self.unavailability(&agent)) {
            let (hostname, ip) = (known.hostname(), known.address.ip());
            let words =
                format!("Agent {agent} is part of a maintenance schedule under Machine {hostname} ({ip})");
            return Reply::Refused(400, words);
        }
        if !self.may_return(&agent) {
            return Reply::Refused(400, "Unknown agent".into());
        }
        let longest = call.max_grace_period.map(|period| DurationInfo {
            nanoseconds: period.seconds.saturating_mul(SECOND).saturating_add(period.nanos.into()),
        });
        let config =
            DrainConfig { max_grace_period: longest, mark_gone: Some(call.mark_gone.unwrap_or(false)) };
        let mut info = DrainInfo { config: Box::new(config), ..DrainInfo::default() };
        info.set_state(DrainState::Draining);
        let since = self.agents.contains_key(&agent).then_some(now);
        self.draining.insert(agent.clone(), Drain { info, since });
        self.deactivated.insert(agent.clone());
        if self.agents.contains_key(&agent) {
            self.stop_offering(now, &agent);
            self.tell_to_drain(&agent);
        }
        Reply::Ok
    }

    pub(super) fn reactivate_agent(&mut self, now: Time, agent: &str) -> Reply {
        if !self.deactivated.contains(agent) {
            return Reply::Refused(400, "Agent is not deactivated".into());
        }
        if self.draining.get(agent).is_some_and(|drain| drain.info.state() == DrainState::Draining) {
            return Reply::Refused(400, "Agent is still in the DRAINING state".into());
        }
        self.deactivated.remove(agent);
        self.draining.remove(agent);
        if !self.agents.contains_key(agent) {
            return Reply::Refused(409, "Agent removed while processing the call".into());
        }
        if !self.away.contains(agent) {
            self.allocator.set_agent_active(now, agent, true);
        }
        Reply::Ok
    }

    /// Says it again to an agent that has come back.
    pub(in crate::local::master) fn tell_to_drain(&mut self, agent: &str) {
        if let Some(drain) = self.draining.get(agent) {
            let config = drain.info.config.clone();
            self.tell_agent(agent, agent::Input::Drain(*config));
        }
    }

    /// Another master has taken over: it tells all agents what it knows.
    pub(in crate::local::master) fn resume_draining(&mut self) {
        self.draining.values_mut().for_each(|drain| drain.since = None);
        let agents: Vec<String> = self.draining.keys().cloned().collect();
        agents.iter().for_each(|agent| self.tell_to_drain(agent));
    }

    /// Sees which agents have nothing any more.
    pub(in crate::local::master) fn settle_draining(&mut self) {
        let empty = |(agent, drain): &(&String, &Drain)| {
            drain.info.state() == DrainState::Draining
                && self.agents.contains_key(*agent)
                && self.is_empty(agent)
        };
        let drained: Vec<String> =
            self.draining.iter().filter(empty).map(|(agent, _)| agent.clone()).collect();
        for agent in drained {
            let Some(drain) = self.draining.get_mut(&agent) else { continue };
            if drain.info.config.mark_gone() {
                self.out.push(Output::Gone { agent });
            } else {
                drain.info.set_state(DrainState::Drained);
            }
        }
    }

    /// Whether an agent is connected, and offered.
    pub(in crate::local::master) fn is_active(&self, agent: &AgentInfo) -> bool {
        !self.away.contains(&agent.id) && !self.deactivated.contains(&agent.id)
    }

    fn is_empty(&self, agent: &str) -> bool {
        self.frameworks.values().all(|framework| {
            let on_it = |operation: &crate::proto::mesos::v1::Operation| {
                operation.agent_id.as_ref().is_some_and(|id| id.value == agent)
            };
            !framework.tasks.values().any(|task| task.agent() == agent)
                && !framework.operations.values().any(on_it)
        })
    }

    /// Whether it is here, or may come back.
    fn may_return(&self, agent: &str) -> bool {
        self.agents.contains_key(agent) || self.unreachable.contains_key(agent)
    }
}
