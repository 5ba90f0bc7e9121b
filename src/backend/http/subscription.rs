//! The SUBSCRIBE request and the stream of records that answers it, over hyper.
//!
//! # Invariants
//! * Dropping a `Stream` closes its connection: nothing else holds it.
//! * What an answer means for the driver is decided here: `Refused::Retry` and `Refused::NotYet` may pass by
//!   themselves, `Refused::Fatal` will not, and its words name who answered what.

use super::answer::readable;
use super::api::Api;
use super::master::Endpoint;
use super::recordio::Decoder;
use super::request::{PROTOBUF, Target};
use super::socket::{Peer, Socket};
use super::tls;
use crate::event::{Failure, FailureKind};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::{self, Connection};
use hyper::header::{CONTENT_TYPE, LOCATION};
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;
use tracing::trace;

/// How much of a refusal's body is read for its words.
const MAX_BODY: usize = 16 << 10;
const STREAM_ID: &str = "mesos-stream-id";
/// Mesos' own bound for the header's value.
const MAX_STREAM_ID: usize = 128;

/// Why there is no stream.
#[derive(Debug)]
pub(super) enum Refused {
    /// may pass by itself: try again
    Retry(String),
    /// masters are there, but none leads yet, or it is not ready yet: this passes soon
    NotYet(String),
    /// will not pass, but for a master that was of use before: one that starts knows no API yet, and may have
    /// another certificate
    Unfit(Failure),
    /// will not pass
    Fatal(Failure),
}

impl Refused {
    pub(super) fn fatal(kind: FailureKind, message: String) -> Self {
        Self::Fatal(Failure { kind, message })
    }

    /// The same, of somebody whom a living master takes for the leader.
    pub(super) fn of_leader(self) -> Self {
        match self {
            Self::Retry(message) => Self::NotYet(message),
            other => other,
        }
    }

    pub(super) fn unfit(message: String) -> Self {
        Self::Unfit(Failure { kind: FailureKind::Connection, message })
    }
}

/// The answer to a SUBSCRIBE that was not refused.
pub(super) enum Opened {
    Stream(Box<Stream>),
    /// ask there instead
    Redirect(Endpoint),
}

/// Records out of an accepted SUBSCRIBE.
pub(super) struct Stream {
    pub(super) peer: Peer,
    /// for APIs that name streams
    pub(super) stream_id: Option<Bytes>,
    /// when bytes last came
    pub(super) heard: Instant,
    link: Link,
    body: Incoming,
    chunk: Bytes,
    decoder: Decoder,
}

/// Sends a SUBSCRIBE and reads the head of the answer.
pub(super) async fn subscribe(
    target: &Target,
    socket: Socket,
    peer: Peer,
    call: Bytes,
) -> Result<Opened, Refused> {
    let who = &target.endpoint;
    trace!(target: "mesos.http", "SUBSCRIBE to {who}, {} bytes", call.len());
    let first = FirstBytes::default();
    let io = TokioIo::new(Watched { socket, first: first.clone() });
    let failed = |error: hyper::Error| not_http(target, &first, &error);
    let (mut sender, connection) = http1::handshake(io).await.map_err(failed)?;
    let mut link = Link(Some(connection));
    let request = target.request(call).map_err(|error| fatal(format!("{who}: {error}")))?;
    let response = {
        let mut answer = pin!(sender.send_request(request));
        poll_fn(|cx| {
            link.drive(cx);
            answer.as_mut().poll(cx)
        })
        .await
        .map_err(failed)?
    };
    trace!(target: "mesos.http", "SUBSCRIBE was answered by {who} with {}", response.status());
    match response.status() {
        StatusCode::OK => {
            Stream::new(target, peer, link, response).map(|stream| Opened::Stream(Box::new(stream)))
        }
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => redirect(target, &response),
        _ => Err(refusal(target, link, response).await),
    }
}

fn redirect(target: &Target, response: &Response<Incoming>) -> Result<Opened, Refused> {
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok()).unwrap_or("");
    let to = target.endpoint.redirected(location, target.api.path);
    to.map(Opened::Redirect)
        .map_err(|what| Refused::Retry(format!("{} redirected to nowhere: {what}", target.endpoint)))
}

/// What an answer means that is neither 200 nor a redirect.
async fn refusal(target: &Target, mut link: Link, response: Response<Incoming>) -> Refused {
    let (who, Api { server, login, forbidden, .. }) = (&target.endpoint, target.api);
    let status = response.status();
    let mut body = pin!(Limited::new(response.into_body(), MAX_BODY).collect());
    let body = poll_fn(|cx| {
        link.drive(cx);
        body.as_mut().poll(cx)
    });
    // a body that is too long or breaks off has no words worth showing
    let words = body.await.map(|body| readable(&body.to_bytes())).unwrap_or_default();
    // nor has a page, or the status once more
    let idle = words.starts_with('<') || status.to_string().starts_with(words.trim_end_matches('.'));
    let said = if idle { String::new() } else { format!(": {words}") };
    let said = format!("{who} answered SUBSCRIBE with {status}{said}");
    match status.as_u16() {
        401 if target.authorization.is_none() => {
            Refused::fatal(FailureKind::Authentication, format!("{said}; no {login} was given"))
        }
        401 => Refused::fatal(
            FailureKind::Authentication,
            format!("{said}; the {login} that was given is wrong"),
        ),
        403 => Refused::fatal(FailureKind::Authentication, format!("{said}; {forbidden}")),
        404 => Refused::unfit(format!(
            "{said}; this is no Mesos {server}, or the path in front of its API is wrong"
        )),
        // a master without a leader, or a leader that reads what was before it
        503 => Refused::NotYet(said),
        408 | 429 | 500 | 502 | 504 => Refused::Retry(said),
        // the words of a 400 that is about FrameworkInfo.principal
        400..=499 if Failure::of_mesos(words).kind == FailureKind::Authentication => Refused::fatal(
            FailureKind::Authentication,
            format!("{said}; leave it unset to take the credential's"),
        ),
        400..=499 => fatal(said),
        _ => fatal(format!("{said}; this is no Mesos {server}")),
    }
}

/// Words for a connection on which hyper gave up.
fn not_http(target: &Target, first: &FirstBytes, error: &hyper::Error) -> Refused {
    let (who, server) = (&target.endpoint, target.api.server);
    if let Some(failure) = tls::explain(who, error) {
        return Refused::Unfit(failure);
    }
    let start = first.get();
    if start.starts_with(&[0x15, 3]) {
        return fatal(format!("{who} speaks TLS; write \"https://{who}\", or pass tls=mesos.TLS(…)"));
    }
    let http = b"HTTP/1.";
    if start.iter().zip(http).any(|(byte, expected)| byte != expected) {
        let shown = readable(start.escape_ascii().to_string().as_bytes());
        return fatal(format!("{who} is no Mesos {server}: it does not speak HTTP but says \"{shown}\""));
    }
    if error.is_parse() {
        return fatal(format!("{who} is no Mesos {server}: its answer is not HTTP/1.1 ({error})"));
    }
    if start.is_empty() {
        let hint = if who.is_secure() { "" } else { "; if it speaks TLS, write \"https://\" before it" };
        return Refused::Retry(format!("{who} closed the connection without an answer{hint}"));
    }
    Refused::Retry(format!("{who}: {}", with_causes(error)))
}

/// hyper's errors say what went wrong only in their sources.
fn with_causes(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", with_causes(source)),
        None => error.to_string(),
    }
}

fn fatal(message: String) -> Refused {
    Refused::fatal(FailureKind::Connection, message)
}

/// Why a stream ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// it broke off, or was ended
    Cut(String),
    /// it never was RecordIO
    NotRecordIo(String),
}

impl Stream {
    fn new(target: &Target, peer: Peer, link: Link, response: Response<Incoming>) -> Result<Self, Refused> {
        let (who, server) = (&target.endpoint, target.api.server);
        let header = |name| response.headers().get(name).map(|value| value.as_bytes());
        if let Some(other) = header(CONTENT_TYPE.as_str()).filter(|found| *found != PROTOBUF.as_bytes()) {
            let other = readable(other);
            return Err(fatal(format!(
                "{who} is no Mesos {server}: it answered SUBSCRIBE with 200 and {other:?}"
            )));
        }
        let valid = |id: &&[u8]| id.len() <= MAX_STREAM_ID && !id.is_empty();
        let stream_id = header(STREAM_ID).filter(valid).map(Bytes::copy_from_slice);
        if target.api.names_streams && stream_id.is_none() {
            return Err(fatal(format!(
                "{who} is no Mesos {server}: it answered SUBSCRIBE without a Mesos-Stream-Id"
            )));
        }
        let body = response.into_body();
        let (chunk, decoder) = (Bytes::new(), Decoder::default());
        Ok(Self { peer, stream_id, heard: Instant::now(), link, body, chunk, decoder })
    }

    /// The next record. May be dropped at any point without losing bytes.
    pub(super) async fn next(&mut self) -> Result<Bytes, Ended> {
        loop {
            match self.decoder.next(&mut self.chunk) {
                Ok(Some(record)) => return Ok(record),
                Ok(None) => {}
                Err(what) if self.decoder.any() => {
                    return Err(Ended::Cut(format!("the stream is broken: {what}")));
                }
                Err(what) => return Err(Ended::NotRecordIo(what.to_string())),
            }
            let frame = poll_fn(|cx| {
                self.link.drive(cx);
                Pin::new(&mut self.body).poll_frame(cx)
            });
            match frame.await {
                Some(Ok(frame)) => self.chunk = frame.into_data().unwrap_or_default(),
                Some(Err(error)) => {
                    return Err(Ended::Cut(format!("the stream broke: {}", with_causes(&error))));
                }
                None if self.decoder.inside() => {
                    return Err(Ended::Cut("the stream ended within a record".into()));
                }
                None => return Err(Ended::Cut("the server ended the stream".into())),
            }
            self.heard = Instant::now();
        }
    }
}

type Io = TokioIo<Watched>;

/// The connection behind a request and its body: it moves only when it is driven.
struct Link(Option<Connection<Io, Full<Bytes>>>);

impl Link {
    /// Moves bytes. Errors arrive where the answer or the body is waited for.
    fn drive(&mut self, cx: &mut Context<'_>) {
        if self.0.as_mut().is_some_and(|connection| Pin::new(connection).poll(cx).is_ready()) {
            self.0 = None;
        }
    }
}

/// The first bytes that a server sent, to name what it is when it is no HTTP server.
#[derive(Debug, Clone, Default)]
struct FirstBytes(Arc<Mutex<Vec<u8>>>);

impl FirstBytes {
    const ENOUGH: usize = 40;

    fn get(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, bytes: &[u8]) {
        let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = Self::ENOUGH - first.len();
        first.extend_from_slice(&bytes[..room.min(bytes.len())]);
    }
}

/// A socket whose first bytes are kept.
struct Watched {
    socket: Socket,
    first: FirstBytes,
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.socket).poll_read(cx, buf))?;
        self.first.add(&buf.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}
