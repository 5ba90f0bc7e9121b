//! The answers to operators' questions about the cluster.
//!
//! # Invariants
//! * A function of the state, and nothing else: what is asked twice is answered alike.

use super::draining::Drain;
use crate::local::master::{AgentInfo, Capability, Framework, Master, VERSION, events};
use crate::local::operator::{flags, time, with_role};
use crate::local::resources::{self, Resources};
use crate::local::seen;
use crate::proto::mesos::v1::agent_info::capability::Type as AgentCapability;
use crate::proto::mesos::v1::master::response::{
    GetAgents, GetExecutors, GetFrameworks, GetMaster, GetOperations, GetRoles, GetState, GetTasks,
    get_agents, get_executors, get_frameworks,
};
use crate::proto::mesos::v1::{AgentId, Flag, FrameworkId, Resource, Role, agent_info, value};
use crate::task::is_terminal;
use crate::validate;
use std::collections::{BTreeMap, BTreeSet};

/// What agents of this version can do, as they would say.
const CAPABILITIES: [AgentCapability; 6] = [
    AgentCapability::MultiRole,
    AgentCapability::HierarchicalRole,
    AgentCapability::ReservationRefinement,
    AgentCapability::ResizeVolume,
    AgentCapability::AgentOperationFeedback,
    AgentCapability::AgentDraining,
];

/// What is used by somebody, by role.
type Shares = BTreeMap<String, Resources>;

impl Master {
    pub(in crate::local) fn get_state(&self) -> GetState {
        GetState {
            get_tasks: Some(Box::new(self.get_tasks())),
            get_executors: Some(Box::new(self.get_executors())),
            get_frameworks: Some(Box::new(self.get_frameworks())),
            get_agents: Some(Box::new(self.get_agents())),
        }
    }

    pub(in crate::local) fn get_tasks(&self) -> GetTasks {
        let all = || self.frameworks.values().chain(&self.completed);
        GetTasks {
            tasks: all().flat_map(|known| known.tasks.values()).map(|task| (*task.seen).clone()).collect(),
            unreachable_tasks: self.unreachable_tasks(),
            completed_tasks: all().flat_map(|known| &known.completed).cloned().collect(),
            ..GetTasks::default()
        }
    }

    fn unreachable_tasks(&self) -> Vec<crate::proto::mesos::v1::Task> {
        let mut tasks = Vec::new();
        for agent in self.unreachable.values() {
            for (framework, id, known) in &agent.tasks {
                let status = self.unreachable_status(agent.since, (framework, id, known));
                let mut task = (*known.seen).clone();
                seen::note(&mut task, status.state(), &status);
                tasks.push(task);
            }
        }
        tasks
    }

    pub(super) fn get_executors(&self) -> GetExecutors {
        let own = self.frameworks.values().flat_map(|known| &known.executors);
        let executor = |((agent, _), known): (&(String, String), &super::super::Executor)| {
            let executor_info = Box::new(known.info.clone());
            get_executors::Executor { executor_info, agent_id: AgentId { value: agent.clone() } }
        };
        GetExecutors { executors: own.map(executor).collect(), ..GetExecutors::default() }
    }

    pub(super) fn get_operations(&self) -> GetOperations {
        let all = self.frameworks.values().flat_map(|known| known.operations.values());
        GetOperations { operations: all.cloned().collect() }
    }

    pub(in crate::local) fn get_frameworks(&self) -> GetFrameworks {
        GetFrameworks {
            frameworks: self.frameworks.values().map(|known| self.framework_view(known)).collect(),
            completed_frameworks: self.completed.iter().map(|known| self.framework_view(known)).collect(),
            ..GetFrameworks::default()
        }
    }

    pub(super) fn framework_view(&self, known: &Framework) -> get_frameworks::Framework {
        let id = known.id();
        let (multi_role, refined) =
            (known.can(Capability::MultiRole), known.can(Capability::ReservationRefinement));
        let own = self.offers.iter().filter(|(_, offer)| offer.framework == id);
        let offers = own.filter_map(|(number, offer)| {
            Some(events::offer(number, offer, self.agents.get(&offer.agent)?, multi_role, refined))
        });
        let connected = known.connection.is_some();
        get_frameworks::Framework {
            framework_info: Box::new((*known.info).clone()),
            active: connected,
            connected,
            recovered: known.recovered,
            registered_time: Some(time(known.registered)),
            reregistered_time: Some(time(known.reregistered)),
            unregistered_time: known.unregistered.map(time),
            offers: offers.collect(),
            inverse_offers: Vec::new(),
            allocated_resources: listed(&self.used(|framework, _| framework == id)),
            offered_resources: listed(&self.offered(|framework, _| framework == id)),
            offer_constraints: Some(Default::default()),
        }
    }

    pub(in crate::local) fn get_agents(&self) -> GetAgents {
        let agents = self.agents.values().map(|agent| self.agent_view(agent)).collect();
        GetAgents { agents, recovered_agents: Vec::new() }
    }

    pub(super) fn agent_view(&self, agent: &AgentInfo) -> get_agents::Agent {
        let here = |_: &str, place: &str| place == agent.id;
        let drain = self.draining.get(&agent.id);
        let capability = |kind: AgentCapability| agent_info::Capability { r#type: Some(kind.into()) };
        get_agents::Agent {
            agent_info: Box::new(agent.to_proto()),
            active: self.is_active(agent),
            deactivated: Some(self.deactivated.contains(&agent.id)),
            version: VERSION.into(),
            pid: Some(format!("slave(1)@{}", agent.address)),
            registered_time: Some(time(agent.registered)),
            reregistered_time: agent.reregistered.map(time),
            total_resources: with_role(resources::unallocated(&agent.resources)),
            allocated_resources: listed(&self.used(here)),
            offered_resources: listed(&self.offered(here)),
            capabilities: CAPABILITIES.into_iter().map(capability).collect(),
            drain_info: drain.map(|drain| Box::new(drain.info.clone())),
            estimated_drain_start_time: drain.and_then(Drain::start_time),
            ..get_agents::Agent::default()
        }
    }

    /// The roles that somebody has or something is reserved for, and those above them.
    pub(in crate::local) fn get_roles(&self) -> GetRoles {
        let mut frameworks: BTreeMap<String, Vec<FrameworkId>> = BTreeMap::new();
        for known in self.frameworks.values() {
            for role in validate::roles(&known.info) {
                frameworks.entry(role).or_default().extend(known.info.id.clone());
            }
        }
        let reserved = self.agents.values().flat_map(|agent| agent.resources.items());
        let reserved = reserved.filter_map(|item| item.kind.role().map(str::to_owned));
        let named: BTreeSet<String> = frameworks.keys().cloned().chain(reserved).collect();
        let ancestors = |role: &String| {
            let above: Vec<String> = role.match_indices('/').map(|(at, _)| role[..at].to_owned()).collect();
            above.into_iter().chain([role.clone()])
        };
        let all: BTreeSet<String> = named.iter().flat_map(ancestors).collect();
        let (mut taken, offered) = (self.used(|_, _| true), self.offered(|_, _| true));
        offered.into_iter().for_each(|(role, part)| taken.entry(role).or_default().add(&part));
        let roles = all.into_iter().map(|name| Role {
            weight: 1.0,
            resources: quantities(taken.iter().filter(|(role, _)| is_within(role, &name))),
            frameworks: frameworks.remove(&name).unwrap_or_default(),
            name,
        });
        GetRoles { roles: roles.collect() }
    }

    pub(in crate::local) fn get_master(&self) -> GetMaster {
        let since = Some(self.started.as_secs_f64());
        GetMaster { master_info: Some(Box::new(self.info.clone())), start_time: since, elected_time: since }
    }

    pub(in crate::local) fn flags(&self) -> Vec<Flag> {
        let own = |text: &str| text.to_owned();
        flags(&[
            ("allocation_interval", own("50ms")),
            ("authenticate_agents", own("false")),
            ("authenticate_frameworks", own("false")),
            ("authenticate_http_frameworks", own("false")),
            ("authenticate_http_readonly", own("false")),
            ("authenticate_http_readwrite", own("false")),
            ("hostname", self.info.hostname().to_owned()),
            ("ip", self.info.hostname().to_owned()),
            ("max_completed_frameworks", super::super::records::FRAMEWORKS.to_string()),
            ("max_completed_tasks_per_framework", super::super::records::TASKS.to_string()),
            ("min_allocatable_resources", own("cpus:0.01|mem:32")),
            ("port", self.info.port.to_string()),
            ("role_sorter", own("drf")),
        ])
    }

    /// What tasks and executors have, of those frameworks and agents that are meant.
    fn used(&self, meant: impl Fn(&str, &str) -> bool) -> Shares {
        let mut shares = Shares::new();
        for (id, known) in &self.frameworks {
            let tasks = known.tasks.values().filter(|task| !is_terminal(task.state()));
            let tasks = tasks.map(|task| (task.agent(), &task.role, &task.resources));
            let executors = known.executors.iter();
            let executors = executors.map(|((agent, _), this)| (agent.as_str(), &this.role, &this.resources));
            for (_, role, part) in tasks.chain(executors).filter(|(agent, ..)| meant(id, agent)) {
                shares.entry(role.clone()).or_default().add(part);
            }
        }
        shares
    }

    fn offered(&self, meant: impl Fn(&str, &str) -> bool) -> Shares {
        let mut shares = Shares::new();
        for offer in self.offers.values().filter(|offer| meant(&offer.framework, &offer.agent)) {
            shares.entry(offer.role.clone()).or_default().add(&offer.resources);
        }
        shares
    }
}

fn is_within(role: &str, ancestor: &str) -> bool {
    role.strip_prefix(ancestor).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// As messages, each allocated to its role.
fn listed(shares: &Shares) -> Vec<Resource> {
    with_role(shares.iter().flat_map(|(role, part)| resources::to_proto(part, role)).collect())
}

/// How much it is in all, whatever is reserved or a volume: what operators add up.
fn quantities<'a>(shares: impl Iterator<Item = (&'a String, &'a Resources)>) -> Vec<Resource> {
    let mut totals: BTreeMap<String, i64> = BTreeMap::new();
    for (_, part) in shares {
        for (name, amount) in part.scalars() {
            *totals.entry(name.to_owned()).or_default() += amount;
        }
    }
    let named = totals.into_iter().filter(|(name, _)| ["cpus", "disk", "gpus", "mem"].contains(&&**name));
    let resource = |(name, amount): (String, i64)| {
        #[expect(clippy::cast_precision_loss, reason = "so does Mesos")]
        let value = amount as f64 / 1000.0;
        let scalar = Some(value::Scalar { value });
        let mut resource = Resource { name, scalar, ..Resource::default() };
        resource.set_type(value::Type::Scalar);
        resource
    };
    named.map(resource).collect()
}
