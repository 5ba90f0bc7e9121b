//! A connection whose writes wait for the end of a turn, and leave together.
//!
//! A subscriber may hear hundreds of events, and a client get the answers to as many calls, between two waits: written one
//! by one, each would be a packet, a system call and a wake-up of the reader.
//!
//! # Invariants
//! * What was written leaves with `poll_send`, which whoever polls the writer calls after it, each time.
//! * No more than `MOST` bytes are held back before the connection has to take some.

use bytes::{Buf as _, BytesMut};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

const MOST: usize = 64 << 10;

/// The connection. Clones are one and the same: the writer has one, and whoever polls it.
#[derive(Debug)]
pub(crate) struct Cork<S>(Arc<Mutex<Corked<S>>>);

#[derive(Debug)]
struct Corked<S> {
    stream: S,
    held: BytesMut,
}

impl<S> Clone for Cork<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Cork<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self(Arc::new(Mutex::new(Corked { stream, held: BytesMut::new() })))
    }

    /// Sends what was held back, as far as the connection takes it.
    pub(crate) fn poll_send(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.lock().poll_send(cx)
    }

    fn lock(&self) -> MutexGuard<'_, Corked<S>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: AsyncWrite + Unpin> Corked<S> {
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.held.is_empty() {
            match ready!(Pin::new(&mut self.stream).poll_write(cx, &self.held))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.held.advance(written),
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Cork<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.lock().stream).poll_read(cx, buf)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Cork<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut this = self.lock();
        if this.held.len() >= MOST {
            ready!(this.poll_send(cx))?;
        }
        this.held.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    /// Nothing is sent: that would be too early.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut this = self.lock();
        ready!(this.poll_send(cx))?;
        Pin::new(&mut this.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    #[tokio::test]
    async fn what_is_written_leaves_when_it_is_sent() {
        let (stream, mut reader) = duplex(1 << 20);
        let mut cork = Cork::new(stream);
        cork.write_all(b"one ").await.unwrap();
        cork.flush().await.unwrap();
        cork.write_all(b"two").await.unwrap();
        let mut read = [0; 16];
        poll_fn(|cx| {
            assert!(Pin::new(&mut reader).poll_read(cx, &mut ReadBuf::new(&mut read)).is_pending());
            Poll::Ready(())
        })
        .await;
        let sender = cork.clone();
        poll_fn(|cx| sender.poll_send(cx)).await.unwrap();
        assert_eq!(reader.read(&mut read).await.unwrap(), 7);
        assert_eq!(&read[..7], b"one two");
    }

    #[tokio::test]
    async fn the_rest_leaves_before_the_end() {
        let (stream, mut reader) = duplex(4);
        let mut cork = Cork::new(stream);
        cork.write_all(b"more than it takes").await.unwrap();
        let mut read = String::new();
        let (ended, _) = tokio::join!(cork.shutdown(), reader.read_to_string(&mut read));
        ended.unwrap();
        assert_eq!(read, "more than it takes");
    }

    #[tokio::test]
    async fn a_reader_that_does_not_read_stops_the_writer() {
        let (stream, _reader) = duplex(4);
        let mut cork = Cork::new(stream);
        cork.write_all(&[0; MOST]).await.unwrap();
        poll_fn(|cx| {
            assert!(Pin::new(&mut cork).poll_write(cx, b"x").is_pending());
            Poll::Ready(())
        })
        .await;
    }
}
