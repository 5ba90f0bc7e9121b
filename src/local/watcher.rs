//! The watcher: a small process that outlives ours by a moment and takes the tasks with it.
//!
//! It is `/bin/sh`, in a session of its own and deaf to polite signals, reading sessions from a pipe: `+ SID` when a
//! task starts, `- SID` when one is gone. We hold the only writing end. However we end, by `close` or by SIGKILL, the
//! pipe ends with us, and the shell kills what is left on its list.
//!
//! # Invariants
//! * A task's `+` line is in the pipe before its program runs: the task writes it itself (see `sys::children`).
//! * A `-` line follows only after the task's session has been signalled and its leader reaped.

use crate::error::{Error, Result};
use crate::sys::children;
use std::io::{PipeWriter, Write as _};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::process::{Child, Command, Stdio};

/// Some members may be forking while others are killed: hence the rounds. Where there is no /proc, killing the
/// process groups has to do.
const SCRIPT: &str = r#"
trap '' HUP INT QUIT TERM USR1 USR2 TSTP
sessions=' '
while read -r sign session; do
    case $sign in
    +) sessions="$sessions$session " ;;
    -) sessions="${sessions%% $session *} ${sessions#* $session }" ;;
    esac
done
for round in 1 2 3 4 5; do
    left=
    for session in $sessions; do
        kill -9 "-$session" 2>/dev/null && left=1
    done
    for stat in /proc/[0-9]*/stat; do
        read -r line 2>/dev/null <"$stat" || continue
        set -- ${line##*) }
        case $sessions in *" $4 "*)
            stat=${stat#/proc/}
            [ "$1" = Z ] || { kill -9 "${stat%/stat}" 2>/dev/null && left=1; } ;;
        esac
    done
    [ "$left" ] || exit 0
done
"#;

/// The pipe to the watcher. Dropping it ends everything that is on the list.
#[derive(Debug)]
pub(crate) struct Watcher {
    pipe: Option<PipeWriter>,
    shell: Child,
}

impl Watcher {
    pub(crate) fn start() -> Result<Self> {
        let failed = |error: std::io::Error| Error::os("starting the watcher of the tasks, /bin/sh", &error);
        let (read, pipe) = std::io::pipe().map_err(failed)?;
        let mut shell = Command::new("/bin/sh");
        shell.arg("-c").arg(SCRIPT).arg("mesos-watcher").env_clear().current_dir("/");
        shell.stdin(read).stdout(Stdio::null()).stderr(Stdio::null());
        children::detach(&mut shell, None);
        let shell = shell.spawn().map_err(failed)?;
        Ok(Self { pipe: Some(pipe), shell })
    }

    /// Where a task announces itself. None once the watcher was ended.
    pub(crate) fn announce(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(AsFd::as_fd)
    }

    /// The descriptor that a forked child must close, so as not to keep the watcher from seeing our end.
    pub(crate) fn raw(&self) -> Option<RawFd> {
        self.pipe.as_ref().map(AsRawFd::as_raw_fd)
    }

    /// A task is gone, with all that it started.
    pub(crate) fn forget(&self, session: i32) {
        if let Some(mut pipe) = self.pipe.as_ref() {
            // The line is shorter than what a pipe takes in one piece. If nobody reads any more, nobody needs it.
            let _unread = pipe.write_all(format!("- {session}\n").as_bytes());
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        drop(self.pipe.take());
        // It kills what is left, at most a few rounds over /proc, and ends.
        let _gone = self.shell.wait();
    }
}
