//! Mesos' scheduler and executor APIs as text: what a request must look like, and what it says.
//!
//! # Invariants
//! * Checks come in Mesos' order: method, Content-Type, the body, the call, Accept, and the stream id of a SUBSCRIBE.
//!   The master does the rest, as it needs to know the framework.
//! * JSON and protobuf are the same calls and events; only bytes differ.

use super::action::Event;
use super::endpoints::{self, Endpoint};
use super::operator;
use super::token::{Claims, Key};
use super::validate;
use crate::proto::mesos::v1::executor::{self, call::Type as ExecutorType};
use crate::proto::mesos::v1::scheduler::Call;
use crate::proto::mesos::v1::scheduler::call::{Subscribe, Type};
use crate::proto::mesos::v1::{agent, master};
use crate::wire::json::{self, Manner};
use crate::wire::{Message, is_complete, msg, validate as scan};
use bytes::Bytes;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::{Method, StatusCode};
use prost::Message as _;

const JSON: &str = "application/json";
const PROTOBUF: &str = "application/x-protobuf";
/// The header that ties a call to its stream.
pub(crate) const STREAM_ID: &str = "Mesos-Stream-Id";

/// How messages are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Json,
    Protobuf,
}

/// A request that was understood.
#[derive(Debug)]
pub(crate) enum Request {
    Subscribe {
        subscribe: Box<Subscribe>,
        encoding: Encoding,
    },
    Call {
        call: Box<Call>,
        stream_id: Option<String>,
    },
    Operator {
        call: operator::Call,
        encoding: Encoding,
    },
    /// of an executor; `encoding` if it subscribes
    Executor {
        call: Box<executor::Call>,
        encoding: Option<Encoding>,
        claims: Option<Claims>,
    },
}

/// A status, and words for it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) text: String,
    /// what to bring along next time, if it was that
    pub(crate) challenge: Option<String>,
}

/// Whose port a request came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Host {
    Master,
    /// the agent at this position
    Agent(usize),
}

impl Host {
    pub(crate) fn agent(self) -> Option<usize> {
        match self {
            Self::Master => None,
            Self::Agent(agent) => Some(agent),
        }
    }
}

/// What there is under a path.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Resource {
    Scheduler,
    Operator,
    Executor,
    /// what tools read
    Plain(Endpoint),
    Nothing,
}

/// Finds what a path means. The names of master and agent in their processes may come first, or be left out.
pub(crate) fn resource(host: Host, path: &str) -> Resource {
    let own = match host {
        Host::Master => "/master",
        Host::Agent(_) => "/slave(1)",
    };
    match (host, path.strip_prefix(own).filter(|rest| rest.starts_with('/')).unwrap_or(path)) {
        (Host::Master, "/api/v1/scheduler") => Resource::Scheduler,
        (Host::Agent(_), "/api/v1/executor") => Resource::Executor,
        // As in Mesos, whatever may follow: pymesos asks /api/v1/operator.
        (_, path) if path == "/api/v1" || path.starts_with("/api/v1/") => Resource::Operator,
        _ => endpoints::find(host, path).map_or(Resource::Nothing, Resource::Plain),
    }
}

impl Encoding {
    pub(crate) fn media_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Json => JSON,
            Self::Protobuf => PROTOBUF,
        })
    }

    /// An event as a record: its length in decimal, a newline, its bytes.
    pub(crate) fn record(self, event: &Event) -> Bytes {
        let (message, body) = match event {
            Event::Scheduler(event) => (msg::SCHEDULER_EVENT, event.encode_to_vec()),
            Event::Executor(event) => (msg::EXECUTOR_EVENT, event.encode_to_vec()),
            Event::Operator(event) => (msg::MASTER_EVENT, event.encode_to_vec()),
        };
        let mut body = self.write(message, body);
        let mut record = format!("{}\n", body.len()).into_bytes();
        record.append(&mut body);
        record.into()
    }

    /// An answer to an operator.
    pub(crate) fn response(self, response: &operator::Response) -> Bytes {
        let (message, body) = response.encode();
        self.write(message, body).into()
    }

    fn write(self, message: &'static Message, body: Vec<u8>) -> Vec<u8> {
        match self {
            Self::Protobuf => body,
            Self::Json => operator::json(message, &body),
        }
    }
}

/// Reads a request to the scheduler API.
pub(crate) fn scheduler(method: &Method, headers: &HeaderMap, body: &[u8]) -> Result<Request, Refusal> {
    let mut call: Call = read(method, headers, body, msg::SCHEDULER_CALL)?;
    validate::call(&call).map_err(|why| bad(format!("Failed to validate scheduler::Call: {why}")))?;
    let stream_id = headers.get(STREAM_ID).map(|id| String::from_utf8_lossy(id.as_bytes()).into_owned());
    let encoding = accepted(headers);
    if matches!(call.r#type(), Type::Subscribe | Type::ReconcileOperations) && encoding.is_none() {
        return not_acceptable();
    }
    match (call.r#type(), call.subscribe.take(), encoding) {
        (Type::Subscribe, Some(_), _) if stream_id.is_some() => {
            Err(bad(format!("Subscribe calls should not include the '{STREAM_ID}' header")))
        }
        (Type::Subscribe, Some(subscribe), Some(encoding)) => Ok(Request::Subscribe { subscribe, encoding }),
        _ => Ok(Request::Call { call: Box::new(call), stream_id }),
    }
}

/// Reads a request to the operator API.
pub(crate) fn operator(
    host: Host,
    method: &Method,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Request, Refusal> {
    let call = match host {
        Host::Master => {
            let call: master::Call = read(method, headers, body, msg::MASTER_CALL)?;
            validate::master_call(&call)
                .map_err(|why| bad(format!("Failed to validate master::Call: {why}")))?;
            operator::Call::Master(Box::new(call))
        }
        Host::Agent(_) => {
            let call: agent::Call = read(method, headers, body, msg::AGENT_CALL)?;
            validate::agent_call(&call)
                .map_err(|why| bad(format!("Failed to validate agent::Call: {why}")))?;
            operator::Call::Agent(Box::new(call))
        }
    };
    match accepted(headers) {
        None => not_acceptable(),
        Some(encoding) => Ok(Request::Operator { call, encoding }),
    }
}

pub(crate) fn expecting_post(method: &Method) -> String {
    format!("405 Method Not Allowed. Expecting one of {{ 'POST' }}, but received '{method}'.")
}

/// Reads a request to the executor API of an agent, which may want tokens that this key has signed.
pub(crate) fn executor(
    method: &Method,
    headers: &HeaderMap,
    body: &[u8],
    key: Option<&Key>,
) -> Result<Request, Refusal> {
    let header = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
    let claims = key.map(|key| key.authenticate(header)).transpose().map_err(|challenge| Refusal {
        challenge: Some(challenge),
        ..refusal(StatusCode::UNAUTHORIZED, "401 Unauthorized.".into())
    })?;
    let call: executor::Call = read(method, headers, body, msg::EXECUTOR_CALL)?;
    validate::executor_call(&call).map_err(|why| bad(format!("Failed to validate Executor::Call: {why}")))?;
    let subscribes = call.r#type() == ExecutorType::Subscribe;
    match accepted(headers) {
        None if subscribes => not_acceptable(),
        encoding => {
            let encoding = encoding.filter(|_| subscribes);
            Ok(Request::Executor { call: Box::new(call), encoding, claims })
        }
    }
}

fn refusal(status: StatusCode, text: String) -> Refusal {
    Refusal { status, text, challenge: None }
}

fn bad(text: String) -> Refusal {
    refusal(StatusCode::BAD_REQUEST, text)
}

fn not_acceptable<T>() -> Result<T, Refusal> {
    let text = format!("Expecting 'Accept' to allow '{PROTOBUF}' or '{JSON}'");
    Err(refusal(StatusCode::NOT_ACCEPTABLE, text))
}

/// A request's method, type and body.
fn read<T: prost::Message + Default>(
    method: &Method,
    headers: &HeaderMap,
    body: &[u8],
    message: &'static Message,
) -> Result<T, Refusal> {
    let refuse = |status, text: String| Err(refusal(status, text));
    if method != Method::POST {
        return refuse(StatusCode::METHOD_NOT_ALLOWED, expecting_post(method));
    }
    // Mesos compares the whole value: no parameters, no other case.
    match headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes) {
        None => Err(bad("Expecting 'Content-Type' to be present".into())),
        Some(text) if text == PROTOBUF.as_bytes() => from_protobuf(message, body).map_err(bad),
        Some(text) if text == JSON.as_bytes() => from_json(message, body).map_err(bad),
        Some(_) => {
            let text = format!("Expecting 'Content-Type' of {JSON} or {PROTOBUF}");
            refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, text)
        }
    }
}

fn from_protobuf<T: prost::Message + Default>(message: &'static Message, body: &[u8]) -> Result<T, String> {
    let failed = || "Failed to parse body into Call protobuf".to_owned();
    scan(message, body).map_err(|_| failed())?;
    if !is_complete(message, body) {
        return Err(failed());
    }
    T::decode(body).map_err(|_| failed())
}

fn from_json<T: prost::Message + Default>(message: &'static Message, body: &[u8]) -> Result<T, String> {
    if let Err(error) = serde_json::from_slice::<serde::de::IgnoredAny>(body) {
        return Err(format!("Failed to parse body into JSON: {error}"));
    }
    let failed = |why: String| format!("Failed to convert JSON into Call protobuf: {why}");
    let bytes = json::decode(message, body, Manner::Mesos).map_err(|error| failed(error.to_string()))?;
    T::decode(bytes.as_slice()).map_err(|error| failed(error.to_string()))
}

/// JSON wins where both will do, whatever the weights, as in Mesos.
fn accepted(headers: &HeaderMap) -> Option<Encoding> {
    let mut ranges = headers.get_all(ACCEPT).iter().peekable();
    if ranges.peek().is_none() {
        return Some(Encoding::Json);
    }
    let ranges: Vec<String> = ranges
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .map(|range| String::from_utf8_lossy(range).split(';').next().unwrap_or_default().trim().to_owned())
        .collect();
    let allows =
        |media: &str| ranges.iter().any(|range| range == media || range == "*/*" || range == "application/*");
    [(JSON, Encoding::Json), (PROTOBUF, Encoding::Protobuf)]
        .into_iter()
        .find_map(|(media, encoding)| allows(media).then_some(encoding))
}
