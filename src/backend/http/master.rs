//! Where masters are: the master string, the endpoints in it, and where redirects lead.
//!
//! # Invariants
//! * An `Endpoint` has a host and a port; nothing is guessed, so a typing error is a `ConfigurationError`
//!   and not a driver that retries an unknown host for ever.
//! * What stands before an `@` may be a password: no error shows it.
//! * No redirect leads from TLS to plain HTTP: whoever asked for TLS gets it on every way.

use super::detect::Ensemble;
use crate::error::Error;
use std::fmt;
use std::net::{Ipv6Addr, SocketAddr};

/// The path of the scheduler API below an endpoint's prefix.
pub(crate) const SCHEDULER_API: &str = "/api/v1/scheduler";

/// How a master is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// in plain text
    Http,
    /// over TLS
    Https,
}

/// One address at which a master may answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    scheme: Scheme,
    /// a name or an address; IPv6 without its brackets
    host: String,
    port: u16,
    /// "" or "/mesos": what a proxy wants before the API's own path
    prefix: String,
}

/// What a master string means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Master {
    /// `local`: the embedded cluster of this process
    Local,
    /// masters over HTTP
    Http(Source),
}

/// What tells where the leading master is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// any of these masters; never empty
    List(Vec<Endpoint>),
    /// the masters' own election; it does not say how to speak to them
    ZooKeeper(Ensemble, Scheme),
}

impl Source {
    /// Does any master of it speak TLS?
    pub(crate) fn is_secure(&self) -> bool {
        match self {
            Source::List(masters) => masters.iter().any(Endpoint::is_secure),
            Source::ZooKeeper(_, scheme) => *scheme == Scheme::Https,
        }
    }
}

/// Reads `local`, `host:port[,host:port…]`, `http[s]://host:port[,…][/prefix]` or
/// `zk://[user:password@]host[:port][,…]/path`.
///
/// A scheme before the first address, and a prefix after the last, hold for all that have none; `unsaid` is the
/// scheme where none is said at all. `master@host:port`, as Mesos prints itself, is understood too.
pub(crate) fn parse(text: &str, unsaid: Scheme) -> Result<Master, Error> {
    let text = text.trim();
    if text.is_empty() {
        return Err(wrong(text, "it is empty; write \"host:port\", \"zk://host:port/path\" or \"local\""));
    }
    if text == "local" {
        return Ok(Master::Local);
    }
    if let Some(rest) = text.strip_prefix("zk://") {
        let ensemble = Ensemble::parse(rest).map_err(|what| wrong(text, &what))?;
        return Ok(Master::Http(Source::ZooKeeper(ensemble, unsaid)));
    }
    let parts = text.split(',').map(|part| split_part(text, part.trim())).collect::<Result<Vec<_>, _>>()?;
    let unsaid = parts.first().and_then(|part| part.scheme).unwrap_or(unsaid);
    let shared = parts.last().and_then(|part| part.path).unwrap_or("");
    let endpoint = |part: &Part<'_>| {
        let prefix = part.path.unwrap_or(shared).trim_end_matches('/');
        // the whole URL out of a browser or a log is fine as well
        let prefix = prefix.strip_suffix(SCHEDULER_API).unwrap_or(prefix);
        Endpoint::new(part.scheme.unwrap_or(unsaid), part.authority, prefix)
            .map_err(|what| wrong(text, &what))
    };
    Ok(Master::Http(Source::List(parts.iter().map(endpoint).collect::<Result<_, _>>()?)))
}

/// `[scheme://]authority[/path]`
struct Part<'a> {
    scheme: Option<Scheme>,
    authority: &'a str,
    path: Option<&'a str>,
}

fn split_part<'a>(whole: &str, part: &'a str) -> Result<Part<'a>, Error> {
    let (scheme, rest) = match part.split_once("://") {
        None => (None, part),
        Some(("http", rest)) => (Some(Scheme::Http), rest),
        Some(("https", rest)) => (Some(Scheme::Https), rest),
        Some((scheme, _)) => {
            let scheme = redacted(scheme);
            return Err(wrong(
                whole,
                &format!(
                    "unknown scheme {scheme:?}; write \"host:port\", \"https://host:port\", \
                     \"zk://host:port/path\" or \"local\""
                ),
            ));
        }
    };
    let (authority, path) = match rest.find('/') {
        Some(slash) => (&rest[..slash], Some(&rest[slash..])),
        None => (rest, None),
    };
    let authority = authority.strip_prefix("master@").unwrap_or(authority);
    if authority.contains('@') {
        return Err(wrong(whole, "it holds credentials; pass them as credential=(principal, secret)"));
    }
    Ok(Part { scheme, authority, path })
}

impl Endpoint {
    /// From `host:port` or `[v6]:port`, and a path prefix.
    fn new(scheme: Scheme, authority: &str, prefix: &str) -> Result<Endpoint, String> {
        let (host, port) = split_authority(authority)?;
        let Some(port) = port else {
            return Err(format!("no port; write \"{authority}:5050\" if the master uses Mesos' usual port"));
        };
        if let Some(bad) = prefix.chars().find(|c| !c.is_ascii_graphic() || "?#\"<>\\".contains(*c)) {
            return Err(format!("{bad:?} cannot stand in the path {prefix:?}"));
        }
        let prefix = prefix.trim_end_matches('/').to_owned();
        Ok(Endpoint { scheme, host: host.to_owned(), port, prefix })
    }

    /// The agent at `host:port`, whose API is below a prefix such as `/slave(1)`.
    pub(crate) fn agent(address: &str, prefix: &str, secure: bool) -> Result<Endpoint, Error> {
        let scheme = if secure { Scheme::Https } else { Scheme::Http };
        Endpoint::new(scheme, address, prefix)
            .map_err(|what| Error::Configuration(format!("the agent's address {address:?}: {what}")))
    }

    /// The master that its `MasterInfo` says is there.
    pub(super) fn at(scheme: Scheme, host: &str, port: u16) -> Result<Endpoint, String> {
        let bracketed = host.parse::<Ipv6Addr>().is_ok();
        let authority = if bracketed { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        Endpoint::new(scheme, &authority, "")
    }

    /// Where a 307 of this endpoint leads. Mesos sends `//host:port/api/v1/scheduler`; `host:port`, an
    /// absolute URL and a path are understood as well.
    pub(crate) fn redirected(&self, location: &str, api: &str) -> Result<Endpoint, String> {
        let location = location.trim();
        if location.starts_with('/') && !location.starts_with("//") {
            let prefix =
                location.strip_suffix(api).ok_or_else(|| format!("{location:?} is not Mesos' API"))?;
            return Endpoint::new(self.scheme, &self.authority(), prefix);
        }
        let (scheme, rest) = match location.split_once("//") {
            Some(("", rest)) => (self.scheme, rest),
            Some(("http:", rest)) => (Scheme::Http, rest),
            Some(("https:", rest)) => (Scheme::Https, rest),
            Some(_) => return Err(format!("{:?} is not HTTP", redacted(location))),
            None => (self.scheme, location),
        };
        if self.is_secure() && scheme == Scheme::Http {
            return Err(format!("{:?} would lead from https to http", redacted(location)));
        }
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let prefix = match path.strip_suffix(api) {
            Some(prefix) => prefix,
            None if path.is_empty() || path == "/" => "",
            None => return Err(format!("{:?} is not Mesos' API", redacted(location))),
        };
        Endpoint::new(scheme, authority, prefix)
    }

    /// Does it speak TLS?
    pub(crate) fn is_secure(&self) -> bool {
        self.scheme == Scheme::Https
    }

    /// `host:port`, for the Host header and for people.
    pub(crate) fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// The host as the resolver wants it, and the port.
    pub(crate) fn address(&self) -> (&str, u16) {
        (&self.host, self.port)
    }

    /// The request target of an API at this endpoint.
    pub(crate) fn path(&self, api: &str) -> String {
        format!("{}{api}", self.prefix)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_secure() { "https://" } else { "" };
        write!(f, "{scheme}{}{}", self.authority(), self.prefix)
    }
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Endpoint {
        let host = address.ip().to_string();
        Endpoint { scheme: Scheme::Http, host, port: address.port(), prefix: String::new() }
    }
}

/// `host[:port]` or `[v6][:port]`, with words for what is wrong; the host comes without brackets.
pub(super) fn split_authority(authority: &str) -> Result<(&str, Option<u16>), String> {
    let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None => match authority.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let name = |host: &str| host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
    if host.is_empty() {
        return Err(format!("no host in {authority:?}; write \"host:port\""));
    }
    if !(if authority.starts_with('[') { host.parse::<Ipv6Addr>().is_ok() } else { name(host) }) {
        return Err(format!("{host:?} is not a host; write \"host:port\", or \"[address]:port\" for IPv6"));
    }
    let number =
        |port: &str| port.bytes().all(|b| b.is_ascii_digit()).then(|| port.parse::<u16>().ok()).flatten();
    let Some(port) = port else { return Ok((host, None)) };
    match number(port).filter(|port| *port > 0) {
        Some(port) => Ok((host, Some(port))),
        None => Err(format!("{port:?} is not a port; ports are 1 to 65535")),
    }
}

fn wrong(text: &str, what: &str) -> Error {
    Error::Configuration(format!("master {:?}: {what}", redacted(text)))
}

/// `text` without what may be a password.
fn redacted(text: &str) -> String {
    match text.rsplit_once('@') {
        Some(("master", _)) | None => text.to_owned(),
        Some((before, after)) => {
            let scheme = before.split_once("://").map_or("", |(scheme, _)| scheme);
            let slashes = if scheme.is_empty() { "" } else { "://" };
            format!("{scheme}{slashes}…@{after}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoints(text: &str) -> Vec<String> {
        match parse(text, Scheme::Http) {
            Ok(Master::Http(Source::List(list))) => list.iter().map(ToString::to_string).collect(),
            other => panic!("{text}: {other:?}"),
        }
    }

    fn error(text: &str) -> String {
        parse(text, Scheme::Http).map(|master| format!("{master:?}")).expect_err(text).to_string()
    }

    #[test]
    fn every_form_of_a_master() {
        assert_eq!(parse("local", Scheme::Http).ok(), Some(Master::Local));
        assert_eq!(endpoints(" m1:5050 "), ["m1:5050"]);
        assert_eq!(endpoints("m1:5050, m2:5051"), ["m1:5050", "m2:5051"]);
        assert_eq!(endpoints("http://m1:1,m2:2/mesos/"), ["m1:1/mesos", "m2:2/mesos"]);
        assert_eq!(endpoints("http://m1:1/a,http://m2:2/b"), ["m1:1/a", "m2:2/b"]);
        assert_eq!(endpoints("http://m1:1/api/v1/scheduler"), ["m1:1"]);
        assert_eq!(endpoints("[::1]:5050"), ["[::1]:5050"]);
        assert_eq!(endpoints("master@10.0.0.1:5050"), ["10.0.0.1:5050"]);
        assert_eq!(endpoints("https://m1:1,m2:2,http://m3:3"), ["https://m1:1", "https://m2:2", "m3:3"]);
    }

    #[test]
    fn the_scheme_that_is_not_said() {
        let parsed = |text| match parse(text, Scheme::Https) {
            Ok(Master::Http(source)) => source,
            other => panic!("{text}: {other:?}"),
        };
        assert!(parsed("m1:1").is_secure() && parsed("zk://z1/mesos").is_secure());
        assert!(!parsed("http://m1:1,m2:2").is_secure());
    }

    #[test]
    fn wrong_masters_say_what_and_how() {
        for (text, words) in [
            ("", "empty"),
            ("lokal", "lokal:5050"),
            ("m1:5050,", "no host"),
            (":5050", "no host"),
            ("m1:0", "\"0\" is not a port"),
            ("m1:65536", "\"65536\" is not a port"),
            ("m1:+80", "\"+80\" is not a port"),
            ("m1:abc", "1 to 65535"),
            ("m 1:5050", "not a host"),
            ("::1:5050", "IPv6"),
            ("[::1]", "no port"),
            ("[nonsense]:5050", "not a host"),
            ("ftp://m1:5050", "unknown scheme \"ftp\""),
            ("https://m1", "no port"),
            ("zk://m1:2181", "path"),
            ("http://m1:5050/a b", "path"),
            ("http://m1:5050/a?b", "path"),
        ] {
            assert!(error(text).contains(words), "{text}: {}", error(text));
        }
    }

    #[test]
    fn no_error_shows_a_password() {
        for text in [
            "zk://me:hunter2@m1:0/mesos",
            "zk://me:hun/ter2@m1:2181/mesos",
            "zk://hunter2@m1:2181/mesos",
            "http://me:hunter2@m1:5050",
            "me:hunter2@m1:5050",
            "x@hunter2@y",
        ] {
            assert!(
                !["hunter2", "hun", "ter2"].iter().any(|part| error(text).contains(part)),
                "{}",
                error(text)
            );
        }
    }

    #[test]
    fn redirects() {
        let Ok(plain) = Endpoint::new(Scheme::Http, "m1:5050", "/mesos") else { panic!() };
        let to = |location| plain.redirected(location, SCHEDULER_API).map(|e| e.to_string());
        assert_eq!(to("//10.0.0.2:5051/api/v1/scheduler").as_deref(), Ok("10.0.0.2:5051"));
        assert_eq!(to("m2:5051").as_deref(), Ok("m2:5051"));
        assert_eq!(to("//m2:5051").as_deref(), Ok("m2:5051"));
        assert_eq!(to("http://m2:5051/p/api/v1/scheduler").as_deref(), Ok("m2:5051/p"));
        assert_eq!(to("/q/api/v1/scheduler").as_deref(), Ok("m1:5050/q"));
        assert_eq!(to("//[::1]:5051/api/v1/scheduler").as_deref(), Ok("[::1]:5051"));
        assert_eq!(to("https://m2:5051/api/v1/scheduler").as_deref(), Ok("https://m2:5051"));
        for bad in ["", "ftp://m2:5051/api/v1/scheduler", "//m2:5051/login", "//m2", "/login"] {
            assert!(to(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn redirects_keep_to_tls() {
        let Ok(secure) = Endpoint::new(Scheme::Https, "m1:5050", "") else { panic!() };
        let to = |location| secure.redirected(location, SCHEDULER_API).map(|e| e.to_string());
        for same in ["//m2:5051/api/v1/scheduler", "m2:5051", "https://m2:5051"] {
            assert_eq!(to(same).as_deref(), Ok("https://m2:5051"));
        }
        assert_eq!(to("/q/api/v1/scheduler").as_deref(), Ok("https://m1:5050/q"));
        assert!(to("http://m2:5051").is_err_and(|what| what.contains("from https to http")));
    }
}
