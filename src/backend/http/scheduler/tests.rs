//! The backend against a master that does what each test says: raw HTTP by hand over real sockets.
//!
//! A test is the master's script and the driver's view in one. Nothing sleeps: every step waits for the other
//! side, under a limit that only a failure reaches.

mod acknowledging;
mod calling;
mod connecting;
mod ending;
mod streaming;

use super::*;
use crate::backend::http::master::{Endpoint, Source};
use crate::backend::{Backend, Stats};
use crate::event::{Call, FailureKind};
use crate::proto::mesos::v1::{self, scheduler as s};
use bytes::Bytes;
use prost::Message;
use std::collections::HashMap;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver as Events, unbounded_channel};
use tokio::time::timeout;

/// Reached only by a failure.
const LIMIT: Duration = Duration::from_secs(20);

async fn soon<F: Future>(what: F) -> F::Output {
    timeout(LIMIT, what).await.expect("nothing happened")
}

/// The waits of a test: pauses as good as none, and limits that are never reached.
fn timing() -> Timing {
    Timing {
        pause: Duration::from_millis(1),
        longest_pause: Duration::from_millis(1),
        settled: Duration::ZERO,
        ..Timing::default()
    }
}

/// A master: it does nothing by itself.
struct Master {
    listener: TcpListener,
}

impl Master {
    async fn new() -> Master {
        Master { listener: TcpListener::bind("127.0.0.1:0").await.unwrap() }
    }

    fn endpoint(&self) -> Endpoint {
        self.listener.local_addr().unwrap().into()
    }

    async fn accept(&self) -> Peer {
        let (socket, _) = soon(self.listener.accept()).await.unwrap();
        Peer { socket, input: Vec::new() }
    }

    /// Accepts a connection, reads its SUBSCRIBE, and answers with `answer`.
    async fn answer(&self, answer: &str) -> (Peer, Request) {
        let mut peer = self.accept().await;
        let request = peer.request().await;
        peer.send(answer.as_bytes()).await;
        (peer, request)
    }

    /// Accepts a subscription: the stream after SUBSCRIBED, and the call connection.
    async fn subscribe(&self) -> (Peer, Peer) {
        let (mut stream, request) = self.answer(STREAM).await;
        assert_eq!(request.call().r#type(), s::call::Type::Subscribe);
        stream.record(&subscribed(None)).await;
        (stream, self.accept().await)
    }
}

const STREAM: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nMesos-Stream-Id: stream-1\r\n\
                      Transfer-Encoding: chunked\r\n\r\n";
const ACCEPTED: &str = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";

fn status(line: &str, body: &str) -> String {
    format!("HTTP/1.1 {line}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// The master's end of a connection.
struct Peer {
    socket: TcpStream,
    input: Vec<u8>,
}

#[derive(Debug)]
struct Request {
    line: String,
    headers: HashMap<String, String>,
    body: Bytes,
}

impl Request {
    fn call(&self) -> s::Call {
        s::Call::decode(&self.body[..]).unwrap()
    }
}

impl Peer {
    async fn read(&mut self) -> usize {
        soon(self.socket.read_buf(&mut self.input)).await.unwrap_or(0)
    }

    async fn request(&mut self) -> Request {
        let end = loop {
            if let Some(end) = self.input.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            assert!(self.read().await > 0, "no request but {:?}", self.input.escape_ascii().to_string());
        };
        let head = String::from_utf8(self.input.drain(..end).collect()).unwrap();
        let (line, rest) = head.split_once("\r\n").unwrap();
        let pairs = rest.lines().filter_map(|line| line.split_once(": "));
        let headers: HashMap<_, _> =
            pairs.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
        let length = headers["content-length"].parse().unwrap();
        while self.input.len() < length {
            assert!(self.read().await > 0, "half a request");
        }
        Request {
            line: line.to_owned(),
            headers,
            body: self.input.drain(..length).collect::<Vec<_>>().into(),
        }
    }

    /// Reads a call and accepts it.
    async fn accept(&mut self) -> s::Call {
        let request = self.request().await;
        self.send(ACCEPTED.as_bytes()).await;
        request.call()
    }

    async fn send(&mut self, bytes: &[u8]) {
        soon(self.socket.write_all(bytes)).await.unwrap();
    }

    /// Sends a part of the body of a chunked answer.
    async fn chunk(&mut self, bytes: &[u8]) {
        let chunk = [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat();
        self.send(&chunk).await;
    }

    async fn record(&mut self, event: &s::Event) {
        self.chunk(&record(event)).await;
    }

    /// Waits until the driver has closed the connection, and gives what it sent before.
    async fn closed(mut self) -> Vec<u8> {
        while self.read().await > 0 {}
        self.input
    }
}

fn record(event: &s::Event) -> Vec<u8> {
    let body = event.encode_to_vec();
    [format!("{}\n", body.len()).as_bytes(), &body].concat()
}

fn subscribed(heartbeat_interval_seconds: Option<f64>) -> s::Event {
    let framework_id = v1::FrameworkId { value: "f1".into() };
    let body = s::event::Subscribed { framework_id, heartbeat_interval_seconds, master_info: None };
    s::Event {
        r#type: Some(s::event::Type::Subscribed as i32),
        subscribed: Some(body.into()),
        ..Default::default()
    }
}

fn error(message: &str) -> s::Event {
    let body = s::event::Error { message: message.into() };
    s::Event { r#type: Some(s::event::Type::Error as i32), error: Some(body), ..Default::default() }
}

fn rescind(id: &str) -> s::Event {
    let body = s::event::Rescind { offer_id: v1::OfferId { value: id.into() } };
    s::Event { r#type: Some(s::event::Type::Rescind as i32), rescind: Some(body), ..Default::default() }
}

fn id(value: &str) -> Bytes {
    v1::TaskId { value: value.into() }.encode_to_vec().into()
}

fn text(id: &Bytes) -> String {
    v1::TaskId::decode(&id[..]).unwrap().value
}

fn kill(task: &str) -> Call {
    Call::Kill { task_id: id(task), agent_id: None, kill_policy: None }
}

fn killed(call: s::Call) -> String {
    assert_eq!(call.framework_id.unwrap().value, "f1");
    call.kill.unwrap().task_id.value
}

/// The driver's side.
struct Driver {
    backend: Line,
    events: Events<Event>,
}

impl Driver {
    fn start(masters: &[&Master]) -> Driver {
        Driver::with(config(masters), timing())
    }

    fn with(config: Config, timing: Timing) -> Driver {
        let (sender, events) = unbounded_channel();
        let say = move |event| sender.send(event).unwrap_or(());
        let backend = start(&Handle::current(), config, subscription(), timing, say).unwrap();
        Driver { backend, events }
    }

    /// What the backend has counted; when it last heard something is another time each time.
    fn counts(&self) -> Stats {
        Stats { heard: None, ..self.backend.stats() }
    }

    /// The next event; None when the backend has ended.
    async fn event(&mut self) -> Option<Event> {
        soon(self.events.recv()).await
    }

    async fn subscribed(&mut self) {
        let event = self.event().await;
        assert!(matches!(event, Some(Event::Subscribed { .. })), "{event:?}");
    }

    async fn disconnected(&mut self) {
        let event = self.event().await;
        assert!(matches!(event, Some(Event::Disconnected)), "{event:?}");
    }

    async fn ended(&mut self) {
        let event = self.event().await;
        assert!(event.is_none(), "{event:?}");
    }

    /// Waits for an error, which must be the last event.
    async fn failed(&mut self) -> Failure {
        let event = self.event().await;
        let Some(Event::Error(failure)) = event else { panic!("{event:?}") };
        self.ended().await;
        failure
    }
}

fn subscription() -> Subscription {
    let mut multi_role = v1::framework_info::Capability::default();
    multi_role.set_type(v1::framework_info::capability::Type::MultiRole);
    let framework = v1::FrameworkInfo {
        user: "user".into(),
        name: "name".into(),
        roles: vec!["a".into(), "b".into()],
        capabilities: vec![multi_role],
        ..Default::default()
    };
    let framework = framework.encode_to_vec().into();
    Subscription { framework, suppressed_roles: vec!["b".into()], offer_constraints: None }
}

fn config(masters: &[&Master]) -> Config {
    Config {
        master: Source::List(masters.iter().map(|master| master.endpoint()).collect()),
        credential: None,
        token: None,
        tls: None,
        connect_timeout: None,
        failover_timeout: Duration::ZERO,
    }
}
