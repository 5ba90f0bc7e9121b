//! Mesos' scheduler API as text: what a request must look like, and what it says.
//!
//! # Invariants
//! * Checks come in Mesos' order: method, Content-Type, the body, the call, Accept, and the stream id of a SUBSCRIBE.
//!   The master does the rest, as it needs to know the framework.
//! * JSON and protobuf are the same calls and events; only bytes differ.

use super::master::VERSION;
use super::validate;
use crate::proto::mesos::v1::scheduler::call::{Subscribe, Type};
use crate::proto::mesos::v1::scheduler::{Call, Event};
use crate::wire::{is_complete, json, msg, validate as scan};
use bytes::Bytes;
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
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
    Subscribe { subscribe: Box<Subscribe>, encoding: Encoding },
    Call { call: Box<Call>, stream_id: Option<String> },
}

/// A status, and words for it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) text: String,
}

/// What there is under a path.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Resource {
    Scheduler,
    /// 200 and these bytes of JSON, or none
    Fixed(String),
    /// a file of a sandbox
    File,
    Nothing,
}

/// Finds what a path means.
pub(crate) fn resource(path: &str) -> Resource {
    match path {
        "/api/v1/scheduler" | "/master/api/v1/scheduler" => Resource::Scheduler,
        "/files/read" => Resource::File,
        // under the path of each agent, as its offers say
        path if path.starts_with("/slave(") && path.ends_with(")/files/read") => Resource::File,
        "/health" | "/master/health" => Resource::Fixed(String::new()),
        "/version" => {
            let version = format!(
                r#"{{"build_user":"mesos (Python) {}","version":"{VERSION}"}}"#,
                env!("CARGO_PKG_VERSION")
            );
            Resource::Fixed(version)
        }
        _ => Resource::Nothing,
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
        let mut body = event.encode_to_vec();
        if self == Self::Json {
            let mut text = Vec::with_capacity(body.len() * 2);
            json::encode(msg::SCHEDULER_EVENT, &body, &mut text);
            body = text;
        }
        let mut record = format!("{}\n", body.len()).into_bytes();
        record.append(&mut body);
        record.into()
    }
}

/// Reads a request to the scheduler API.
pub(crate) fn scheduler(method: &Method, headers: &HeaderMap, body: &[u8]) -> Result<Request, Refusal> {
    let bad = |text| Refusal { status: StatusCode::BAD_REQUEST, text };
    let refuse = |status, text: String| Err(Refusal { status, text });
    if method != Method::POST {
        return refuse(StatusCode::METHOD_NOT_ALLOWED, expecting_post(method));
    }
    // Mesos compares the whole value: no parameters, no other case.
    let mut call = match headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes) {
        None => return refuse(StatusCode::BAD_REQUEST, "Expecting 'Content-Type' to be present".into()),
        Some(text) if text == PROTOBUF.as_bytes() => from_protobuf(body),
        Some(text) if text == JSON.as_bytes() => from_json(body),
        Some(_) => {
            let text = format!("Expecting 'Content-Type' of {JSON} or {PROTOBUF}");
            return refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, text);
        }
    }
    .map_err(bad)?;
    validate::call(&call).map_err(|why| bad(format!("Failed to validate scheduler::Call: {why}")))?;
    let stream_id = headers.get(STREAM_ID).map(|id| String::from_utf8_lossy(id.as_bytes()).into_owned());
    let encoding = accepted(headers);
    if matches!(call.r#type(), Type::Subscribe | Type::ReconcileOperations) && encoding.is_none() {
        let text = format!("Expecting 'Accept' to allow '{PROTOBUF}' or '{JSON}'");
        return refuse(StatusCode::NOT_ACCEPTABLE, text);
    }
    match (call.r#type(), call.subscribe.take(), encoding) {
        (Type::Subscribe, Some(_), _) if stream_id.is_some() => {
            let text = format!("Subscribe calls should not include the '{STREAM_ID}' header");
            refuse(StatusCode::BAD_REQUEST, text)
        }
        (Type::Subscribe, Some(subscribe), Some(encoding)) => Ok(Request::Subscribe { subscribe, encoding }),
        _ => Ok(Request::Call { call: Box::new(call), stream_id }),
    }
}

pub(crate) fn expecting_post(method: &Method) -> String {
    format!("405 Method Not Allowed. Expecting one of {{ 'POST' }}, but received '{method}'.")
}

fn from_protobuf(body: &[u8]) -> Result<Call, String> {
    let failed = || "Failed to parse body into Call protobuf".to_owned();
    scan(msg::SCHEDULER_CALL, body).map_err(|_| failed())?;
    if !is_complete(msg::SCHEDULER_CALL, body) {
        return Err(failed());
    }
    Call::decode(body).map_err(|_| failed())
}

fn from_json(body: &[u8]) -> Result<Call, String> {
    if let Err(error) = serde_json::from_slice::<serde::de::IgnoredAny>(body) {
        return Err(format!("Failed to parse body into JSON: {error}"));
    }
    let failed = |why: String| format!("Failed to convert JSON into Call protobuf: {why}");
    let bytes = json::decode(msg::SCHEDULER_CALL, body).map_err(|error| failed(error.to_string()))?;
    Call::decode(bytes.as_slice()).map_err(|error| failed(error.to_string()))
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
