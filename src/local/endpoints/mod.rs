//! The plain endpoints, which tools read: paths, queries, and what is under a path.
//!
//! `files.rs` has what is in sandboxes; `query.rs` what follows a question mark.
//!
//! # Invariants
//! * A page is a function of the state that is asked, or of the files. A question changes nothing.
//! * As in Mesos, any method will do, slashes may be repeated or follow, and a script may ask for a call of its function
//!   (`jsonp`).

mod files;
mod query;

use super::api::Host;
use super::master::VERSION;
pub(crate) use files::{Files, answer as files, refused};
use hyper::StatusCode;
pub(crate) use query::Query;
use std::fs::File;

/// What is under a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Files(Files),
    Health,
    Version,
}

/// An answer to be read.
#[derive(Debug)]
pub(crate) enum Page {
    /// 200 and JSON
    Json(String),
    /// 200 and nothing
    Empty,
    /// another status, and words
    Text(StatusCode, String),
    /// a file to be kept under this name; it had this size when it was opened
    File { name: String, file: File, size: u64 },
}

/// What a path means on the port of a master or of an agent. The names of these in their processes may come first.
pub(crate) fn find(host: Host, path: &str) -> Option<Endpoint> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let (own, rest) = match (host, &parts[..]) {
        (Host::Master, ["master", rest @ ..])
        | (Host::Agent(_), ["slave(1)" | "slave%281%29", rest @ ..]) => (true, rest),
        (_, rest) => (false, rest),
    };
    Some(match rest {
        ["health"] => Endpoint::Health,
        // These are of the process.
        _ if own => return None,
        ["version"] => Endpoint::Version,
        ["files", "browse"] => Endpoint::Files(Files::Browse),
        ["files", "read"] => Endpoint::Files(Files::Read),
        ["files", "download"] => Endpoint::Files(Files::Download),
        ["files", "debug"] => Endpoint::Files(Files::Debug),
        _ => return None,
    })
}

pub(crate) fn version() -> Page {
    let build_user = format!("mesos (Python) {}", env!("CARGO_PKG_VERSION"));
    Page::Json(serde_json::json!({"build_user": build_user, "version": VERSION}).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let master = |path: &str| find(Host::Master, path);
        let agent = |path: &str| find(Host::Agent(0), path);
        for path in ["/health", "/health/", "//health", "/master/health", "/master//health/"] {
            assert_eq!(master(path), Some(Endpoint::Health), "{path}");
        }
        for path in ["/health", "/slave(1)/health", "/slave%281%29/health/"] {
            assert_eq!(agent(path), Some(Endpoint::Health), "{path}");
        }
        assert_eq!(master("/version/"), Some(Endpoint::Version));
        assert_eq!(agent("/files/read"), Some(Endpoint::Files(Files::Read)));
        for path in
            ["/", "/master", "/Health", "/master/version", "/slave(1)/health", "/files", "/health/more"]
        {
            assert_eq!(master(path), None, "{path}");
        }
        assert_eq!(agent("/master/health"), None);
    }
}
