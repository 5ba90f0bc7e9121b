//! The native backend: Mesos' v1 HTTP API over two TCP connections, one for the stream of events, one for calls.
//!
//! `scheduler` joins the parts: `master` reads what the user says, `detect` finds out who leads, `attempt` gets a
//! subscription there over a `socket` (in plain text or `tls`), `subscription` reads the stream (`recordio` cuts it, `decode` makes events of it), `calls` writes what `encode` made and reads the
//! answers (`answer`), `backoff` paces what failed, `settings` remembers what the next SUBSCRIBE has to say.
//!
//! # Invariants
//! * One task for each driver does all of it, so nothing here is locked and everything has one order.
//! * The authorization goes to the configured masters and to whatever they redirect to, but never from https to
//!   http: who can answer for a master has seen it already. It is in no text and no `Debug`.
//! * Either connection breaking ends the subscription: both are closed before the next SUBSCRIBE.

mod acks;
mod answer;
mod api;
mod attempt;
pub(super) mod backoff;
mod calls;
mod decode;
pub(super) mod detect;
pub(crate) mod encode;
pub(crate) mod executor;
mod line;
pub(super) mod lost;
pub(crate) mod master;
mod recordio;
mod request;
pub(crate) mod scheduler;
pub(in crate::backend) mod settings;
mod socket;
mod subscription;
pub(crate) mod tls;

use super::END_TIMEOUT;
use crate::error::{Error, Result};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hyper::header::HeaderValue;
use master::Source;
use std::time::Duration;
use tls::Tls;

/// What a driver wants of its connections. Not `Debug`: it holds secrets.
pub(crate) struct Config {
    /// who tells the leader
    pub(crate) master: Source,
    /// principal and secret, for HTTP Basic
    pub(crate) credential: Option<(String, Option<String>)>,
    /// a bearer token; goes before the credential
    pub(crate) token: Option<String>,
    /// for masters that speak TLS
    pub(crate) tls: Option<Tls>,
    /// how long to try for the first subscription; `None` = for ever
    pub(crate) connect_timeout: Option<Duration>,
    /// `FrameworkInfo.failover_timeout`; a tenth of it bounds the pauses between attempts
    pub(crate) failover_timeout: Duration,
}

impl Config {
    /// The Authorization header, if there is something to say.
    fn authorization(&self) -> Result<Option<HeaderValue>> {
        let (name, text) = match (&self.token, &self.credential) {
            (Some(token), _) => ("token", format!("Bearer {token}")),
            (None, Some((principal, secret))) => {
                let pair = format!("{principal}:{}", secret.as_deref().unwrap_or(""));
                ("credential", format!("Basic {}", BASE64_STANDARD.encode(pair)))
            }
            (None, None) => return Ok(None),
        };
        sensitive(name, &text).map(Some)
    }
}

/// The value of an Authorization header; `name` is what the user calls it.
fn sensitive(name: &str, text: &str) -> Result<HeaderValue> {
    let wrong =
        |_| Error::Configuration(format!("{name}: it holds characters that no HTTP header can carry"));
    let mut value = HeaderValue::from_str(text).map_err(wrong)?;
    value.set_sensitive(true);
    Ok(value)
}

/// The waits of a backend; tests shorten them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timing {
    /// to resolve a name and open a connection
    connect: Duration,
    /// for the head of an answer, and again for the first event
    answer: Duration,
    /// the first pause is up to this long, each further one up to twice as long as the one before
    pause: Duration,
    /// no pause is longer, whatever `failover_timeout` says
    longest_pause: Duration,
    /// a subscription that lasted less counts as a failed attempt: the next one waits
    settled: Duration,
    /// how long a call waits for its answer if the master names no heartbeat
    call: Duration,
    /// how long a stop waits for answers
    end: Duration,
    /// how often an executor gives a sign of life
    heartbeat: Duration,
    /// how long ZooKeeper keeps a session of which it hears nothing
    session: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            answer: Duration::from_secs(30),
            pause: Duration::from_secs(2),
            longest_pause: Duration::from_secs(60),
            settled: Duration::from_secs(2),
            call: Duration::from_secs(75),
            end: END_TIMEOUT,
            heartbeat: Duration::from_secs(30 * 60),
            session: Duration::from_secs(10),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(credential: Option<(&str, Option<&str>)>, token: Option<&str>) -> Config {
        Config {
            master: Source::List(Vec::new()),
            credential: credential.map(|(principal, secret)| (principal.into(), secret.map(Into::into))),
            token: token.map(Into::into),
            tls: None,
            connect_timeout: None,
            failover_timeout: Duration::ZERO,
        }
    }

    #[test]
    fn authorization() {
        let header =
            |config: Config| config.authorization().unwrap().map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(header(config(None, None)), None);
        assert_eq!(header(config(Some(("me", Some("pw"))), None)).as_deref(), Some("Basic bWU6cHc="));
        assert_eq!(header(config(Some(("me", None)), None)).as_deref(), Some("Basic bWU6"));
        assert_eq!(header(config(None, Some("abc"))).as_deref(), Some("Bearer abc"));
    }

    #[test]
    fn a_secret_is_not_shown() {
        let value = config(Some(("me", Some("pw"))), None).authorization().unwrap();
        assert!(!format!("{value:?}").contains("bWU6cHc"));
        let error = config(None, Some("s3cret\nX: y")).authorization().unwrap_err().to_string();
        assert!(error.contains("token") && !error.contains("s3cret"), "{error}");
    }
}
