//! Connections: the one place that knows what they are made of. TLS and Unix sockets will be further kinds.
//!
//! # Invariants
//! * A name's addresses are tried one after the other, each for a limited time: a dead one hides no other.
//! * A dropped connection is over for the other side at once, whoever else has the descriptor.
//! * A connection sends what it is given at once (TCP_NODELAY): calls are small and somebody waits for each.

use super::master::Endpoint;
use rustix::net::{Shutdown, shutdown};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

/// A byte stream to a master. Dropping it ends it for the other side, too.
#[derive(Debug)]
pub(super) struct Socket {
    stream: TcpStream,
    pid: u32,
}

impl Drop for Socket {
    /// Closing is not enough: as long as a forked child has a copy of the descriptor, the master would not notice.
    fn drop(&mut self) {
        if self.pid == std::process::id() {
            // It is an error if the connection is broken already.
            let _broken = shutdown(&self.stream, Shutdown::Both);
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Where a `Socket` leads, so that another one can be opened to the very same master: a name may have
/// several addresses, and each may be another master.
pub(super) type Peer = SocketAddr;

/// Opens a connection to the first address of `endpoint` that accepts one; none may take longer than `limit`.
pub(super) async fn connect(endpoint: &Endpoint, limit: Duration) -> io::Result<(Socket, Peer)> {
    let mut problem = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for peer in within(limit, lookup_host(endpoint.address())).await? {
        match within(limit, connect_again(peer)).await {
            Ok(socket) => return Ok((socket, peer)),
            Err(error) => problem = error,
        }
    }
    Err(problem)
}

/// Opens another connection to the same master.
pub(super) async fn connect_again(peer: Peer) -> io::Result<Socket> {
    let stream = TcpStream::connect(peer).await?;
    stream.set_nodelay(true)?;
    Ok(Socket { stream, pid: std::process::id() })
}

async fn within<T>(limit: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let late =
        |_| io::Error::new(io::ErrorKind::TimedOut, format!("nothing within {} s", limit.as_secs_f32()));
    timeout(limit, work).await.map_err(late)?
}
