//! Looks at a task over the network, as the state machines see them: where to look, and what was found.

use super::process::Exit;
use std::net::SocketAddr;

/// Where to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Probe {
    pub(crate) address: SocketAddr,
    /// what to GET there; without it, opening a connection is all
    pub(crate) path: Option<String>,
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// how a command has exited
    Exit(i32),
    /// what a server has answered
    Status(u16),
    /// whether a connection could be opened
    Connection(bool),
    /// nothing: it took too long, or could not be done
    Nothing,
}

impl From<Exit> for Found {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Code(code) => Self::Exit(code),
            Exit::Signal { .. } | Exit::Unknown => Self::Nothing,
        }
    }
}
