//! GET over HTTP, as far as agents need it: to fetch files, and to look at tasks.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::header::{HOST, LOCATION};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// How often a server may send us elsewhere.
const REDIRECTS: usize = 5;

/// A response whose body is still to be read. Dropping it ends the connection.
pub(super) struct Answer {
    response: Response<Incoming>,
    _connection: Connection,
}

impl Answer {
    pub(super) fn status(&self) -> StatusCode {
        self.response.status()
    }

    pub(super) async fn body(self) -> Result<Bytes, String> {
        let Self { response, _connection } = self;
        Ok(response.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes())
    }

    /// Waits for the end of the body, of which nothing is kept.
    pub(super) async fn end(mut self) -> Result<(), String> {
        while let Some(frame) = self.response.body_mut().frame().await {
            frame.map_err(|error| error.to_string())?;
        }
        Ok(())
    }
}

struct Connection(JoinHandle<hyper::Result<()>>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Gets what is at `host[:port]/path`, or where its server sends us.
pub(super) async fn get(mut rest: String) -> Result<Answer, String> {
    for _ in 0..=REDIRECTS {
        let (host, path) = rest.split_once('/').map_or((rest.as_str(), ""), |parts| parts);
        let port = host.rsplit_once(']').map_or(host, |(_, port)| port).contains(':');
        let address = if port { host.to_owned() } else { format!("{host}:80") };
        let stream = TcpStream::connect(&address).await.map_err(|error| error.to_string())?;
        let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(|error| error.to_string())?;
        let connection = Connection(tokio::spawn(connection));
        let request = Request::get(format!("/{path}")).header(HOST, host).body(Empty::<Bytes>::new());
        let request = request.map_err(|error| error.to_string())?;
        let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
        let location = response.headers().get(LOCATION).cloned();
        match location.as_ref().and_then(|to| to.to_str().ok()) {
            Some(to) if response.status().is_redirection() => {
                rest = match to.strip_prefix("http://") {
                    Some(elsewhere) => elsewhere.to_owned(),
                    None => format!("{host}/{}", to.trim_start_matches('/')),
                };
            }
            _ => return Ok(Answer { response, _connection: connection }),
        }
    }
    Err("the server sends us on and on".into())
}
