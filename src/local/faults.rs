//! What can go wrong in a cluster, on purpose: who can still reach whom.

use super::agent;
use super::master::Change;

/// Agents are named by their position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// the agent's process is killed
    AgentStops(usize),
    /// it is started again
    AgentStarts(usize),
    /// the network between master and agent breaks, and the master gives it up
    AgentLost(usize),
    /// the network is mended
    AgentReturns(usize),
    /// an operator marks it gone
    AgentGone(usize),
    /// an operator takes its machine down
    AgentDown(usize),
    /// another master takes over
    MasterFailsOver,
}

/// How an agent can be reached by its master.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    Up,
    Down,
    /// it runs, and its master does not hear it
    Cut,
    Gone,
}

/// What a fault does to an agent: how it is reached then, what it notices itself, what its master does.
pub(crate) struct Effect {
    pub(crate) agent: usize,
    pub(crate) reach: Reach,
    pub(crate) input: Option<agent::Input>,
    pub(crate) change: Change,
}

impl Fault {
    /// None: it is the master's.
    pub(crate) fn effect(self) -> Option<Effect> {
        use agent::Input::{Destroy, Start, Stop};
        let (agent, reach, input, change) = match self {
            Self::AgentStops(agent) => (agent, Reach::Down, Some(Stop), Change::Disconnected),
            Self::AgentStarts(agent) => (agent, Reach::Up, Some(Start), Change::Back),
            Self::AgentLost(agent) => (agent, Reach::Cut, None, Change::Unreachable),
            Self::AgentReturns(agent) => (agent, Reach::Up, None, Change::Back),
            Self::AgentDown(agent) => (agent, Reach::Gone, Some(Destroy), Change::Down),
            Self::AgentGone(agent) => (agent, Reach::Gone, Some(Destroy), Change::Gone),
            Self::MasterFailsOver => return None,
        };
        Some(Effect { agent, reach, input, change })
    }

    /// Whether it can happen to an agent that is reached like this; otherwise nothing happens.
    pub(crate) fn is_possible(self, reach: Reach) -> bool {
        match self {
            Self::AgentStops(_) | Self::AgentLost(_) => reach == Reach::Up,
            Self::AgentStarts(_) => reach == Reach::Down,
            Self::AgentReturns(_) => reach == Reach::Cut,
            Self::AgentGone(_) | Self::AgentDown(_) => reach != Reach::Gone,
            Self::MasterFailsOver => true,
        }
    }
}
