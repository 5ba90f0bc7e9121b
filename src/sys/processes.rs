//! The processes of this machine, as /proc shows them.
//!
//! # Invariants
//! * What ends while it is looked at is left out, as is what has ended and only waits to be reaped.
//! * Where there is no /proc there is nothing to see, and callers do with what they know.

use rustix::process::{Pid, Signal};
use std::fs;

/// A process that runs.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) pid: Pid,
    pub(crate) group: i32,
    pub(crate) session: i32,
}

impl Process {
    /// The value of a variable in the environment that it was started with. None also if we may not look.
    pub(crate) fn variable(&self, name: &str) -> Option<Vec<u8>> {
        let environment = fs::read(format!("/proc/{}/environ", self.pid.as_raw_pid())).ok()?;
        let value =
            |entry: &[u8]| entry.strip_prefix(name.as_bytes())?.strip_prefix(b"=").map(<[u8]>::to_vec);
        environment.split(|byte| *byte == 0).find_map(value)
    }
}

/// Kills this process and all others of its group, at once.
pub(crate) fn kill_group() {
    // it cannot fail for one's own group; should it, there is nobody left to hear of it
    let _ended = rustix::process::kill_current_process_group(Signal::KILL);
}

/// Everything that runs.
pub(crate) fn all() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries.flatten().filter_map(|entry| read(entry.file_name().to_str()?)).collect()
}

fn read(name: &str) -> Option<Process> {
    let pid = Pid::from_raw(name.parse().ok()?)?;
    let stat = fs::read(format!("/proc/{name}/stat")).ok()?;
    // pid (name) state parent group session …; the name may hold anything, also what is not UTF-8
    let stat = String::from_utf8_lossy(&stat);
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let (state, _parent) = (fields.next()?, fields.next()?);
    let (group, session) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    (!matches!(state, "Z" | "X")).then_some(Process { pid, group, session })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn a_child_with_its_variables_and_a_zombie_not() {
        let mut child = Command::new("cat").env("COLOUR", "a=b").stdin(Stdio::piped()).spawn().unwrap();
        let pid = child.id().cast_signed();
        let find = || all().into_iter().find(|process| process.pid.as_raw_pid() == pid);
        let process = find().unwrap();
        assert_eq!(process.group, rustix::process::getpgrp().as_raw_pid());
        // until it has executed its program, its environment is ours
        while process.variable("COLOUR").is_none() {
            std::thread::yield_now();
        }
        assert_eq!(process.variable("COLOUR").unwrap(), b"a=b");
        assert_eq!(process.variable("COLOU"), None);
        child.kill().unwrap();
        while find().is_some() {
            std::thread::yield_now();
        }
        child.wait().unwrap();
    }
}
