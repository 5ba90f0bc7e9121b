//! What a driver over libmesos is made with: from what the user gave to what libmesos is told.
//!
//! # Invariants
//! * What libmesos cannot do, or does otherwise, is refused here with what to use in its place.
//! * No `Debug`: a secret, and perhaps a password of ZooKeeper, are in it.

use crate::backend::http::master::{Master, Scheme, Source, parse};
use crate::error::{Error, Result};
use crate::wire::{Writer, field::credential};
use bytes::Bytes;
use std::time::Duration;

/// Not `Debug`: it holds secrets.
pub(crate) struct Settings {
    /// the path of the library; empty is the one of the environment
    pub(super) library: String,
    pub(super) master: Source,
    /// `Credential`; empty is none
    pub(super) credential: Bytes,
    /// how long to try for the first registration; `None` = for ever
    pub(super) connect_timeout: Option<Duration>,
    /// `FrameworkInfo.failover_timeout`
    pub(super) failover_timeout: Duration,
}

impl Settings {
    /// Checks what was given.
    pub(crate) fn new(
        library: String,
        master: &str,
        credential: Option<(String, Option<String>)>,
        connect_timeout: Option<Duration>,
        failover_timeout: Duration,
    ) -> Result<Self> {
        Ok(Self {
            library,
            master: source(master)?,
            credential: credential
                .map(|(principal, secret)| wire(&principal, secret.as_deref()))
                .unwrap_or_default(),
            connect_timeout,
            failover_timeout,
        })
    }
}

/// Where libmesos can find a master.
pub(crate) fn source(master: &str) -> Result<Source> {
    let wrong = |what: &str| Err(Error::Configuration(format!("master: {what}")));
    if master.contains("://") && !master.trim_start().starts_with("zk://") {
        return wrong(
            "libmesos does not speak HTTP to masters; write \"host:port\" or \"zk://host:port/path\", or use \
             backend=\"http\" (over TLS it speaks as $LIBPROCESS_SSL_* say)",
        );
    }
    match parse(master, Scheme::Http)? {
        Master::Local => wrong("\"local\" is the embedded cluster, which speaks HTTP; use backend=\"http\""),
        Master::Http(Source::List(masters)) if masters.len() > 1 => {
            wrong("libmesos takes one \"host:port\"; for several masters write \"zk://host:port/path\"")
        }
        Master::Http(Source::List(masters)) if masters.iter().any(|master| !master.path("").is_empty()) => {
            wrong("libmesos takes no path behind \"host:port\"")
        }
        Master::Http(source) => Ok(source),
    }
}

/// The bytes of a `Credential`.
fn wire(principal: &str, secret: Option<&str>) -> Bytes {
    let mut writer = Writer::new();
    writer.string(credential::PRINCIPAL, principal);
    if let Some(secret) = secret {
        writer.string(credential::SECRET, secret);
    }
    writer.finish().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masters_that_libmesos_can_find() {
        for master in ["m1:5050", "master@10.0.0.1:5050", "zk://a:b@z1:2181,z2/mesos", "[::1]:5050"] {
            source(master).unwrap();
        }
        for (master, words) in [
            ("local", "backend=\"http\""),
            ("http://m1:5050", "does not speak HTTP"),
            ("https://m1:5050", "LIBPROCESS_SSL_"),
            ("m1:5050,m2:5050", "zk://"),
            ("m1:5050/prefix", "no path"),
            ("m1", "no port"),
        ] {
            let what = source(master).unwrap_err().to_string();
            assert!(what.contains(words), "{master}: {what}");
        }
    }
}
