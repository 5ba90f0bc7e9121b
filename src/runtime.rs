//! The one tokio runtime of a process, on one thread: made at the first use, never ended.
//!
//! One thread serves every driver and the embedded cluster, because nothing in it blocks or computes: what it
//! does for an event is a few system calls. A second thread would double the cost of each, as the two wake each
//! other in turn.
//!
//! # Invariants
//! * Keyed by pid: a forked child, whose copy of the runtime has no thread, makes its own and leaves the
//!   parent's where it is. Nothing here takes a lock, so a fork at any moment leaves nothing stuck.
//! * Its threads run with every signal blocked: Ctrl-C always reaches a thread of Python's.
//! * It is never dropped, so that neither interpreter exit nor a blocked name look-up waits for it.

use crate::error::{Error, Result};
use crate::sys::process_static::ProcessStatic;
use crate::sys::signals;
use std::{future, process, thread};
use tokio::runtime::{Builder, Handle};

struct Slot {
    pid: u32,
    runtime: Handle,
}

static CURRENT: ProcessStatic<Slot> = ProcessStatic::empty();

/// The runtime of this process. Fails with `Error::Os` if the system gives no threads or no descriptors.
pub(crate) fn handle() -> Result<Handle> {
    let pid = process::id();
    loop {
        let seen = CURRENT.get();
        if let Some(slot) = seen.filter(|slot| slot.pid == pid) {
            return Ok(slot.runtime.clone());
        }
        // If another thread is first, its runtime is found on the next turn and ours stays behind, idle.
        CURRENT.replace(seen, Box::leak(Box::new(Slot { pid, runtime: build()? })));
    }
}

fn build() -> Result<Handle> {
    let failed = |error| Error::os("starting the network thread", &error);
    // A thread inherits the mask of the one that makes it. Threads for blocking work may be made by any
    // thread, and so block the signals themselves too.
    let _inherited = signals::Blocked::new();
    let runtime = Builder::new_current_thread()
        .thread_name("mesos")
        .on_thread_start(signals::block_all)
        .enable_io()
        .enable_time()
        .build()
        .map_err(failed)?;
    let handle = runtime.handle().clone();
    let serve = move || runtime.block_on(future::pending::<()>());
    thread::Builder::new().name("mesos".into()).spawn(serve).map_err(failed)?;
    Ok(handle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_for_all_threads() {
        let first = handle().unwrap().id();
        let threads: Vec<_> = (0..8).map(|_| std::thread::spawn(|| handle().unwrap().id())).collect();
        assert!(threads.into_iter().all(|thread| thread.join().unwrap() == first));
    }

    #[test]
    fn no_thread_of_it_takes_a_signal_and_ours_still_does() {
        let handle = handle().unwrap();
        assert!(!signals::is_blocked(libc::SIGINT));
        let (sender, receiver) = std::sync::mpsc::channel();
        let blocking = sender.clone();
        handle.spawn(async move { sender.send(signals::is_blocked(libc::SIGINT)) });
        handle.spawn_blocking(move || blocking.send(signals::is_blocked(libc::SIGINT)));
        assert_eq!(receiver.iter().collect::<Vec<_>>(), [true, true]);
    }
}
