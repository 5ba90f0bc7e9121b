//! Connections: the one place that knows what they are made of. TLS and Unix sockets will be further kinds.
//!
//! # Invariants
//! * A name's addresses are tried one after the other, each for a limited time: a dead one hides no other.
//! * A connection sends what it is given at once (TCP_NODELAY): calls are small and somebody waits for each.

use super::master::Endpoint;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

/// A byte stream to a master.
pub(super) type Socket = TcpStream;

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
    let socket = TcpStream::connect(peer).await?;
    socket.set_nodelay(true)?;
    Ok(socket)
}

async fn within<T>(limit: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let late =
        |_| io::Error::new(io::ErrorKind::TimedOut, format!("nothing within {} s", limit.as_secs_f32()));
    timeout(limit, work).await.map_err(late)?
}
