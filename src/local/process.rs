//! The processes of tasks and executors, as the state machines see them: what to start, what to signal, how one ended.

use super::owner::Owner;
use crate::proto::mesos::v1::{CommandInfo, Resource, command_info};
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long an executor may try to come back to an agent that was started again.
const RECOVERY_TIMEOUT: &str = "15mins";
/// The longest that it should wait between two attempts.
const BACKOFF_MAX: &str = "2secs";

/// One run of one task or executor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RunId {
    /// position of the agent in the cluster
    pub(crate) agent: usize,
    pub(crate) number: u64,
}

/// What to execute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    /// by `/bin/sh -c`
    Shell(String),
    /// a program and its whole argument vector, its own name included
    Program(String, Vec<String>),
}

/// A process to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Launch {
    /// its sandbox, below the cluster's directory
    pub(crate) sandbox: PathBuf,
    pub(crate) command: Command,
    /// what Mesos' agent tells it
    pub(crate) told: Vec<(&'static str, String)>,
    /// the command's own variables
    pub(crate) environment: Vec<(String, String)>,
    /// what is to be in the sandbox first
    pub(crate) uris: Vec<Uri>,
    /// it only looks at the task whose sandbox it is: what it writes is the task's errors, and the task outlives it
    pub(crate) looks: bool,
}

/// `CommandInfo.URI`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Uri {
    pub(crate) value: String,
    /// where to, in the sandbox
    pub(crate) output: Option<String>,
    pub(crate) executable: bool,
    pub(crate) extract: bool,
}

impl Uri {
    /// Where it goes to, in the sandbox.
    pub(crate) fn file_name(&self) -> Option<&str> {
        let last = self.value.rsplit('/').next().map(|last| last.split(['?', '#']).next().unwrap_or(last));
        self.output.as_deref().or(last).filter(|name| !name.is_empty())
    }

    /// The program that unpacks it, and its arguments before the file's name; None if it is no archive.
    pub(crate) fn unpacks(&self) -> Option<&'static [&'static str]> {
        let name = self.file_name()?;
        let tar = [".tar", ".tgz", ".tar.gz", ".tbz2", ".tar.bz2", ".txz", ".tar.xz"];
        match self.extract && !self.executable {
            true if tar.iter().any(|end| name.ends_with(end)) => Some(&["tar", "-xf"]),
            true if name.ends_with(".zip") => Some(&["unzip", "-o", "-q"]),
            _ => None,
        }
    }
}

/// Whose process it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) agent: &'a str,
    pub(crate) address: SocketAddr,
    /// the agent's Unix domain socket
    pub(crate) socket: Option<&'a Path>,
    pub(crate) owner: &'a Owner,
    pub(crate) executor: &'a str,
    pub(crate) container: &'a str,
    /// from SHUTDOWN to SIGKILL
    pub(crate) grace: Duration,
}

impl Launch {
    /// An executor with a process of its own.
    pub(crate) fn executor(place: Place<'_>, command: Option<&CommandInfo>, resources: &[Resource]) -> Self {
        Self::of(place, place.sandbox(), command, resources)
    }

    /// The command of a task, in the sandbox of the executor that Mesos would run it by.
    pub(crate) fn task(
        place: Place<'_>,
        task: &str,
        command: Option<&CommandInfo>,
        resources: &[Resource],
    ) -> Self {
        let mut launch = Self::of(place, place.sandbox(), command, resources);
        launch.told.push(("MESOS_TASK_ID", task.into()));
        launch
    }

    /// One task of a group, in a directory of its own below its executor's sandbox.
    pub(crate) fn member(
        place: Place<'_>,
        task: &str,
        command: Option<&CommandInfo>,
        resources: &[Resource],
    ) -> Self {
        let sandbox = place.sandbox().join("tasks").join(task);
        let mut launch = Self::of(place, sandbox, command, resources);
        launch.told.push(("MESOS_TASK_ID", task.into()));
        launch
    }

    /// A command that looks at the task of this launch, with these variables of the task.
    pub(crate) fn look(&self, command: &CommandInfo, mut environment: Vec<(String, String)>) -> Self {
        environment.extend(variables(Some(command)));
        Self {
            sandbox: self.sandbox.clone(),
            command: program(Some(command)),
            told: self.told.clone(),
            environment,
            uris: Vec::new(),
            looks: true,
        }
    }

    fn of(place: Place<'_>, sandbox: PathBuf, command: Option<&CommandInfo>, resources: &[Resource]) -> Self {
        Self {
            sandbox,
            command: program(command),
            told: place.variables(resources),
            environment: variables(command).collect(),
            uris: command.into_iter().flat_map(|command| &command.uris).map(uri).collect(),
            looks: false,
        }
    }
}

fn program(command: Option<&CommandInfo>) -> Command {
    let value = command.and_then(|command| command.value.clone()).unwrap_or_default();
    match command {
        Some(command) if !command.shell() => Command::Program(value, command.arguments.clone()),
        _ => Command::Shell(value),
    }
}

fn variables(command: Option<&CommandInfo>) -> impl Iterator<Item = (String, String)> {
    let variables = command.and_then(|command| command.environment.as_ref());
    let variables = variables.into_iter().flat_map(|environment| &environment.variables);
    variables.map(|this| (this.name.clone(), this.value().to_owned()))
}

fn uri(uri: &command_info::Uri) -> Uri {
    Uri {
        value: uri.value.clone(),
        output: uri.output_file.clone(),
        executable: uri.executable(),
        extract: uri.extract(),
    }
}

/// Where an executor's files are, below the cluster's directory.
pub(crate) fn sandbox(agent: &str, framework: &str, executor: &str, container: &str) -> PathBuf {
    ["agents", agent, "frameworks", framework, "executors", executor, "runs", container].iter().collect()
}

impl Place<'_> {
    /// Where its executor's files are, below the cluster's directory.
    pub(crate) fn sandbox(&self) -> PathBuf {
        sandbox(self.agent, self.owner.id(), self.executor, self.container)
    }

    /// The environment of executors, but for the directories, of which only the outside knows where they are.
    fn variables(&self, resources: &[Resource]) -> Vec<(&'static str, String)> {
        let role = resources.first().and_then(|resource| resource.allocation_info.as_ref());
        let checkpoint = self.owner.checkpoints();
        let mut all = vec![
            ("LIBPROCESS_IP", self.address.ip().to_string()),
            ("LIBPROCESS_PORT", "0".into()),
            ("MESOS_AGENT_ENDPOINT", self.address.to_string()),
            ("MESOS_ALLOCATION_ROLE", role.map_or("*", |allocation| allocation.role()).into()),
            ("MESOS_CHECKPOINT", String::from(if checkpoint { "1" } else { "0" })),
            ("MESOS_EXECUTOR_ID", self.executor.into()),
            ("MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD", duration(self.grace)),
            ("MESOS_FRAMEWORK_ID", self.owner.id().into()),
            ("MESOS_HTTP_COMMAND_EXECUTOR", "0".into()),
            ("MESOS_SLAVE_ID", self.agent.into()),
            ("MESOS_SLAVE_PID", format!("slave(1)@{}", self.address)),
        ];
        if let Some(socket) = self.socket {
            all.push(("MESOS_DOMAIN_SOCKET", socket.display().to_string()));
        }
        if checkpoint {
            all.push(("MESOS_RECOVERY_TIMEOUT", RECOVERY_TIMEOUT.into()));
            all.push(("MESOS_SUBSCRIPTION_BACKOFF_MAX", BACKOFF_MAX.into()));
        }
        all
    }
}

/// As Mesos writes it, in the largest unit that needs no fraction.
fn duration(time: Duration) -> String {
    let nanoseconds = time.as_nanos();
    let units = [("mins", 60_000_000_000), ("secs", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000)];
    match units.iter().find(|(_, size)| nanoseconds >= *size && nanoseconds.is_multiple_of(*size)) {
        Some((unit, size)) => format!("{}{unit}", nanoseconds / size),
        None => format!("{nanoseconds}ns"),
    }
}

/// What a task is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// SIGTERM, to everything that the task started
    Terminate,
    /// SIGKILL, to everything that the task started
    Kill,
}

/// How a task's process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    Code(i32),
    Signal {
        number: i32,
        dumped: bool,
    },
    /// its status could not be had
    Unknown,
}

impl Exit {
    /// As wait(2) has it; −1 if it is not known.
    pub(crate) fn status(self) -> i32 {
        match self {
            Self::Code(code) => (code & 0xff) << 8,
            Self::Signal { number, dumped } => number | if dumped { 0x80 } else { 0 },
            Self::Unknown => -1,
        }
    }
}

impl fmt::Display for Exit {
    /// The second half of Mesos' sentence, "Command …".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Code(code) => write!(f, "exited with status {code}"),
            Self::Signal { number, dumped } => {
                let dumped = if dumped { " (core dumped)" } else { "" };
                write!(f, "terminated with signal {}{dumped}", signal_name(number))
            }
            Self::Unknown => f.write_str("ended, and its exit status is lost"),
        }
    }
}

/// Where processes really come from.
pub(crate) trait Processes: Send {
    /// Starts a task and returns its process id; the exit is reported later, exactly once.
    fn start(&mut self, run: RunId, launch: &Launch) -> Result<u32, String>;
    /// Signals a task; one that has ended is left alone.
    fn signal(&mut self, run: RunId, signal: Signal);
    /// The exit was reported and taken.
    fn forget(&mut self, run: RunId);
}

/// What strsignal(3) says.
fn signal_name(number: i32) -> String {
    let name = match number {
        libc::SIGHUP => "Hangup",
        libc::SIGINT => "Interrupt",
        libc::SIGQUIT => "Quit",
        libc::SIGILL => "Illegal instruction",
        libc::SIGTRAP => "Trace/breakpoint trap",
        libc::SIGABRT => "Aborted",
        libc::SIGBUS => "Bus error",
        libc::SIGFPE => "Floating point exception",
        libc::SIGKILL => "Killed",
        libc::SIGUSR1 => "User defined signal 1",
        libc::SIGSEGV => "Segmentation fault",
        libc::SIGUSR2 => "User defined signal 2",
        libc::SIGPIPE => "Broken pipe",
        libc::SIGALRM => "Alarm clock",
        libc::SIGTERM => "Terminated",
        libc::SIGXCPU => "CPU time limit exceeded",
        libc::SIGXFSZ => "File size limit exceeded",
        libc::SIGVTALRM => "Virtual timer expired",
        libc::SIGPROF => "Profiling timer expired",
        libc::SIGSYS => "Bad system call",
        _ => return format!("Unknown signal {number}"),
    };
    name.into()
}
