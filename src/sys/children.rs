//! Child processes that have nothing of their parent's but what they are given.
//!
//! # Invariants
//! * A child leads a session and a process group of its own, with no signal blocked or ignored.
//! * It inherits descriptors 0 to 2 only.
//! * Its pid is written to `announce` before its program runs. As the child itself holds `announce` until then, the
//!   reader cannot see the end of that pipe without having seen the pid, whenever the parent dies.
#![expect(unsafe_code, reason = "between fork and exec std runs nothing that is not declared safe there")]

#[cfg(target_os = "linux")]
use rustix::process::Pid;
use rustix::process::setsid;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
#[cfg(target_os = "linux")]
use tokio::io::unix::AsyncFd;

/// The first descriptor that is not a standard one.
const FIRST: RawFd = 3;

/// Makes a command start as the head of this file says. `announce` must stay open until it has started.
pub(crate) fn detach(command: &mut Command, announce: Option<BorrowedFd<'_>>) {
    let announce = announce.map(|fd| fd.as_raw_fd());
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let limit = limit.and_then(|limit| RawFd::try_from(limit).ok()).unwrap_or(RawFd::MAX).min(1 << 16);
    let setup = move || {
        setsid()?;
        if let Some(announce) = announce {
            write_pid(announce)?;
        }
        reset_signals();
        close_on_exec(limit);
        Ok(())
    };
    // SAFETY: between fork and exec `setup` makes system calls only: it takes no lock and allocates nothing.
    unsafe { command.pre_exec(setup) };
}

/// Default dispositions and an empty mask. What cannot be changed (SIGKILL, SIGSTOP) needs no change.
fn reset_signals() {
    for signal in 1..32 {
        // SAFETY: SIG_DFL is a valid disposition, and refusal is harmless.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    // SAFETY: `set` is filled before it is read; both calls touch nothing else but this thread's mask.
    unsafe {
        let mut set = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigprocmask(libc::SIG_SETMASK, set.as_ptr(), std::ptr::null_mut());
    }
}

/// `+ PID`, a line short enough to be written in one piece.
fn write_pid(fd: RawFd) -> io::Result<()> {
    let mut line = [b' '; 16];
    let mut at = line.len() - 1;
    line[at] = b'\n';
    let mut pid = std::process::id();
    while pid > 0 {
        at -= 1;
        line[at] = b"0123456789"[(pid % 10) as usize];
        pid /= 10;
    }
    line[0] = b'+';
    // SAFETY: `announce` is open in the parent, so the child has it; the pointer and length are of `line`. Without
    // SIGPIPE a reader that is gone is an error here, and the start fails with words.
    let written = unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_IGN);
        libc::write(fd, line.as_ptr().cast(), line.len())
    };
    if written == line.len().cast_signed() { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Marks everything else for closing; not closing it here keeps the pipe by which std hears of a failed exec.
fn close_on_exec(limit: RawFd) {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: it takes no pointers. Kernels before 5.11 refuse it, and the loop below does the same.
        let done = unsafe {
            libc::syscall(libc::SYS_close_range, FIRST, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC)
        };
        if done == 0 {
            return;
        }
    }
    for fd in FIRST..limit {
        // SAFETY: a number that is no descriptor is refused.
        unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
}

/// A descriptor of a child that becomes readable when the child has ended. Inside the runtime only.
#[cfg(target_os = "linux")]
pub(crate) fn watch(pid: Pid) -> io::Result<AsyncFd<std::os::fd::OwnedFd>> {
    let fd = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty())?;
    // SAFETY: an OwnedFd's descriptor is the same and open as long as it lives, and the AsyncFd owns it.
    let registered = unsafe { AsyncFd::register_with_interest(fd, tokio::io::Interest::READABLE) };
    registered.map_err(Into::into)
}
