//! What was wrong with JSON, and where.

use crate::wire::table::Message;
use serde::de::{Error, Unexpected};
use std::fmt::{self, Display, Formatter};

/// In the place of a value.
pub(super) const KEPT_SECRET: Unexpected<'static> = Unexpected::Other("a value that is kept secret");

/// Not a message of the wanted type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{}{reason}", path, if path.is_empty() { "" } else { ": " })]
pub(crate) struct JsonError<E = String> {
    /// `offers[3].agent_id.value`; empty at the top
    pub(crate) path: String,
    /// what was wrong; in text, with line and column
    pub(crate) reason: E,
}

/// One step on the way to a value.
pub(super) enum Segment {
    Field(&'static str),
    Index(usize),
    Key(String),
}

impl Display for Segment {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Segment::Field(name) => write!(f, ".{name}"),
            Segment::Index(index) => write!(f, "[{index}]"),
            Segment::Key(key) => write!(f, "[{key:?}]"),
        }
    }
}

/// The way to a value as people write it: `offers[3].agent_id.value`.
pub(super) fn path(segments: &[Segment]) -> String {
    let path: String = segments.iter().map(Segment::to_string).collect();
    path.trim_start_matches('.').to_owned()
}

/// The error for a message without fields that it must have.
pub(super) fn lacks<E: Error>(message: &Message, names: &str) -> E {
    E::custom(format_args!("{} lacks what it must have: {names}", message.name))
}
