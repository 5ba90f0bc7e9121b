//! What belongs to a task beyond its first process: signalled with it, killed when it has ended.
//!
//! Finding such processes means reading all of /proc, so it is done on threads for blocking work, and for all tasks
//! that wait for it at once.
//!
//! # Invariants
//! * To a task belongs what is in its session, or has its sandbox in its environment: a daemon leaves the session, but
//!   hardly ever a variable.
//! * A leader is reaped only after that: until then its number can mean no other session. One sweep at a time.

use super::process::{Exit, Signal};
use super::watcher::Watcher;
use crate::sys::processes;
use rustix::process::{Pid, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid};
use std::collections::HashMap;
use std::process::Child;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The variable by which a process is known to belong to a task.
pub(super) const SANDBOX: &str = "MESOS_SANDBOX";

/// How often dying processes are looked at.
const ROUNDS: u32 = 200;

/// A task's first process.
#[derive(Debug)]
pub(crate) struct Leader {
    pid: Pid,
    /// of a look at a task there is none: the sandbox is the task's
    sandbox: Option<Vec<u8>>,
    /// whether the number is still its own
    alive: Mutex<bool>,
}

impl Leader {
    pub(super) fn new(pid: Pid, sandbox: Option<Vec<u8>>) -> Self {
        Self { pid, sandbox, alive: Mutex::new(true) }
    }

    pub(super) fn pid(&self) -> Pid {
        self.pid
    }

    /// Signals its process group, unless it is reaped. Says whether it did.
    pub(super) fn signal_group(&self, signal: Signal) -> bool {
        let alive = lock(&self.alive);
        if *alive {
            // A group that is gone already needs no signal.
            let _gone = kill_process_group(self.pid, number(signal));
        }
        *alive
    }

    /// How it ended; the caller knows that it did. It is not reaped yet; its group has lost its task.
    pub(super) fn exit(&self) -> Exit {
        self.signal_group(Signal::Kill);
        exit_of(self.pid)
    }
}

fn exit_of(pid: Pid) -> Exit {
    let status = loop {
        match waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {
            Err(rustix::io::Errno::INTR) => {}
            Err(errno) => {
                tracing::error!(%errno, pid = pid.as_raw_pid(), "the end of a task could not be read");
                return Exit::Unknown;
            }
            Ok(status) => break status,
        }
    };
    let Some(status) = status else { return Exit::Unknown };
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => Exit::Code(code),
        (_, Some(number)) => Exit::Signal { number, dumped: status.dumped() },
        _ => Exit::Unknown,
    }
}

fn number(signal: Signal) -> rustix::process::Signal {
    match signal {
        Signal::Terminate => rustix::process::Signal::TERM,
        Signal::Kill => rustix::process::Signal::KILL,
    }
}

/// What waits for a look at /proc.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sweeper(Arc<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    sweeping: Mutex<()>,
    signals: Mutex<Vec<(Arc<Leader>, Signal)>>,
    /// leaders that have ended, and the handles by which they are reaped
    ended: Mutex<Vec<(Arc<Leader>, Child)>>,
}

impl Sweeper {
    /// Notes a signal that the leader's group has had. True if none waited: then `pass_on` is to be called.
    pub(super) fn put_signal(&self, leader: Arc<Leader>, signal: Signal) -> bool {
        let mut all = lock(&self.0.signals);
        all.push((leader, signal));
        all.len() == 1
    }

    /// Notes a leader that has ended. True if none waited: then `sweep` is to be called.
    pub(super) fn put_ended(&self, leader: Arc<Leader>, child: Child) -> bool {
        let mut all = lock(&self.0.ended);
        all.push((leader, child));
        all.len() == 1
    }

    /// Sends signals to what has left the groups of their leaders.
    pub(super) fn pass_on(&self) {
        let _alone = lock(&self.0.sweeping);
        let all = std::mem::take(&mut *lock(&self.0.signals));
        let mut tasks = Tasks::default();
        for (leader, signal) in all.iter().filter(|(leader, _)| *lock(&leader.alive)) {
            tasks.add(leader, *signal);
        }
        for (pid, signal) in tasks.others() {
            let _gone = kill_process(pid, number(signal));
        }
    }

    /// Kills what is left of the tasks whose leaders have ended, waits until it is gone (not for ever: what the kernel
    /// cannot end now, it ends later), and reaps the leaders.
    pub(super) fn sweep(&self, watcher: Option<&Watcher>) {
        let _alone = lock(&self.0.sweeping);
        let all = std::mem::take(&mut *lock(&self.0.ended));
        let mut tasks = Tasks::default();
        all.iter().for_each(|(leader, _)| tasks.add(leader, Signal::Kill));
        for _round in 0..ROUNDS {
            let left = tasks.others();
            if left.is_empty() {
                break;
            }
            for (pid, signal) in left {
                let _gone = kill_process(pid, number(signal));
            }
            std::thread::yield_now();
        }
        for (leader, mut child) in all {
            let mut alive = lock(&leader.alive);
            if let Err(error) = child.wait() {
                tracing::error!(%error, "a task could not be reaped");
            }
            *alive = false;
            if let Some(watcher) = watcher {
                watcher.forget(leader.pid.as_raw_pid());
            }
        }
    }
}

/// Tasks by what tells that a process is theirs, and what it is to be told.
#[derive(Default)]
struct Tasks<'a> {
    sessions: HashMap<i32, Signal>,
    sandboxes: HashMap<&'a [u8], Signal>,
}

impl<'a> Tasks<'a> {
    fn add(&mut self, leader: &'a Leader, signal: Signal) {
        let stronger = |held: &mut Signal| {
            if signal == Signal::Kill {
                *held = signal;
            }
        };
        self.sessions.entry(leader.pid.as_raw_pid()).and_modify(stronger).or_insert(signal);
        if let Some(sandbox) = &leader.sandbox {
            self.sandboxes.entry(sandbox).and_modify(stronger).or_insert(signal);
        }
    }

    /// Living processes of theirs; without those that the signal to the group has reached, if one is enough.
    fn others(&self) -> Vec<(Pid, Signal)> {
        if self.sessions.is_empty() {
            return Vec::new();
        }
        let wanted = |process: processes::Process| {
            let of_session = self.sessions.get(&process.session).copied();
            let of_sandbox = || self.sandboxes.get(process.variable(SANDBOX)?.as_slice()).copied();
            let signal = of_session.or_else(of_sandbox)?;
            let had_it = signal == Signal::Terminate && self.sessions.contains_key(&process.group);
            (!had_it).then_some((process.pid, signal))
        };
        processes::all().into_iter().filter_map(wanted).collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn an_exit_is_read_before_it_is_reaped() {
        let mut child = Command::new("/bin/sh").args(["-c", "exit 5"]).spawn().unwrap();
        let pid = Pid::from_raw(child.id().cast_signed()).unwrap();
        assert_eq!((exit_of(pid), exit_of(pid)), (Exit::Code(5), Exit::Code(5)));
        assert_eq!(child.wait().unwrap().code(), Some(5));
    }

    #[test]
    fn a_reaped_leader_is_not_signalled() {
        let child = Command::new("/bin/sh").args(["-c", "exit 0"]).spawn().unwrap();
        let leader =
            Arc::new(Leader::new(Pid::from_raw(child.id().cast_signed()).unwrap(), Some(b"/s".to_vec())));
        let sweeper = Sweeper::default();
        assert!(leader.signal_group(Signal::Terminate));
        assert!(sweeper.put_ended(leader.clone(), child));
        sweeper.sweep(None);
        assert!(!leader.signal_group(Signal::Terminate));
        assert!(sweeper.put_signal(leader, Signal::Kill));
        sweeper.pass_on();
    }
}
