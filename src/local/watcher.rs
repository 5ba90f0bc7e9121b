//! The watcher: a small process that outlives ours by a moment and takes the tasks with it.
//!
//! It is `/bin/sh`, in a session of its own and deaf to polite signals, reading sessions from a pipe: `+ SID` when a
//! task starts, `- SID` when one is gone; `~` before a start, `!` after one that failed; `=` when the cluster is closed.
//! We hold the only writing end: if we are killed, the pipe ends with us. Either way the shell kills what is left.
//!
//! # Invariants
//! * A task's `+` line is in the pipe before its program runs: the task writes it itself (see `sys::children`).
//! * A `-` line follows only after the task's session has been signalled and its leader reaped.

use crate::error::{Error, Result};
use crate::sys::children;
use std::io::{PipeWriter, Write as _};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

/// Its argument is what the agents' ids begin with: a task is found by its session or, if it left that, by the agent's
/// id in its environment. Some may be forking while others are killed: hence the rounds. Where there is no /proc,
/// killing the process groups has to do.
const SCRIPT: &str = r#"
trap '' HUP INT QUIT TERM USR1 USR2 TSTP
cluster=$1
started=
while read -r sign session; do
    case $sign in
    '~') started= ;;
    +) started=$session; eval "s$session=1" ;;
    -) unset "s$session" ;;
    !) [ "$started" ] && unset "s$started" ;;
    =) break ;;
    esac
done
sessions=' '
for word in $(set); do
    case $word in s[0-9]*=*) word=${word#s}; sessions="$sessions${word%%=*} " ;; esac
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
    for environ in $(grep -lsF -e "MESOS_SLAVE_ID=$cluster-S" /proc/[0-9]*/environ); do
        environ=${environ#/proc/}
        kill -9 "${environ%/environ}" 2>/dev/null && left=1
    done
    [ "$left" ] || exit 0
done
"#;

/// The pipe to the watcher. Dropping it ends everything that is on the list.
#[derive(Debug)]
pub(crate) struct Watcher {
    pipe: Option<PipeWriter>,
    shell: Child,
    dismissed: AtomicBool,
}

impl Watcher {
    /// `cluster` is what the ids of its agents begin with.
    pub(crate) fn start(cluster: &str) -> Result<Self> {
        let failed = |error: std::io::Error| Error::os("starting the watcher of the tasks, /bin/sh", &error);
        let (read, pipe) = std::io::pipe().map_err(failed)?;
        let mut shell = Command::new("/bin/sh");
        shell.arg("-c").arg(SCRIPT).arg("mesos-watcher").arg(cluster);
        shell.env_clear().current_dir("/");
        shell.stdin(read).stdout(Stdio::null()).stderr(Stdio::null());
        children::detach(&mut shell, None);
        let shell = shell.spawn().map_err(failed)?;
        Ok(Self { pipe: Some(pipe), shell, dismissed: AtomicBool::new(false) })
    }

    /// Where a task announces itself. None once the watcher was ended.
    pub(crate) fn announce(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(AsFd::as_fd)
    }

    /// The descriptor that a forked child must close, so as not to keep the watcher from seeing our end.
    pub(crate) fn raw(&self) -> Option<RawFd> {
        self.pipe.as_ref().map(AsRawFd::as_raw_fd)
    }

    /// A task is about to announce itself. One start at a time: `failed` means the last.
    pub(crate) fn starting(&self) {
        self.write("~\n");
    }

    /// The start came to nothing. Whether the process had announced itself before it failed, it is gone.
    pub(crate) fn failed(&self) {
        self.write("!\n");
    }

    /// A task is gone, with all that it started.
    pub(crate) fn forget(&self, session: i32) {
        self.write(&format!("- {session}\n"));
    }

    /// Nothing is left to be killed at the end.
    pub(crate) fn dismiss(&self) {
        self.dismissed.store(true, Ordering::Relaxed);
    }

    fn write(&self, line: &str) {
        if let Some(mut pipe) = self.pipe.as_ref() {
            // Lines are shorter than what a pipe takes in one piece. If nobody reads any more, nobody needs them.
            let _unread = pipe.write_all(line.as_bytes());
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        if *self.dismissed.get_mut() {
            // It is of no use any more, and may have much to read.
            let _ended_already = self.shell.kill();
        } else if let Some(mut pipe) = self.pipe.take() {
            // Said aloud: a child that was forked at the wrong moment may hold a copy of the pipe for long. If nobody
            // reads any more, it is over anyway.
            let _unread = pipe.write_all(b"= end\n");
        }
        // It kills what is left, at most a few rounds over /proc, and ends.
        let _gone = self.shell.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::{Pid, test_kill_process};
    use std::io::BufRead as _;

    fn sleeper(watcher: &Watcher, script: &str) -> Child {
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(script).stdout(Stdio::piped());
        watcher.starting();
        children::detach(&mut command, watcher.announce());
        command.spawn().unwrap()
    }

    fn ended_by_signal(mut child: Child) -> bool {
        use std::os::unix::process::ExitStatusExt as _;
        child.wait().unwrap().signal() == Some(libc::SIGKILL)
    }

    #[test]
    fn what_is_on_the_list_at_the_end_is_killed_and_nothing_else() {
        let watcher = Watcher::start("m").unwrap();
        let forgotten = sleeper(&watcher, "exec sleep 1000");
        let mut listed = sleeper(&watcher, "sleep 1000 & echo $!; wait");
        let more: Vec<Child> = (0..20).map(|_| sleeper(&watcher, "exec sleep 1000")).collect();
        watcher.forget(i32::try_from(forgotten.id()).unwrap());
        watcher.forget(1); // was never there
        let mut line = String::new();
        std::io::BufReader::new(listed.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let grandchild = Pid::from_raw(line.trim().parse().unwrap()).unwrap();
        drop(watcher);
        assert!(ended_by_signal(listed));
        assert!(more.into_iter().all(ended_by_signal));
        // its new parent may take a moment to reap it
        let mut turns = 0;
        while test_kill_process(grandchild).is_ok() && !is_zombie(grandchild) {
            turns += 1;
            assert!(turns < 1_000_000, "the grandchild lives");
            std::thread::yield_now();
        }
        let mut forgotten = forgotten;
        assert_eq!(forgotten.try_wait().unwrap(), None, "it is not on the list any more");
        forgotten.kill().unwrap();
        forgotten.wait().unwrap();
    }

    fn is_zombie(pid: Pid) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('Z'))
    }

    #[test]
    fn it_ends_although_somebody_else_holds_the_pipe_and_finds_who_left_the_session() {
        let watcher = Watcher::start("m").unwrap();
        let copy = watcher.announce().unwrap().try_clone_to_owned().unwrap();
        let mut daemon = Command::new("sleep");
        daemon.arg("1000").env("MESOS_SLAVE_ID", "m-S0");
        children::detach(&mut daemon, None);
        let daemon = daemon.spawn().unwrap();
        let other = Command::new("sleep").arg("1000").env("MESOS_SLAVE_ID", "mm-S0").spawn();
        drop(watcher);
        assert_eq!(ended_by_signal(daemon), cfg!(target_os = "linux"));
        let mut other = other.unwrap();
        assert_eq!(other.try_wait().unwrap(), None, "it belongs to another cluster");
        other.kill().unwrap();
        other.wait().unwrap();
        drop(copy);
    }

    #[test]
    fn once_dismissed_it_kills_nobody() {
        let watcher = Watcher::start("m").unwrap();
        let mut kept = sleeper(&watcher, "exec sleep 1000");
        watcher.dismiss();
        drop(watcher);
        assert_eq!(kept.try_wait().unwrap(), None);
        kept.kill().unwrap();
        kept.wait().unwrap();
    }

    #[test]
    fn a_start_that_failed_leaves_nothing_on_the_list() {
        let watcher = Watcher::start("m").unwrap();
        let kept = sleeper(&watcher, "exec sleep 1000");
        let mut command = Command::new("/no/such/program");
        watcher.starting();
        children::detach(&mut command, watcher.announce());
        command.spawn().unwrap_err();
        watcher.failed();
        // a start that failed before it could announce itself takes nobody else off the list
        watcher.starting();
        watcher.failed();
        drop(watcher);
        assert!(ended_by_signal(kept));
    }
}
