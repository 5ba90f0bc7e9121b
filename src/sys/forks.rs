//! Whether this process was forked, without a system call: asked after each handler, `getpid` would cost a fifth of it.
//!
//! # Invariants
//! * The count differs between a process and each of its children, once `watch` was called in the parent.
#![expect(unsafe_code, reason = "pthread_atfork, which rustix does not offer")]

use crate::error::{Error, Result};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

static FORKS: AtomicU64 = AtomicU64::new(0);

extern "C" fn count() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}

/// Counts from now on.
pub(crate) fn watch() -> Result<()> {
    // SAFETY: `count` does nothing that a child must not do between a fork and an exec, and is never unloaded.
    match unsafe { libc::pthread_atfork(None, None, Some(count)) } {
        0 => Ok(()),
        code => Err(Error::os("watching for forks", &io::Error::from_raw_os_error(code))),
    }
}

/// How many forks lie between the first process and this one.
pub(crate) fn forks() -> u64 {
    FORKS.load(Ordering::Relaxed)
}
