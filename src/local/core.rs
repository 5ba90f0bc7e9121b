//! The cluster as one state machine: the master, its agents, and what they say to each other.
//!
//! # Invariants
//! * `step` is a function of the state, the time and the input: no clock, no chance but the given `Entropy`, no
//!   thread, no system call.
//! * Messages between master and agents are delivered in order, within the step that caused them.

use super::action::{Action, Happening};
use super::agent::{self, Access, Agent};
use super::clock::{Entropy, Time};
use super::endpoints::{self, Page, Query, View};
use super::faults::{Effect, Fault, Reach};
use super::master::{self, AgentInfo, Master};
use super::operator;
use super::process::RunId;
use super::resources::Resources;
use super::token::Claims;
use crate::proto::mesos::v1::Attribute;
use crate::proto::mesos::v1::scheduler::call::Subscribe;
use crate::proto::mesos::v1::{executor, scheduler};
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

/// What a cluster is like.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shape {
    /// of each agent
    pub(crate) resources: Resources,
    /// of one agent after the other; those that are left have none
    pub(crate) attributes: Vec<Vec<Attribute>>,
    /// after which an offer is taken back, if it ever is
    pub(crate) offer_timeout: Option<Duration>,
}

/// What comes from outside.
#[derive(Debug)]
pub(crate) enum Input {
    Subscribe {
        request: u64,
        subscribe: Box<Subscribe>,
    },
    Call {
        request: u64,
        call: Box<scheduler::Call>,
        stream_id: Option<String>,
    },
    /// of an operator, to the master, or to the agent at this position
    Operator {
        agent: Option<usize>,
        request: u64,
        call: operator::Call,
    },
    /// of an executor, to the agent at this position
    ExecutorCall {
        agent: usize,
        request: u64,
        call: Box<executor::Call>,
        claims: Option<Claims>,
    },
    /// A stream of the master, or of the agent at this position.
    Closed {
        agent: Option<usize>,
        stream: u64,
    },
    Happened {
        run: RunId,
        what: Happening,
    },
    Fault(Fault),
    Tick,
}

/// The state of the whole cluster.
pub(crate) struct Core {
    master: Master,
    agents: Vec<Agent>,
    /// by position
    ids: Vec<String>,
    reach: Vec<Reach>,
    /// what agents will say when they are heard again
    unheard: Vec<(usize, master::Input)>,
    positions: BTreeMap<String, usize>,
}

/// A message inside the cluster.
enum Message {
    ToMaster(master::Input),
    ToAgent(usize, agent::Input),
}

impl Core {
    /// A cluster with an agent at each address, which executors reach like this. `entropy` makes a source for the master
    /// and for each agent.
    pub(crate) fn new(
        now: Time,
        address: SocketAddr,
        agents: &[(SocketAddr, Access)],
        shape: Shape,
        mut entropy: impl FnMut() -> Box<dyn Entropy>,
    ) -> Self {
        let master = Master::new(now, address, entropy(), shape.offer_timeout);
        let (none, ids, reach, unheard, positions) = Default::default();
        let mut core = Self { master, agents: none, ids, reach, unheard, positions };
        let mut attributes = shape.attributes.into_iter();
        for (index, (address, access)) in agents.iter().enumerate() {
            let address = *address;
            let id = format!("{}-S{index}", core.master.id());
            let info = AgentInfo {
                id,
                address,
                resources: shape.resources.clone(),
                own: shape.resources.clone(),
                attributes: attributes.next().unwrap_or_default(),
                registered: now,
                reregistered: None,
            };
            core.agents.push(Agent::new(now, index, address, access.clone(), info.to_proto(), entropy()));
            core.positions.insert(info.id.clone(), index);
            core.ids.push(info.id.clone());
            core.reach.push(Reach::Up);
            let out = core.master.step(now, master::Input::AddAgent(info));
            debug_assert!(out.is_empty(), "there is nobody yet to tell");
        }
        core
    }

    /// The master's id, with which the ids of the agents begin.
    pub(crate) fn id(&self) -> &str {
        self.master.id()
    }

    /// The ids of the agents, by position.
    pub(crate) fn ids(&self) -> &[String] {
        &self.ids
    }

    /// Takes one input, and everything that follows from it.
    pub(crate) fn step(&mut self, now: Time, input: Input, out: &mut Vec<Action>) {
        let mut messages = VecDeque::new();
        let agent = |run: RunId, input| Message::ToAgent(run.agent, input);
        match input {
            Input::Subscribe { request, subscribe } => {
                messages.push_back(Message::ToMaster(master::Input::Subscribe { request, subscribe }));
            }
            Input::Call { request, call, stream_id } => {
                messages.push_back(Message::ToMaster(master::Input::Call { request, call, stream_id }));
            }
            Input::ExecutorCall { agent, request, call, claims } => {
                messages.push_back(Message::ToAgent(agent, agent::Input::Call { request, call, claims }));
            }
            Input::Operator { request, call: operator::Call::Master(call), .. } => {
                messages.push_back(Message::ToMaster(master::Input::Operator { request, call }));
            }
            Input::Operator { agent, request, call: operator::Call::Agent(call) } => {
                let input = agent::Input::Operator { request, call };
                messages.push_back(Message::ToAgent(agent.unwrap_or_default(), input));
            }
            Input::Closed { agent: None, stream } => {
                messages.push_back(Message::ToMaster(master::Input::Closed { stream }));
            }
            Input::Closed { agent: Some(agent), stream } => {
                messages.push_back(Message::ToAgent(agent, agent::Input::Closed { stream }));
            }
            Input::Happened { run, what } => {
                messages.push_back(agent(run, agent::Input::Happened { run, what }));
            }
            Input::Fault(fault) => self.fault(now, fault, &mut messages, out),
            Input::Tick => {
                if self.master.due().is_some_and(|due| due <= now) {
                    messages.push_back(Message::ToMaster(master::Input::Tick));
                }
                let due = |agent: &Agent| agent.due().is_some_and(|due| due <= now);
                let due = self.agents.iter().enumerate().filter(|(_, agent)| due(agent));
                messages.extend(due.map(|(index, _)| Message::ToAgent(index, agent::Input::Tick)));
            }
        }
        while let Some(message) = messages.pop_front() {
            match message {
                Message::ToMaster(input) => self.master(now, input, &mut messages, out),
                Message::ToAgent(index, input) => self.agent(now, index, input, &mut messages, out),
            }
        }
    }

    /// What a tool reads of the master, or of the agent at a position. `root` is the cluster's directory.
    pub(crate) fn look(
        &self,
        now: Time,
        agent: Option<usize>,
        view: View,
        query: &Query,
        root: &Path,
    ) -> Page {
        match agent {
            None => endpoints::of_master(&self.master, now, view, query),
            Some(index) => match self.agents.get(index) {
                Some(agent) => endpoints::of_agent(agent, &self.master, now, view, root),
                None => Page::Empty, // never: a port belongs to an agent
            },
        }
    }

    /// When the next `Tick` is due.
    pub(crate) fn due(&self) -> Option<Time> {
        self.agents.iter().filter_map(Agent::due).chain(self.master.due()).min()
    }

    fn fault(&mut self, now: Time, fault: Fault, messages: &mut VecDeque<Message>, out: &mut Vec<Action>) {
        let Some(Effect { agent: index, reach, input, change }) = fault.effect() else {
            messages.push_back(Message::ToMaster(master::Input::FailOver));
            return;
        };
        let Some(known) = self.reach.get_mut(index).filter(|known| fault.is_possible(**known)) else {
            return;
        };
        *known = reach;
        if let Some(input) = input {
            self.agent(now, index, input, messages, out);
        }
        let agent = self.ids[index].clone();
        messages.push_back(Message::ToMaster(master::Input::ChangeAgent { agent, change }));
        if reach == Reach::Up {
            let said = self.unheard.extract_if(.., |(from, _)| *from == index);
            messages.extend(said.map(|(_, input)| Message::ToMaster(input)));
        }
    }

    fn master(
        &mut self,
        now: Time,
        input: master::Input,
        messages: &mut VecDeque<Message>,
        out: &mut Vec<Action>,
    ) {
        for output in self.master.step(now, input) {
            match output {
                master::Output::Gone { agent } => {
                    if let Some(index) = self.positions.get(&agent).copied() {
                        self.fault(now, Fault::AgentGone(index), messages, out);
                    }
                }
                master::Output::Down { agent } => {
                    if let Some(index) = self.positions.get(&agent).copied() {
                        self.fault(now, Fault::AgentDown(index), messages, out);
                    }
                }
                master::Output::Agent { agent, input } => {
                    let index = self.positions.get(&agent).filter(|index| self.reach[**index] == Reach::Up);
                    messages.extend(index.map(|index| Message::ToAgent(*index, input)));
                }
                master::Output::Outside(action) => out.push(action),
            }
        }
    }

    fn agent(
        &mut self,
        now: Time,
        index: usize,
        input: agent::Input,
        messages: &mut VecDeque<Message>,
        out: &mut Vec<Action>,
    ) {
        let (Some(agent), Some(id)) = (self.agents.get_mut(index), self.ids.get(index)) else { return };
        let heard = self.reach.get(index) == Some(&Reach::Up);
        for output in agent.step(now, input) {
            match for_master(id, output) {
                Ok(input) if heard => messages.push_back(Message::ToMaster(input)),
                // All else that matters is said again.
                Ok(input @ master::Input::ExecutorExited { .. }) => self.unheard.push((index, input)),
                Ok(_) => {}
                Err(action) => out.push(action),
            }
        }
    }
}

/// What an agent has to say, if it is its master that hears it; else what is to be done outside.
fn for_master(id: &str, output: agent::Output) -> Result<master::Input, Action> {
    let agent = id.to_owned();
    Ok(match output {
        agent::Output::Update(update) => master::Input::Update { agent, update },
        agent::Output::Message { framework, executor, data } => {
            master::Input::Message { agent, framework, executor, data }
        }
        agent::Output::ExecutorExited { framework, executor, status } => {
            master::Input::ExecutorExited { agent, framework, executor, status }
        }
        agent::Output::Operation { framework, status } => master::Input::Operation { framework, status },
        agent::Output::Outside(action) => return Err(action),
    })
}
