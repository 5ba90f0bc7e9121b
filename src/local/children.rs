//! The real processes of tasks.
//!
//! # Invariants
//! * A task has its own sandbox directory, session and process group; its output is in `stdout` and `stderr` there.
//! * Only children of ours are reaped, one by one: by a pidfd on Linux, by a thread that waits elsewhere. There is no
//!   handler of SIGCHLD.
//! * When a task's leader ends, what it left in its process group is killed before the leader is reaped: until then
//!   its number cannot mean anything else.
//! * Nothing outlives the cluster (`Watcher`).

use super::process::{Command as TaskCommand, Exit, Launch, Processes, RunId, Signal};
use super::watcher::Watcher;
use crate::sys;
use crate::sys::children::{detach, signal_session};
use crate::sys::signals;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::symlink;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// What a process inherits of ours, without what belongs to another Mesos.
pub(crate) fn inherited_environment() -> Vec<(OsString, OsString)> {
    let foreign = |name: &OsString| {
        name.to_str().is_some_and(|name| name.starts_with("MESOS_") || name.starts_with("LIBPROCESS_"))
    };
    std::env::vars_os().filter(|(name, _)| !foreign(name)).collect()
}

/// Sandboxes by task id, the latest run of each.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sandboxes(Arc<Mutex<HashMap<String, PathBuf>>>);

impl Sandboxes {
    pub(crate) fn get(&self, task: &str) -> Option<PathBuf> {
        lock(&self.0).get(task).cloned()
    }
}

/// Has `latest`, beside a sandbox, name it: as on a Mesos agent, that is where tools look.
fn point_at(sandbox: &Path) -> io::Result<()> {
    let (latest, container) = (sandbox.with_file_name("latest"), sandbox.file_name().unwrap_or_default());
    match fs::remove_file(&latest) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => symlink(container, latest),
    }
}

/// A task's first process. `alive` says whether its number is still its own.
#[derive(Debug)]
struct Leader {
    pid: Pid,
    alive: Mutex<bool>,
}

/// Tells of an exit.
pub(crate) type Report = Arc<dyn Fn(RunId, Exit) + Send + Sync>;

/// The processes of one cluster.
pub(crate) struct Children {
    pub(crate) root: PathBuf,
    /// of the agents, as `ip:port`
    pub(crate) endpoint: String,
    pub(crate) environment: Vec<(OsString, OsString)>,
    pub(crate) sandboxes: Sandboxes,
    pub(crate) watcher: Arc<Watcher>,
    pub(crate) runtime: Handle,
    pub(crate) report: Report,
    pub(crate) leaders: Leaders,
}

/// Those that are not reported yet.
#[derive(Debug, Default)]
pub(crate) struct Leaders(HashMap<RunId, Arc<Leader>>);

impl Processes for Children {
    fn start(&mut self, run: RunId, launch: &Launch) -> Result<u32, String> {
        let sandbox = self.root.join(launch.sandbox());
        let failed = |error: io::Error| format!("The sandbox {} cannot be made: {error}", sandbox.display());
        fs::create_dir_all(&sandbox).map_err(failed)?;
        point_at(&sandbox).map_err(failed)?;
        let open = |name| OpenOptions::new().create(true).append(true).open(sandbox.join(name));
        let (stdout, mut stderr) = (open("stdout").map_err(failed)?, open("stderr").map_err(failed)?);
        lock(&self.sandboxes.0).insert(launch.task.clone(), sandbox.clone());

        let mut command = match &launch.command {
            TaskCommand::Shell(script) => {
                let mut command = Command::new("/bin/sh");
                command.arg0("sh").arg("-c").arg(script);
                command
            }
            TaskCommand::Program(program, arguments) => {
                let mut command = Command::new(program);
                let (own_name, arguments) = arguments.split_first().map_or((program, &[][..]), |parts| parts);
                command.arg0(own_name).args(arguments);
                command
            }
        };
        command.env_clear().envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.envs(self.variables(launch, &sandbox)).envs(launch.environment.iter().cloned());
        let errors = stderr.try_clone().map_err(failed)?;
        command.current_dir(&sandbox).stdin(Stdio::null()).stdout(stdout).stderr(errors);
        detach(&mut command, self.watcher.announce());
        let child = command.spawn().map_err(|error| {
            let what = command.get_program().to_string_lossy().into_owned();
            let why = format!("Failed to execute '{what}': {}", words(&error));
            let _full = writeln!(stderr, "{why}");
            why
        })?;

        let pid = child.id();
        let Some(number) = i32::try_from(pid).ok().and_then(Pid::from_raw) else {
            return Err(format!("{pid} is not the number of a process"));
        };
        let leader = Arc::new(Leader { pid: number, alive: Mutex::new(true) });
        self.leaders.0.insert(run, leader.clone());
        let (watcher, report) = (self.watcher.clone(), self.report.clone());
        self.runtime.spawn(async move {
            ended(leader.pid).await;
            let exit = reap(&leader, child);
            watcher.forget(leader.pid.as_raw_pid());
            drop(watcher);
            report(run, exit);
        });
        Ok(pid)
    }

    fn signal(&mut self, run: RunId, signal: Signal) {
        let Some(leader) = self.leaders.0.get(&run) else { return };
        let alive = lock(&leader.alive);
        if *alive {
            let signal = match signal {
                Signal::Terminate => rustix::process::Signal::TERM,
                Signal::Kill => rustix::process::Signal::KILL,
            };
            signal_session(leader.pid, signal);
        }
    }

    fn forget(&mut self, run: RunId) {
        self.leaders.0.remove(&run);
    }
}

impl Children {
    /// Kills everything; the exits are still reported.
    pub(crate) fn kill_all(&mut self) {
        let runs: Vec<RunId> = self.leaders.0.keys().copied().collect();
        runs.into_iter().for_each(|run| self.signal(run, Signal::Kill));
    }

    /// How many have not been forgotten.
    pub(crate) fn count(&self) -> usize {
        self.leaders.0.len()
    }

    /// What Mesos' agent tells an executor, and with it the task.
    fn variables(&self, launch: &Launch, sandbox: &Path) -> Vec<(&'static str, OsString)> {
        let text = |text: &str| OsString::from(text);
        vec![
            ("LIBPROCESS_PORT", text("0")),
            ("MESOS_AGENT_ENDPOINT", text(&self.endpoint)),
            ("MESOS_ALLOCATION_ROLE", text(&launch.role)),
            ("MESOS_CHECKPOINT", text("0")),
            ("MESOS_DIRECTORY", sandbox.into()),
            ("MESOS_EXECUTOR_ID", text(&launch.task)),
            ("MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD", text("5secs")),
            ("MESOS_FRAMEWORK_ID", text(&launch.framework)),
            ("MESOS_HTTP_COMMAND_EXECUTOR", text("0")),
            ("MESOS_SANDBOX", sandbox.into()),
            ("MESOS_SLAVE_ID", text(&launch.agent)),
            ("MESOS_TASK_ID", text(&launch.task)),
        ]
    }
}

/// Waits until a child of ours has ended, without reaping it.
async fn ended(pid: Pid) {
    #[cfg(target_os = "linux")]
    if let Ok(process) = sys::children::watch(pid)
        && process.readable().await.is_ok()
    {
        return;
    }
    ended_by_thread(pid).await;
}

/// The same where there is no pidfd: a thread waits.
async fn ended_by_thread(pid: Pid) {
    let (sender, receiver) = oneshot::channel();
    let wait = move || {
        signals::block_all();
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while waitid(WaitId::Pid(pid), options).is_err_and(|errno| errno == rustix::io::Errno::INTR) {}
        let _closed = sender.send(());
    };
    if let Err(error) = std::thread::Builder::new().name("mesos-wait".into()).spawn(wait) {
        tracing::error!(%error, "no thread to wait for a task: its end will be noticed late");
    }
    // Without a thread the sender is gone, this returns at once, and reaping waits.
    let _ended = receiver.await;
}

/// Kills what a task left behind, then reaps its leader.
fn reap(leader: &Leader, mut child: Child) -> Exit {
    let mut alive = lock(&leader.alive);
    // The leader has ended; what else is in its group has lost its task.
    let _gone = rustix::process::kill_process_group(leader.pid, rustix::process::Signal::KILL);
    let status = child.wait();
    *alive = false;
    match status {
        Ok(status) => match (status.code(), status.signal()) {
            (Some(code), _) => Exit::Code(code),
            (_, Some(number)) => Exit::Signal { number, dumped: status.core_dumped() },
            _ => Exit::Unknown,
        },
        Err(error) => {
            tracing::error!(%error, pid = leader.pid.as_raw_pid(), "the end of a task could not be read");
            Exit::Unknown
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The system's words for an error, without Rust's "(os error 2)".
fn words(error: &io::Error) -> String {
    let text = error.to_string();
    text.split_once(" (os error ").map_or(text.clone(), |(words, _)| words.to_owned())
}
