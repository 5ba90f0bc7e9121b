//! The one tokio runtime of a process: made at the first use, never ended.
//!
//! # Invariants
//! * Keyed by pid: a forked child, whose copy of the runtime has no threads, makes its own and leaves the
//!   parent's where it is. Nothing here takes a lock, so a fork at any moment leaves nothing stuck.
//! * Its threads run with every signal blocked: Ctrl-C always reaches a thread of Python's.
//! * It is never dropped, so that neither interpreter exit nor a blocked name look-up waits for it.

use crate::error::{Error, Result};
use crate::sys::process_static::ProcessStatic;
use crate::sys::signals;
use std::process;
use tokio::runtime::{Builder, Handle, Runtime};

/// Two are enough for every driver of a process and the embedded cluster: nothing in them blocks.
const WORKERS: usize = 2;

struct Slot {
    pid: u32,
    runtime: Runtime,
}

static CURRENT: ProcessStatic<Slot> = ProcessStatic::empty();

/// The runtime of this process. Fails with `Error::Os` if the system gives no threads or no descriptors.
pub(crate) fn handle() -> Result<Handle> {
    let pid = process::id();
    loop {
        let seen = CURRENT.get();
        if let Some(slot) = seen.filter(|slot| slot.pid == pid) {
            return Ok(slot.runtime.handle().clone());
        }
        // If another thread is first, its runtime is found on the next turn and ours stays behind, idle.
        CURRENT.replace(seen, Box::leak(Box::new(Slot { pid, runtime: build()? })));
    }
}

fn build() -> Result<Runtime> {
    // Threads inherit the mask of the one that makes them. The workers are made right here; threads for
    // blocking work may be made by any thread, and so block the signals themselves too.
    let _inherited = signals::Blocked::new();
    Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .thread_name("mesos")
        .on_thread_start(signals::block_all)
        .enable_io()
        .enable_time()
        .build()
        .map_err(|error| Error::os("starting the network threads", &error))
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
