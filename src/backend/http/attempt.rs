//! One attempt to subscribe: connect, send SUBSCRIBE, follow redirects, wait for SUBSCRIBED.
//!
//! # Invariants
//! * Owns all that it uses: dropping it, at any point, closes what it had opened.

use super::Timing;
use super::calls::Calls;
use super::decode::Said;
use super::master::Endpoint;
use super::request::Target;
use super::socket;
use super::subscription::{Ended, Opened, Refused, Stream, subscribe};
use crate::event::{Failure, FailureKind};
use bytes::Bytes;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// Masters that do not agree who leads may send one another's visitors in circles.
const MAX_REDIRECTS: usize = 8;

/// How many promised signs of life may fail to come.
const MISSED_HEARTBEATS: u32 = 5;

/// A subscription: its stream, and the connection for its calls.
pub(super) struct Session<S> {
    pub(super) endpoint: Endpoint,
    /// what SUBSCRIBED said
    pub(super) subscribed: S,
    pub(super) stream: Box<Stream>,
    pub(super) calls: Calls,
    pub(super) started: Instant,
    /// how long the stream may be silent
    silence: Option<Duration>,
}

impl<S> Session<S> {
    /// When the server last said anything.
    pub(super) fn heard(&self) -> Instant {
        self.stream.heard.max(self.calls.heard)
    }

    /// When something must have been heard, and what is wrong if it was not.
    pub(super) fn deadline(&self, timing: &Timing) -> Option<(Instant, &'static str)> {
        // beyond what the clock can say is never
        let silent = self.silence.and_then(|silence| self.stream.heard.checked_add(silence));
        let stream = silent.map(|deadline| (deadline, "no heartbeat for too long"));
        let patience = self.silence.unwrap_or(timing.call);
        let calls = self
            .calls
            .waiting_since()
            .and_then(|since| since.checked_add(patience))
            .map(|deadline| (deadline, "a call was not answered for too long"));
        stream.into_iter().chain(calls).min_by_key(|(deadline, _)| *deadline)
    }
}

/// What reads the records of an API.
type Decode<S> = fn(&Bytes) -> Result<Said<S>, String>;

/// Subscribes at `target`, or where it redirects to.
pub(super) async fn attempt<S>(
    mut target: Target,
    call: Bytes,
    timing: Timing,
    decode: Decode<S>,
) -> Result<Session<S>, Refused> {
    let first = target.endpoint.clone();
    for redirects in 0..=MAX_REDIRECTS {
        target = match one(&target, &call, timing, decode).await {
            Ok(Reply::Subscribed(session)) => return Ok(*session),
            Ok(Reply::Redirected(to)) => target.at(to),
            Err(refused) if redirects == 0 => return Err(refused),
            Err(refused) => return Err(refused.of_leader()),
        };
    }
    Err(Refused::NotYet(format!(
        "{first}: more than {MAX_REDIRECTS} redirects, the last one to {}",
        target.endpoint
    )))
}

/// What one server said.
enum Reply<S> {
    Subscribed(Box<Session<S>>),
    Redirected(Endpoint),
}

async fn one<S>(
    target: &Target,
    call: &Bytes,
    timing: Timing,
    decode: Decode<S>,
) -> Result<Reply<S>, Refused> {
    let who = &target.endpoint;
    let (socket, peer) = socket::connect(target, timing.connect).await?;
    let opened = timeout(timing.answer, subscribe(target, socket, peer, call.clone())).await;
    let stream = match opened.map_err(|_| late(who, "no answer to SUBSCRIBE", timing.answer))?? {
        Opened::Stream(stream) => stream,
        Opened::Redirect(to) => return Ok(Reply::Redirected(to)),
    };
    let subscribed = timeout(timing.answer, subscribed(target, stream, decode)).await;
    let session = subscribed.map_err(|_| late(who, "no SUBSCRIBED event", timing.answer))??;
    Ok(Reply::Subscribed(Box::new(session)))
}

/// Reads the stream up to its SUBSCRIBED.
async fn subscribed<S>(
    target: &Target,
    mut stream: Box<Stream>,
    decode: Decode<S>,
) -> Result<Session<S>, Refused> {
    let who = &target.endpoint;
    loop {
        let record = stream.next().await.map_err(|ended| match ended {
            Ended::Cut(why) => Refused::Retry(format!("{who}: {why}")),
            Ended::NotRecordIo(what) => Refused::fatal(
                FailureKind::Connection,
                format!("{who} is no Mesos {}: its stream is not RecordIO ({what})", target.api.server),
            ),
        })?;
        match decode(&record) {
            Ok(Said::Subscribed { what: subscribed, heartbeat }) => {
                let calls = Calls::open(stream.peer.clone(), target, stream.stream_id.as_ref());
                let silence = heartbeat.map(|interval| interval.saturating_mul(MISSED_HEARTBEATS));
                let (endpoint, started) = (who.clone(), Instant::now());
                return Ok(Session { endpoint, subscribed, stream, calls, started, silence });
            }
            Ok(Said::Error(message)) => return Err(Refused::Fatal(Failure::of_mesos(message))),
            Ok(Said::Event(_) | Said::Acknowledged { .. } | Said::Nothing) => {}
            Err(what) => {
                return Err(Refused::Retry(format!("{who} sent an event that cannot be read: {what}")));
            }
        }
    }
}

fn late(who: &Endpoint, what: &str, limit: Duration) -> Refused {
    Refused::Retry(format!("{who}: {what} within {} s", limit.as_secs_f32()))
}
