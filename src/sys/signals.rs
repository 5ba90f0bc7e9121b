//! Signal masks: native threads must not steal a Ctrl-C from Python's main thread.
//!
//! # Invariants
//! * Every function is safe to call from any thread and changes the mask of that thread only.

use std::mem::MaybeUninit;

/// Blocks every signal in the calling thread, for good: for threads that are ours alone.
pub(crate) fn block_all() {
    set_mask(&full());
}

/// Every signal is blocked in this thread while this lives: threads made meanwhile start that way.
pub(crate) struct Blocked {
    before: libc::sigset_t,
}

impl Blocked {
    pub(crate) fn new() -> Self {
        Self { before: set_mask(&full()) }
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        set_mask(&self.before);
    }
}

fn full() -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: sigfillset initialises the whole set at the valid pointer it is given, and cannot fail then.
    unsafe {
        libc::sigfillset(set.as_mut_ptr());
        set.assume_init()
    }
}

/// Sets this thread's mask and returns the one before.
fn set_mask(set: &libc::sigset_t) -> libc::sigset_t {
    let mut before = *set;
    // SAFETY: both pointers are valid and SIG_SETMASK is a valid way, so that the call cannot fail.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, set, &raw mut before) };
    before
}

/// Whether this thread blocks `signal`.
#[cfg(test)]
pub(crate) fn is_blocked(signal: i32) -> bool {
    let mut set = full();
    // SAFETY: without a new mask the call only writes the present one to a valid pointer.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), &raw mut set) };
    // SAFETY: the set was initialised above.
    unsafe { libc::sigismember(&raw const set, signal) == 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_comes_back() {
        assert!(!is_blocked(libc::SIGINT));
        {
            let _blocked = Blocked::new();
            assert!(is_blocked(libc::SIGINT));
            assert!(std::thread::spawn(|| is_blocked(libc::SIGINT)).join().unwrap());
        }
        assert!(!is_blocked(libc::SIGINT));
    }
}
