//! What Mesos refuses and can be known beforehand, in Mesos' own words: a driver does not send it, and the embedded
//! master refuses it as a real one does.
//!
//! `framework` is about what frameworks say of themselves, `task`, `executor`, `group`, `container` and `check` about what
//! they launch, `operation` about reservations and volumes.
//!
//! # Invariants
//! * Nothing is refused that some master might take, whatever its agents can do and whatever runs on them.
//! * Checks come in Mesos' order, as the first that fails gives the message.
//! * Messages are looked at, never changed.

mod check;
mod container;
mod executor;
mod framework;
mod group;
mod operation;
pub(crate) mod resources;
mod task;

use executor::executor;
pub(crate) use framework::{
    framework, framework_update, offer_constraints, roles, subscribed_roles, suppressed_roles,
};
pub(crate) use group::group;
pub(crate) use operation::operation;
pub(crate) use task::{command_or_executor, task};

/// Fine, or the words of the refusal.
pub(crate) type Checked = Result<(), String>;

/// The longest id: it is the name of a directory.
const NAME_MAX: usize = 255;

/// Ids become names of directories.
pub(crate) fn id(id: &str) -> Checked {
    if id.is_empty() {
        return refuse("ID must not be empty");
    }
    if id.len() > NAME_MAX {
        return Err(format!("ID must not be greater than {NAME_MAX} characters"));
    }
    if id == "." || id == ".." {
        return Err(format!("'{id}' is disallowed"));
    }
    if id.bytes().any(|byte| byte.is_ascii_control() || byte == b'/' || byte == b'\\') {
        return Err(format!("'{id}' contains invalid characters"));
    }
    Ok(())
}

/// The uuid of an update: 16 bytes, and of a version that there is.
pub(crate) fn uuid(bytes: &[u8]) -> Checked {
    if bytes.len() == 16 && (1..=5).contains(&(bytes[6] >> 4)) { Ok(()) } else { refuse("Not a valid UUID") }
}

fn refuse(words: impl Into<String>) -> Checked {
    Err(words.into())
}

/// Refuses with `words` if `wrong`.
fn unless(wrong: bool, words: &str) -> Checked {
    if wrong { refuse(words) } else { Ok(()) }
}
