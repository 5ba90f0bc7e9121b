//! The answer to a request, as the state machines give it.

use super::operator::Response;

/// The answer to a request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Reply {
    /// 200 and a stream; a scheduler's has an id that its calls name
    Stream(Option<String>),
    /// 200
    Ok,
    /// 200 and what was asked for
    Message(Response),
    /// 202
    Accepted,
    /// a status and its text
    Refused(u16, String),
}
