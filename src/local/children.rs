//! The real processes of tasks.
//!
//! # Invariants
//! * A task has its own sandbox directory, session and process group; its output is in `stdout` and `stderr` there.
//! * Only children of ours are reaped, one by one: by a pidfd on Linux, by a thread that waits elsewhere. There is no
//!   handler of SIGCHLD.
//! * When a task's leader ends, what it left in its process group is killed at once, and everything else of the task
//!   within `SWEEP` (`sweeper`).
//! * Nothing outlives the cluster (`Watcher`).

use super::clock::pause;
use super::fetch::fetch;
use super::process::{Command as TaskCommand, Exit, Launch, Processes, RunId, Signal};
use super::sweeper::{Leader, SANDBOX, Sweeper};
use super::watcher::Watcher;
use crate::sys;
use crate::sys::children::detach;
use crate::sys::signals;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// How long leaders that have ended wait for others before they are swept together.
const SWEEP: Duration = Duration::from_millis(250);

/// What a process inherits of ours, without what belongs to another Mesos.
pub(crate) fn inherited_environment() -> Vec<(OsString, OsString)> {
    let foreign = |name: &OsString| {
        name.to_str().is_some_and(|name| name.starts_with("MESOS_") || name.starts_with("LIBPROCESS_"))
    };
    std::env::vars_os().filter(|(name, _)| !foreign(name)).collect()
}

/// Sandboxes by task id, the latest run of each. Nothing of it is forgotten, so the many tasks of an executor share a path.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sandboxes(Arc<Mutex<Places>>);

#[derive(Debug, Default)]
struct Places {
    by_task: HashMap<String, Arc<Path>>,
    latest: Option<Arc<Path>>,
}

impl Sandboxes {
    pub(crate) fn get(&self, task: &str) -> Option<PathBuf> {
        lock(&self.0).by_task.get(task).map(|sandbox| sandbox.to_path_buf())
    }

    fn put(&self, task: String, sandbox: &Path) {
        let mut places = lock(&self.0);
        let same = places.latest.take().filter(|latest| **latest == *sandbox);
        let shared = same.unwrap_or_else(|| sandbox.into());
        places.latest = Some(shared.clone());
        places.by_task.insert(task, shared);
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

/// Tells of an exit.
pub(crate) type Report = Arc<dyn Fn(RunId, Exit) + Send + Sync>;

/// The processes of one cluster.
pub(crate) struct Children {
    pub(crate) root: PathBuf,
    pub(crate) environment: Vec<(OsString, OsString)>,
    pub(crate) sandboxes: Sandboxes,
    pub(crate) watcher: Arc<Watcher>,
    pub(crate) runtime: Handle,
    pub(crate) report: Report,
    pub(crate) leaders: Leaders,
    pub(crate) sweeper: Sweeper,
}

/// Those that are not reported yet.
#[derive(Debug, Default)]
pub(crate) struct Leaders(HashMap<RunId, Arc<Leader>>);

impl Processes for Children {
    fn start(&mut self, run: RunId, launch: &Launch) -> Result<u32, String> {
        let sandbox = self.root.join(&launch.sandbox);
        let failed = |error: io::Error| format!("The sandbox {} cannot be made: {error}", sandbox.display());
        fs::create_dir_all(&sandbox).map_err(failed)?;
        if !launch.looks {
            point_at(&sandbox).map_err(failed)?;
        }
        let open = |name| OpenOptions::new().create(true).append(true).open(sandbox.join(name));
        let stdout = open(if launch.looks { "stderr" } else { "stdout" }).map_err(failed)?;
        let mut stderr = open("stderr").map_err(failed)?;
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
        command.envs(launch.told.iter().cloned()).env("MESOS_DIRECTORY", &sandbox).env(SANDBOX, &sandbox);
        command.envs(launch.environment.iter().cloned());
        let errors = stderr.try_clone().map_err(failed)?;
        command.current_dir(&sandbox).stdin(Stdio::null()).stdout(stdout).stderr(errors);
        detach(&mut command, self.watcher.announce());
        self.watcher.starting();
        let child = command.spawn().map_err(|error| {
            self.watcher.failed();
            let what = command.get_program().to_string_lossy().into_owned();
            let why = format!("Failed to execute '{what}': {}", words(&error));
            let _full = writeln!(stderr, "{why}");
            why
        })?;

        let pid = child.id();
        let Some(number) = i32::try_from(pid).ok().and_then(Pid::from_raw) else {
            return Err(format!("{pid} is not the number of a process"));
        };
        let sandbox = (!launch.looks).then(|| sandbox.as_os_str().as_bytes().to_vec());
        let leader = Arc::new(Leader::new(number, sandbox));
        self.leaders.0.insert(run, leader.clone());
        let (report, sweeper) = (self.report.clone(), self.sweeper.clone());
        let watcher = Arc::downgrade(&self.watcher);
        self.runtime.spawn(async move {
            ended(leader.pid()).await;
            let exit = leader.exit();
            let first = sweeper.put_ended(leader, child);
            report(run, exit);
            // Whoever is first takes along what ends in the meantime: looking through /proc is slow.
            if first {
                pause(SWEEP).await;
                let sweep = move || sweeper.sweep(watcher.upgrade().as_deref());
                drop(tokio::task::spawn_blocking(sweep).await);
            }
        });
        Ok(pid)
    }

    fn signal(&mut self, run: RunId, signal: Signal) {
        let Some(leader) = self.leaders.0.get(&run) else { return };
        if leader.signal_group(signal) && self.sweeper.put_signal(leader.clone(), signal) {
            let sweeper = self.sweeper.clone();
            self.runtime.spawn_blocking(move || sweeper.pass_on());
        }
    }

    fn forget(&mut self, run: RunId) {
        self.leaders.0.remove(&run);
    }
}

impl Children {
    /// Has files brought into the sandbox of a process that is to start; `done` hears whether they are there.
    pub(crate) fn fetch(
        &self,
        mut launch: Box<Launch>,
        done: impl FnOnce(Box<Launch>, bool) + Send + 'static,
    ) {
        let (uris, sandbox) = (std::mem::take(&mut launch.uris), self.root.join(&launch.sandbox));
        self.runtime.spawn(async move {
            let fetched = fetch(uris, sandbox).await;
            done(launch, fetched.is_ok());
        });
    }

    /// Notes where the files of a task are, and has volumes appear there.
    pub(crate) fn place(&self, task: String, directory: &Path, volumes: &[(String, PathBuf)]) {
        let sandbox = self.root.join(directory);
        for (path, volume) in volumes {
            let (link, volume) = (sandbox.join(path), self.root.join(volume));
            let parent = link.parent().unwrap_or(&sandbox);
            match fs::create_dir_all(parent).and_then(|()| symlink(&volume, &link)) {
                // A task before it on the same executor has brought it.
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    tracing::error!(%error, task, "the volume {path} cannot be put into the task's sandbox");
                }
                _ => {}
            }
        }
        self.sandboxes.put(task, &sandbox);
    }

    pub(crate) fn create_volume(&self, directory: &Path) {
        if let Err(error) = fs::create_dir_all(self.root.join(directory)) {
            tracing::error!(%error, "the volume {} cannot be made", directory.display());
        }
    }

    pub(crate) fn destroy_volume(&self, directory: &Path) {
        if let Err(error) = fs::remove_dir_all(self.root.join(directory)) {
            tracing::error!(%error, "the volume {} cannot be removed", directory.display());
        }
    }

    /// Kills every task; the exits are still reported, and `sweep` takes what is left.
    pub(crate) fn kill_all(&mut self) {
        for leader in self.leaders.0.values() {
            leader.signal_group(Signal::Kill);
        }
    }

    /// Kills what is left of tasks that have ended. Once all have, there is nothing to watch any more.
    pub(crate) fn sweep(&self) {
        self.sweeper.sweep(Some(&self.watcher));
        if self.leaders.0.is_empty() {
            self.watcher.dismiss();
        }
    }

    /// How many have not been forgotten.
    pub(crate) fn count(&self) -> usize {
        self.leaders.0.len()
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The system's words for an error, without Rust's "(os error 2)".
fn words(error: &io::Error) -> String {
    let text = error.to_string();
    text.split_once(" (os error ").map_or(text.clone(), |(words, _)| words.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    fn children(root: &Path) -> (Children, mpsc::Receiver<(RunId, Exit)>) {
        let (sender, receiver) = mpsc::channel();
        let children = Children {
            root: root.into(),
            environment: inherited_environment(),
            sandboxes: Sandboxes::default(),
            watcher: Arc::new(Watcher::start("m").unwrap()),
            runtime: crate::runtime::handle().unwrap(),
            report: Arc::new(move |run, exit| sender.send((run, exit)).unwrap()),
            leaders: Leaders::default(),
            sweeper: Sweeper::default(),
        };
        (children, receiver)
    }

    fn launch(script: &str) -> Launch {
        Launch {
            sandbox: "agents/a/frameworks/f/executors/t/runs/c".into(),
            told: vec![("MESOS_ALLOCATION_ROLE", "r".into())],
            command: TaskCommand::Shell(script.into()),
            environment: Vec::new(),
            uris: Vec::new(),
            looks: false,
        }
    }

    const RUN: RunId = RunId { agent: 0, number: 0 };

    #[test]
    fn output_and_exit_of_a_command() {
        let root = tempfile::tempdir().unwrap();
        let (mut children, exits) = children(root.path());
        children.place("t".into(), &launch("").sandbox, &[]);
        children.start(RUN, &launch("echo out; echo $MESOS_ALLOCATION_ROLE >&2; exit 7")).unwrap();
        assert_eq!(exits.recv().unwrap(), (RUN, Exit::Code(7)));
        let sandbox = children.sandboxes.get("t").unwrap();
        assert_eq!(fs::read_to_string(sandbox.join("stdout")).unwrap(), "out\n");
        assert_eq!(fs::read_to_string(sandbox.join("stderr")).unwrap(), "r\n");
        children.sweeper.sweep(Some(&children.watcher));
        children.signal(RUN, Signal::Kill); // reaped: its number may be anybody's
        children.forget(RUN);
        assert_eq!(children.count(), 0);
    }

    #[test]
    fn what_cannot_be_executed_says_why_and_leaves_it_in_stderr() {
        let root = tempfile::tempdir().unwrap();
        let (mut children, _exits) = children(root.path());
        let program = TaskCommand::Program("/no/such".into(), vec!["such".into()]);
        children.place("t".into(), &launch("").sandbox, &[]);
        let why = children.start(RUN, &Launch { command: program, ..launch("") }).unwrap_err();
        assert_eq!(why, "Failed to execute '/no/such': No such file or directory");
        let stderr = children.sandboxes.get("t").unwrap().join("stderr");
        assert_eq!(fs::read_to_string(stderr).unwrap(), format!("{why}\n"));
        let blocked = root.path().join("file");
        fs::write(&blocked, "").unwrap();
        children.root = blocked;
        assert!(children.start(RUN, &launch("true")).unwrap_err().contains("cannot be made"));
    }

    #[test]
    fn signals_reach_the_task() {
        let root = tempfile::tempdir().unwrap();
        let (mut children, exits) = children(root.path());
        children.start(RUN, &launch("exec sleep 1000")).unwrap();
        children.signal(RUN, Signal::Terminate);
        assert_eq!(exits.recv().unwrap().1, Exit::Signal { number: 15, dumped: false });
    }

    #[test]
    fn a_look_at_a_task_takes_nothing_of_it_along() {
        let root = tempfile::tempdir().unwrap();
        let (mut children, exits) = children(root.path());
        children.start(RUN, &launch("exec sleep 1000")).unwrap();
        let look = RunId { number: 1, ..RUN };
        children.start(look, &Launch { looks: true, ..launch("echo seen; exit 3") }).unwrap();
        assert_eq!(exits.recv().unwrap(), (look, Exit::Code(3)));
        children.sweeper.sweep(Some(&children.watcher));
        assert!(exits.try_recv().is_err(), "the task runs on");
        let written = fs::read_to_string(root.path().join(launch("").sandbox).join("stderr")).unwrap();
        assert_eq!(written, "seen\n");
        children.signal(RUN, Signal::Kill);
        assert_eq!(exits.recv().unwrap().0, RUN);
    }

    #[test]
    fn a_thread_waits_where_there_is_no_pidfd() {
        let mut child = Command::new("/bin/sh").args(["-c", "exit 5"]).spawn().unwrap();
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        crate::runtime::handle().unwrap().block_on(ended_by_thread(pid));
        assert_eq!(child.wait().unwrap().code(), Some(5));
    }
}
