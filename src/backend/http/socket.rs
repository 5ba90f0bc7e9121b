//! Connections: the one place that knows what they are made of. TLS and Unix sockets will be further kinds.
//!
//! # Invariants
//! * A connection sends what it is given at once (TCP_NODELAY): calls are small and somebody waits for each.

use super::master::Endpoint;
use std::io;
use std::net::SocketAddr;
use tokio::net::{TcpStream, ToSocketAddrs};

/// A byte stream to a master.
pub(super) type Socket = TcpStream;

/// Where a `Socket` leads, so that another one can be opened to the very same master: a name may have
/// several addresses, and each may be another master.
pub(super) type Peer = SocketAddr;

/// Opens a connection to the first address of `endpoint` that accepts one.
pub(super) async fn connect(endpoint: &Endpoint) -> io::Result<(Socket, Peer)> {
    let socket = open(endpoint.address()).await?;
    let peer = socket.peer_addr()?;
    Ok((socket, peer))
}

/// Opens another connection to the same master.
pub(super) async fn connect_again(peer: Peer) -> io::Result<Socket> {
    open(peer).await
}

async fn open(address: impl ToSocketAddrs) -> io::Result<Socket> {
    let socket = TcpStream::connect(address).await?;
    socket.set_nodelay(true)?;
    Ok(socket)
}
