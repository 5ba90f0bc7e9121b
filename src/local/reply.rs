//! The answer to a request, as the state machines give it.

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    /// 200 and a stream; a scheduler's has an id that its calls name
    Stream(Option<String>),
    /// 200
    Ok,
    /// 202
    Accepted,
    /// a status and its text
    Refused(u16, String),
}
