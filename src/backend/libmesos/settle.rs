//! Whether Mesos has heard the last of libmesos.
//!
//! A TEARDOWN has no answer, nor do an executor's last updates have one that we see. But a master that sees the
//! connections of a process close first refuses the one, and an agent may take the executor for dead before it has read
//! the others. So it is asked what anybody may ask: it answers in turn.
//!
//! # Invariants
//! * It ends with an answer, when its time is over, or when it is dropped: an abort waits for nobody.

use crate::backend::http::master::Endpoint;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tracing::warn;

/// Waits until a master or an agent, which tells its health at this path, has seen what libmesos sent before.
pub(super) async fn settle(peer: &Endpoint, health: &str, limit: Duration) {
    match timeout(limit, ask(peer, health)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => warn!(target: "mesos.libmesos", "{peer} may not know of the end: {error}"),
        Err(_) => warn!(target: "mesos.libmesos", "{peer} may not know of the end: no answer in time"),
    }
}

async fn ask(peer: &Endpoint, health: &str) -> io::Result<()> {
    let mut stream = TcpStream::connect(peer.address()).await?;
    let (path, host) = (peer.path(health), peer.authority());
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    stream.read_u8().await.map(drop)
}
