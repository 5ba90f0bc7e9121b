//! The HTTP server before the cluster: one task for each connection, all on the process's runtime.
//!
//! # Invariants
//! * A connection hands requests to the cluster in the order in which they came, and answers in that order.
//! * When a subscriber goes away, its stream's body is dropped and the cluster hears of it; when the cluster closes a
//!   stream, what was sent before still arrives.

use super::api::{self, Encoding, Host, Refusal, Request, Resource, STREAM_ID};
use super::cork::Cork;
use super::driver::{Answer, Ask, Message, Shared};
use super::operator::Wanted;
use super::pages;
use super::token::Key;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use hyper::service::service_fn;
use hyper::{Method, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::path::Path;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

/// Why a connection broke.
type Broken = Box<dyn std::error::Error + Send + Sync>;

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// Where connections come from.
pub(crate) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// Who answers, and what it needs for that.
#[derive(Clone)]
pub(crate) struct Served {
    pub(crate) host: Host,
    /// what signs the tokens of executors, if they need one
    pub(crate) key: Option<Key>,
    pub(crate) driver: Shared,
    /// where its sandboxes are
    pub(crate) home: Option<Arc<Path>>,
}

/// A connection, whatever it is made of.
type Line = Pin<Box<dyn Wire>>;

trait Wire: AsyncRead + AsyncWrite + Send {}

impl<T: AsyncRead + AsyncWrite + Send> Wire for T {}

impl Listener {
    async fn accept(&self) -> io::Result<Line> {
        match self {
            Self::Tcp(listener) => {
                let stream = listener.accept().await?.0;
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "TCP_NODELAY");
                }
                Ok(Box::pin(stream))
            }
            Self::Unix(listener) => Ok(Box::pin(listener.accept().await?.0)),
        }
    }
}

/// Serves a port, or a socket, until `stop` changes; then lets connections finish what they are at.
pub(crate) async fn serve(listener: Listener, served: Served, mut stop: watch::Receiver<()>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(stream) => {
                    connections.spawn(connection(stream, served.clone(), stop.clone()));
                }
                // Out of descriptors, most likely: give others a chance to close some.
                Err(error) => {
                    tracing::warn!(%error, "the embedded cluster could not accept a connection");
                    tokio::task::yield_now().await;
                }
            },
            Some(_) = connections.join_next() => {}
            _ = stop.changed() => break,
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn connection(stream: Line, served: Served, mut stop: watch::Receiver<()>) {
    let service = service_fn(move |request| {
        let served = served.clone();
        async move { Ok::<_, Infallible>(respond(served, request).await) }
    });
    let cork = Cork::new(stream);
    let serving = hyper::server::conn::http1::Builder::new()
        .title_case_headers(true)
        .serve_connection(TokioIo::new(cork.clone()), service);
    let mut serving = pin!(serving);
    let ended = tokio::select! {
        ended = turn_by_turn(serving.as_mut(), &cork) => ended,
        _ = stop.changed() => {
            serving.as_mut().graceful_shutdown();
            turn_by_turn(serving, &cork).await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error, "a connection to the embedded cluster broke");
    }
}

/// Serves, and sends after each turn what was written in it.
async fn turn_by_turn<E: Into<Broken>>(
    mut serving: Pin<&mut impl Future<Output = Result<(), E>>>,
    cork: &Cork<Line>,
) -> Result<(), Broken> {
    poll_fn(|cx| match serving.as_mut().poll(cx) {
        Poll::Ready(ended) => Poll::Ready(ended.map_err(Into::into)),
        Poll::Pending => match cork.poll_send(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error.into())),
            _ => Poll::Pending,
        },
    })
    .await
}

async fn respond(served: Served, request: hyper::Request<Incoming>) -> Response<Content> {
    let Served { host, key, driver, home } = served;
    let (head, body) = request.into_parts();
    let resource = api::resource(host, head.uri.path());
    match resource {
        Resource::Nothing => return plain(StatusCode::NOT_FOUND, "404 Not Found.".into()),
        Resource::Plain(endpoint) => return pages::answer(host, endpoint, &head, body, &driver, home).await,
        Resource::Scheduler | Resource::Executor | Resource::Operator => {}
    }
    let body = match body.collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => return plain(StatusCode::BAD_REQUEST, format!("Failed to read the body: {error}")),
    };
    let read = match resource {
        Resource::Executor => api::executor(&head.method, &head.headers, &body, key.as_ref()),
        Resource::Operator => api::operator(host, &head.method, &head.headers, &body),
        _ => api::scheduler(&head.method, &head.headers, &body),
    };
    let request = match read {
        Ok(request) => request,
        Err(Refusal { status, text, challenge }) => {
            if let Some(Ok(challenge)) = challenge.map(HeaderValue::try_from) {
                let mut response = plain(status, text);
                response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
                return response;
            }
            if head.method != Method::POST {
                return expecting_post(&head.method);
            }
            return plain(status, text);
        }
    };
    let encoding = match &request {
        Request::Subscribe { encoding, .. } | Request::Operator { encoding, .. } => Some(*encoding),
        Request::Executor { encoding, .. } => *encoding,
        Request::Call { .. } => None,
    };
    if let Request::Operator { call, encoding } = &request
        && let Some(wanted) = Wanted::of(call)
    {
        return pages::look_into(wanted, home, *encoding).await;
    }
    match ask(host, request, &driver).await {
        Some(Answer::Stream { id, events, guard }) => {
            let mut response = Response::new(Content::Events { events, _guard: guard });
            if let Some(encoding) = encoding {
                response.headers_mut().insert(CONTENT_TYPE, encoding.media_type());
            }
            if let Some(Ok(id)) = id.map(HeaderValue::try_from) {
                response.headers_mut().insert(STREAM_ID, id);
            }
            response
        }
        Some(Answer::Message(encoding, body)) => message(encoding, body),
        Some(Answer::Status(status)) => {
            let mut response = Response::new(Content::full(String::new()));
            *response.status_mut() = status;
            response
        }
        Some(Answer::Refused(status, text)) => plain(status, text),
        None => closing(),
    }
}

/// Has the cluster answer; it does not if it is being closed.
pub(crate) async fn ask(host: Host, request: Request, driver: &Shared) -> Option<Answer> {
    let (answer, answered) = oneshot::channel();
    driver.ask(Ask { agent: host.agent(), request, answer });
    answered.await.ok()
}

pub(crate) fn closing() -> Response<Content> {
    plain(StatusCode::SERVICE_UNAVAILABLE, "The embedded cluster is being closed".into())
}

pub(crate) fn expecting_post(method: &Method) -> Response<Content> {
    let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, api::expecting_post(method));
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
    response
}

pub(crate) fn message(encoding: Encoding, body: Bytes) -> Response<Content> {
    let mut response = Response::new(Content::Full(Some(body)));
    response.headers_mut().insert(CONTENT_TYPE, encoding.media_type());
    response
}

pub(crate) fn plain(status: StatusCode, text: String) -> Response<Content> {
    let mut response = Response::new(Content::full(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, TEXT);
    response
}

/// Tells the cluster when a subscriber is gone.
#[derive(Debug)]
pub(crate) struct Guard {
    pub(crate) stream: u64,
    pub(crate) asks: mpsc::UnboundedSender<Message>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        // A cluster that has ended does not mind.
        let _ended = self.asks.send(Message::Closed { stream: self.stream });
    }
}

/// The body of a response.
pub(crate) enum Content {
    Full(Option<Bytes>),
    /// and how many bytes they are in all
    Pieces(mpsc::Receiver<Bytes>, u64),
    Events {
        events: mpsc::UnboundedReceiver<Bytes>,
        _guard: Guard,
    },
}

impl Content {
    pub(crate) fn full(text: String) -> Self {
        Self::Full((!text.is_empty()).then(|| text.into()))
    }
}

impl Body for Content {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Full(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Pieces(pieces, _) => {
                pieces.poll_recv(context).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
            }
            Self::Events { events, .. } => {
                events.poll_recv(context).map(|record| record.map(|record| Ok(Frame::data(record))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Full(None))
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        match self {
            Self::Full(bytes) => {
                hyper::body::SizeHint::with_exact(bytes.as_ref().map_or(0, |b| b.len() as u64))
            }
            Self::Pieces(_, size) => hyper::body::SizeHint::with_exact(*size),
            Self::Events { .. } => hyper::body::SizeHint::default(),
        }
    }
}
