//! What every request says: the same headers on the stream's connection and on the one for calls.
//!
//! # Invariants
//! * Content-Type is the bare media type: Mesos compares it as a string.
//! * Not `Debug`: it holds the authorization.

use super::api::Api;
use super::master::Endpoint;
use super::tls::Tls;
use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, HeaderValue, USER_AGENT};
use std::path::Path;
use std::sync::Arc;

/// The media type of Mesos' messages in protobuf.
pub(super) const PROTOBUF: &str = "application/x-protobuf";

const AGENT: &str = concat!("mesos-python/", env!("CARGO_PKG_VERSION"));

/// One API at one endpoint, and who asks.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) endpoint: Endpoint,
    pub(super) api: &'static Api,
    pub(super) authorization: Option<HeaderValue>,
    /// for endpoints that want it
    pub(super) tls: Option<Tls>,
    /// where the endpoint is, if not at its address
    pub(super) unix_socket: Option<Arc<Path>>,
}

impl Target {
    /// The same for another endpoint.
    pub(super) fn at(&self, endpoint: Endpoint) -> Self {
        Self { endpoint, ..self.clone() }
    }

    /// A POST of `body`, for hyper.
    pub(super) fn request(&self, body: Bytes) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
        let request =
            Request::post(self.endpoint.path(self.api.path)).header(HOST, self.endpoint.authority());
        let request =
            self.headers().into_iter().fold(request, |request, (name, value)| request.header(name, value));
        request.body(Full::new(body))
    }

    /// The start of a POST, as bytes: more headers and an empty line belong behind it.
    pub(super) fn head(&self) -> Vec<u8> {
        let path = self.endpoint.path(self.api.path);
        let mut head =
            format!("POST {path} HTTP/1.1\r\nHost: {}\r\n", self.endpoint.authority()).into_bytes();
        for (name, value) in self.headers() {
            for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
                head.extend_from_slice(part);
            }
        }
        head
    }

    fn headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        let fixed = |text| HeaderValue::from_static(text);
        let mut headers =
            vec![(CONTENT_TYPE, fixed(PROTOBUF)), (ACCEPT, fixed(PROTOBUF)), (USER_AGENT, fixed(AGENT))];
        headers.extend(self.authorization.clone().map(|value| (AUTHORIZATION, value)));
        headers
    }
}

#[cfg(test)]
mod tests {
    use super::super::api::SCHEDULER;
    use super::*;
    use std::net::{Ipv4Addr, SocketAddr};

    #[test]
    fn both_kinds_of_request_say_the_same() {
        let endpoint = Endpoint::from(SocketAddr::from((Ipv4Addr::LOCALHOST, 5050)));
        let authorization = Some(HeaderValue::from_static("Basic bWU6cHc="));
        let target = Target { endpoint, api: &SCHEDULER, authorization, tls: None, unix_socket: None };
        let head = String::from_utf8(target.head()).unwrap();
        let request = target.request(Bytes::new()).unwrap();
        let lines =
            request.headers().iter().map(|(name, value)| format!("{name}: {}\r\n", value.to_str().unwrap()));
        let lines = lines.collect::<String>().replacen("host:", "Host:", 1);
        assert_eq!(head, format!("POST {} HTTP/1.1\r\n{lines}", request.uri()));
        assert!(head.contains("accept: application/x-protobuf\r\n") && head.contains("authorization: Basic"));
    }
}
