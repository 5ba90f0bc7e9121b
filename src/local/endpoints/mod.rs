//! The plain endpoints, which tools read: paths, queries, and what is under a path.
//!
//! `master.rs`, `summary.rs`, `roles.rs` and `agent.rs` write what the operator API tells as tools have read it before there
//! was one, with `model.rs` for what all of them write; `files.rs` has what is in sandboxes; `orders.rs` what changes
//! something; `query.rs` what follows a question mark.
//!
//! # Invariants
//! * A page is a function of the state that is asked, or of the files. A question changes nothing.
//! * As in Mesos, any method will do, slashes may be repeated or follow, and a script may ask for a call of its function
//!   (`jsonp`).

mod agent;
mod files;
mod master;
mod model;
mod orders;
mod query;
mod roles;
mod summary;

use super::agent::Agent;
use super::api::Host;
use super::clock::Time;
use super::master::Master;
use super::operator;
use crate::proto::mesos::v1::Metric;
use agent::Subject;
pub(crate) use files::{Files, answer as files, refused};
use hyper::StatusCode;
pub(crate) use orders::{teardown, toggle};
pub(crate) use query::Query;
use serde_json::{Value, json};
use std::fs::File;
use std::path::Path;

/// What is under a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Files(Files),
    Health,
    Version,
    Teardown,
    Logging,
    View(View),
}

/// What is read from the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    State,
    Summary,
    Agents,
    Frameworks,
    Tasks,
    Roles,
    Containers,
    Statistics,
    Flags,
    Metrics,
    Leader,
    LoggingLevel,
}

/// An answer to be read.
#[derive(Debug)]
pub(crate) enum Page {
    /// 200 and JSON
    Json(String),
    /// 200 and nothing
    Empty,
    /// words
    Text(StatusCode, String),
    /// 307: it is there
    Elsewhere(String),
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
    let is_master = host == Host::Master;
    Some(match rest {
        ["health"] => Endpoint::Health,
        ["flags"] => Endpoint::View(View::Flags),
        ["state"] => Endpoint::View(View::State),
        ["redirect"] if is_master => Endpoint::View(View::Leader),
        ["roles"] if is_master => Endpoint::View(View::Roles),
        ["state-summary"] if is_master => Endpoint::View(View::Summary),
        ["slaves"] if is_master => Endpoint::View(View::Agents),
        ["frameworks"] if is_master => Endpoint::View(View::Frameworks),
        ["tasks"] if is_master => Endpoint::View(View::Tasks),
        ["teardown"] if is_master => Endpoint::Teardown,
        ["containers"] if !is_master => Endpoint::View(View::Containers),
        ["monitor", "statistics"] if !is_master => Endpoint::View(View::Statistics),
        // These are of the process.
        _ if own => return None,
        ["logging", "toggle"] => Endpoint::Logging,
        ["metrics", "snapshot"] => Endpoint::View(View::Metrics),
        ["version"] => Endpoint::Version,
        ["files", "browse"] => Endpoint::Files(Files::Browse),
        ["files", "read"] => Endpoint::Files(Files::Read),
        ["files", "download"] => Endpoint::Files(Files::Download),
        ["files", "debug"] => Endpoint::Files(Files::Debug),
        _ => return None,
    })
}

pub(crate) fn version() -> Page {
    Page::Json(Value::from(master::version(&operator::version())).to_string())
}

/// What is read of a master.
pub(crate) fn of_master(master: &Master, now: Time, view: View, query: &Query) -> Page {
    match view {
        View::State => master::state(master),
        View::Summary => summary::summary(master),
        View::Agents => master::slaves(master, query),
        View::Frameworks => master::frameworks(master, query),
        View::Tasks => master::tasks(master, query),
        View::Roles => roles::roles(master),
        View::Flags => flags(master::flags(&master.flags())),
        View::Metrics => metrics(&master.metrics(now)),
        View::Leader => {
            let info = master.get_master().master_info.unwrap_or_default();
            Page::Elsewhere(format!("//{}:{}", info.hostname(), info.port))
        }
        View::LoggingLevel => level(master.verbosity(now)),
        View::Containers | View::Statistics => missing(),
    }
}

/// What is read of an agent of that master. `root` is the cluster's directory.
pub(crate) fn of_agent(agent: &Agent, master: &Master, now: Time, view: View, root: &Path) -> Page {
    if agent.is_down() {
        return Page::Text(StatusCode::SERVICE_UNAVAILABLE, "Agent has not finished recovery".into());
    }
    match view {
        View::State => {
            let agents = master.get_agents().agents;
            let own = |id: &str| id == agent.id();
            let registered =
                agents.into_iter().find(|it| it.agent_info.id.as_ref().is_some_and(|id| own(&id.value)));
            let info = master.get_master().master_info.unwrap_or_default();
            agent::state(&Subject { agent, registered, master: info.hostname(), root })
        }
        View::Containers => agent::containers(agent, now),
        View::Statistics => agent::statistics(agent, now),
        View::Flags => flags(master::flags(&agent.flags())),
        View::Metrics => metrics(&agent.metrics(now)),
        View::LoggingLevel => level(agent.verbosity(now)),
        _ => missing(),
    }
}

fn missing() -> Page {
    Page::Text(StatusCode::NOT_FOUND, "404 Not Found.".into())
}

fn flags(flags: Value) -> Page {
    Page::Json(json!({"flags": flags}).to_string())
}

fn metrics(metrics: &[Metric]) -> Page {
    let all = metrics.iter().map(|metric| (metric.name.clone(), metric.value().into()));
    Page::Json(Value::Object(all.collect()).to_string())
}

fn level(level: u32) -> Page {
    Page::Text(StatusCode::OK, format!("{level}\n"))
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
