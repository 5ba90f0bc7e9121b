//! The one error type of the Rust side: a kind for each Python exception, and words for a person.
//!
//! # Invariants
//! * Knows neither Python nor a transport: `exceptions.rs` turns it into Python, `backend` into a `Failure`.
//! * A message names what was wrong and what to do, and never holds a secret.

use crate::event::{Failure, FailureKind};

/// `Result` with this crate's error.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong, by the Python exception that it becomes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    /// `ConfigurationError`: an argument, the environment or a file is wrong
    #[error("{0}")]
    Configuration(String),
    /// `MasterConnectionError`: there is no Mesos where one was expected
    #[error("{0}")]
    Connection(String),
    /// `AuthenticationError`: the master refused the credential
    #[error("{0}")]
    Authentication(String),
    /// `DriverAbortedError`: the driver gave up
    #[error("{0}")]
    Aborted(String),
    /// `ForkedDriverError`: an object of the parent process was used in a forked child
    #[error(
        "this {0} was made in another process (before a fork) and cannot be used here: make a new one in this process"
    )]
    Forked(&'static str),
    /// `ForkedDriverError`: libmesos in a forked child
    #[error(
        "libmesos was loaded before this process was forked, and its threads stayed behind: load it in the child \
         only, or use backend=\"http\" there"
    )]
    ForkedLibrary,
    /// Python's `OSError`: the system refused something (threads, descriptors, addresses)
    #[error("{what}: {error}", error = std::io::Error::from_raw_os_error(*.errno))]
    Os {
        /// what was tried
        what: &'static str,
        /// the system's answer
        errno: i32,
    },
}

impl Error {
    /// The system's answer to `what`.
    pub(crate) fn os(what: &'static str, error: &std::io::Error) -> Self {
        Self::Os { what, errno: error.raw_os_error().unwrap_or(libc::EIO) }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure.kind {
            FailureKind::Mesos => Self::Aborted(failure.message),
            FailureKind::Authentication => Self::Authentication(failure.message),
            FailureKind::Connection => Self::Connection(failure.message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_keeps_its_kind_and_words() {
        let failure = |kind| Failure { kind, message: "why".into() };
        assert_eq!(Error::from(failure(FailureKind::Mesos)), Error::Aborted("why".into()));
        assert_eq!(Error::from(failure(FailureKind::Authentication)), Error::Authentication("why".into()));
        assert_eq!(Error::from(failure(FailureKind::Connection)), Error::Connection("why".into()));
    }

    #[test]
    fn the_words_name_what_and_why() {
        let error = Error::os("opening a pipe", &std::io::Error::from_raw_os_error(libc::EMFILE));
        assert!(error.to_string().starts_with("opening a pipe: Too many open files"), "{error}");
        assert!(Error::Forked("SchedulerDriver").to_string().contains("make a new one"));
    }
}
