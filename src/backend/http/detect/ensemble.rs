//! `zk://[user:password@]host[:port][,…]/path`: where the masters hold their election.
//!
//! # Invariants
//! * The path begins at the first slash and the credentials end at the last `@` before it, as in Mesos: nothing
//!   is percent-decoded.
//! * Neither `Debug` nor `Display` nor an error shows user or password.

use super::super::master::split_authority;
use std::fmt;

/// ZooKeeper's own port.
const PORT: u16 = 2181;

/// The servers of a ZooKeeper, and the node below which the masters stand for election.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Ensemble {
    /// `host:port,host:port`
    servers: String,
    /// begins with a slash, does not end with one
    path: String,
    /// `user:password`
    credentials: Option<String>,
}

impl Ensemble {
    /// Reads what follows `zk://`; the error says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Ensemble, String> {
        let (authority, path) = text.split_at(text.find('/').unwrap_or(text.len()));
        if !authority.contains('@') && path.contains('@') {
            return Err("user and password cannot hold a \"/\" here".into());
        }
        let (credentials, hosts) = match authority.rsplit_once('@') {
            Some((credentials, hosts)) if credentials.contains(':') => (Some(credentials.to_owned()), hosts),
            Some(_) => return Err("user and password are written \"user:password@\"".into()),
            None => (None, authority),
        };
        let servers = hosts.split(',').map(|host| server(host.trim())).collect::<Result<Vec<_>, _>>()?;
        Ok(Ensemble { servers: servers.join(","), path: checked(path)?, credentials })
    }

    /// All of it, for libmesos, which knows no default port. Holds the password.
    pub(in crate::backend) fn url(&self) -> String {
        let credentials = self.credentials.as_ref().map(|text| format!("{text}@")).unwrap_or_default();
        format!("zk://{credentials}{}{}", self.servers, self.path)
    }

    /// All servers, with ports.
    pub(super) fn servers(&self) -> &str {
        &self.servers
    }

    /// The node below which the masters stand for election.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// `user:password`, for ZooKeeper's "digest".
    pub(super) fn credentials(&self) -> Option<&str> {
        self.credentials.as_deref()
    }
}

fn server(text: &str) -> Result<String, String> {
    let (host, port) = split_authority(text)?;
    let port = port.unwrap_or(PORT);
    Ok(if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") })
}

/// The path without a slash at its end.
fn checked(path: &str) -> Result<String, String> {
    let path = path.trim_end_matches('/');
    if path.is_empty() {
        return Err(
            "a path is missing; write \"zk://host:port/mesos\" if the masters use Mesos' usual one".into()
        );
    }
    if path.split('/').skip(1).any(|part| matches!(part, "" | "." | "..")) || path.contains(char::is_control)
    {
        return Err(format!("{path:?} is no path of ZooKeeper's"));
    }
    Ok(path.to_owned())
}

impl fmt::Display for Ensemble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "zk://{}{}", self.servers, self.path)
    }
}

impl fmt::Debug for Ensemble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ensemble({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_and_its_default() {
        let ensemble = Ensemble::parse("me:p@ss:w@z1:2181, z2,[::1]:3,[::2]/mesos/east/").unwrap();
        assert_eq!(ensemble.servers(), "z1:2181,z2:2181,[::1]:3,[::2]:2181");
        assert_eq!(ensemble.path(), "/mesos/east");
        assert_eq!(ensemble.credentials(), Some("me:p@ss:w"));
        assert_eq!(ensemble.url(), "zk://me:p@ss:w@z1:2181,z2:2181,[::1]:3,[::2]:2181/mesos/east");
        assert_eq!(Ensemble::parse("z1/m").unwrap().credentials(), None);
        // the path may hold an @
        assert_eq!(Ensemble::parse("me:pw@z1/a@b").unwrap().path(), "/a@b");
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, words) in [
            ("", "no host"),
            ("z1:2181", "a path is missing"),
            ("z1:2181/", "a path is missing"),
            ("z1:2181//", "a path is missing"),
            ("z1//m", "no path"),
            ("z1/m/../n", "no path"),
            ("z1,/m", "no host"),
            ("z1:x/m", "\"x\" is not a port"),
            ("z 1/m", "not a host"),
            ("me@z1/m", "user:password@"),
            ("me:p/w@z1/m", "\"/\""),
        ] {
            let error = Ensemble::parse(text).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn nobody_sees_the_password() {
        let ensemble = Ensemble::parse("me:hunter2@z1/m").unwrap();
        assert_eq!(ensemble.to_string(), "zk://z1:2181/m");
        assert_eq!(format!("{ensemble:?}"), "Ensemble(zk://z1:2181/m)");
    }
}
