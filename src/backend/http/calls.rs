//! The call connection: HTTP/1.1 requests pipelined in order, and their answers in the same order.
//!
//! A small state machine that the driver's task polls, rather than a client: nothing has to be handed between
//! tasks, and whatever was pushed since the last poll leaves in one write.
//!
//! # Invariants
//! * Calls are written and answered in the order of `push`; the n-th answer is that of the n-th call.
//! * A connection that ends while a call is unanswered is broken, and stays so: which calls were done is unknown.
//!   One that ends while none is has lost nothing: the next call opens another, to the same server.
//! * Every future here may be dropped at any point without losing bytes.

use super::answer::{self, Answer};
use super::encode;
use super::request::Target;
use super::socket::{self, Peer, Socket};
use bytes::{Buf, Bytes, BytesMut};
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;
use tracing::trace;

/// How much is read at once; an answer to a call is some 100 bytes.
const READ: usize = 8 << 10;

/// A call that was answered.
#[derive(Debug)]
pub(super) struct Answered {
    /// as it was sent
    pub(super) call: Bytes,
    pub(super) status: u16,
    /// the server's words
    pub(super) words: String,
}

/// The connection of one subscription.
pub(super) struct Calls {
    peer: Peer,
    /// a request up to the value of Content-Length, its last header
    head: Vec<u8>,
    link: Link,
    /// not written yet
    output: BytesMut,
    /// not parsed yet
    input: BytesMut,
    unanswered: VecDeque<Call>,
    /// of `unanswered`, how many are written wholly
    written: usize,
    /// bytes ever put into `output`, and taken out of it
    pushed: u64,
    taken: u64,
    /// calls ever written wholly
    sent: u64,
    /// when there was last an answer, or nothing to answer
    since: Instant,
    /// when there was last an answer, or none yet
    pub(super) heard: Instant,
}

struct Call {
    bytes: Bytes,
    /// value of `pushed` behind it
    end: u64,
}

enum Link {
    Closed,
    Connecting(Pin<Box<dyn Future<Output = io::Result<Socket>> + Send>>),
    Open(Socket),
}

impl Calls {
    /// Opens a connection to `peer` for the calls of one stream.
    pub(super) fn open(peer: Peer, target: &Target, stream_id: Option<&Bytes>) -> Self {
        let mut head = target.head();
        if let Some(stream_id) = stream_id {
            head.extend_from_slice(b"Mesos-Stream-Id: ");
            head.extend_from_slice(stream_id);
            head.extend_from_slice(b"\r\n");
        }
        head.extend_from_slice(b"Content-Length: ");
        Self {
            link: Link::Connecting(Box::pin(socket::connect_again(peer.clone()))),
            peer,
            head,
            output: BytesMut::new(),
            input: BytesMut::new(),
            unanswered: VecDeque::new(),
            written: 0,
            pushed: 0,
            taken: 0,
            sent: 0,
            since: Instant::now(),
            heard: Instant::now(),
        }
    }

    /// Queues a call; the next poll writes it.
    pub(super) fn push(&mut self, call: Bytes) {
        trace!(target: "mesos.http", "call {}, {} bytes", encode::name(&call), call.len());
        if self.unanswered.is_empty() {
            self.since = Instant::now();
        }
        let before = self.output.len();
        self.output.extend_from_slice(&self.head);
        self.output.extend_from_slice(call.len().to_string().as_bytes());
        self.output.extend_from_slice(b"\r\n\r\n");
        self.output.extend_from_slice(&call);
        self.pushed += (self.output.len() - before) as u64;
        self.unanswered.push_back(Call { bytes: call, end: self.pushed });
    }

    /// How many calls have no answer yet.
    pub(super) fn unanswered(&self) -> usize {
        self.unanswered.len()
    }

    /// The calls that have no answer yet, oldest first.
    pub(super) fn calls(&self) -> impl Iterator<Item = &Bytes> {
        self.unanswered.iter().map(|call| &call.bytes)
    }

    /// How many calls were written since this was last asked.
    pub(super) fn take_sent(&mut self) -> u64 {
        std::mem::take(&mut self.sent)
    }

    /// Since when the oldest unanswered call waits at least; `None` if none does.
    pub(super) fn waiting_since(&self) -> Option<Instant> {
        (!self.unanswered.is_empty()).then_some(self.since)
    }

    /// The next answer; never, while there is nothing to answer. After an error only dropping is left.
    pub(super) async fn next(&mut self) -> Result<Answered, String> {
        poll_fn(|cx| self.poll(cx)).await
    }

    /// Writes what the connection takes now, for one that waits for no answers.
    pub(super) async fn write(&mut self) {
        poll_fn(|cx| {
            if let Poll::Ready(Err(why)) = self.poll(cx) {
                trace!(target: "mesos.http", "left with calls that may not be sent: {why}");
            }
            Poll::Ready(())
        })
        .await;
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Answered, String>> {
        loop {
            match &mut self.link {
                Link::Closed if self.output.is_empty() => return Poll::Pending,
                Link::Closed => {
                    self.link = Link::Connecting(Box::pin(socket::connect_again(self.peer.clone())))
                }
                Link::Connecting(socket) => match ready!(socket.as_mut().poll(cx)) {
                    Ok(socket) => self.link = Link::Open(socket),
                    Err(error) => return Poll::Ready(Err(format!("the call connection: {error}"))),
                },
                Link::Open(socket) => {
                    if let Err(error) = write(socket, &mut self.output, &mut self.taken, cx) {
                        return Poll::Ready(Err(format!("the call connection: {error}")));
                    }
                    self.count_written();
                    if let Some(answered) = self.answered(false)? {
                        return Poll::Ready(Ok(answered));
                    }
                    if let Some(result) = ready!(self.poll_read(cx)) {
                        return Poll::Ready(result);
                    }
                }
            }
        }
    }

    /// Reads once more; `None` asks for another look at everything.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Answered, String>>> {
        let Link::Open(socket) = &mut self.link else { return Poll::Ready(None) };
        let mut space = [std::mem::MaybeUninit::uninit(); READ];
        let mut read = ReadBuf::uninit(&mut space);
        let result = ready!(Pin::new(socket).poll_read(cx, &mut read));
        self.input.extend_from_slice(read.filled());
        let problem = match result {
            Ok(()) if !read.filled().is_empty() => return Poll::Ready(None),
            Ok(()) => "closed".to_owned(),
            Err(error) => error.to_string(),
        };
        // the end of the connection may be the end of an answer
        match self.answered(true) {
            Ok(Some(answered)) => return Poll::Ready(Some(Ok(answered))),
            Ok(None) => {}
            Err(error) => return Poll::Ready(Some(Err(error))),
        }
        if self.unanswered.is_empty() {
            self.close();
            return Poll::Ready(None);
        }
        Poll::Ready(Some(Err(format!("the call connection: {problem}"))))
    }

    /// The answer at the front of the input, if it is there wholly.
    fn answered(&mut self, ended: bool) -> Result<Option<Answered>, String> {
        if self.unanswered.is_empty() {
            // words that nobody asked for, such as a proxy's 408: what follows cannot be trusted
            if !self.input.is_empty() {
                self.close();
            }
            return Ok(None);
        }
        if self.input.is_empty() {
            return Ok(None);
        }
        let parsed =
            answer::parse(&self.input, ended).map_err(|error| format!("the call connection: {error}"))?;
        let Some(Answer { status, words, last, length }) = parsed else { return Ok(None) };
        self.input.advance(length);
        self.since = Instant::now();
        self.heard = self.since;
        let Some(call) = self.unanswered.pop_front() else { return Ok(None) };
        trace!(target: "mesos.http", "{} was answered with {status}", encode::name(&call.bytes));
        // an answer may come before the call was written wholly, to refuse it
        if self.written == 0 {
            self.sent += 1;
        }
        self.written = self.written.saturating_sub(1);
        if last && self.unanswered.is_empty() {
            self.close();
        }
        Ok(Some(Answered { call: call.bytes, status, words }))
    }

    /// Ends a connection that nothing waits for.
    fn close(&mut self) {
        self.link = Link::Closed;
        self.input.clear();
        self.output.clear();
        self.taken = self.pushed;
    }

    fn count_written(&mut self) {
        while self.unanswered.get(self.written).is_some_and(|call| call.end <= self.taken) {
            self.written += 1;
            self.sent += 1;
        }
    }
}

/// Writes as much of `output` as the connection takes now.
fn write(
    socket: &mut Socket,
    output: &mut BytesMut,
    taken: &mut u64,
    cx: &mut Context<'_>,
) -> io::Result<()> {
    while !output.is_empty() {
        match Pin::new(&mut *socket).poll_write(cx, output) {
            Poll::Pending => break,
            Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
            Poll::Ready(Ok(written)) => {
                output.advance(written);
                *taken += written as u64;
            }
            Poll::Ready(Err(error)) => return Err(error),
        }
    }
    // with TLS, what was taken may wait to be sent
    match Pin::new(socket).poll_flush(cx) {
        Poll::Ready(result) => result,
        Poll::Pending => Ok(()),
    }
}
