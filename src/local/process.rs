//! The processes of tasks, as the state machines see them: what to start, what to signal, how one ended.

use crate::proto::mesos::v1::TaskInfo;
use std::fmt;
use std::path::PathBuf;

/// One run of one task.
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

/// A task as a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Launch {
    pub(crate) agent: String,
    pub(crate) framework: String,
    pub(crate) task: String,
    pub(crate) container: String,
    pub(crate) role: String,
    pub(crate) command: Command,
    /// the task's own variables
    pub(crate) environment: Vec<(String, String)>,
}

impl Launch {
    pub(crate) fn of(agent: &str, framework: &str, container: &str, task: &TaskInfo) -> Self {
        let command = task.command.as_deref();
        let value = command.and_then(|command| command.value.clone()).unwrap_or_default();
        let variables = command.and_then(|command| command.environment.as_ref());
        let variables = variables.into_iter().flat_map(|environment| &environment.variables);
        let role = task.resources.first().and_then(|resource| resource.allocation_info.as_ref());
        Self {
            agent: agent.into(),
            framework: framework.into(),
            task: task.task_id.value.clone(),
            container: container.into(),
            role: role.map_or("*", |allocation| allocation.role()).into(),
            command: match command {
                Some(command) if !command.shell() => Command::Program(value, command.arguments.clone()),
                _ => Command::Shell(value),
            },
            environment: variables.map(|this| (this.name.clone(), this.value().to_owned())).collect(),
        }
    }

    /// The sandbox, below the cluster's directory.
    pub(crate) fn sandbox(&self) -> PathBuf {
        let Self { agent, framework, task, container, .. } = self;
        ["agents", agent, "frameworks", framework, "executors", task, "runs", container].iter().collect()
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
