//! The system calls that std does not offer: descriptors that wake, waiting on them, signal masks; a static that
//! survives a fork, and a count of forks.
//!
//! # Invariants
//! * Every descriptor made here is non-blocking and closed on exec.
//! * A native thread calls `signals::block_all` first thing, so that signals reach Python's main thread.
//! * `unsafe` is confined to the calls that neither std nor rustix has.
#![expect(unsafe_code, reason = "pthread_sigmask, which rustix does not offer, and the pointer of a static")]

pub(crate) mod children;
pub(crate) mod forks;
pub(crate) mod handler;
pub(crate) mod pending;
pub(crate) mod process_static;
pub(crate) mod processes;
pub(crate) mod signals;
pub(crate) mod unix;

use crate::error::{Error, Result};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

/// A descriptor that is readable from `set` to `clear`: an eventfd on Linux, a pipe elsewhere.
#[derive(Debug)]
pub(crate) struct Signal {
    read: OwnedFd,
    /// a pipe's other end; an eventfd has none
    write: Option<OwnedFd>,
}

impl Signal {
    /// An unset signal.
    pub(crate) fn new() -> Result<Self> {
        #[cfg(target_os = "linux")]
        {
            use rustix::event::{EventfdFlags, eventfd};
            let made = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK);
            let read = made.map_err(|errno| Error::os("making an eventfd", &errno.into()))?;
            Ok(Self { read, write: None })
        }
        #[cfg(not(target_os = "linux"))]
        Self::pipe()
    }

    /// The same over a pipe, which every Unix has.
    #[cfg(any(test, not(target_os = "linux")))]
    fn pipe() -> Result<Self> {
        let failed = |errno: Errno| Error::os("making a pipe", &errno.into());
        let (read, write) = rustix::pipe::pipe().map_err(failed)?;
        for fd in [&read, &write] {
            rustix::io::fcntl_setfd(fd, rustix::io::FdFlags::CLOEXEC).map_err(failed)?;
            rustix::io::ioctl_fionbio(fd, true).map_err(failed)?;
        }
        Ok(Self { read, write: Some(write) })
    }

    /// Makes the descriptor readable. Never blocks: a full pipe or counter is readable already.
    pub(crate) fn set(&self) {
        let one = 1_u64.to_ne_bytes();
        let (fd, bytes) = match &self.write {
            Some(write) => (write, &one[..1]),
            None => (&self.read, &one[..]),
        };
        while rustix::io::write(fd, bytes) == Err(Errno::INTR) {}
    }

    /// Makes the descriptor not readable.
    pub(crate) fn clear(&self) {
        let mut sink = [0_u8; 64];
        loop {
            match rustix::io::read(&self.read, &mut sink) {
                Err(Errno::INTR) => {}
                // a pipe may hold more than one read takes
                Ok(read) if self.write.is_some() && read == sink.len() => {}
                _ => return,
            }
        }
    }

    /// The number to watch for reading.
    pub(crate) fn raw(&self) -> RawFd {
        self.read.as_raw_fd()
    }
}

impl AsFd for Signal {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.read.as_fd()
    }
}

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waited {
    /// the descriptor is readable
    Ready,
    /// the time is over
    TimedOut,
    /// a signal came: let Python look at it, then wait again
    Interrupted,
}

/// Waits until `fd` is readable, at most until `deadline` and at most for `slice`.
pub(crate) fn wait_readable(fd: impl AsFd, deadline: Option<Instant>, slice: Option<Duration>) -> Waited {
    let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
    let time = match (left, slice) {
        (Some(left), Some(slice)) => Some(left.min(slice)),
        (left, slice) => left.or(slice),
    };
    // a time too long for the kernel is for ever
    let time = time.and_then(|time| Timespec::try_from(time).ok());
    let mut fds = [PollFd::new(&fd, PollFlags::IN)];
    match poll(&mut fds, time.as_ref()) {
        Ok(0) if deadline.is_some_and(|deadline| deadline <= Instant::now()) => Waited::TimedOut,
        Ok(0) | Err(_) => Waited::Interrupted,
        Ok(_) => Waited::Ready,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Option<Duration> = Some(Duration::ZERO);

    fn ready(signal: &Signal) -> bool {
        wait_readable(signal, None, NOW) == Waited::Ready
    }

    fn exercise(signal: Signal) {
        assert!(!ready(&signal));
        for _ in 0..100_000 {
            signal.set(); // more than a pipe holds: must not block
        }
        assert!(ready(&signal));
        signal.clear();
        assert!(!ready(&signal));
        signal.clear();
        signal.set();
        assert!(ready(&signal));
        let flags = rustix::io::fcntl_getfd(&signal).unwrap();
        assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
    }

    #[test]
    fn a_signal_is_readable_from_set_to_clear() {
        exercise(Signal::new().unwrap());
    }

    #[test]
    fn a_pipe_does_the_same() {
        exercise(Signal::pipe().unwrap());
    }

    #[test]
    fn waiting_tells_a_deadline_from_a_slice() {
        let signal = Signal::new().unwrap();
        let slice = Some(Duration::from_millis(1));
        assert_eq!(wait_readable(&signal, Some(Instant::now()), None), Waited::TimedOut);
        assert_eq!(wait_readable(&signal, None, slice), Waited::Interrupted);
        let later = Instant::now() + Duration::from_secs(3600);
        assert_eq!(wait_readable(&signal, Some(later), slice), Waited::Interrupted);
    }
}
