//! Connections: the one place that knows what they are made of: TCP, TLS over it, or a Unix domain socket.
//!
//! # Invariants
//! * A name's addresses are tried one after the other, each for a limited time: a dead one hides no other.
//! * A dropped connection is over for the other side at once, whoever else has the descriptor.
//! * A connection sends what it is given at once (TCP_NODELAY): calls are small and somebody waits for each.

use super::request::Target;
use super::subscription::Refused;
use super::tls::{self, Secured};
use crate::sys::unix;
use rustix::net::{Shutdown, shutdown};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

/// A byte stream to a server. Dropping it ends it for the other side, too.
#[derive(Debug)]
pub(super) struct Socket {
    stream: Stream,
    pid: u32,
}

#[derive(Debug)]
enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    Unix(UnixStream),
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.stream {
            Stream::Plain(stream) => stream.as_fd(),
            Stream::Tls(stream) => stream.get_ref().0.as_fd(),
            Stream::Unix(stream) => stream.as_fd(),
        }
    }
}

impl Drop for Socket {
    /// Closing is not enough: as long as a forked child has a copy of the descriptor, the server would not notice.
    fn drop(&mut self) {
        if self.pid == std::process::id() {
            // It is an error if the connection is broken already.
            let _broken = shutdown(&*self, Shutdown::Both);
        }
    }
}

/// Calls a method of the stream, whichever it is.
macro_rules! delegate {
    ($self:ident.$method:ident($($argument:ident),*)) => {
        match &mut $self.stream {
            Stream::Plain(stream) => Pin::new(stream).$method($($argument),*),
            Stream::Tls(stream) => Pin::new(stream).$method($($argument),*),
            Stream::Unix(stream) => Pin::new(stream).$method($($argument),*),
        }
    };
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match delegate!(self.poll_read(cx, buf)) {
            // TLS wants a goodbye, which few servers say; HTTP knows by itself whether all was said
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => Poll::Ready(Ok(())),
            polled => polled,
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        delegate!(self.poll_write(cx, buf))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self.poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self.poll_shutdown(cx))
    }
}

/// Where a `Socket` leads, so that another one can be opened to the very same server: a name may have
/// several addresses, and each may be another master.
#[derive(Clone)]
pub(super) enum Peer {
    Tcp { address: SocketAddr, secured: Option<Secured> },
    Unix(Arc<Path>),
}

/// Opens a connection to the target's Unix socket, or to the first of its addresses that accepts one; none may take
/// longer than `limit`.
pub(super) async fn connect(target: &Target, limit: Duration) -> Result<(Socket, Peer), Refused> {
    let who = &target.endpoint;
    if let Some(path) = &target.unix_socket {
        let peer = Peer::Unix(path.clone());
        let cannot =
            |error| Refused::Retry(format!("cannot connect to {who} at {}: {error}", path.display()));
        return Ok((within(limit, connect_again(peer.clone())).await.map_err(cannot)?, peer));
    }
    let secured = match &target.tls {
        Some(tls) if who.is_secure() => {
            Some(tls.secure(who).map_err(|what| Refused::unfit(format!("{who}: {what}")))?)
        }
        None if who.is_secure() => {
            // only a redirect leads here
            let what = "it wants TLS; write the masters' address with \"https://\"";
            return Err(Refused::Retry(format!("redirected to {who}: {what}")));
        }
        _ => None,
    };
    let cannot = |error: io::Error| match tls::explain(who, &error) {
        Some(failure) => Refused::Unfit(failure),
        None => Refused::Retry(format!("cannot connect to {who}: {error}")),
    };
    let mut problem = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in within(limit, lookup_host(who.address())).await.map_err(cannot)? {
        let peer = Peer::Tcp { address, secured: secured.clone() };
        match within(limit, connect_again(peer.clone())).await {
            Ok(socket) => return Ok((socket, peer)),
            Err(error) => problem = error,
        }
    }
    Err(cannot(problem))
}

/// Opens another connection to the same server.
pub(super) async fn connect_again(peer: Peer) -> io::Result<Socket> {
    let stream = match peer {
        Peer::Unix(path) => Stream::Unix(UnixStream::connect(unix::Short::of(&path)?.path()).await?),
        Peer::Tcp { address, secured } => {
            let tcp = TcpStream::connect(address).await?;
            tcp.set_nodelay(true)?;
            match secured {
                None => Stream::Plain(tcp),
                Some(Secured { connector, name }) => {
                    Stream::Tls(Box::new(connector.connect(name, tcp).await?))
                }
            }
        }
    };
    Ok(Socket { stream, pid: std::process::id() })
}

async fn within<T>(limit: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let late =
        |_| io::Error::new(io::ErrorKind::TimedOut, format!("nothing within {} s", limit.as_secs_f32()));
    timeout(limit, work).await.map_err(late)?
}
